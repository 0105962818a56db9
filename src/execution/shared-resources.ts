/**
 * What one executor passes to the next one of the same session: limiters, the pool of workspaces, budgets; and what
 * projects that are built together have in common. Decides nothing.
 */

import type { CommonBudget } from '../agent/budget.js';
import { bothTurns, Limiter, type Turns } from '../base/limiter.js';
import { OneByOne } from '../base/own-work/one-by-one.js';
import type { CommonResources } from '../project/host.js';
import type { PoolOptions, WorkspacePool } from '../workspace/workspace-pool.js';
import type { Spending } from './spending.js';

export class SharedResources {
  /** The budgets of the last build. */
  spending: Spending | undefined;
  /** Of this process for agents: from a free worker to the agent's start, and from its end to a free worker. */
  readonly ownWork = new OneByOne();
  private pool: WorkspacePool | undefined;
  private readonly limiters = new Map<string, { limit: number; limiter: Limiter }>();
  private readonly common: CommonResources | undefined;

  constructor(common?: CommonResources) {
    this.common = common;
  }

  /** Of tasks at the same time. Projects that are built together have one limit, and `limit` does not count. */
  workers(limit: number): Turns {
    return this.common?.workers ?? this.limiter('workers', limit);
  }

  /**
   * Of tasks that compute, among the workers: twice as many as there are commands at the same time. So a free worker is left for
   * an agent while many commands wait, and a command is always ready to run when another one has ended.
   */
  computing(workers: Turns, commands: number): Turns {
    return bothTurns(workers, this.limiter('computing', 2 * commands));
  }

  /** Of commands at the same time: the project's own limit, and that of all. A job with a turn must not ask for a second one. */
  commands(limit: number): Turns {
    return bothTurns(this.common?.commands, this.limiter('commands', limit));
  }

  /** Of gates at the same time, each of which is a command too: the project's own limits, and those of all. */
  gates(limit: number, commands: number): Turns {
    return bothTurns(this.commands(commands), bothTurns(this.common?.gates, this.limiter('gates', limit)));
  }

  /** Of sessions of one provider at the same time: one limit for all projects. */
  sessions(provider: string, limit: number): Turns {
    const name = `sessions of ${provider}`;
    return this.common?.turns(name, limit) ?? this.limiter(name, limit);
  }

  /** Over all projects. Undefined: there is no such limit. */
  get commonBudget(): CommonBudget | undefined {
    return this.common?.budget;
  }

  /** Of sessions at the same time over all projects. Undefined: no limit. */
  get agents(): Turns | undefined {
    return this.common?.agents;
  }

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
