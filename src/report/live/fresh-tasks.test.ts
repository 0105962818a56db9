/** Holds that one event for all fresh tasks gives every reader what an event for each of them gives. */

import { expect, test } from 'vitest';
import type { BuildEvent, BuildEventBody, BuildSummary } from '../../model/event.js';
import { BuildFold } from '../build-view/build-fold.js';
import { BuildRecord } from '../ci/build-record.js';
import { junitXml } from '../ci/junit.js';
import { logText } from '../log.js';
import { plainStyle } from '../style.js';
import { NO_PROGRESS, progress } from './progress.js';
import { liveBlock } from './terminal.js';

const CHECKED = ['f/T1', 'f/T2'];
const UNREAD = ['g/T1', 'g/T2', 'g/T3'];
const SUMMARY: BuildSummary = {
  outcome: 'built',
  exitCode: 0,
  counts: { fresh: 5, cached: 0, verified: 0, built: 1, accepted: 0, drifted: 0, failed: 0, skipped: 0 },
  ms: 900,
  usage: {},
  published: 1,
};

/** A build of one task, with what it says of the others between its start and its end. */
function build(fresh: readonly BuildEventBody[]): BuildEvent[] {
  const bodies: readonly BuildEventBody[] = [
    { type: 'build.started', build: 'b1', command: 'conductor build', version: '1.0.0' },
    { type: 'build.planned', tasks: [...CHECKED, ...UNREAD, 'f/T3'] },
    { type: 'task.started', task: 'f/T3', attempt: 1, recipe: 'run' },
    ...fresh,
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
]);
const TOGETHER = build([
  { type: 'tasks.fresh', tasks: CHECKED, checked: true },
  { type: 'tasks.fresh', tasks: UNREAD, checked: false },
]);

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
};

test.each(Object.entries(READERS))('%s', (_, made) => {
  const each = made(EACH);
  expect(made(TOGETHER)).toEqual(each);
  expect(each, 'it tells of these tasks at all').not.toEqual(made(build([])));
});

test('a log names none of them, as before', () => {
  expect(logText(TOGETHER, plainStyle)).toBe(logText(EACH, plainStyle));
});
