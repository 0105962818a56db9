/** Accounting of money and tokens against limits per task, build and day. Pure; knows no clock and no agent. */

import type { Usage } from '../model/action.js';
import type { Failure } from '../model/failure.js';
import type { Label, Budget as TaskLimits } from '../model/task.js';
import type { Agent } from './agent.js';
import { addUsage } from './usage.js';

export type Scope = 'task' | 'build' | 'day';

const UNITS = ['usd', 'tokens'] as const;

export interface Limits {
  readonly usd?: number;
  readonly tokens?: number;
}

/** What was spent on one day, as it is kept between builds. */
export interface DayLedger {
  /** `2026-01-31`, UTC. */
  readonly day: string;
  readonly usd: number;
  readonly tokens: number;
}

export interface BudgetOptions {
  readonly build?: Limits;
  readonly day?: Limits;
  /** Today: `2026-01-31`, UTC. */
  readonly today: string;
  /** As it was left; one of another day counts nothing. */
  readonly ledger?: DayLedger | undefined;
}

type Exceeded = Extract<Failure, { kind: 'budget-exceeded' }>;
/** A limit that is nearly reached. */
export type Nearing = Omit<Exceeded, 'kind'>;

/** The share of a limit from which on it is reported. */
const NEAR = 0.8;

type UnknownPrice = Extract<Failure, { kind: 'budget-unknown-price' }>;

/**
 * What a build may spend. All attempts of a task, and whatever else is added under its label, count together. Tokens
 * are those sent and those received; cached ones, which cost a fraction, only count in money.
 */
export class Budget {
  private readonly limits: { readonly build: Limits; readonly day: Limits };
  private readonly tasks = new Map<Label, { limits: Limits; spent: Usage }>();
  private readonly earlier: DayLedger;
  private build: Usage = {};
  private readonly warned = new Set<string>();

  constructor(options: BudgetOptions) {
    this.limits = { build: options.build ?? {}, day: options.day ?? {} };
    const known = options.ledger?.day === options.today ? options.ledger : undefined;
    this.earlier = known ?? { day: options.today, usd: 0, tokens: 0 };
  }

  /**
   * Asked before each attempt: refuses when a limit has been reached already, and when a limit in money stands and
   * the agent does not say what it costs.
   */
  start(
    label: Label,
    limits: TaskLimits,
    agent: Pick<Agent, 'name' | 'reportsCost'>,
  ): Exceeded | UnknownPrice | undefined {
    this.tasks.set(label, { limits, spent: this.tasks.get(label)?.spent ?? {} });
    const scope = this.scopeInMoney(label);
    if (scope !== undefined && !agent.reportsCost) return unknownPrice(scope, agent);
    return this.check(label, (spent, limit) => spent >= limit);
  }

  /** Adds what has been used since the last call. The failure names the narrowest scope that is exceeded. */
  add(label: Label, used: Usage): Exceeded | undefined {
    const task = this.tasks.get(label);
    this.tasks.set(label, { limits: task?.limits ?? {}, spent: addUsage(task?.spent ?? {}, used) });
    this.build = addUsage(this.build, used);
    return this.check(label, (spent, limit) => spent > limit);
  }

  /** Limits of which four fifths are spent, each reported once, and none that is broken already. */
  nearing(label: Label): Nearing[] {
    return this.scopes(label).flatMap(({ scope, limits, ...spent }) =>
      UNITS.flatMap((unit) => {
        const limit = limits[unit];
        const name = `${scope} ${unit} ${scope === 'task' ? label : ''}`;
        const isNear = limit !== undefined && spent[unit] >= limit * NEAR && spent[unit] <= limit;
        if (!isNear || this.warned.has(name)) return [];
        this.warned.add(name);
        return [{ scope, unit, limit, spent: spent[unit] }];
      }),
    );
  }

  /**
   * Asked at the end of an attempt, with its whole usage: an agent that was to say what it costs and has not (a model
   * without a known price) fails, or a limit in money would hold nothing.
   */
  finish(label: Label, attempt: Usage, agent: Pick<Agent, 'name'>): UnknownPrice | undefined {
    const scope = this.scopeInMoney(label);
    return scope !== undefined && attempt.costUsd === undefined ? unknownPrice(scope, agent) : undefined;
  }

  /** All that this build has used. */
  get spent(): Usage {
    return this.build;
  }

  /** To be kept for the next build of the day. */
  get ledger(): DayLedger {
    return {
      day: this.earlier.day,
      usd: this.earlier.usd + (this.build.costUsd ?? 0),
      tokens: this.earlier.tokens + tokens(this.build),
    };
  }

  private scopes(label: Label): { scope: Scope; limits: Limits; usd: number; tokens: number }[] {
    const task = this.tasks.get(label);
    return [
      { scope: 'task', limits: task?.limits ?? {}, ...amounts(task?.spent ?? {}) },
      { scope: 'build', limits: this.limits.build, ...amounts(this.build) },
      { scope: 'day', limits: this.limits.day, usd: this.ledger.usd, tokens: this.ledger.tokens },
    ];
  }

  private scopeInMoney(label: Label): Scope | undefined {
    return this.scopes(label).find(({ limits }) => limits.usd !== undefined)?.scope;
  }

  private check(label: Label, beyond: (spent: number, limit: number) => boolean): Exceeded | undefined {
    for (const { scope, limits, ...spent } of this.scopes(label)) {
      for (const unit of UNITS) {
        const limit = limits[unit];
        if (limit !== undefined && beyond(spent[unit], limit)) {
          return { kind: 'budget-exceeded', scope, unit, limit, spent: spent[unit] };
        }
      }
    }
    return undefined;
  }
}

function unknownPrice(scope: Scope, agent: Pick<Agent, 'name'>): UnknownPrice {
  return { kind: 'budget-unknown-price', scope, agent: agent.name };
}

function amounts(usage: Usage): { usd: number; tokens: number } {
  return { usd: usage.costUsd ?? 0, tokens: tokens(usage) };
}

function tokens(usage: Usage): number {
  return (usage.tokensIn ?? 0) + (usage.tokensOut ?? 0);
}
