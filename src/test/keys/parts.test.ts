/** A build that reads only the features that a change may concern does the same as one that reads everything. */

import { expect, test } from 'vitest';
import { amendIndex, readHead } from '../../analysis/range/index-file.js';
import { createRig } from '../rig/rig.js';
import { buildOf, compareWithWhole, stateOf, walkInParts } from './part-walk.js';

const SEED = Number(process.env.TEST_SEED ?? 20261129);
const STEPS = Number(process.env.TEST_STEPS ?? 14);
const TIMED = { timeout: 200_000 + STEPS * 3000 };

test('after any changes, what a build of a part leaves is what a whole one leaves', TIMED, async () => {
  const { parts } = await walkInParts(SEED, STEPS);
  // Without this, the test would also pass if every build read everything.
  expect(parts).toBeGreaterThan(0);
});

const task = (word: string, more: object = {}) => ({
  inputs: [],
  outputs: [`out/${word}.txt`],
  run: `mkdir -p out && echo ${word} > out/${word}.txt`,
  ...more,
});
const other = (word: string) => task(word, { run: `mkdir -p out && echo other ${word} > out/${word}.txt` });

test('a changed spec is read with what needs it and what it needs, and what is said of others is said again', async () => {
  await using rig = await createRig();
  rig.backlog('a', { one: task('one') });
  rig.backlog('b', { two: task('two', { depends_on: ['a/one'] }) });
  for (const name of ['c', 'd', 'e', 'f'])
    rig.backlog(name, { [name]: task(name, { inputs: [`no/${name}.txt`] }) });
  const first = await rig.build();
  expect(first.warnings()).toHaveLength(4);
  rig.backlog('a', { one: other('one') });
  const { story: second, isPart } = await buildOf(rig);
  expect(isPart).toBe(true);
  expect(second.warnings()).toEqual(first.warnings());
  const fresh = Object.fromEntries(['c', 'd', 'e', 'f'].map((name) => [`${name}/${name}`, 'fresh']));
  expect(second.outcomes()).toEqual({ 'a/one': 'built', 'b/two': 'built', ...fresh });
  expect(second.summary.counts).toMatchObject({ built: 2, fresh: 4 });
  expect((await rig.build()).summary).toMatchObject({ outcome: 'up-to-date', counts: { fresh: 6 } });
  // Whether the warning of this one still holds is found out again.
  rig.backlog('c', { c: other('c') });
  const third = await buildOf(rig);
  expect([third.story.warnings().length, third.isPart]).toEqual([3, false]);
});

test('a task, a feature or a file of people that comes, changes or goes is read alone, a general change is not', async () => {
  await using rig = await createRig();
  for (const name of ['a', 'b', 'c', 'd', 'e', 'f', 'g']) rig.backlog(name, { [name]: task(name) });
  const reading = (word: string, more: object = {}) =>
    task(word, {
      inputs: ['in.txt'],
      run: `mkdir -p out && (cat in.txt || true) > out/${word}.txt`,
      ...more,
    });
  rig.write({ 'in.txt': 'in\n', 'alone.txt': 'alone\n' });
  rig.backlog('e', { e: reading('e') });
  await rig.build();
  const changes: readonly (readonly [boolean, string, () => void])[] = [
    [true, 'a word', () => rig.backlog('a', { a: other('a') })],
    [true, 'a new task', () => rig.backlog('a', { a: other('a'), more: task('more') })],
    [true, 'a task with another name', () => rig.backlog('a', { a: other('a'), less: task('more') })],
    [true, 'a task less', () => rig.backlog('a', { a: task('a') })],
    [true, 'a new feature', () => rig.backlog('new', { new: reading('new', { depends_on: ['b/b'] }) })],
    [true, 'what another feature needs', () => rig.backlog('b', { b: other('b') })],
    [true, 'no such feature any more', () => rig.remove('specs/new/BACKLOG.yaml')],
    [true, 'it has come again', () => rig.backlog('new', { new: reading('new') })],
    [true, 'its folder is gone', () => rig.remove('specs/new')],
    [true, 'an input', () => rig.write({ 'in.txt': 'other\n', 'specs/a/notes.md': 'A note.\n' })],
    [true, 'a file that no task reads', () => rig.write({ 'alone.txt': 'other\n' })],
    [true, 'a new one', () => rig.write({ 'sub/new.txt': 'new\n' })],
    [true, 'none any more', () => rig.remove('sub/new.txt', 'alone.txt')],
    [
      true,
      'an output by hand',
      () => rig.write({ 'out/e.txt': 'other\n', 'specs/a/notes.md': 'No note.\n' }),
    ],
    [false, 'an input that is missing', () => rig.remove('in.txt')],
    [false, 'and is there again', () => rig.write({ 'in.txt': 'in\n' })],
    [
      true,
      'an output under another name',
      () =>
        rig.backlog('c', {
          c: reading('c', { outputs: ['out/x/'], run: 'mkdir -p out/x && cp in.txt out/x' }),
        }),
    ],
    // It reads specs of features that the build would not read.
    [
      false,
      'specs',
      () => rig.backlog('b', { b: task('b', { verify: [{ run: 'true', inputs: ['specs/**'] }] }) }),
    ],
    [false, 'no specs any more', () => rig.backlog('b', { b: task('b') })],
    [false, 'patches', () => rig.backlog('b', { b: task('b', { edits: ['*.md'], outputs: ['out/b.txt'] }) })],
    [false, 'no patches any more', () => rig.backlog('b', { b: task('b') })],
  ];
  const told: [boolean, string][] = [];
  for (const [, what, change] of changes) {
    change();
    const { story, isPart } = await buildOf(rig, { keepEdits: what === 'nothing' });
    told.push([isPart, `${what}${story.summary.exitCode === 0 ? '' : ' fails'}`]);
    if (what === 'an output by hand') {
      rig.remove('out/e.txt');
      await rig.build();
    }
  }
  expect(told).toEqual(changes.map(([isPart, what]) => [isPart, what]));
  const outputs = Object.keys(rig.files()).filter((path) => path.startsWith('out/'));
  expect(outputs).toEqual(['a', 'b', 'd', 'e', 'f', 'g', 'x/in'].map((name) => `out/${name}.txt`));
  rig.config = { ...rig.config, salt: 'x' };
  rig.backlog('d', { d: other('d') });
  expect((await buildOf(rig)).isPart).toBe(false);
});

test('an output that comes together with its spec and lock file is no file of people', async () => {
  await using rig = await createRig();
  for (const name of ['a', 'b', 'c', 'd']) rig.backlog(name, { [name]: task(name) });
  // It reads all that people wrote.
  rig.backlog('e', { e: task('e', { inputs: undefined }) });
  rig.backlog('a', { a: task('a'), more: task('more') });
  await rig.build();
  rig.git('add', '-A');
  rig.git('commit', '-qm', 'with the task');
  rig.backlog('a', { a: task('a') });
  await rig.build();
  expect(rig.files()['out/more.txt']).toBeUndefined();
  rig.git('checkout', '-q', '--', '.');
  expect((await rig.build()).summary).toMatchObject({ exitCode: 0, counts: { built: 0 } });
  await compareWithWhole(rig);

  // A file of a person becomes an output in the same way.
  rig.backlog('a', { a: task('a') });
  await rig.build();
  rig.write({ 'out/more.txt': 'more\n' });
  expect((await rig.build()).summary.exitCode).toBe(0);
  rig.git('checkout', '-q', '--', '.');
  expect((await rig.build()).summary).toMatchObject({ exitCode: 0 });
  await compareWithWhole(rig);
});

test('what is wrong between features is found although most of them are not read', TIMED, async () => {
  await using rig = await createRig();
  const names = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i'];
  for (const name of names) rig.backlog(name, { [name]: task(name) });
  rig.backlog('f', { f: task('f', { depends_on: ['g/g'] }) });
  rig.backlog('e', { e: task('e', { outputs: ['out/e/'], run: 'mkdir -p out/e && echo e > out/e/e.txt' }) });
  rig.backlog('d', { d: task('d', { inputs: ['in/*.txt'] }) });
  rig.write({ 'in/a.txt': 'in\n', 'hand.txt': 'by hand\n' });
  const before = Object.entries(rig.files()).map(
    ([path, text]) => [path, text.replace(/^[a-z]:/, '')] as const,
  );
  await rig.build();
  rig.git('add', '-A');
  rig.git('commit', '-qm', 'all');
  const more = (outputs: string) => () =>
    rig.backlog('a', { a: task('a'), more: task('more', { outputs: [outputs] }) });
  const mistakes: readonly (readonly [RegExp, () => void])[] = [
    [/`out\/b.txt` has two owners: b\/b and a\/more|a\/more and b\/b/, more('out/b.txt')],
    [/differ only in the case of letters/, more('out/B.txt')],
    [/has two owners/, more('out/e/x.txt')],
    [/has two owners/, more('out/*.txt')],
    [/hand.txt/, more('hand.txt')],
    [/there is no task `b\/none`/, () => rig.backlog('a', { a: task('a', { depends_on: ['b/none'] }) })],
    [/there is no task `none\/x`/, () => rig.backlog('a', { a: task('a', { depends_on: ['none/x'] }) })],
    [/dependencies form a cycle/, () => rig.backlog('g', { g: task('g', { depends_on: ['f/f'] }) })],
    [/there is no task `g\/g`/, () => rig.backlog('g', { other: task('g') })],
    [/there is no task `g\/g`/, () => rig.remove('specs/g')],
    [/`out\/a.txt` has two owners/, () => rig.backlog('new', { new: task('a') })],
    [
      /has another spec/,
      () => rig.write({ 'specs/a.spec.md': '---\nid: T\noutputs: [new.txt]\n---\n\nIt.\n' }),
    ],
    [/must be named BACKLOG.yaml/, () => rig.write({ 'specs/j/backlog.yaml': 'tasks: []\n' })],
  ];
  for (const [message, change] of mistakes) {
    change();
    const failure = (await rig.build()).buildFailure();
    expect(JSON.stringify(failure?.kind === 'invalid-specs' && failure.diagnostics)).toMatch(message);
    rig.remove('specs/a.spec.md', 'specs/j', 'specs/new');
    rig.git('checkout', '-q', '--', '.');
  }
  expect((await rig.build()).summary.outcome).toBe('up-to-date');
  const warned: readonly (readonly [RegExp, () => void])[] = [
    [/`in\/\*.txt` matches no file/, () => rig.remove('in/a.txt')],
    [
      /`out\/x.txt` is not in the project/,
      () => rig.backlog('a', { a: task('a', { inputs: ['out/x.txt'] }) }),
    ],
    // Another task of the project wrote it.
    [/`out\/i.txt` is not in the project/, () => rig.remove('specs/i/BACKLOG.yaml')],
  ];
  rig.backlog('h', { h: task('h', { inputs: ['out/i.txt'] }) });
  for (const [message, change] of warned) {
    expect((await rig.build()).warnings()).toEqual([]);
    change();
    await rig.build();
    rig.backlog('b', { b: other('b') });
    expect((await rig.build()).warnings().join('\n')).toMatch(message);
    rig.write(Object.fromEntries(before));
    rig.backlog('h', { h: task('h', { inputs: ['out/i.txt'] }) });
  }
});

test('a task whose spec names a document of another feature is asked for again when that changes', async () => {
  await using rig = await createRig();
  for (const name of ['a', 'b', 'c', 'd']) rig.backlog(name, { [name]: task(name) });
  const words = (colour: string) => `# Words\n\nIt is ${colour}.\n`;
  const single = (name: string, more: string, text: string) => ({
    [`specs/${name}.spec.md`]: `---\nid: T1\ninputs: []\noutputs: [out/${name}.txt]\n${more}\n---\n\n${text}`,
  });
  const naming = (name: string, document: string) =>
    single(name, `spec_refs: ['${document}#words']`, 'Write it.\n');
  const spec = (colour: string) => single('y', 'run: mkdir -p out && echo y > out/y.txt', words(colour));
  rig.write({ 'in.txt': 'in\n', 'specs/a/notes.md': words('red'), ...spec('red') });
  rig.write({ ...naming('x', 'a/notes.md'), ...naming('z', 'y.spec.md') });
  for (const name of ['x', 'z'])
    rig.answer(`${name}/T1`, ({ prompt }) => ({
      [`out/${name}.txt`]: /It is (\w+)/.exec(prompt)?.[1] ?? '',
    }));
  await rig.build();
  const changes: readonly (readonly [boolean, Record<string, string>, string, string])[] = [
    [true, { 'specs/a/notes.md': words('green') }, 'green', 'red'],
    [true, spec('blue'), 'green', 'blue'],
    [true, { ...spec('grey'), 'in.txt': 'other\n' }, 'green', 'grey'],
  ];
  for (const [isPart, files, ...expected] of changes) {
    rig.write(files);
    const { story, isPart: isReadInPart } = await buildOf(rig);
    expect(story.summary.exitCode).toBe(0);
    expect([isReadInPart, rig.read('out/x.txt'), rig.read('out/z.txt')]).toEqual([isPart, ...expected]);
  }
});

test('without the tree of what people wrote, a build reads everything', async () => {
  await using rig = await createRig();
  for (const name of ['a', 'b', 'c', 'd']) rig.backlog(name, { [name]: task(name) });
  await rig.build();
  const head = await readHead(stateOf(rig));
  if (!head) throw new Error('there is no index');
  const hand = { ...head.hand, tree: 'f'.repeat(40) };
  await amendIndex(stateOf(rig), head, {
    ...head,
    hand,
    features: new Map(),
    removed: new Set(),
    order: undefined,
  });
  rig.backlog('a', { a: other('a') });
  const { story, isPart } = await buildOf(rig);
  expect(story.summary).toMatchObject({ exitCode: 0, counts: { built: 1, fresh: 3 } });
  expect(isPart).toBe(false);
});

test('after very many changes, a build reads everything', async () => {
  await using rig = await createRig();
  for (const name of ['a', 'b', 'c', 'd']) rig.backlog(name, { [name]: task(name) });
  await rig.build();
  const write = (count: number) =>
    rig.write(Object.fromEntries(Array.from({ length: count }, (_, i) => [`many/${i}.txt`, 'one\n'])));
  write(2000);
  expect(await isReadInPart()).toBe(true);
  rig.remove('many');
  await rig.build();
  write(2001);
  expect(await isReadInPart()).toBe(false);

  async function isReadInPart(): Promise<boolean> {
    const { story, isPart } = await buildOf(rig);
    expect(story.summary.counts).toMatchObject({ built: 0, fresh: 4 });
    return isPart;
  }
});
