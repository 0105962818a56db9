/** Accounting of money, tokens and minutes against limits per task, build, day and over projects. Pure; knows no clock and no agent. */

import type { Usage } from '../model/action.js';
import type { BudgetScope, Failure } from '../model/failure.js';
import type { Label, Budget as TaskLimits } from '../model/task.js';
import type { Agent } from './agent.js';

export type Scope = BudgetScope;

const UNITS = ['usd', 'tokens', 'minutes'] as const;

export type Limits = TaskLimits;

/** Dollars, tokens sent and received, minutes of agents' sessions. */
export type Amounts = Readonly<Record<(typeof UNITS)[number], number>>;

const NOTHING: Amounts = { usd: 0, tokens: 0, minutes: 0 };

/** One budget of several projects that are built together. */
export interface CommonBudget {
  readonly limits: Limits;
  /** By all of them so far. */
  spent(): Amounts;
  add(used: Amounts): void;
}

export interface BudgetOptions {
  readonly build?: Limits;
  readonly day?: Limits;
  /** Absent: the project is built alone, or there is no limit over all. */
  readonly common?: CommonBudget | undefined;
  /** What was spent today before this build, or beside it: asked each time, as other builds go on. */
  earlier?(): Amounts;
  /** What killed builds had spent on tasks that they did not finish. */
  readonly unfinished?: ReadonlyMap<Label, Amounts>;
}

type Exceeded = Extract<Failure, { kind: 'budget-exceeded' }>;
/** A limit that is nearly reached. */
export type Nearing = Omit<Exceeded, 'kind'>;

/** Minutes that are too few to begin anything. */
const LEAST_MINUTES = 0.001;
/** The share of a limit from which on it is reported. */
const NEAR = 0.8;

/** Who is paid for a session. */
export interface Payee extends Pick<Agent, 'name' | 'reportsCost'> {
  /** Absent: the agent's own default. */
  readonly model?: string;
}

type Unknown = UnknownPrice | Extract<Failure, { kind: 'budget-unknown-usage' }>;
type UnknownPrice = Extract<Failure, { kind: 'budget-unknown-price' }>;

/**
 * What a build may spend. All attempts of a task, and whatever else is added under its label, count together. Tokens
 * are those sent and those received; cached ones, which cost a fraction, only count in money.
 */
export class Budget {
  private readonly limits: { readonly build: Limits; readonly day: Limits };
  private readonly tasks = new Map<Label, { limits: Limits; spent: Amounts }>();
  private readonly earlier: () => Amounts;
  private readonly common: CommonBudget | undefined;
  private build = NOTHING;
  private readonly warned = new Set<string>();
  /** Agents, with their models, that did not say what a session cost. */
  private readonly unpriced = new Set<string>();
  /** Likewise, how many tokens. */
  private readonly uncounted = new Set<string>();

  constructor(options: BudgetOptions) {
    this.limits = { build: options.build ?? {}, day: options.day ?? {} };
    this.common = options.common;
    this.earlier = options.earlier ?? (() => NOTHING);
    for (const [label, spent] of options.unfinished ?? []) this.tasks.set(label, { limits: {}, spent });
  }

  /**
   * Asked before each session: refuses when a limit has been reached already, and when a limit in money stands and
   * the agent does not say what it costs.
   */
  start(label: Label, limits: TaskLimits, payee: Payee): Exceeded | Unknown | undefined {
    this.tasks.set(label, { limits, spent: this.tasks.get(label)?.spent ?? NOTHING });
    const isUnknown = !payee.reportsCost || this.unpriced.has(nameOf(payee));
    const unknown = isUnknown ? this.unknownPrice(label, payee) : undefined;
    const uncounted = this.uncounted.has(nameOf(payee)) ? this.scopeOf('tokens', label) : undefined;
    if (uncounted) return { kind: 'budget-unknown-usage', scope: uncounted, agent: payee.name };
    return (
      unknown ??
      this.check(label, (spent, limit, unit) => spent >= limit - (unit === 'minutes' ? LEAST_MINUTES : 0))
    );
  }

  /** The failure of a payee whose price is unknown; undefined if no limit in money stands. */
  unknownPrice(
    label: Label,
    { name, model }: Pick<Payee, 'name' | 'model'>,
    limits: TaskLimits | undefined = this.tasks.get(label)?.limits,
  ): UnknownPrice | undefined {
    const scope = limits?.usd === undefined ? this.scopeOf('usd', label) : 'task';
    if (scope === undefined) return undefined;
    return { kind: 'budget-unknown-price', scope, agent: name, ...(model === undefined ? {} : { model }) };
  }

  /** Adds what has been used since the last call. The failure names the narrowest scope that is exceeded. */
  add(label: Label, used: Amounts): Exceeded | undefined {
    const task = this.tasks.get(label);
    this.tasks.set(label, { limits: task?.limits ?? {}, spent: plus(task?.spent ?? NOTHING, used) });
    this.build = plus(this.build, used);
    this.common?.add(used);
    // A session that comes to the end of its minutes is ended by its agent's own limit.
    return this.check(label, (spent, limit, unit) => unit !== 'minutes' && spent > limit);
  }

  /** The failure of a session that came to the end of its time; undefined if the task has no limit of minutes. */
  outOfTime(label: Label): Exceeded | undefined {
    const { limits, spent } = this.tasks.get(label) ?? { limits: {}, spent: NOTHING };
    const { minutes: limit } = limits;
    if (limit === undefined) return undefined;
    return {
      kind: 'budget-exceeded',
      scope: 'task',
      unit: 'minutes',
      limit,
      spent: Math.max(limit, spent.minutes),
    };
  }

  /** Minutes that a task has left; undefined without such a limit. */
  minutesLeft(label: Label): number | undefined {
    const task = this.tasks.get(label);
    const limit = task?.limits.minutes;
    return limit === undefined ? undefined : Math.max(0, limit - (task?.spent.minutes ?? 0));
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
   * Told at the end of a session, with its whole usage. An agent that was to say what it costs, or how many tokens
   * it used, and has not, is started no more under such a limit; what it has made is paid for and stands. Returns the unit
   * of the first such session.
   */
  finish(label: Label, session: Usage, payee: Payee): 'usd' | 'tokens' | undefined {
    const name = nameOf(payee);
    if (session.costUsd === undefined && this.scopeOf('usd', label) && !this.unpriced.has(name)) {
      this.unpriced.add(name);
      return 'usd';
    }
    const isCounted = session.tokensIn !== undefined || session.tokensOut !== undefined;
    if (isCounted || !this.scopeOf('tokens', label) || this.uncounted.has(name)) return undefined;
    this.uncounted.add(name);
    return 'tokens';
  }

  private scopes(label: Label): (Amounts & { scope: Scope; limits: Limits })[] {
    const task = this.tasks.get(label);
    return [
      { scope: 'task', limits: task?.limits ?? {}, ...(task?.spent ?? NOTHING) },
      { scope: 'build', limits: this.limits.build, ...this.build },
      { scope: 'day', limits: this.limits.day, ...plus(this.earlier(), this.build) },
      ...(this.common
        ? [{ scope: 'projects' as const, limits: this.common.limits, ...this.common.spent() }]
        : []),
    ];
  }

  private scopeOf(unit: 'usd' | 'tokens', label: Label): Scope | undefined {
    return this.scopes(label).find(({ limits }) => limits[unit] !== undefined)?.scope;
  }

  private check(
    label: Label,
    beyond: (spent: number, limit: number, unit: (typeof UNITS)[number]) => boolean,
  ): Exceeded | undefined {
    for (const { scope, limits, ...spent } of this.scopes(label)) {
      for (const unit of UNITS) {
        const limit = limits[unit];
        if (limit !== undefined && beyond(spent[unit], limit, unit)) {
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

/** Tokens that came from a cache, which cost a fraction, only count in money. */
export function amountsOf(usage: Usage, minutes: number): Amounts {
  return { usd: usage.costUsd ?? 0, tokens: (usage.tokensIn ?? 0) + (usage.tokensOut ?? 0), minutes };
}

function plus(a: Amounts, b: Amounts): Amounts {
  return { usd: a.usd + b.usd, tokens: a.tokens + b.tokens, minutes: a.minutes + b.minutes };
}
