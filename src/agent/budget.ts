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

/** Who is paid for a session. */
export interface Payee extends Pick<Agent, 'name' | 'reportsCost'> {
  /** Absent: the agent's own default. */
  readonly model?: string;
}

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
  /** Agents, with their models, that did not say what a session cost. */
  private readonly unpriced = new Set<string>();

  constructor(options: BudgetOptions) {
    this.limits = { build: options.build ?? {}, day: options.day ?? {} };
    const known = options.ledger?.day === options.today ? options.ledger : undefined;
    this.earlier = known ?? { day: options.today, usd: 0, tokens: 0 };
  }

  /**
   * Asked before each session: refuses when a limit has been reached already, and when a limit in money stands and
   * the agent does not say what it costs.
   */
  start(label: Label, limits: TaskLimits, payee: Payee): Exceeded | UnknownPrice | undefined {
    this.tasks.set(label, { limits, spent: this.tasks.get(label)?.spent ?? {} });
    const isUnknown = !payee.reportsCost || this.unpriced.has(nameOf(payee));
    const unknown = isUnknown ? this.unknownPrice(label, payee) : undefined;
    return unknown ?? this.check(label, (spent, limit) => spent >= limit);
  }

  /** The failure of a payee whose price is unknown; undefined if no limit in money stands. */
  unknownPrice(
    label: Label,
    { name, model }: Pick<Payee, 'name' | 'model'>,
    limits: TaskLimits | undefined = this.tasks.get(label)?.limits,
  ): UnknownPrice | undefined {
    const scope = limits?.usd === undefined ? this.scopeInMoney(label) : 'task';
    if (scope === undefined) return undefined;
    return { kind: 'budget-unknown-price', scope, agent: name, ...(model === undefined ? {} : { model }) };
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
   * Told at the end of a session, with its whole usage. An agent that was to say what it costs and has not is started no
   * more under a limit in money; what it has made is paid for and stands. True for the first such session.
   */
  finish(label: Label, session: Usage, payee: Payee): boolean {
    const name = nameOf(payee);
    if (session.costUsd !== undefined || !this.scopeInMoney(label) || this.unpriced.has(name)) return false;
    this.unpriced.add(name);
    return true;
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

function nameOf({ name, model = '' }: Payee): string {
  return `${name} ${model}`;
}

function amounts(usage: Usage): { usd: number; tokens: number } {
  return { usd: usage.costUsd ?? 0, tokens: tokens(usage) };
}

function tokens(usage: Usage): number {
  return (usage.tokensIn ?? 0) + (usage.tokensOut ?? 0);
}
