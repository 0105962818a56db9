/** Holds that events for many tasks at once give every reader what events for each of them give. */

import { expect, test } from 'vitest';
import type { BuildEvent, BuildEventBody, BuildSummary } from '../../model/event.js';
import type { Labels, RestoredTask } from '../../model/events/event-parts.js';
import { freshEvents, restoredEvents, singleEvents } from '../../model/events/events-together.js';
import { LabelText } from '../../model/events/label-text.js';
import { BuildFold } from '../build-view/build-fold.js';
import { BuildRecord } from '../ci/build-record.js';
import { groupReporter } from '../ci/groups.js';
import { junitXml } from '../ci/junit.js';
import { eventLine } from '../json.js';
import { logText } from '../log.js';
import { Profile } from '../profile.js';
import { plainStyle } from '../style.js';
import { plainReporter } from './plain.js';
import { NO_PROGRESS, progress } from './progress.js';
import type { Reporter, Sink } from './reporter.js';
import { liveBlock } from './terminal.js';

const CHECKED = ['f/T1', 'f/T2'];
const UNREAD = ['g/T1', 'g/T2', 'g/T3'];
const RESTORED: readonly RestoredTask[] = [
  { task: 'h/T1', missing: ['out/a.txt'], result: 'a1' },
  { task: 'h/T2', missing: ['out/b.txt', 'out/c.txt'], result: 'b2', saved: { costUsd: 0.5, tokensIn: 9 } },
];
const SUMMARY: BuildSummary = {
  outcome: 'built',
  exitCode: 0,
  counts: { fresh: 5, cached: 2, verified: 0, built: 1, accepted: 0, drifted: 0, failed: 0, skipped: 0 },
  ms: 900,
  usage: {},
  published: 1,
};

/** A build of one task, with what it says of the others between its start and its end. */
function build(others: readonly BuildEventBody[]): BuildEvent[] {
  const bodies: readonly BuildEventBody[] = [
    { type: 'build.started', build: 'b1', command: 'conductor build', version: '1.0.0' },
    { type: 'build.planned', tasks: [...CHECKED, ...UNREAD, ...RESTORED.map(({ task }) => task), 'f/T3'] },
    { type: 'task.started', task: 'f/T3', attempt: 1, recipe: 'run' },
    ...others,
    { type: 'task.finished', task: 'f/T3', outcome: 'built', ms: 3 },
    { type: 'build.finished', summary: SUMMARY },
  ];
  return bodies.map((body, i) => ({ schema: 1, seq: i + 1, at: 100, ...body }) as BuildEvent);
}

const finished = (task: string): BuildEventBody => ({ type: 'task.finished', task, outcome: 'fresh', ms: 0 });
const EACH = build([
  ...CHECKED.flatMap((task): BuildEventBody[] => [
    { type: 'task.checked', task, verdict: { kind: 'fresh' } },
    finished(task),
  ]),
  ...UNREAD.map(finished),
  ...RESTORED.flatMap(({ task, missing, result, saved }): BuildEventBody[] => [
    {
      type: 'task.checked',
      task,
      verdict: { kind: 'cached', reasons: [{ kind: 'outputs-missing', paths: missing }] },
    },
    {
      type: 'task.finished',
      task,
      outcome: 'cached',
      ms: 0,
      result,
      former: result,
      ...(saved ? { saved } : {}),
    },
  ]),
]);
const TOGETHER = build([
  { type: 'tasks.fresh', tasks: CHECKED, checked: true },
  { type: 'tasks.fresh', tasks: UNREAD, checked: false },
  { type: 'tasks.restored', tasks: RESTORED },
]);

/** What a reporter writes. */
function written(open: (sink: Sink) => Reporter, events: readonly BuildEvent[]): string {
  let text = '';
  const reporter = open({ write: (more) => (text += more) });
  for (const event of events) reporter.on(event);
  return text;
}

/** What a reader makes of the events: all of it, and what it had made until before the last one. */
const READERS: Readonly<Record<string, (events: readonly BuildEvent[]) => unknown>> = {
  'the page': (events) => {
    const fold = new BuildFold('b1');
    for (const event of events.slice(0, -1)) fold.on(event);
    const before = fold.document();
    for (const event of events.slice(-1)) fold.on(event);
    return [before, fold.document(), fold.row()];
  },
  'the tasks of which the page is told': (events) => {
    const fold = new BuildFold('b1');
    for (const event of events.slice(0, 3)) fold.on(event);
    fold.takeChanged();
    for (const event of events.slice(3)) fold.on(event);
    return fold.takeChanged();
  },
  'the live block': (events) => {
    const state = events.slice(0, -2).reduce(progress, NO_PROGRESS);
    return [liveBlock(state, 100, 80, 20), events.reduce(progress, NO_PROGRESS)];
  },
  'reports of a CI': (events) => {
    const record = new BuildRecord();
    for (const event of events) record.on(event);
    return [record.tasks, junitXml(record)];
  },
  'plain lines': (events) => written((sink) => plainReporter(sink, plainStyle), events),
  'groups in the log of a CI': (events) =>
    written(
      (sink) => groupReporter(sink, plainStyle, { groups: sink, group: (_, body) => body, lines: {} }),
      events,
    ),
  'the text of a log': (events) => logText(events, plainStyle),
  'a profile': (events) => {
    const profile = new Profile();
    for (const event of events) profile.on(event);
    return profile.text();
  },
};

test.each(Object.entries(READERS))('%s', (_, made) => {
  const each = made(EACH);
  expect(made(TOGETHER)).toEqual(each);
  expect(each, 'it tells of these tasks at all').not.toEqual(made(build([])));
});

test('each task has the events for which the event for many stands', () => {
  const bodies = (events: readonly BuildEvent[]) =>
    events.flatMap((event) => [...singleEvents(event)]).map(({ seq: _, ...body }) => body);
  expect(bodies(TOGETHER)).toEqual(bodies(EACH));
});

test('thousands of tasks are told in events of a bounded size, each task once and in order', () => {
  const labels = Array.from({ length: 2500 }, (_, i) => `f/T${i}`);
  const restored = labels.map((task) => ({ task, missing: [], result: 'a1' }));
  const fresh = [...freshEvents(labels, true)].flatMap((event) =>
    event.type === 'tasks.fresh' ? [event] : [],
  );
  const again = [...restoredEvents(restored)].flatMap((event) =>
    event.type === 'tasks.restored' ? [event] : [],
  );
  for (const events of [fresh, again])
    expect(events.map(({ tasks }) => tasks.length)).toEqual([1000, 1000, 500]);
  expect(fresh.flatMap(({ tasks }) => [...tasks])).toEqual(labels);
  expect(again.flatMap(({ tasks }) => tasks)).toEqual(restored);
  expect([...freshEvents([], false), ...restoredEvents([])]).toEqual([]);
  const missing = Array.from({ length: 600 }, (_, i) => `out/${i}`);
  const large = ['f/T1', 'f/T2', 'f/T3'].map((task) => ({ task, missing, result: 'a1' }));
  expect([...restoredEvents(large)]).toEqual(large.map((one) => ({ type: 'tasks.restored', tasks: [one] })));
});

test('labels that are a text give the events and the lines of their list', () => {
  const labels = Array.from({ length: 2500 }, (_, i) => `f${i % 3}/T"${i}`);
  const range = { since: '"tasks":[]', base: 'b', touched: 1, dependents: 0, leftOut: 0, removed: 0 };
  const linesOf = (tasks: Labels) => {
    const planned: BuildEventBody = { type: 'build.planned', tasks, workers: 2, range };
    const bodies = [planned, ...freshEvents(tasks, false)];
    return bodies.map((body, i) => eventLine({ schema: 1, seq: i + 1, at: 5, ...body }));
  };
  const text = LabelText.of(labels);
  expect(linesOf(text)).toEqual(linesOf(labels));
  expect(linesOf(text)).toHaveLength(4);
  // Where some are left out, an event may have fewer.
  const some = text.without(new Set(['f1']));
  const told = linesOf(some).map((line) => JSON.parse(line).tasks as string[]);
  expect(told[0]).toEqual([...some]);
  expect(told.slice(1).flat()).toEqual([...some]);
  expect(told.slice(1)).toHaveLength(3);
});
