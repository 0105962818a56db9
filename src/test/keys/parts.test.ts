/** A build that reads only the features that a change may concern does the same as one that reads everything. */

import { expect, test } from 'vitest';
import { amendIndex, readHead } from '../../analysis/range/index-file.js';
import { createRig } from '../rig/rig.js';
import { stateOf, walkInParts, wasPart } from './part-walk.js';

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
  const second = await rig.build();
  expect(await wasPart(rig)).toBe(true);
  expect(second.warnings()).toEqual(first.warnings());
  const fresh = Object.fromEntries(['c', 'd', 'e', 'f'].map((name) => [`${name}/${name}`, 'fresh']));
  expect(second.outcomes()).toEqual({ 'a/one': 'built', 'b/two': 'built', ...fresh });
  expect(second.summary.counts).toMatchObject({ built: 2, fresh: 4 });
  expect((await rig.build()).summary).toMatchObject({ outcome: 'up-to-date', counts: { fresh: 6 } });
  // Whether the warning of this one still holds is found out again.
  rig.backlog('c', { c: other('c') });
  expect((await rig.build()).warnings()).toHaveLength(3);
  expect(await wasPart(rig)).toBe(false);
});

test('a task that comes or goes, a file of people and another setting lead to a build that reads everything', async () => {
  await using rig = await createRig();
  for (const name of ['a', 'b', 'c', 'd']) rig.backlog(name, { [name]: task(name) });
  rig.write({ 'in.txt': 'in\n' });
  await rig.build();
  const changes: readonly (readonly [boolean, () => void])[] = [
    [true, () => rig.backlog('a', { a: other('a') })],
    [false, () => rig.backlog('a', { a: other('a'), more: task('more') })],
    [false, () => rig.backlog('a', { a: task('a') })],
    [false, () => rig.write({ 'in.txt': 'other\n', 'specs/a/notes.md': 'A note.\n' })],
    [true, () => rig.write({ 'specs/a/notes.md': 'Another note.\n' })],
    [false, () => rig.remove('specs/d/BACKLOG.yaml')],
    // A file that the last build removed may have been a person's.
    [false, () => rig.backlog('b', { b: other('b') })],
    [true, () => rig.backlog('b', { b: task('b') })],
    [false, () => rig.backlog('b', { b: task('b', { verify: [{ run: 'true', inputs: ['specs/**'] }] }) })],
    // It reads specs of features that the build would not read.
    [false, () => rig.backlog('a', { a: task('a') })],
    [false, () => rig.backlog('b', { b: task('b', { edits: ['*.md'], outputs: ['out/b.txt'] }) })],
    [false, () => rig.backlog('b', { b: task('b') })],
  ];
  for (const [isPart, change] of changes) {
    change();
    expect((await rig.build()).summary.exitCode).toBe(0);
    expect(await wasPart(rig)).toBe(isPart);
  }
  expect(Object.keys(rig.files()).filter((path) => path.startsWith('out/'))).toEqual([
    'out/a.txt',
    'out/b.txt',
    'out/c.txt',
  ]);
  rig.config = { ...rig.config, salt: 'x' };
  rig.backlog('c', { c: other('c') });
  await rig.build();
  expect(await wasPart(rig)).toBe(false);
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
    [false, { ...spec('grey'), 'in.txt': 'other\n' }, 'green', 'grey'],
  ];
  for (const [isPart, files, ...expected] of changes) {
    rig.write(files);
    expect((await rig.build()).summary.exitCode).toBe(0);
    expect([await wasPart(rig), rig.read('out/x.txt'), rig.read('out/z.txt')]).toEqual([isPart, ...expected]);
  }
});

test('without the tree of what people wrote, a build reads everything', async () => {
  await using rig = await createRig();
  for (const name of ['a', 'b', 'c', 'd']) rig.backlog(name, { [name]: task(name) });
  await rig.build();
  const head = await readHead(stateOf(rig));
  if (!head) throw new Error('there is no index');
  const hand = { ...head.hand, tree: 'f'.repeat(40) };
  await amendIndex(stateOf(rig), head, { ...head, hand, features: new Map() });
  rig.backlog('a', { a: other('a') });
  expect((await rig.build()).summary).toMatchObject({ exitCode: 0, counts: { built: 1, fresh: 3 } });
  expect(await wasPart(rig)).toBe(false);
});
