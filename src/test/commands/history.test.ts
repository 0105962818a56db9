/** The history of a project: what builds leave for metrics, whatever becomes of them and of their logs. */

import { appendFileSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readHistory, readPaidHistory } from '../../build/history/history-files.js';
import { HistoryRecord } from '../../build/history/history-record.js';
import { type BuildEvent, type BuildEventBody, EVENT_SCHEMA } from '../../model/event.js';
import { type AgentCall, CUT_OFF, type HistoryLine, type TaskEnd } from '../../model/history.js';
import { metricsOf } from '../../report/metrics/metrics.js';
import { runPlan } from '../rig/planning-rig.js';
import { createRig, type Rig } from '../rig/rig.js';

const task = (more: object = {}) => ({ description: 'x', inputs: [], outputs: ['one.txt'], ...more });
const usage = { tokensIn: 90, tokensOut: 10, tokensCached: 5, costUsd: 0.25 };

function stateOf(rig: Rig): string {
  const projects = rig.path('.git/conductor/projects');
  return join(projects, readdirSync(projects)[0] as string);
}

const calls = (lines: readonly HistoryLine[]) =>
  lines.filter((line): line is AgentCall => line.kind === 'call');
const ends = (lines: readonly HistoryLine[]) => lines.filter((line): line is TaskEnd => line.kind === 'task');

test('each session and each task leaves a line, retries and failures included', async () => {
  await using rig = await createRig({ config: { attempts: 2 } });
  rig.backlog('f', {
    T1: task({ type: 'test', complexity: 'high', model: 'm/1', verify: ['grep -q good one.txt'] }),
    T2: task({ outputs: ['two.txt'], verify: ['false'] }),
    T3: { inputs: [], outputs: ['three.txt'], run: 'echo 3 > three.txt' },
  });
  rig.answer('f/T1', ({ attempt }) => ({ 'one.txt': attempt === 2 ? 'good' : 'bad' }));
  rig.answer('f/T2', { 'two.txt': '2' });
  const built = await rig.build({}, { usage });
  const lines = await readHistory(stateOf(rig));
  const one = calls(lines).filter(({ label }) => label === 'f/T1');
  expect(one).toMatchObject([
    { attempt: 1, phase: 'implementation', type: 'test', complexity: 'high', model: 'm/1', usage },
    { attempt: 2, agent: 'scripted', usage },
  ]);
  expect(one.map(({ promptBytes }) => promptBytes)).toEqual(
    built.agent.runs.filter(({ label }) => label === 'f/T1').map(({ prompt }) => Buffer.byteLength(prompt)),
  );
  expect(Object.fromEntries(ends(lines).map((end) => [end.label, end]))).toMatchObject({
    'f/T1': { outcome: 'built', recipe: 'agent', attempts: 2, failures: ['gate-failed'] },
    'f/T2': { outcome: 'failed', attempts: 2, failures: ['gate-failed', 'gate-failed'] },
    'f/T3': { outcome: 'built', recipe: 'run', attempts: 1, failures: [] },
  });
  expect(new Set(lines.map(({ build }) => build)).size).toBe(1);
});

test('a result from the store says what it had cost, and a build with nothing to do leaves nothing', async () => {
  await using rig = await createRig();
  rig.backlog('f', { T1: task() });
  rig.answer('f/T1', { 'one.txt': '1' });
  await rig.build({}, { usage });
  rig.remove('one.txt');
  expect((await rig.buildWithoutAgent()).outcomes()).toEqual({ 'f/T1': 'cached' });
  const lines = await readHistory(stateOf(rig));
  expect(ends(lines).at(-1)).toMatchObject({ outcome: 'cached', saved: usage, failures: [] });
  expect(ends(lines).at(-1)).not.toHaveProperty('attempts');
  await rig.buildWithoutAgent();
  expect(await readHistory(stateOf(rig))).toEqual(lines);
});

test('sessions of planners are told apart, and a plan from the store says what it saved', async () => {
  await using rig = await createRig();
  rig.write({ 'specs/f/REQUEST.md': 'Notes.' });
  const backlog = { T1: task() };
  expect((await runPlan(rig, { backlog }, {}, { usage })).feature).toBe('f');
  const lines = await readHistory(stateOf(rig));
  expect(
    calls(lines)
      .map(({ label, phase }) => `${phase} ${label}`)
      .sort(),
  ).toEqual([
    'planning f/@backlog',
    'planning f/@plan',
    'planning f/@planner-arch',
    'planning f/@planner-qa',
    'planning f/@planner-spec',
  ]);
  rig.remove('specs/f/.plan.json', 'specs/f/PLAN.md', 'specs/f/BACKLOG.yaml');
  await runPlan(rig, { backlog }, {}, { tripwire: true });
  expect(ends(await readHistory(stateOf(rig))).slice(-5)).toMatchObject(
    Array(5).fill({ outcome: 'cached', saved: usage }),
  );
});

test('it outlives the logs, lines that are damaged and lines that were torn', async () => {
  await using rig = await createRig();
  rig.backlog('f', { T1: task() });
  rig.answer('f/T1', { 'one.txt': '1' });
  await rig.build({}, { usage });
  const file = `${stateOf(rig)}/history.ndjson`;
  const before = await readHistory(stateOf(rig));
  const whole = readFileSync(file, 'utf8').trim().split('\n').at(-1) as string;
  appendFileSync(
    file,
    ['{', 'null', '[]', '{"kind":"call"}', '{"kind":"new"}', whole.slice(0, 40)].join('\n'),
  );
  rmSync(rig.path('.conductor'), { recursive: true });
  rig.backlog('f', { T1: task({ description: 'y' }) });
  rig.answer('f/T1', { 'one.txt': '2' });
  await rig.build({}, { usage });
  const after = await readHistory(stateOf(rig));
  expect(after.slice(0, before.length)).toEqual(before);
  expect(after.slice(before.length).map(({ kind }) => kind)).toEqual(['call', 'task']);
});

test('what ended before a build was killed is kept', async () => {
  await using rig = await createRig({ config: { workers: 2 } });
  rig.backlog('f', { T1: task({ outputs: ['one.txt'] }), T2: task({ outputs: ['two.txt'] }) });
  const held = rig.start();
  const run = await held.agent.next('f/T1');
  await run.write('one.txt', '1');
  run.usage(usage);
  run.finish();
  await held.until((story) => story.of('task.finished').length === 1);
  const state = stateOf(rig);
  await expect.poll(async () => (await readHistory(state)).length).toBe(2);
  held.cancel();
  await held.done;
});

test('it has a bound: the file before the last one is let go', async () => {
  await using rig = await createRig();
  const state = rig.temporary.root;
  const finished: BuildEventBody = { type: 'task.finished', task: 'f/T1', outcome: 'cached', ms: 1 };
  const event: BuildEvent = { schema: EVENT_SCHEMA, seq: 1, at: 1, ...finished };
  for (const build of ['a', 'b', 'c', 'd']) {
    const record = new HistoryRecord(state, build, 10);
    record.on(event);
    record.on(event);
    await record.close();
  }
  expect((await readHistory(state)).map(({ build }) => build)).toEqual(['c', 'c', 'd', 'd']);
});

const eventOf = (body: BuildEventBody, at = 1): BuildEvent => ({ schema: EVENT_SCHEMA, seq: 1, at, ...body });
const session = (label: string): BuildEventBody => ({
  type: 'agent.finished',
  task: label,
  attempt: 1,
  phase: 'implementation',
  agent: 'scripted',
  promptBytes: 100,
  usage,
  ms: 1,
});
const step = (label: string, more: object = {}): BuildEventBody => ({
  type: 'task.usage',
  task: label,
  attempt: 1,
  agent: 'scripted',
  usage,
  ...more,
});
const end = (label: string): BuildEventBody => ({
  type: 'task.finished',
  task: label,
  outcome: 'built',
  ms: 1,
});
const restored = (labels: readonly string[]): BuildEventBody => ({
  type: 'tasks.restored',
  tasks: labels.map((label) => ({ task: label, missing: ['x'], result: 'key' })),
});

async function record(state: string, build: string, bodies: readonly BuildEventBody[], maxBytes?: number) {
  const record = new HistoryRecord(state, build, maxBytes);
  for (const body of bodies) record.on(eventOf(body));
  await record.close();
}

test('tasks that cost nothing push out no paid session', async () => {
  await using rig = await createRig();
  const state = rig.temporary.root;
  await record(state, 'paid', [session('f/T1'), end('f/T1')], 1000);
  for (let build = 0; build < 9; build++) {
    const labels = Array.from({ length: 100 }, (_, task) => `f/T${task}`);
    await record(state, `free${build}`, [restored(labels), ...labels.map(end)], 1000);
  }
  const paid = (await readHistory(state)).filter(({ build }) => build === 'paid');
  expect(paid.map(({ kind }) => kind)).toEqual(['call', 'task']);
  expect(await readPaidHistory(state)).toEqual(paid);
});

test('steps of sessions that have ended push out no session, and those of a killed build stay', async () => {
  await using rig = await createRig();
  const state = rig.temporary.root;
  const steps = Array.from({ length: 50 }, (_, at) => step('f/T1', { usage: { tokensIn: at } }));
  await record(state, 'killed', steps, 6000);
  for (let build = 0; build < 9; build++)
    await record(state, `b${build}`, [...steps, session('f/T1'), end('f/T1')], 6000);
  const lines = calls(await readHistory(state));
  expect(lines.map(({ build }) => build).sort()).toEqual([
    ...Array.from({ length: 9 }, (_, build) => `b${build}`),
    'killed',
  ]);
  expect(lines.find(({ build }) => build === 'killed')).toMatchObject({
    failure: CUT_OFF,
    usage: { tokensIn: 49 },
  });
});

test('a file of an earlier version, with all in one, is read, and loses only what it did not have', async () => {
  await using rig = await createRig();
  const state = rig.temporary.root;
  const common = { at: 1, build: 'old', ms: 1 };
  const call = { attempt: 1, phase: 'implementation', agent: 'scripted', promptBytes: 1, usage };
  const old = [
    { kind: 'task', ...common, label: 'f/free', outcome: 'cached', failures: [] },
    { kind: 'step', ...common, label: 'f/T1', attempt: 1, agent: 'scripted', usage },
    { kind: 'call', ...common, label: 'f/T1', ...call },
    { kind: 'task', ...common, label: 'f/T1', outcome: 'built', recipe: 'agent', attempts: 1, failures: [] },
    { kind: 'later' },
  ].map((line) => JSON.stringify(line));
  const file = `${state}/history.ndjson`;
  writeFileSync(file, `${old.join('\n')}\n`);
  const before = await readHistory(state);
  expect(before).toHaveLength(3);
  for (const build of ['a', 'b']) await record(state, build, [session('f/T2')], 900);
  const after = await readHistory(state);
  const nameOf = ({ build, kind, label }: HistoryLine) => `${build} ${kind} ${label}`;
  expect(after.map(nameOf).sort()).toEqual([...before.map(nameOf), 'a call f/T2', 'b call f/T2'].sort());
  // What only a later version can read stays for it.
  expect(readFileSync(file, 'utf8')).toContain('later');
});

test('tasks that are restored together are one line, and each is counted', async () => {
  await using rig = await createRig();
  const state = rig.temporary.root;
  const labels = Array.from({ length: 1000 }, (_, task) => `f/T${task}`);
  const tasks = labels.map((task, at) => ({
    task,
    missing: ['x'],
    result: 'key',
    ...(at === 0 ? { saved: usage } : {}),
  }));
  await record(state, 'b', [{ type: 'tasks.restored', tasks }]);
  expect(readFileSync(`${state}/history.free.ndjson`, 'utf8').trim().split('\n')).toHaveLength(1);
  const lines = ends(await readHistory(state));
  expect(lines.map(({ label }) => label)).toEqual(labels);
  expect(lines.flatMap(({ saved }) => saved ?? [])).toEqual([usage]);
  expect(metricsOf(lines)).toMatchObject({ outcomes: { cached: 1000 }, saved: { costUsd: usage.costUsd } });
});

test('two builds that write at once take nothing from each other', async () => {
  await using rig = await createRig();
  const state = rig.temporary.root;
  const records = ['a', 'b'].map((build) => new HistoryRecord(state, build));
  for (let at = 0; at < 200; at++) {
    for (const record of records) {
      record.on({
        schema: EVENT_SCHEMA,
        seq: 1,
        at,
        type: 'task.finished',
        task: 'f/T1',
        outcome: 'built',
        ms: 1,
      });
    }
    if (at % 50 === 0) await new Promise(setImmediate);
  }
  await Promise.all(records.map((record) => record.close()));
  const lines = await readHistory(state);
  for (const build of ['a', 'b']) {
    expect(lines.filter((line) => line.build === build).map(({ at }) => at)).toEqual([...Array(200).keys()]);
  }
});
