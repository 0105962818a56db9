/** The build's purse: budgets asked before, while and after an agent works, and the day's ledger kept on disk. */

import type { Agent } from '../agent/agent.js';
import { Budget, type DayLedger, type Limits } from '../agent/budget.js';
import { addUsage, usageSince } from '../agent/usage.js';
import { err, ok, type Result } from '../base/result.js';
import type { Usage } from '../model/action.js';
import type { Failure } from '../model/failure.js';
import type { Label, Budget as TaskLimits } from '../model/task.js';
import { writeSpending } from './records.js';

/** One attempt of one task. */
export interface Account {
  /** Takes the attempt's running total; the failure says which limit it breaks. */
  report(total: Usage): Failure | undefined;
  /** All attempts of the task together, given the running total of this one. */
  sum(total: Usage): Usage;
  /** At the end: keeps the ledger; fails when the agent owed a price and named none. */
  close(total: Usage): Promise<Failure | undefined>;
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

  open(label: Label, limits: TaskLimits, agent: Agent): Result<Account, Failure> {
    const refused = this.budget.start(label, limits, agent);
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
      sum: (total) => addUsage(before, total),
      close: async (total) => {
        this.earlier.set(label, addUsage(before, total));
        await writeSpending(this.state, this.budget.ledger);
        return this.budget.finish(label, total, agent);
      },
    });
  }
}
