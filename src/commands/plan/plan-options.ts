/** What can be asked of a plan. Decides nothing. */

import type { PlanTarget } from './planned-feature.js';

export interface PlanOptions {
  readonly target: PlanTarget;
  /** Says which documents would be written anew, and why; asks no agent. */
  readonly dryRun: boolean;
  /** The plan's files replace a person's. */
  readonly discardEdits: boolean;
  /** Dollars that this plan may cost, beside what the config says; undefined: no more limit. */
  readonly budgetUsd: number | undefined;
  readonly wait: boolean;
  /** The command line, for whoever waits for this one. */
  readonly command: string;
}
