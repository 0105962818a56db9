/** What a task's program prints, as events for people. Keeps nothing: the log has all. */

import { throttle } from '../base/throttle.js';
import type { TaskRun } from '../model/run.js';
import type { ExecutionContext } from './executor.js';

/** A program may print a million lines; people read a few of them. */
export function outputLines(
  run: TaskRun,
  attempt: number,
  context: ExecutionContext,
): (line: string) => void {
  return throttle((line) => context.emit({ type: 'task.output', task: run.label, attempt, line }));
}
