/** Holds which tasks of a new backlog are those of the former one, and how a person's changes and a plan's go together. */

import { expect, test } from 'vitest';
import { compareBacklogs, keepIds, mergeBacklogs, type PlannedTask, renameTasks } from './merged-backlog.js';

const task = (id: string, description: string, more: object = {}): PlannedTask => ({
  id,
  description,
  outputs: [`${description}.txt`],
  ...more,
});
const backlog = (...tasks: PlannedTask[]) => ({ title: 'Notes', tasks });

test('equal content keeps its id, then equal outputs do, then equal ids; what is new takes no id that was used', () => {
  const former = backlog(task('T01', 'a'), task('T02', 'b'), task('T03', 'c'), task('T04', 'gone'));
  const planned = backlog(
    task('T01', 'b', { status: 'todo', title: 'Other' }),
    task('T02', 'new'),
    { ...task('T03', 'a, otherwise'), outputs: ['a.txt'] },
    { ...task('T07', 'c'), depends_on: ['T01', 'other/T01'] },
    task('T04', 'unlike'),
  );
  const ids = keepIds(former, planned);
  expect(Object.fromEntries(ids)).toEqual({ T01: 'T02', T02: 'T05', T03: 'T01', T07: 'T03' });
  const renamed = renameTasks(planned, ids);
  expect(renamed.tasks.map(({ id }) => id)).toEqual(['T02', 'T05', 'T01', 'T03', 'T04']);
  expect(renamed.tasks[3]?.depends_on).toEqual(['T02', 'other/T01']);
  expect(compareBacklogs(former, renamed)).toEqual({
    kept: ['T02'],
    changed: ['T01', 'T03', 'T04'],
    added: ['T05'],
    removed: [],
  });
});

test('tasks that are told apart by their place alone keep their own ids', () => {
  const same = { description: 'x', edits: ['a'] };
  const former = backlog({ id: 'A', ...same }, { id: 'B', ...same });
  expect([...keepIds(former, backlog({ id: 'B', ...same }, { id: 'A', ...same }))]).toEqual([]);
});

test('what only the plan has changed is taken, what only the person has changed stays', () => {
  const base = backlog(task('T01', 'a'), task('T02', 'b'), task('T03', 'c'));
  const own = backlog(
    task('T01', 'a'),
    task('T02', 'mine'),
    task('T03', 'c', { owner: 'Ada' }),
    task('M1', 'm'),
  );
  const planned = { title: 'Notes, again', tasks: [task('T01', 'a2'), task('T02', 'b'), task('T04', 'd')] };
  const { edits, conflicts } = mergeBacklogs(base, own, planned);
  expect(conflicts).toEqual(['T03']);
  expect(edits).toEqual([
    { path: ['title'], value: 'Notes, again' },
    { path: ['tasks', 0], value: task('T01', 'a2') },
    { path: ['tasks', 4], value: task('T04', 'd') },
  ]);
});

test('a task that the plan drops goes, one that the person dropped stays away unless the plan has changed it', () => {
  const base = backlog(task('T01', 'a'), task('T02', 'b'), task('T03', 'c'));
  const gone = mergeBacklogs(base, base, backlog(task('T02', 'b')));
  expect(gone).toEqual({
    edits: [
      { path: ['tasks', 2], value: undefined },
      { path: ['tasks', 0], value: undefined },
    ],
    conflicts: [],
  });
  const own = backlog(task('T01', 'a'));
  expect(mergeBacklogs(base, own, base)).toEqual({ edits: [], conflicts: [] });
  expect(mergeBacklogs(base, own, backlog(task('T01', 'a'), task('T03', 'c2'))).conflicts).toEqual(['T03']);
});

test("people's words about a task survive a plan that changes it", () => {
  const base = backlog(task('T01', 'a'));
  const own = backlog(task('T01', 'a', { status: 'blocked' }));
  const { edits, conflicts } = mergeBacklogs(base, own, backlog(task('T01', 'a2')));
  expect(conflicts).toEqual([]);
  expect(edits).toEqual([{ path: ['tasks', 0], value: task('T01', 'a2', { status: 'blocked' }) }]);
});
