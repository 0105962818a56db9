/** What follows when all attempts have failed: a revised task, a stronger model, and what of it stays. */

import { existsSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import type { ConductorConfig } from '../../model/config.js';
import { createRig, type Rig } from '../rig/rig.js';

const REBASE = 'f/T1@rebase';
const SPEC = 'specs/f/BACKLOG.yaml';

/** A task whose spec leaves out the one word that its gate wants. */
async function hardTask(config: ConductorConfig = {}, more = ''): Promise<Rig> {
  const rig = await createRig({ config: { rebase: 'apply', ...config } });
  rig.write({
    'colours.txt': 'green\n',
    [SPEC]: `# Ada's words.
tasks:
  - id: T1 # first
    title: A colour
    description: Write the colour.
    inputs: []
    outputs: [one.txt]
    verify: ["grep -q green one.txt || { echo 'expected green'; exit 1; }"]
    # This comment stays.
    acceptance: [It is a colour]${more}
`,
  });
  rig.answer('f/T1', ({ prompt }) => ({ 'one.txt': prompt.includes('It is green') ? 'green' : 'red' }));
  return rig;
}

const better = (confidence = 0.9, task: object = { acceptance: ['It is a colour', 'It is green'] }) => ({
  'REBASE.json': JSON.stringify({ task, reasoning: 'The gate wants green.', confidence }),
});

test('a task that only better words can pass is built with them, and they go into the spec', async () => {
  await using rig = await hardTask();
  rig.answer(REBASE, better());
  const built = await rig.build({}, { usage: { costUsd: 0.1, tokensIn: 10 } });
  expect(built.outcomes()).toEqual({ 'f/T1': 'built' });
  expect(rig.read('one.txt')).toBe('green');
  expect(built.agent.runs.map(({ label, attempt }) => [label, attempt])).toEqual([
    ['f/T1', 1],
    ['f/T1', 2],
    [REBASE, 1],
    ['f/T1', 3],
  ]);
  const [, , asked, last] = built.agent.runs;
  expect(asked?.prompt).toContain('expected green');
  expect(asked?.prompt).toContain('one.txt  +1 -0');
  expect(last?.prompt).toContain('Attempt 2 failed');
  const spec = rig.read(SPEC) ?? '';
  expect(spec).toContain("# Ada's words.");
  expect(spec).toContain('- id: T1 # first');
  expect(spec).toContain('# This comment stays.');
  expect(spec).toContain('It is green');
  expect(built.of('task.rebased')).toMatchObject([
    {
      task: 'f/T1',
      attempt: 2,
      applied: true,
      confidence: 0.9,
      reasoning: 'The gate wants green.',
      file: SPEC,
      diff: expect.stringContaining('It is green'),
    },
  ]);
  expect(built.of('build.published')[0]?.written).toContain(SPEC);
  // All of it is one task's money, told to the token.
  expect(built.summary.usage).toMatchObject({ tokensIn: 40 });
  const told = new Map(
    built.of('task.usage').map((one) => [`${one.attempt} ${one.phase}`, one.usage.tokensIn]),
  );
  expect(Object.fromEntries(told)).toEqual({
    '1 undefined': 10,
    '2 undefined': 10,
    '2 rebase': 10,
    '3 undefined': 10,
  });
  const calls = built.of('agent.finished').map(({ task, phase, usage }) => [task, phase, usage.tokensIn]);
  expect(calls).toEqual([
    ['f/T1', 'implementation', 10],
    ['f/T1', 'implementation', 10],
    ['f/T1', 'rebase', 10],
    ['f/T1', 'implementation', 10],
  ]);
  const lock = JSON.parse(rig.read('specs/f/.metadata.json') ?? '');
  expect(lock.tasks.T1.acceptance).toHaveLength(2);
  expect((await rig.buildWithoutAgent()).ran()).toEqual([]);
  expect(await rig.inspect()).toEqual({ 'f/T1': 'fresh' });
});

test('a revised task is not paid for again when its build is interrupted before it publishes', async () => {
  const door = (rig: Rig) => `${rig.temporary.root}/door`;
  await using rig = await hardTask();
  const wait = `echo > ${door(rig)}.begun; while [ ! -e ${door(rig)} ]; do sleep 0.05; done`;
  rig.config = { ...rig.config, gates: { build: [{ name: 'slow', run: wait }] } };
  rig.answer(REBASE, better());
  const asWritten = rig.read(SPEC) ?? '';
  const held = rig.start({}, { auto: rig.answerer() });
  await held.until(() => existsSync(`${door(rig)}.begun`));
  held.cancel();
  expect((await held.done).agent.runs).toHaveLength(4);
  expect(rig.read('one.txt')).toBeUndefined();
  // A killed build writes no spec either.
  rig.write({ [SPEC]: asWritten });
  writeFileSync(door(rig), '');
  const built = await rig.buildWithoutAgent();
  expect(built.outcomes()).toEqual({ 'f/T1': 'built' });
  expect(rig.read('one.txt')).toBe('green');
  expect(rig.read(SPEC)).toContain('It is green');
  expect(built.warnings()).toEqual([expect.stringContaining('before a build was interrupted')]);
  expect(await rig.inspect()).toEqual({ 'f/T1': 'fresh' });
});

test('a build gate that fails keeps files back that are gone beside a task whose better words are written', async () => {
  await using rig = await hardTask({
    gates: { build: [{ name: 'colours', run: 'test "$(cat one.txt)" != green' }] },
  });
  const hard = rig.read(SPEC) ?? '';
  rig.write({ [SPEC]: hard.replace(/ {4}verify.*\n/, '') });
  for (const name of ['q1', 'q2', 'q3', 'q4'])
    rig.backlog(name, { T1: { inputs: [], outputs: [`${name}.txt`], run: `echo 1 > ${name}.txt` } });
  expect((await rig.build()).summary.exitCode).toBe(0);
  rig.write({ [SPEC]: hard });
  rig.remove('q1.txt');
  rig.answer(REBASE, better());
  const built = await rig.build();
  expect(built.of('tasks.restored').flatMap(({ tasks }) => tasks.map(({ task }) => task))).toEqual(['q1/T1']);
  expect(built.summary.exitCode).not.toBe(0);
  expect(rig.read(SPEC)).toContain('It is green');
  expect([rig.read('q1.txt'), rig.read('one.txt')]).toEqual([undefined, 'red']);
});

test('better words see a file that is added to the inputs', async () => {
  await using rig = await hardTask();
  const seen: boolean[] = [];
  rig.answer('f/T1', ({ cwd }) => {
    const sees = existsSync(`${cwd}/colours.txt`);
    seen.push(sees);
    return { 'one.txt': sees ? 'green' : 'red' };
  });
  rig.answer(
    REBASE,
    better(0.8, { inputs: ['colours.txt'], description: 'Write the colour of colours.txt.' }),
  );
  expect((await rig.build()).outcomes()).toEqual({ 'f/T1': 'built' });
  expect(seen).toEqual([false, false, true]);
  expect(rig.read(SPEC)).toContain('colours.txt');
  expect(await rig.inspect()).toEqual({ 'f/T1': 'fresh' });
});

test('a spec that is one file gets its better words too', async () => {
  await using rig = await hardTask();
  rig.remove(SPEC);
  const gate = 'grep -q green one.txt';
  rig.write({
    'specs/f.spec.md': `---\nid: T1\n# mine\ninputs: []\noutputs: [one.txt]\nverify: ["${gate}"]\n---\n\nWrite the colour.\n`,
  });
  rig.answer(REBASE, better(0.9, { description: 'Write the colour. It is green.' }));
  expect((await rig.build()).outcomes()).toEqual({ 'f/T1': 'built' });
  expect(rig.read('specs/f.spec.md')).toMatch(/# mine[\s\S]*---\n\nWrite the colour. It is green.\n$/);
  expect(await rig.inspect()).toEqual({ 'f/T1': 'fresh' });
});

test.each<[string, ConductorConfig, number]>([
  ['is not sure enough', {}, 0.7],
  ['is only to be proposed', { rebase: 'propose' }, 0.95],
])('a revised task that %s is kept, and the spec stays', async (_why, config, confidence) => {
  await using rig = await hardTask(config);
  const spec = rig.read(SPEC);
  rig.answer(REBASE, better(confidence));
  const built = await rig.build();
  expect(built.failure('f/T1')).toMatchObject({ kind: 'gate-failed' });
  expect(rig.read(SPEC)).toBe(spec);
  const [told] = built.of('task.rebased');
  expect(told).toMatchObject({ applied: false });
  const kept = rig.read(told?.proposal ?? '') ?? '';
  expect(kept).toContain('The gate wants green.');
  rig.write({ 'proposal.diff': kept });
  rig.git('apply', 'proposal.diff');
  expect(rig.read(SPEC)).toContain('It is green');
});

test.each<[string, object, string]>([
  ['asks for less', { acceptance: ['It is green'] }, 'missing: It is a colour'],
  ['reads what is not there', { inputs: ['nowhere.txt'] }, 'the input `nowhere.txt` does not exist'],
  ['reads a spec', { inputs: ['specs/**'] }, 'is a spec'],
  ['reads a secret that another task names', { inputs: ['.env'] }, 'the input `.env` looks like a secret'],
  ['changes what is judged', { verify: ['true'] }, 'does not match the schema'],
  ['changes what is written', { outputs: ['two.txt'] }, 'does not match the schema'],
  ['changes nothing', { acceptance: ['It is a colour'] }, 'changes nothing'],
])('a revised task that %s is refused', async (_what, task, message) => {
  await using rig = await hardTask();
  const spec = rig.read(SPEC);
  rig.write({ '.env': 'A=1\n' });
  rig.backlog('other', { T1: { inputs: ['.env'], outputs: ['other.txt'], run: 'echo 1 > other.txt' } });
  rig.answer(REBASE, better(1, task));
  const built = await rig.build();
  expect(built.failure('f/T1')).toMatchObject({ kind: 'gate-failed' });
  expect(built.warnings().join()).toContain(message);
  expect(built.of('task.rebased')).toEqual([]);
  expect(rig.read(SPEC)).toBe(spec);
});

test('the stronger model of the route is asked once, and last', async () => {
  await using rig = await hardTask({
    models: { routes: [{ model: 'a/small', stronger: 'a/big' }] },
    rebase: 'off',
  });
  rig.answer('f/T1', ({ model }) => ({ 'one.txt': model === 'a/big' ? 'green' : 'red' }));
  const built = await rig.build();
  expect(built.agent.runs.map(({ model, attempt }) => [model, attempt])).toEqual([
    ['a/small', 1],
    ['a/small', 2],
    ['a/big', 3],
  ]);
  expect(JSON.parse(rig.read('specs/f/.metadata.json') ?? '').tasks.T1).toMatchObject({
    model: 'a/big',
  });
  expect(await rig.inspect()).toEqual({ 'f/T1': 'fresh' });
});

test('the stronger model works with the revised task, which is written when it passes', async () => {
  await using rig = await hardTask({ models: { routes: [{ model: 'a/small', stronger: 'a/big' }] } });
  rig.answer(REBASE, better());
  rig.answer('f/T1', ({ model, prompt }) => ({
    'one.txt': model === 'a/big' && prompt.includes('It is green') ? 'green' : 'red',
  }));
  const built = await rig.build();
  expect(built.outcomes()).toEqual({ 'f/T1': 'built' });
  expect(built.agent.runs.map(({ label, attempt }) => `${label} ${attempt}`)).toEqual([
    'f/T1 1',
    'f/T1 2',
    `${REBASE} 1`,
    'f/T1 3',
    'f/T1 4',
  ]);
  expect(rig.read(SPEC)).toContain('It is green');
});

test('what fails to the end leaves the spec as it was, and everything for a person', async () => {
  await using rig = await hardTask({ models: { routes: [{ model: 'a/small', stronger: 'a/big' }] } });
  const spec = rig.read(SPEC);
  rig.answer(REBASE, better());
  rig.answer('f/T1', { 'one.txt': 'red' });
  const built = await rig.build();
  expect(built.failure('f/T1')).toMatchObject({ kind: 'gate-failed' });
  expect(built.of('task.attempt-failed').map(({ attempt }) => attempt)).toEqual([1, 2, 3]);
  expect(rig.read(SPEC)).toBe(spec);
  expect(rig.read(built.of('task.rebased')[0]?.proposal ?? '')).toContain('It is green');
  expect(new Set(built.agent.runs.map(({ prompt }) => prompt)).size).toBe(5);
});

test('failures that other words cannot mend are no reason to ask for them', async () => {
  await using rig = await hardTask();
  rig.answer('f/T1', { kind: 'context-overflow', detail: 'too long', output: { tail: '' } });
  expect((await rig.build()).agent.runs).toHaveLength(1);
});

test("who proposes a revised task spends the task's budget", async () => {
  await using rig = await hardTask({}, '\n    budget: { tokens: 25 }');
  rig.answer(REBASE, better());
  const built = await rig.build({}, { usage: { tokensIn: 10 } });
  expect(built.failure('f/T1')).toMatchObject({ kind: 'gate-failed' });
  expect(built.warnings().join()).toContain('the budget of the task is used up: 25 tokens');
  expect(built.summary.usage).toMatchObject({ tokensIn: 30 });
});

test('a spec that a person changes meanwhile is not written, and nothing else is', async () => {
  await using rig = await hardTask();
  rig.answer(REBASE, better());
  rig.answer('f/T1', ({ attempt, prompt }) => {
    if (attempt === 3) rig.write({ [SPEC]: `${rig.read(SPEC)}# by hand\n` });
    return { 'one.txt': prompt.includes('It is green') ? 'green' : 'red' };
  });
  const built = await rig.build();
  expect(built.buildFailure()).toMatchObject({ kind: 'publish-refused', paths: [SPEC] });
  expect(built.warnings()).toEqual([
    expect.stringContaining(`could not write the revised task into ${SPEC}`),
  ]);
  expect(rig.read(SPEC)).toMatch(/# by hand\n$/);
  expect(rig.read(SPEC)).not.toContain('It is green');
  expect(rig.read('one.txt')).toBeUndefined();
});

test('an output that a person changes meanwhile is not written, and the revised task is: its result is found', async () => {
  await using rig = await hardTask();
  rig.answer(REBASE, better());
  rig.answer('f/T1', ({ attempt, prompt }) => {
    if (attempt === 3) rig.write({ 'one.txt': 'by hand' });
    return { 'one.txt': prompt.includes('It is green') ? 'green' : 'red' };
  });
  const built = await rig.build();
  expect(built.buildFailure()).toMatchObject({ kind: 'publish-refused', paths: ['one.txt'] });
  expect(built.warnings()).toEqual([]);
  expect(rig.read('one.txt')).toBe('by hand');
  expect(rig.read(SPEC)).toContain('It is green');
  rig.remove('one.txt');
  expect((await rig.buildWithoutAgent()).outcomes()).toEqual({ 'f/T1': 'cached' });
  expect(rig.read('one.txt')).toBe('green');
});

test('better words for two tasks of one file are both written, and committed with the work', async () => {
  await using rig = await createRig({ config: { rebase: 'apply' } });
  const task = (id: string) => ({
    description: 'x',
    inputs: [],
    outputs: [`${id}.txt`],
    verify: [`grep -q good ${id}.txt`],
  });
  rig.backlog('f', { T1: task('T1'), T2: task('T2') });
  rig.commit();
  for (const id of ['T1', 'T2']) {
    rig.answer(`f/${id}`, ({ prompt }) => ({
      [`${id}.txt`]: prompt.includes(`Be good, ${id}`) ? 'good' : 'bad',
    }));
    rig.answer(`f/${id}@rebase`, better(1, { description: `Be good, ${id}.` }));
  }
  const built = await rig.build({ commit: true });
  expect(built.outcomes()).toEqual({ 'f/T1': 'built', 'f/T2': 'built' });
  expect(rig.read(SPEC)).toMatch(/Be good, T1[\s\S]*Be good, T2/);
  expect(rig.git('status', '--porcelain').trim()).toBe('');
  expect(await rig.inspect()).toEqual({ 'f/T1': 'fresh', 'f/T2': 'fresh' });
});

test('the same question after the same failure is answered from the store, and another one is asked again', async () => {
  await using rig = await hardTask();
  rig.answer(REBASE, better(0.2));
  const labels = (built: { agent: { runs: readonly { label: string }[] } }) =>
    built.agent.runs.map(({ label }) => label);
  expect(labels(await rig.build())).toEqual(['f/T1', 'f/T1', REBASE]);
  const again = await rig.build();
  expect(labels(again)).toEqual(['f/T1', 'f/T1']);
  expect(again.of('task.rebased')).toMatchObject([{ applied: false, confidence: 0.2 }]);
  rig.answer('f/T1', { 'one.txt': 'blue' });
  rig.write({ [SPEC]: (rig.read(SPEC) ?? '').replace('Write the colour.', 'Write a colour.') });
  expect(labels(await rig.build())).toEqual(['f/T1', 'f/T1', REBASE]);
});
