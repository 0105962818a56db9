/** The budgets of a build: checked before, while and after an agent works, with the usage of the day on disk. */

import { Budget, type DayLedger, type Limits, type Nearing, type Payee } from '../agent/budget.js';
import { addUsage, usageSince } from '../agent/usage.js';
import { err, ok, type Result } from '../base/result.js';
import type { Usage } from '../model/action.js';
import type { Config } from '../model/config.js';
import type { BuildEventBody } from '../model/event.js';
import type { Failure } from '../model/failure.js';
import type { Label, Budget as TaskLimits } from '../model/task.js';
import { writeSpending } from '../project/clone-records.js';
import { money } from '../report/style.js';

/** The account of one attempt of one task. */
export interface Account {
  /** Takes the attempt's running total; returns the failure if it exceeds a limit. */
  report(total: Usage): Failure | undefined;
  /** Warnings about limits that are nearly reached, each once. */
  warnings(): BuildEventBody[];
  /** The sum over all attempts of the task, given the running total of this one. */
  sum(total: Usage): Usage;
  /**
   * Writes the ledger at the end of the session. `isAnswered`: a model was asked, so that a missing price is worth a
   * warning.
   */
  close(total: Usage, isAnswered: boolean): Promise<BuildEventBody | undefined>;
}

export class Spending {
  private readonly budget: Budget;
  private readonly state: string;
  private readonly earlier = new Map<Label, Usage>();

  /** `ledger` is what was spent earlier on `ledger.day`, which is today. */
  constructor(limits: { readonly build: Limits; readonly day: Limits }, ledger: DayLedger, state: string) {
    this.budget = new Budget({ ...limits, today: ledger.day, ledger });
    this.state = state;
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
    const report = (total: Usage) => {
      const used = usageSince(reported, total);
      reported = total;
      return this.budget.add(label, used);
    };
    return ok({
      report,
      warnings: () => this.budget.nearing(label).map((near) => nearWarning(label, near)),
      sum: (total) => addUsage(before, total),
      close: async (total, isAnswered) => {
        this.earlier.set(label, addUsage(before, total));
        await writeSpending(this.state, this.budget.ledger);
        const isUnpriced = isAnswered && this.budget.finish(label, total, payee);
        return isUnpriced ? unpricedWarning(label, payee) : undefined;
      },
    });
  }
}

function nearWarning(label: Label, { scope, unit, limit, spent }: Nearing): BuildEventBody {
  const amount = (value: number) => (unit === 'usd' ? money(value) : `${value}`);
  const words = unit === 'usd' ? '' : ' tokens';
  const message = `the budget of the ${scope} is nearly used up: ${amount(spent)} of ${amount(limit)}${words}`;
  return { type: 'warning', message, ...(scope === 'task' ? { task: label } : {}) };
}

function unpricedWarning(task: Label, { name, model = name }: Payee): BuildEventBody {
  const message = `${model} did not say what it costs: its work stands, but it is not asked again under a limit in dollars`;
  return { type: 'warning', task, message };
}

/** The config with one more limit for this build; the lower limit applies. */
export function withBuildLimit(config: Config, usd: number | undefined): Config {
  if (usd === undefined) return config;
  const { budget } = config;
  const limit = Math.min(usd, budget.build.usd ?? usd);
  return { ...config, budget: { ...budget, build: { ...budget.build, usd: limit } } };
}
