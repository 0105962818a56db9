/** `conductor plan`: turns flags into the options of a plan, passes events to reporters, and stops at signals. */

import { plan } from '../../../commands/plan/plan.js';
import { planTarget } from '../../plan-target.js';
import { openReporters } from '../../reporters.js';
import { cancelOnSignals } from '../../signals.js';
import { createHost } from '../../wire.js';

interface PlanFlags {
  readonly feature?: string;
  readonly dryRun?: boolean;
  readonly fresh?: boolean;
  readonly discardEdits?: boolean;
  readonly budgetUsd?: number;
  readonly wait: boolean;
  readonly json?: boolean;
}

export async function runPlan(target: string, flags: PlanFlags): Promise<number> {
  const host = createHost(process.cwd());
  const reporters = openReporters(host, { json: flags.json === true, dryRun: flags.dryRun === true });
  const signals = cancelOnSignals();
  try {
    const { summary } = await plan(
      host,
      {
        target: planTarget(target, flags.feature),
        dryRun: flags.dryRun === true,
        fresh: flags.fresh === true,
        discardEdits: flags.discardEdits === true,
        budgetUsd: flags.budgetUsd,
        wait: flags.wait,
        command: `conductor plan ${target}`,
      },
      (event) => reporters.on(event),
      signals.signal,
    );
    return summary.exitCode;
  } finally {
    signals.stop();
    await reporters.close();
  }
}
