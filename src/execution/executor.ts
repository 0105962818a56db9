/** The seam between scheduling and running: a `TaskRun` in, a `TaskOutcome` out, both plain data. */

import type { BuildEventBody } from '../model/event.js';
import type { TaskOutcome, TaskRun } from '../model/run.js';

export interface ExecutionContext {
  readonly signal: AbortSignal;
  emit(event: BuildEventBody): void;
}

/** Runs one stale task to a stored result or a failure. Keeps no state that the store does not have. */
export interface Executor {
  run(run: TaskRun, context: ExecutionContext): Promise<TaskOutcome>;
  close(): Promise<void>;
}
