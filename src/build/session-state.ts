/**
 * What outlives one build when another one of the same project follows in this process: running tasks, failures,
 * loaded data.
 */

import { SharedResources } from '../execution/shared-resources.js';
import type { Failure } from '../model/failure.js';
import { ProjectMemory } from '../project/project-memory.js';
import { Runs } from './running-tasks.js';

export class SessionState {
  readonly runs = new Runs();
  readonly memory = new ProjectMemory();
  /** Failures by the key of what failed (a result's, or that of gates): the same again would fail again. */
  readonly failed = new Map<string, Failure>();
  /** What an executor leaves to the next. */
  readonly shared = new SharedResources();
  /** Whether a build writes to the working tree, or is about to: it is not to be superseded any more. */
  isPublishing = false;
  private readonly lingering = new Set<Promise<unknown>>();

  /** Goes on after its build has ended. */
  linger(work: Promise<unknown>): void {
    const lingering = work.finally(() => this.lingering.delete(lingering));
    this.lingering.add(lingering);
  }

  /** Ends what no build waits for, and what has gone on for it. */
  async rest(): Promise<void> {
    this.runs.endUnclaimed();
    await Promise.all(this.lingering);
  }
}
