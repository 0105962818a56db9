/** The budgets of a build: checked before, while and after an agent works, and each step recorded before the next. */

import {
  amountsOf,
  Budget,
  type CommonBudget,
  type Limits,
  type Nearing,
  type Payee,
} from '../agent/budget.js';
import { addUsage, usageSince } from '../agent/usage.js';
import { err, ok, type Result } from '../base/result.js';
import type { Usage } from '../model/action.js';
import type { Config } from '../model/config.js';
import type { BuildEventBody } from '../model/event.js';
import type { Failure } from '../model/failure.js';
import type { Label, Budget as TaskLimits } from '../model/task.js';
import type { DayLedger } from '../project/day-ledger.js';
import type { Amounts, SpendingRecord } from '../project/spending-record.js';
import { budgetOwner } from '../report/failures/failure-text.js';
import { minutes as inMinutes, money } from '../report/style.js';

/** The account of one attempt of one task. */
export interface Account {
  /**
   * Takes the running total of the session and of its milliseconds of work, and records the step; returns the failure if
   * it exceeds a limit.
   */
  report(total: Usage, ms: number): Failure | undefined;
  /** What the task's limit of minutes leaves to this session; absent without such a limit. */
  readonly leftMs?: number;
  /** The failure of a session that came to the end of its time; undefined if the task has no limit of minutes. */
  outOfTime(): Failure | undefined;
  /** Warnings about limits that are nearly reached, each once. */
  warnings(): BuildEventBody[];
  /** The sum over all attempts of the task, given the running total of this one. */
  sum(total: Usage): Usage;
  /** At the end of the session. `isAnswered`: a model was asked, so that a missing price is worth a warning. */
  close(total: Usage, isAnswered: boolean): BuildEventBody | undefined;
}

/** Where the steps of a budget are kept on disk. */
export type BudgetRecord = Pick<SpendingRecord, 'before' | 'unfinished' | 'add' | 'close'>;

export class Spending {
  private readonly budget: Budget;
  private readonly record: BudgetRecord;
  private readonly ledger: Pick<DayLedger, 'add'> | undefined;
  private readonly earlier = new Map<Label, Usage>();

  /** `ledger`: of all builds of this person, where a limit for a day asks for it. */
  constructor(
    limits: {
      readonly build: Limits;
      readonly day: Limits;
      readonly common?: CommonBudget | undefined;
    },
    record: BudgetRecord,
    ledger?: Pick<DayLedger, 'spent' | 'add'>,
  ) {
    const { before, unfinished } = record;
    // The ledger has what this clone spent before too; the clone's own record stands where the ledger cannot be written.
    const earlier = () => (ledger ? greater(before, ledger.spent()) : before);
    this.budget = new Budget({ ...limits, earlier, unfinished });
    this.record = record;
    this.ledger = ledger;
  }

  /** The build has ended in order. */
  close(): void {
    this.record.close();
  }

  /** The failure of a payee whose price is unknown; undefined if no limit in money stands. */
  unknownPrice(label: Label, limits: TaskLimits, payee: Pick<Payee, 'name' | 'model'>): Failure | undefined {
    return this.budget.unknownPrice(label, payee, limits);
  }

  open(label: Label, limits: TaskLimits, payee: Payee): Result<Account, Failure> {
    const refused = this.budget.start(label, limits, payee);
    if (refused) return err(refused);
    const before = this.earlier.get(label) ?? {};
    let reported: Usage = {};
    let minutes = 0;
    const report = (total: Usage, ms: number) => {
      const used = amountsOf(usageSince(reported, total), Math.max(0, ms / 60_000 - minutes));
      reported = total;
      minutes += used.minutes;
      this.record.add(label, used);
      this.ledger?.add(used);
      return this.budget.add(label, used);
    };
    const left = this.budget.minutesLeft(label);
    return ok({
      report,
      ...(left === undefined ? {} : { leftMs: left * 60_000 }),
      outOfTime: () => this.budget.outOfTime(label),
      warnings: () => this.budget.nearing(label).map((near) => nearWarning(label, near)),
      sum: (total) => addUsage(before, total),
      close: (total, isAnswered) => {
        this.earlier.set(label, addUsage(before, total));
        const unit = isAnswered ? this.budget.finish(label, total, payee) : undefined;
        return unit && unknownWarning(label, payee, unit);
      },
    });
  }
}

function greater(a: Amounts, b: Amounts): Amounts {
  return {
    usd: Math.max(a.usd, b.usd),
    tokens: Math.max(a.tokens, b.tokens),
    minutes: Math.max(a.minutes, b.minutes),
  };
}

function nearWarning(label: Label, { scope, unit, limit, spent }: Nearing): BuildEventBody {
  const amount = (value: number) =>
    unit === 'usd' ? money(value) : unit === 'minutes' ? inMinutes(value) : `${value}`;
  const words = unit === 'tokens' ? ' tokens' : '';
  const message = `the budget of the ${budgetOwner(scope)} is nearly used up: ${amount(spent)} of ${amount(limit)}${words}`;
  return { type: 'warning', message, ...(scope === 'task' ? { task: label } : {}) };
}

function unknownWarning(task: Label, { name, model = name }: Payee, unit: 'usd' | 'tokens'): BuildEventBody {
  const what = unit === 'usd' ? 'what it costs' : 'how many tokens it used';
  const limit = unit === 'usd' ? 'dollars' : 'tokens';
  const message = `${model} did not say ${what}: what it finished stands, but it is not asked again under a limit in ${limit}`;
  return { type: 'warning', task, message };
}

/** The config with one more limit for this build; the lower limit applies. */
export function withBuildLimit(config: Config, usd: number | undefined): Config {
  if (usd === undefined) return config;
  const { budget } = config;
  const limit = Math.min(usd, budget.build.usd ?? usd);
  return { ...config, budget: { ...budget, build: { ...budget.build, usd: limit } } };
}
