/**
 * What outlives one build when another one of the same project follows in this process: running tasks, failures,
 * loaded data.
 */

import { SharedResources } from '../execution/shared-resources.js';
import type { Failure } from '../model/failure.js';
import type { Durations } from '../project/durations/durations.js';
import type { CommonResources } from '../project/host.js';
import { ProjectMemory } from '../project/project-memory.js';
import { Runs } from './running-tasks.js';

export class SessionState {
  readonly runs = new Runs();
  readonly memory = new ProjectMemory();
  /** Failures by the key of what failed (a result's, or that of gates): the same again would fail again. */
  readonly failed = new Map<string, Failure>();
  /** Milliseconds that tasks took when they were last run, once a build has asked for them. */
  durations: Durations | undefined;
  /** What an executor leaves to the next. */
  readonly shared: SharedResources;
  /** Whether a build writes to the working tree, or is about to: it is not to be superseded any more. */
  isPublishing = false;
  private readonly background = new Set<Promise<void>>();
  /** Of work in the background. */
  private fault: { readonly error: unknown } | undefined;

  /** `common`: of projects that are built together. */
  constructor(common?: CommonResources) {
    this.shared = new SharedResources(common);
  }

  /** Goes on after its build has ended. If it fails, `rest` does. */
  continueAfterBuild(work: Promise<unknown>): void {
    const ended: Promise<void> = work.then(
      () => void this.background.delete(ended),
      (error: unknown) => {
        this.background.delete(ended);
        this.fault ??= { error };
      },
    );
    this.background.add(ended);
  }

  /** Ends what no build waits for, and waits for what has gone on. Rejects, once all of it has ended, if some of it failed. */
  async rest(): Promise<void> {
    this.runs.endUnclaimed();
    await Promise.all(this.background);
    const { fault } = this;
    this.fault = undefined;
    if (fault) throw fault.error;
  }
}
