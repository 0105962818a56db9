/** The clone's record of outputs says the same after any builds, whether they read everything, a part or one feature, and stays short. */

import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { INDEX_FILE } from '../../analysis/range/index-file.js';
import {
  changePublished,
  markPublished,
  readPublished,
  readPublishedSince,
  writePublished,
} from '../../project/outputs/clone-outputs.js';
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

const recorded = (rig: Rig) => readPublished(stateOf(rig));

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

test('the record stays short however many builds change a part of it, and a mark finds what changed since', async () => {
  const state = mkdtempSync(join(tmpdir(), 'outputs-'));
  try {
    const paths = Array.from({ length: 100 }, (_, i) => `out/${i}.txt`);
    await writePublished(state, Object.fromEntries(paths.map((path) => [path, '0'])));
    const first = statSync(join(state, 'published.json')).size;
    const expected: Record<string, string> = await readPublished(state);
    let appended = 0;
    for (let i = 0; i < 700; i++) {
      const path = paths[(i * 7) % 100] as string;
      const mark = await markPublished(state);
      const word = i % 5 === 0 ? null : String(i);
      await changePublished(state, { [path]: word });
      if (word === null) delete expected[path];
      else expected[path] = word;
      const since = await readPublishedSince(state, mark);
      if (!since) continue;
      appended++;
      expect([...since.changed]).toEqual([path]);
    }
    expect(await readPublished(state)).toEqual(expected);
    expect(statSync(join(state, 'published.json')).size).toBeLessThan(4 * first + 10_000);
    // Most changes are one line.
    expect(appended).toBeGreaterThan(650);
  } finally {
    rmSync(state, { recursive: true });
  }
});

function rm(rig: Rig, ...names: readonly string[]): void {
  for (const name of names) rmSync(join(stateOf(rig), name));
}
