/** Holds what the page makes of a build's events: states, waits, gates, attempts, what a killed build leaves. */

import { expect, test } from 'vitest';
import type { BuildEvent, BuildEventBody, BuildSummary } from '../../model/event.js';
import { BuildFold } from './build-fold.js';

const task = 'f/T1';
const SUMMARY: BuildSummary = {
  outcome: 'failed',
  exitCode: 1,
  counts: { fresh: 0, cached: 0, verified: 0, built: 0, accepted: 0, drifted: 0, failed: 1, skipped: 1 },
  ms: 900,
  usage: {},
  published: 0,
};

/** Events at the given milliseconds. */
function folded(events: readonly (readonly [number, BuildEventBody])[]): BuildFold {
  const fold = new BuildFold('b1');
  events.forEach(([at, body], i) => {
    fold.on({ schema: 1, seq: i + 1, at, ...body } as BuildEvent);
  });
  return fold;
}

const START: readonly (readonly [number, BuildEventBody])[] = [
  [100, { type: 'build.started', build: 'b1', command: 'conductor build', version: '1.0.0' }],
  [110, { type: 'build.planned', tasks: [task, 'f/T2'], workers: 2, budgetUsd: 1.5 }],
  [120, { type: 'task.checked', task, verdict: { kind: 'stale', reasons: [{ kind: 'never-built' }] } }],
];

test('a task is queued, waits for a worker, runs through its phases and ends', () => {
  const fold = folded([
    ...START,
    [150, { type: 'task.started', task, attempt: 1, recipe: 'agent' }],
    [150, { type: 'task.phase', task, attempt: 1, phase: 'workspace' }],
    [200, { type: 'task.phase', task, attempt: 1, phase: 'agent' }],
  ]);
  expect(fold.running()).toEqual([task]);
  const [running, queued] = fold.document().tasks;
  expect(running).toMatchObject({ state: 'running', phase: 'agent', why: 'stale: never built' });
  expect(running?.spans).toEqual([
    { phase: 'wait', attempt: 1, from: 120, to: 150 },
    { phase: 'workspace', attempt: 1, from: 150, to: 200 },
    { phase: 'agent', attempt: 1, from: 200 },
  ]);
  expect(queued).toMatchObject({ label: 'f/T2', state: 'queued' });
  expect(fold.headNow()).toMatchObject({ outcome: 'running', total: 2, workers: 2, budgetUsd: 1.5 });
});

test('the time before the first gate is a wait, and a failed gate names its log', () => {
  const failure = {
    kind: 'gate-failed',
    gate: 'npm test',
    exitCode: 1,
    ms: 40,
    output: { log: '.conductor/logs/b1/f~T1/gate-1.1.log', tail: 'not ok' },
  } as const;
  const fold = folded([
    ...START,
    [150, { type: 'task.started', task, attempt: 1, recipe: 'agent' }],
    [300, { type: 'task.phase', task, attempt: 1, phase: 'gates' }],
    [400, { type: 'gate.started', gate: 'npm test', task }],
    [440, { type: 'gate.finished', gate: 'npm test', task, ok: false, ms: 40, log: failure.output.log }],
    [441, { type: 'task.attempt-failed', task, attempt: 1, failure }],
    [450, { type: 'task.phase', task, attempt: 2, phase: 'agent' }],
    [900, { type: 'task.finished', task, outcome: 'failed', ms: 780, failure }],
    [901, { type: 'task.finished', task: 'f/T2', outcome: 'skipped', ms: 0, because: task }],
    [910, { type: 'build.finished', summary: SUMMARY }],
  ]);
  const [failed, skipped] = fold.document().tasks;
  expect(failed?.spans.map(({ phase, from, to }) => [phase, from, to])).toEqual([
    ['wait', 120, 150],
    ['gate-wait', 300, 400],
    ['gates', 400, 441],
    ['agent', 450, 900],
  ]);
  expect(failed?.gates).toEqual([
    { gate: 'npm test', attempt: 1, from: 400, ms: 40, ok: false, log: failure.output.log },
  ]);
  expect(failed?.attempts).toHaveLength(1);
  expect(failed?.failure).toMatchObject({ kind: 'gate-failed', log: failure.output.log, block: 'not ok' });
  expect(skipped).toMatchObject({ outcome: 'skipped', because: task });
  expect(fold.row()).toMatchObject({ outcome: 'failed', endedAt: 910, counts: { failed: 1, skipped: 1 } });
});

test('a wait for a session of a provider is a span of its own, and names the provider', () => {
  const fold = folded([
    ...START,
    [150, { type: 'task.started', task, attempt: 1, recipe: 'agent' }],
    [150, { type: 'task.phase', task, attempt: 1, phase: 'workspace' }],
    [200, { type: 'task.phase', task, attempt: 1, phase: 'session-wait', detail: 'openai' }],
    [700, { type: 'task.phase', task, attempt: 1, phase: 'agent' }],
  ]);
  expect(fold.document().tasks[0]?.spans.slice(2)).toEqual([
    { phase: 'session-wait', attempt: 1, from: 200, to: 700, detail: 'openai' },
    { phase: 'agent', attempt: 1, from: 700 },
  ]);
});

test('a build whose process is gone is killed, and nothing of it goes on', () => {
  const fold = folded([...START, [150, { type: 'task.started', task, attempt: 1, recipe: 'agent' }]]);
  fold.killed();
  expect(fold.row()).toMatchObject({ outcome: 'killed', endedAt: 150 });
  expect(fold.running()).toEqual([]);
});

test('what changed is told once', () => {
  const fold = folded(START);
  expect(fold.takeChanged().map(({ label }) => label)).toEqual([task, 'f/T2']);
  expect(fold.takeChanged()).toEqual([]);
  fold.on({ schema: 1, seq: 9, at: 150, type: 'task.started', task, attempt: 1, recipe: 'run' });
  fold.line(task, 'compiling');
  fold.line(task, 'compiling');
  expect(fold.takeChanged()).toMatchObject([{ label: task, line: 'compiling' }]);
});

test('a task whose result waits says for what', () => {
  const fold = folded([
    ...START,
    [300, { type: 'task.finished', task, outcome: 'built', ms: 5 }],
    [310, { type: 'task.finished', task: 'f/T2', outcome: 'failed', ms: 5 }],
    [320, { type: 'task.waiting', task, outcome: 'built', because: 'tasks', on: ['f/T2'] }],
    [900, { type: 'build.finished', summary: { ...SUMMARY, waiting: 1 } }],
  ]);
  const [waiting, failed] = fold.document().tasks;
  expect(waiting).toMatchObject({ outcome: 'built', waiting: 'is built and waits for f/T2 of its feature' });
  expect(failed?.waiting).toBeUndefined();
});
