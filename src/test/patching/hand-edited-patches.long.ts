/** Files that tasks patch and that a person changes at a patch: what is whose, and what every command makes of it. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { createRig, type Rig } from '../rig/rig.js';

const TITLE = '# Title\n\nText.\n';

/** Tasks `<name>/one` of features of their own, each with a line at the end of the README. */
async function appended(...names: readonly string[]): Promise<Rig> {
  const rig = await createRig();
  rig.write({ 'README.md': TITLE });
  for (const name of names) {
    rig.backlog(name, {
      one: { description: name, inputs: [], outputs: [`${name}.txt`], edits: ['README.md'] },
    });
    rig.answer(`${name}/one`, ({ cwd }) => ({
      [`${name}.txt`]: name,
      'README.md': `${readFileSync(join(cwd, 'README.md'), 'utf8')}line of ${name}\n`,
    }));
    await rig.build();
  }
  rig.commit();
  expect(rig.read('README.md')).toBe(TITLE + names.map((name) => `line of ${name}\n`).join(''));
  return rig;
}

const accept = (rig: Rig, ...targets: string[]) => rig.buildWithoutAgent({ targets, accept: true });
const drop = (rig: Rig, name: string) => {
  rig.remove(`specs/${name}`);
  return rig.buildWithoutAgent();
};

async function isSettled(rig: Rig): Promise<void> {
  const text = rig.read('README.md');
  const story = await rig.buildWithoutAgent();
  expect(story.ran()).toEqual([]);
  expect(story.summary).toMatchObject({ exitCode: 0 });
  expect(rig.read('README.md')).toBe(text);
  expect(new Set(Object.values(await rig.inspect()))).toEqual(new Set(['fresh']));
}

test.each([
  ['behind', `${TITLE}line of aa\nmine\n`, `${TITLE}mine\n`],
  ['in front of', `${TITLE}mine\nline of aa\n`, `${TITLE}mine\n`],
  ['around', `${TITLE}mine\nline of aa\nalso mine\n`, `${TITLE}mine\nalso mine\n`],
  [
    'in place of the line before',
    TITLE.replace('Text.', 'My text.').concat('line of aa\n'),
    TITLE.replace('Text.', 'My text.'),
  ],
  ['far from', `mine\n${TITLE}line of aa\n`, `mine\n${TITLE}`],
])(
  "a person's lines %s a patch are theirs: nothing is run, and they stay when the task goes",
  async (_, text, left) => {
    await using rig = await appended('aa');
    rig.write({ 'README.md': text });
    expect((await rig.inspect())['aa/one']).not.toBe('drifted');
    await isSettled(rig);
    expect(rig.read('README.md')).toBe(text);
    // Another task sees the file as it is, and a clone has the same.
    rig.commit();
    const clone = `${rig.temporary.root}/clone`;
    rig.git('clone', '-q', rig.dir, clone);
    const { dir } = rig;
    rig.dir = clone;
    await isSettled(rig);
    rig.dir = dir;
    rig.backlog('zz', { one: { inputs: [], outputs: ['z.txt'], run: 'echo z > z.txt' } });
    await rig.build();
    expect((await drop(rig, 'aa')).summary.exitCode).toBe(0);
    expect(rig.read('README.md')).toBe(left);
  },
);

test("a person's line between two patches stays between them, whatever becomes of the tasks", async () => {
  await using rig = await appended('aa', 'bb');
  const text = `${TITLE}line of aa\nmine\nline of bb\n`;
  rig.write({ 'README.md': text });
  await isSettled(rig);
  expect(rig.read('README.md')).toBe(text);
  rig.backlog('cc', { one: { description: 'cc', inputs: [], edits: ['README.md'] } });
  const seen: string[] = [];
  rig.answer('cc/one', ({ cwd }) => {
    seen.push(readFileSync(join(cwd, 'README.md'), 'utf8'));
    return { 'README.md': `${seen.at(-1)}line of cc\n` };
  });
  await rig.build();
  expect(seen).toEqual([text]);
  expect(rig.read('README.md')).toBe(`${text}line of cc\n`);
  await isSettled(rig);
  await drop(rig, 'aa');
  expect(rig.read('README.md')).toBe(`${TITLE}mine\nline of bb\nline of cc\n`);
  await drop(rig, 'bb');
  expect(rig.read('README.md')).toBe(`${TITLE}mine\nline of cc\n`);
});

test("a person's entry beside that of a patch in a JSON file keeps its place", async () => {
  await using rig = await createRig();
  const json = (...names: string[]) => `{\n${names.map((name) => `  "${name}": 1`).join(',\n')}\n}\n`;
  rig.write({ 'a.json': json('m') });
  rig.backlog('f', { T1: { description: 'x', inputs: [], edits: ['a.json'] } });
  rig.answer('f/T1', { 'a.json': json('m', 'z') });
  await rig.build();
  rig.commit();
  rig.write({ 'a.json': json('m', 'z', 'b') });
  expect((await rig.buildWithoutAgent()).ran()).toEqual([]);
  expect(rig.read('a.json')).toBe(json('m', 'z', 'b'));
  expect(await rig.inspect()).toEqual({ 'f/T1': 'fresh' });
  rig.backlog('g', { T1: { inputs: [], outputs: ['g.txt'], run: 'echo g > g.txt' } });
  await drop(rig, 'f');
  expect(JSON.parse(rig.read('a.json') ?? '')).toEqual({ m: 1, b: 1 });
});

test.each([
  ['changed', `${TITLE}line of AA\nline of bb\n`],
  ['took out', `${TITLE}line of bb\n`],
  ['changed beside others of theirs', `mine\n${TITLE}line of AA\nline of bb\n`],
])('a line of one of two patches that a person %s: its task is accepted alone', async (_, text) => {
  await using rig = await appended('aa', 'bb');
  rig.write({ 'README.md': text });
  expect(await rig.inspect()).toMatchObject({ 'aa/one': 'drifted' });
  const done = await accept(rig, 'aa/one');
  expect(done.outcomes()).toEqual({ 'aa/one': 'accepted' });
  expect(done.summary.exitCode).toBe(0);
  expect(rig.read('README.md')).toBe(text);
  await isSettled(rig);
  expect((await drop(rig, 'aa')).summary.exitCode).toBe(0);
  const left = `${text.startsWith('mine') ? 'mine\n' : ''}${TITLE}line of bb\n`;
  expect(rig.read('README.md')).toBe(left);
});

test.each([
  ['both changed', `${TITLE}line of AA\nline of BB\n`],
  ['in another order', `${TITLE}line of bb\nline of aa\n`],
  ['both gone, and something else there', '# Other\n\nNothing of it.\n'],
  ['one line of both', `${TITLE}line of aa and bb\n`],
])(
  'a change of the lines of two patches, %s: all tasks together are accepted, whatever it is',
  async (_, text) => {
    await using rig = await appended('aa', 'bb');
    rig.write({ 'README.md': text });
    const alone = await accept(rig, 'aa/one');
    const failure = alone.failure('aa/one');
    if (failure) expect(failure).toEqual({ kind: 'shared-patch', path: 'README.md', with: ['bb/one'] });
    expect(rig.read('README.md')).toBe(text);
    const done = await accept(rig, 'aa/one', 'bb/one');
    expect(done.summary.exitCode).toBe(0);
    expect(rig.read('README.md')).toBe(text);
    await isSettled(rig);
  },
);

test('three tasks: those that are named in the hint are enough', async () => {
  await using rig = await appended('aa', 'bb', 'cc');
  const text = `${TITLE}line of AA\nline of bb\nline of CC\n`;
  rig.write({ 'README.md': text });
  const alone = await accept(rig, 'bb/one');
  const failure = alone.failure('bb/one');
  expect(failure).toEqual({ kind: 'shared-patch', path: 'README.md', with: ['aa/one', 'cc/one'] });
  expect(Object.values(alone.outcomes())).not.toContain('accepted');
  const done = await accept(rig, 'bb/one', 'aa/one', 'cc/one');
  expect(done.summary.exitCode).toBe(0);
  expect(rig.read('README.md')).toBe(text);
  await isSettled(rig);
});

test('a changed line of a patch is a hand edit also where the patch fits nowhere in the file any more', async () => {
  await using rig = await appended('aa');
  const text = '# Title\n\nMy text.\nline of AA\n';
  rig.write({ 'README.md': text });
  expect(await rig.inspect()).toEqual({ 'aa/one': 'drifted' });
  const refused = await rig.build({ force: true });
  expect(refused.failure('aa/one')).toEqual({
    kind: 'drifted-outputs',
    paths: ['README.md'],
    accept: ['aa/one'],
  });
  expect(rig.read('README.md')).toBe(text);
  expect((await rig.buildWithoutAgent({ discardEdits: true })).summary.exitCode).toBe(0);
  expect(rig.read('README.md')).toBe('# Title\n\nMy text.\nline of aa\n');
});

test('a discarded change of a patch: the lines of the patch are as recorded, and those of the person stay', async () => {
  await using rig = await appended('aa', 'bb');
  for (const force of [false, true]) {
    rig.write({ 'README.md': `mine\n${TITLE}line of AA\nline of bb\n` });
    expect((await rig.buildWithoutAgent()).outcomes()).toMatchObject({ 'aa/one': 'drifted' });
    for (const name of ['aa', 'bb']) rig.answer(`${name}/one`, { [`${name}.txt`]: 'again' });
    const options = { discardEdits: true, force };
    const done = force ? await rig.build(options) : await rig.buildWithoutAgent(options);
    expect(done.summary.exitCode).toBe(0);
    expect(rig.read('README.md')).toBe(`mine\n${TITLE}line of aa\nline of bb\n`);
    await isSettled(rig);
    rig.write({ 'README.md': `${TITLE}line of aa\nline of bb\n` });
    await isSettled(rig);
  }
  rig.write({ 'README.md': '# All other\n' });
  expect((await rig.buildWithoutAgent({ discardEdits: true })).summary.exitCode).toBe(0);
  expect(rig.read('README.md')).toBe('# All other\nline of aa\nline of bb\n');
});

test('edits are discarded in the patches of the tasks that are named, and in no other', async () => {
  await using rig = await appended('aa', 'bb');
  const discard = (...targets: string[]) => rig.buildWithoutAgent({ discardEdits: true, targets });
  for (const text of [`${TITLE}line of AA\nline of bb\n`, `${TITLE}line of AA\nline of BB\n`]) {
    rig.write({ 'README.md': text });
    const refused = await discard('bb/one');
    expect(refused.outcomes()).toEqual({ 'bb/one': 'drifted' });
    expect(rig.read('README.md')).toBe(text);
  }
  rig.write({ 'README.md': `mine\n${TITLE}line of aa\nline of BB\n` });
  expect((await discard('bb/one')).summary.exitCode).toBe(0);
  expect(rig.read('README.md')).toBe(`mine\n${TITLE}line of aa\nline of bb\n`);
  rig.write({ 'README.md': `mine\n${TITLE}line of AA\nline of BB\n` });
  expect((await discard('aa/one', 'bb/one')).summary.exitCode).toBe(0);
  expect(rig.read('README.md')).toBe(`mine\n${TITLE}line of aa\nline of bb\n`);
});

test.each([
  ['with its feature', (rig: Rig) => rig.remove('specs/bb')],
  [
    'from its feature',
    (rig: Rig) => rig.backlog('bb', { two: { inputs: [], outputs: ['z'], run: 'touch z' } }),
  ],
])(
  'a change of a patch whose task was removed %s: no task is named that cannot be accepted',
  async (_, remove) => {
    await using rig = await appended('aa', 'bb');
    remove(rig);
    rig.write({ 'README.md': `${TITLE}line of AA\nline of BB\n` });
    const refused = await accept(rig, 'aa/one');
    expect(refused.failure('aa/one')).toEqual({ kind: 'edit-base-missing', path: 'README.md' });
    // As its hint says.
    rig.git('checkout', '--', 'README.md');
    expect((await rig.buildWithoutAgent()).summary.exitCode).toBe(0);
    expect(rig.read('README.md')).toBe(`${TITLE}line of aa\n`);
  },
);
