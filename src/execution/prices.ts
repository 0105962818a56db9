/** Looks for a model without a price before anything is asked of an agent under a limit in money. */

import type { Agent } from '../agent/agent.js';
import type { Failure } from '../model/failure.js';
import type { ModelChoice } from '../model/routes.js';
import type { Budget, Label } from '../model/task.js';
import type { Spending } from './spending.js';

export interface Priced {
  /** The task whose budget pays. */
  readonly payer: Label;
  readonly budget: Budget;
  /** The agent definition, by name. */
  readonly definition: string;
  readonly choice: ModelChoice | undefined;
  readonly later?: readonly string[];
  readonly cwd: string;
}

/**
 * Why no session may begin: the price of a model that works on the task, now or later (a fallback, a stronger model, a
 * reviewer), is unknown. A limit that is found to hold nothing after half of the work would waste what was paid.
 */
export async function unpricedModel(
  { spending }: { readonly spending: Spending },
  agent: Agent,
  { payer, budget, definition, choice, later = [], cwd }: Priced,
  signal: AbortSignal,
): Promise<Failure | undefined> {
  const { name } = agent;
  const unknown = (model?: string) =>
    spending.unknownPrice(payer, budget, { name, ...(model === undefined ? {} : { model }) });
  // Without a limit in money no price is looked for: to know it, a driver may have to start its server.
  if (!agent.isPriced || unknown() === undefined) return undefined;
  const models = new Set([choice?.model, ...(choice?.fallbacks ?? []), ...later]);
  for (const model of models) {
    const asked = { cwd, agentName: definition, signal, ...(model === undefined ? {} : { model }) };
    const isPriced = await agent.isPriced(asked);
    if (!isPriced.ok) return isPriced.error;
    if (!isPriced.value) return unknown(model);
  }
  return undefined;
}
