/** The clone's record of outputs says the same after any builds, whether they read everything, a part or one feature, and stays short. */

import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { INDEX_FILE } from '../../analysis/range/index-file.js';
import { readOutputs, readPublishedSince } from '../../project/outputs/clone-outputs.js';
import { createRig, type Rig } from '../rig/rig.js';
import { buildOf, compareWithWhole, stateOf } from './part-walk.js';

const NAMES = ['a', 'b', 'c', 'd', 'e'];

const OUTPUTS = NAMES.map((name) => `out/${name}.txt`);

const task = (word: string, more: object = {}) => ({
  inputs: [],
  outputs: [`out/${word}.txt`],
  run: `mkdir -p out && echo ${word} > out/${word}.txt`,
  ...more,
});
const other = (word: string) => task(word, { run: `mkdir -p out && echo other ${word} > out/${word}.txt` });
const failing = (word: string) => task(word, { run: 'false' });

/** Five features with a task each, built and committed. */
async function built(): Promise<Rig> {
  const rig = await createRig();
  for (const name of NAMES) rig.backlog(name, { [name]: task(name) });
  await rig.build();
  rig.git('add', '-A');
  rig.git('commit', '-qm', 'all');
  return rig;
}

const recorded = async (rig: Rig) => Object.fromEntries((await readOutputs(stateOf(rig))).all());

test('an output that is away or edited while other tasks are built stays recorded as long as a task owns it', async () => {
  await using rig = await built();
  const before = await recorded(rig);
  rig.remove('out/a.txt');
  rig.write({ 'out/b.txt': 'by hand\n' });
  rig.backlog('c', { c: failing('c') });
  await rig.build({ targets: ['c'] });
  expect(await recorded(rig)).toEqual(before);
  rig.backlog('a', { a: failing('a') });
  const all = await rig.build();
  expect(all.outcomes()).toMatchObject({ 'a/a': 'failed', 'b/b': 'drifted', 'c/c': 'failed' });
  expect(await recorded(rig)).toEqual(before);
  rig.git('checkout', '-q', '--', '.');
  // A whole build knows by the record alone whose files these are.
  rm(rig, INDEX_FILE);
  rig.remove('specs/a', 'specs/b');
  expect((await rig.build()).warnings()).toEqual([]);
  expect(Object.keys(rig.files()).filter((path) => path.startsWith('out/'))).toEqual(
    ['c', 'd', 'e'].map((name) => `out/${name}.txt`),
  );
});

test('an output that its task writes no more is not kept in the record', async () => {
  await using rig = await built();
  const pattern = (word: string) =>
    task('a', { outputs: ['out/a*.txt'], run: `mkdir -p out && echo a > out/${word}.txt` });
  rig.backlog('a', { a: pattern('a1') });
  await rig.build();
  rig.backlog('a', { a: pattern('a2') });
  await rig.build();
  const { 'out/a1.txt': gone, 'out/a2.txt': there } = await recorded(rig);
  expect([gone, there]).toEqual([undefined, expect.any(String)]);
});

test('what an incomplete build published and git takes back is as before in the record, too', async () => {
  await using rig = await built();
  const before = await recorded(rig);
  rig.backlog('a', { a: other('a') });
  rig.backlog('c', { c: failing('c') });
  const { story } = await buildOf(rig);
  expect(story.outcomes()).toMatchObject({ 'a/a': 'built', 'c/c': 'failed' });
  expect(await recorded(rig)).not.toEqual(before);
  rig.git('checkout', '-q', '--', '.');
  // No file differs from the last complete build: only the record does.
  const back = await buildOf(rig);
  expect([back.story.summary.outcome, back.isPart]).toEqual(['up-to-date', true]);
  expect(await recorded(rig)).toEqual(before);
  await compareWithWhole(rig);
});

test('a record that incomplete builds wrote anew with the same length is read again', async () => {
  await using rig = await built();
  const numbered = (word: string) => ({
    ...task('many', { outputs: ['out/many/*.txt'] }),
    run: `mkdir -p out/many && for n in $(seq 1000 1150); do echo ${word} $n > out/many/$n.txt; done`,
  });
  rig.backlog('many', { many: numbered('0') });
  await rig.build();
  rig.commit();
  // As in a clone in which one build has ended.
  rm(rig, 'published.json', 'last.json');
  await rig.build();
  const before = await recorded(rig);
  const file = join(stateOf(rig), 'published.json');
  const { size } = statSync(file);
  rig.backlog('c', { c: failing('c') });
  for (let n = 1; n === 1 || statSync(file).size !== size; n++) {
    expect(n, 'it is written anew at last').toBeLessThan(9);
    rig.backlog('many', { many: numbered(String(n)) });
    await rig.build();
  }
  rig.git('checkout', '-q', '--', '.');
  await rig.build();
  expect(await recorded(rig)).toEqual(before);
  rm(rig, INDEX_FILE);
  rig.remove('specs/many');
  expect((await rig.build()).warnings()).toEqual([]);
  expect(Object.keys(rig.files()).filter((path) => path.startsWith('out/'))).toEqual(OUTPUTS);
});

test('a file that an incomplete build wrote is no file of people when the spec goes back', async () => {
  await using rig = await built();
  rig.backlog('a', { a: task('a'), more: task('more') });
  rig.backlog('c', { c: failing('c') });
  expect((await rig.build()).outcomes()).toMatchObject({ 'a/more': 'built', 'c/c': 'failed' });
  rig.git('checkout', '-q', '--', '.');
  expect(rig.files()['out/more.txt']).toBeDefined();
  await rig.build();
  expect(rig.files()['out/more.txt']).toBeUndefined();
  expect(Object.keys(await recorded(rig)).sort()).toEqual(OUTPUTS);
});

test('lock files that are lost and return leave the record as a whole build does', async () => {
  await using rig = await built();
  const before = await recorded(rig);
  rig.remove('specs/a/.metadata.json', 'specs/b/.metadata.json', 'out/b.txt');
  rig.backlog('c', { c: other('c') });
  await rig.build({ targets: ['c'] });
  expect(Object.keys(await recorded(rig)).sort()).toEqual(Object.keys(before).sort());
  rig.git('checkout', '-q', '--', '.');
  await rig.build();
  expect(await recorded(rig)).toEqual(before);
  rig.backlog('d', { d: other('d') });
  expect((await buildOf(rig)).isPart).toBe(true);
  await compareWithWhole(rig);
});

test('a file that a person writes where an output was away is neither written over nor removed', async () => {
  await using rig = await built();
  const build = (options: Parameters<Rig['build']>[0] = {}) => rig.build(options);
  rig.remove('out/a.txt', 'out/b.txt', 'specs/a/.metadata.json');
  rig.backlog('c', { c: other('c') });
  await build({ targets: ['c'] });
  rig.write({ 'out/a.txt': 'mine\n', 'out/b.txt': 'mine, too\n' });
  for (const feature of ['a', 'b']) rig.backlog(feature, { [feature]: other(feature) });
  expect((await build()).outcomes()).toMatchObject({ 'a/a': 'failed', 'b/b': 'failed' });
  await build({ targets: ['c'] });
  rig.remove('specs/a', 'specs/b');
  expect((await build()).warnings().join('\n')).toMatch(/a person wrote or edited it/);
  expect((await build()).summary.outcome).toBe('up-to-date');
  expect([rig.read('out/a.txt'), rig.read('out/b.txt')]).toEqual(['mine\n', 'mine, too\n']);
  // They are a person's from then on, also with the content of then.
  rig.write({ 'out/a.txt': 'a\n' });
  await build();
  expect(rig.read('out/a.txt')).toBe('a\n');
  await build();
  rig.backlog('d', { d: other('d') });
  expect((await buildOf(rig)).isPart).toBe(true);
  await compareWithWhole(rig);
});

test('a damaged record is made again by the next build, which reads everything', async () => {
  await using rig = await built();
  const file = join(stateOf(rig), 'published.json');
  rig.backlog('a', { a: other('a') });
  await rig.build();
  const sound = readFileSync(file, 'utf8');
  expect(sound.split('\n')).toHaveLength(2);
  const damages = [
    '',
    sound.slice(0, -9),
    sound.slice(0, 40),
    sound.replace('out/b', 'out/x'),
    `${sound}\n{"out/b.txt"`,
    `${sound}\nnull`,
    sound.replace(/"100644[^"]*"/, '7'),
    undefined,
  ];
  let n = 0;
  for (const text of damages) {
    if (text === undefined) rmSync(file);
    else writeFileSync(file, text);
    rig.backlog('c', { c: n++ % 2 === 0 ? other('c') : task('c') });
    const { story, isPart } = await buildOf(rig);
    expect([text, story.summary.exitCode, isPart]).toEqual([text, 0, false]);
    expect(Object.keys(await recorded(rig)).sort()).toEqual(OUTPUTS);
    rig.backlog('d', { d: task('d', { run: `mkdir -p out && echo ${n} > out/d.txt` }) });
    expect((await buildOf(rig)).isPart).toBe(true);
  }
  await compareWithWhole(rig);
});

test('what the clone kept of lock files is made again by the next build where it is damaged', async () => {
  await using rig = await built();
  const file = join(stateOf(rig), 'locks.json');
  const sound = readFileSync(file, 'utf8');
  for (const text of ['', sound.slice(0, -9), sound.replace('specs/b/', 'specs/x/'), undefined]) {
    if (text === undefined) rmSync(file);
    else writeFileSync(file, text);
    rig.backlog('c', { c: other('c') });
    expect([text, (await buildOf(rig)).isPart]).toEqual([text, false]);
    rig.backlog('c', { c: task('c') });
    expect((await buildOf(rig)).isPart).toBe(true);
    expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual(JSON.parse(sound));
  }
});

/** A record with so many outputs, as the first build of a clone leaves it. */
async function recordOf(state: string, count: number) {
  const paths = Array.from({ length: count }, (_, i) => `out/${i}.txt`);
  const mark = await (await readOutputs(state)).change(new Map(paths.map((path) => [path, '0'])));
  return { paths, mark };
}

test('the record stays short however many builds change a part of it, and a mark finds what changed since', async () => {
  using state = temporary();
  let { paths, mark } = await recordOf(state.dir, 1000);
  const file = join(state.dir, 'published.json');
  const first = statSync(file).size;
  const expected = new Map((await readOutputs(state.dir)).all());
  let renewed = 0;
  for (let i = 0; i < 700; i++) {
    const path = paths[(i * 7) % paths.length] as string;
    const former = mark;
    const since = await readPublishedSince(state.dir, mark);
    expect([since?.changed.size, since?.outputs.get(path)]).toEqual([0, expected.get(path)]);
    const word = i % 5 === 0 ? null : String(i);
    const isNew = readFileSync(file, 'utf8');
    mark = await since?.outputs.change(new Map([[path, word]]));
    if (!readFileSync(file, 'utf8').startsWith(isNew)) renewed++;
    if (word === null) expected.delete(path);
    else expected.set(path, word);
    const last = await readPublishedSince(state.dir, former);
    if (last) expect([...last.changed]).toEqual([path]);
  }
  expect((await readOutputs(state.dir)).all()).toEqual(expected);
  expect(statSync(file).size).toBeLessThan(first * 1.2 + 10_000);
  // Most changes are one line.
  expect(renewed).toBeGreaterThan(0);
  expect(renewed).toBeLessThan(5);
});

test('what a build added is believed by the file alone, or by the digests of its lines, and by nothing else', async () => {
  using state = temporary();
  const file = join(state.dir, 'published.json');
  let { mark } = await recordOf(state.dir, 100);
  for (const word of ['a', 'b', null])
    mark = await (await readPublishedSince(state.dir, mark))?.outputs.change(new Map([['out/7.txt', word]]));
  const sound = readFileSync(file, 'utf8');
  expect(sound.split('\n')).toHaveLength(4);
  const words = async () => {
    const since = await readPublishedSince(state.dir, mark);
    return since && [...since.outputs.of(['out/7.txt', 'out/8.txt', 'out/9.txt'])];
  };
  const now = [
    ['out/8.txt', '0'],
    ['out/9.txt', '0'],
  ];
  expect(await words()).toEqual(now);
  // Another file with the same content, as in a copy of the folder.
  writeFileSync(file, sound);
  expect(await words()).toEqual(now);
  writeFileSync(file, `${sound}\n{"out/9.txt":"c"}`);
  expect(await words()).toEqual([now[0], ['out/9.txt', 'c']]);
  const lines = sound.split('\n');
  const damages = [
    sound.replace('"out/8.txt":"0"', '"out/8.txt":"1"'),
    sound.replace('"b"', '"c"'),
    [lines[0], lines[2], lines[1], lines[3]].join('\n'),
    sound.slice(0, -1),
    lines.slice(0, 3).join('\n'),
    `${sound}\n{"out/9.txt"`,
    `${sound}x`,
    '',
  ];
  for (const text of damages) {
    writeFileSync(file, text);
    expect([text, await words()]).toEqual([text, undefined]);
  }
  rmSync(file);
  expect(await words()).toBeUndefined();
});

test('a record that somebody wrote while a build worked is never marked, and keeps what both say', async () => {
  using state = temporary();
  const { mark } = await recordOf(state.dir, 100);
  const [one, other] = [await readPublishedSince(state.dir, mark), await readOutputs(state.dir)];
  expect(await other.change(new Map([['out/1.txt', 'other']]))).toBeDefined();
  expect(await one?.outputs.change(new Map([['out/2.txt', 'one']]))).toBeUndefined();
  const all = await readOutputs(state.dir);
  expect([all.isDamaged, ...all.of(['out/1.txt', 'out/2.txt', 'out/3.txt']).values()]).toEqual([
    ...[false, 'other', 'one', '0'],
  ]);
});

test('a record that looks sorted and is not is damaged, and one that is plain JSON is not', async () => {
  using state = temporary();
  const file = join(state.dir, 'published.json');
  for (const [text, isDamaged] of [
    ['{"b":"1",\t"a":"2"\t}', true],
    ['{"a":"1",\t"a":"2"\t}', true],
    ['{"a":"1","b":"2"\t}', true],
    ['{"a":"1"\t"b":"2"\t}', true],
    ['{"a":"1",\t"b":2\t}', true],
    ['{"b":"1","a":"2"}', false],
    ['{"a":"1",\t"b":"2"\t}', false],
    ['{}', false],
    ['', true],
  ] as const) {
    writeFileSync(file, text);
    const outputs = await readOutputs(state.dir);
    expect([text, outputs.isDamaged]).toEqual([text, isDamaged]);
    const before = new Map(outputs.all());
    expect(await outputs.change(new Map())).toBeDefined();
    const after = await readOutputs(state.dir);
    expect([after.isDamaged, after.all()]).toEqual([false, before]);
  }
});

test('an output is recorded whatever its name is', async () => {
  await using rig = await createRig();
  const names = ['__proto__', 'constructor', 'toString', '7', 'a"b', 'ä\u{1f600}'];
  const writing = (word: string) => ({
    inputs: [],
    outputs: names,
    run: names.map((name) => `echo ${word} > '${name}'`).join(' && '),
  });
  rig.backlog('odd', { odd: writing('one') });
  rig.backlog('other', { other: task('other') });
  await rig.build();
  rig.commit();
  expect(Object.keys(await recorded(rig)).sort()).toEqual([...names, 'out/other.txt'].sort());
  rig.backlog('odd', { odd: writing('two') });
  await buildOf(rig);
  await compareWithWhole(rig);
  rm(rig, INDEX_FILE);
  rig.remove('specs/odd');
  expect((await rig.build()).warnings()).toEqual([]);
  expect(Object.keys(rig.files()).filter((path) => names.includes(path))).toEqual([]);
});

function temporary() {
  const dir = mkdtempSync(join(tmpdir(), 'outputs-'));
  return { dir, [Symbol.dispose]: () => rmSync(dir, { recursive: true }) };
}

function rm(rig: Rig, ...names: readonly string[]): void {
  for (const name of names) rmSync(join(stateOf(rig), name));
}
