/** Events that tell of many tasks at once, and the events of each task for which they stand. Emits nothing. */

import type { Usage } from '../action.js';
import type { BuildEvent, BuildEventBody } from '../event.js';
import type { Label } from '../task.js';
import type { Labels, RestoredTask } from './event-parts.js';
import { AT_ONCE, LabelText } from './label-text.js';

type Together = 'tasks.fresh' | 'tasks.restored';

/** An event of one task at most, or of the build. */
export type SingleEvent = Exclude<BuildEvent, { type: Together }>;

/** Of tasks that were fresh together, in their order. */
export function* freshEvents(tasks: Labels, checked: boolean): Iterable<BuildEventBody> {
  const groups = tasks instanceof LabelText ? tasks.groups() : groupsOf([...tasks], () => 1);
  for (const group of groups) yield { type: 'tasks.fresh', tasks: group, checked };
}

/** Of tasks whose results were restored together, in their order. */
export function* restoredEvents(tasks: readonly RestoredTask[]): Iterable<BuildEventBody> {
  const sizeOf = ({ missing }: RestoredTask) => Math.max(1, missing.length);
  for (const group of groupsOf(tasks, sizeOf)) yield { type: 'tasks.restored', tasks: group };
}

/** What is told of a task. `usages`: what the results of agents had cost. */
export function restoredTask(
  { label, missing, result }: Omit<RestoredTask, 'task' | 'saved'> & { readonly label: Label },
  usages: ReadonlyMap<Label, Usage>,
): RestoredTask {
  const saved = usages.get(label);
  return { task: label, missing, result, ...(saved === undefined ? {} : { saved }) };
}

function* groupsOf<T>(items: readonly T[], sizeOf: (item: T) => number): Iterable<readonly T[]> {
  let begin = 0;
  let size = 0;
  for (const [at, item] of items.entries()) {
    const more = sizeOf(item);
    if (at > begin && size + more > AT_ONCE) {
      yield items.slice(begin, at);
      begin = at;
      size = 0;
    }
    size += more;
  }
  if (begin < items.length) yield items.slice(begin);
}

/** What an event tells, task by task: the events that a build without events for many tasks would emit. All others are themselves. */
export function singleEvents(event: BuildEvent): Iterable<SingleEvent> {
  switch (event.type) {
    case 'tasks.fresh':
      return ofFresh(event);
    case 'tasks.restored':
      return ofRestored(event);
    default:
      return [event];
  }
}

function* ofFresh(event: Extract<BuildEvent, { type: 'tasks.fresh' }>): Iterable<SingleEvent> {
  const { schema, seq, at, tasks, checked } = event;
  for (const task of tasks) {
    if (checked) yield { schema, seq, at, type: 'task.checked', task, verdict: { kind: 'fresh' } };
    yield { schema, seq, at, type: 'task.finished', task, outcome: 'fresh', ms: 0 };
  }
}

function* ofRestored(event: Extract<BuildEvent, { type: 'tasks.restored' }>): Iterable<SingleEvent> {
  const { schema, seq, at, tasks } = event;
  for (const { task, missing, result, saved } of tasks) {
    const reasons = [{ kind: 'outputs-missing', paths: missing } as const];
    yield { schema, seq, at, type: 'task.checked', task, verdict: { kind: 'cached', reasons } };
    // Spreads for each of many thousand tasks would take longer than all else here.
    const former = result;
    const end = {
      schema,
      seq,
      at,
      type: 'task.finished',
      task,
      outcome: 'cached',
      ms: 0,
      result,
      former,
    } as const;
    yield saved === undefined ? end : { ...end, saved };
  }
}
