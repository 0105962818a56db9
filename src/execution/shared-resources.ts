/**
 * What one executor passes to the next one of the same session: limiters, the pool of workspaces, budgets. Decides
 * nothing.
 */

import { Limiter } from '../base/limiter.js';
import type { PoolOptions, WorkspacePool } from '../workspace/workspace-pool.js';
import type { Spending } from './spending.js';

export class SharedResources {
  /** The budgets of the last build. */
  spending: Spending | undefined;
  private pool: WorkspacePool | undefined;
  private readonly limiters = new Map<string, { limit: number; limiter: Limiter }>();

  /** The same limiter as long as the limit is the same, so that work of a superseded build counts too. */
  limiter(name: string, limit: number): Limiter {
    const known = this.limiters.get(name);
    if (known?.limit === limit) return known.limiter;
    const limiter = new Limiter(limit);
    this.limiters.set(name, { limit, limiter });
    return limiter;
  }

  /** One pool for all builds of the session: their workspaces have the same names. */
  workspaces(options: PoolOptions, create: () => WorkspacePool): WorkspacePool {
    this.pool ??= create();
    this.pool.use(options);
    return this.pool;
  }
}
