/**
 * What projects that are built together in one process share: places for tasks and sessions by weight, commands and gates,
 * sessions of providers, one budget. Knows no list of projects.
 */

import type { Amounts, CommonBudget, Limits } from '../agent/budget.js';
import { inArrival, Limiter, type Turns } from '../base/limiter.js';
import { type Share, ShareLimiter, type ShareTerms, type ShareUse } from '../base/shares/share-limiter.js';
import type { CommonResources } from '../project/host.js';

export interface CommonLimits {
  readonly workers: number;
  /** Absent: as many sessions as there are workers. */
  readonly agents?: number;
  readonly commands: number;
  readonly gates: number;
  readonly usd?: number;
  readonly tokens?: number;
}

/** One project's part of it. */
export interface ProjectResources extends CommonResources {
  /** What its tasks have had so far. */
  readonly use: ShareUse;
}

export class AllResources {
  private readonly workers: ShareLimiter;
  private readonly agents: ShareLimiter | undefined;
  private readonly commands: Limiter;
  private readonly gates: Limiter;
  private readonly named = new Map<string, Limiter>();
  private readonly budget: CommonBudget | undefined;

  constructor(limits: CommonLimits, now: () => number) {
    const { workers, agents, commands, gates, usd, tokens } = limits;
    this.workers = new ShareLimiter(workers, now);
    this.agents = agents === undefined ? undefined : new ShareLimiter(agents, now);
    this.commands = new Limiter(commands);
    this.gates = new Limiter(gates);
    const money: Limits = {
      ...(usd === undefined ? {} : { usd }),
      ...(tokens === undefined ? {} : { tokens }),
    };
    this.budget = Object.keys(money).length === 0 ? undefined : new SummedBudget(money);
  }

  /** The resources of one more project. */
  share(terms: ShareTerms): ProjectResources {
    const workers: Share = this.workers.add(terms);
    // The least and the most are numbers of tasks; sessions follow from them.
    const agents = this.agents?.add({ ...terms, least: 0 });
    return {
      workers,
      ...(agents === undefined ? {} : { agents }),
      // By priority, a project with a long chain of tasks would keep the commands of all others waiting.
      commands: inArrival(this.commands),
      gates: inArrival(this.gates),
      turns: (name, limit) => this.turns(name, limit),
      ...(this.budget === undefined ? {} : { budget: this.budget }),
      get use() {
        return workers.use;
      },
    };
  }

  private turns(name: string, limit: number): Turns {
    const known = this.named.get(name);
    if (known) {
      known.lower(limit);
      return known;
    }
    const made = new Limiter(limit);
    this.named.set(name, made);
    return made;
  }
}

class SummedBudget implements CommonBudget {
  readonly limits: Limits;
  private usd = 0;
  private tokens = 0;
  private minutes = 0;

  constructor(limits: Limits) {
    this.limits = limits;
  }

  spent(): Amounts {
    const { usd, tokens, minutes } = this;
    return { usd, tokens, minutes };
  }

  add(used: Amounts): void {
    this.usd += used.usd;
    this.tokens += used.tokens;
    this.minutes += used.minutes;
  }
}
