/**
 * What outlives a build where another of the same project follows in this process: what runs, what failed, what was
 * read. A single build has one of its own. Decides nothing.
 */

import { Limiter } from '../base/limiter.js';
import type { Spending } from '../execution/spending.js';
import type { Failure } from '../model/failure.js';
import { ProjectMemory } from '../project/project-memory.js';
import type { PoolOptions, WorkspacePool } from '../workspace/pool.js';
import { Runs } from './running-tasks.js';

export class SessionState {
  readonly runs = new Runs();
  readonly memory = new ProjectMemory();
  /** Failures by the key of what failed (a result's, or that of gates): the same again would fail again. */
  readonly failed = new Map<string, Failure>();
  /** The purse of the last build. */
  spending: Spending | undefined;
  /** Whether a build writes to the working tree, or is about to: it is not to be superseded any more. */
  isPublishing = false;
  private pool: WorkspacePool | undefined;
  private readonly limiters = new Map<string, { limit: number; limiter: Limiter }>();
  private readonly lingering = new Set<Promise<unknown>>();

  /** The same limiter as long as the limit is the same: what a superseded build left running counts. */
  limiter(name: string, limit: number): Limiter {
    const known = this.limiters.get(name);
    if (known?.limit === limit) return known.limiter;
    const limiter = new Limiter(limit);
    this.limiters.set(name, { limit, limiter });
    return limiter;
  }

  /** One pool for all builds: their workspaces have the same names. */
  workspaces(options: PoolOptions, create: () => WorkspacePool): WorkspacePool {
    this.pool ??= create();
    this.pool.use(options);
    return this.pool;
  }

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
