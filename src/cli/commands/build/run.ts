/** `conductor run`: plans, shows what would be built, asks, and builds. */

import { build } from '../../../build/build.js';
import { PLAIN_BUILD } from '../../../build/options.js';
import { proposeBuild } from '../../../commands/backlog.js';
import { plan } from '../../../commands/plan/plan.js';
import type { Host } from '../../../project/host.js';
import { decidedText, proposalText } from '../../../report/backlog.js';
import { estimateText } from '../../../report/estimate.js';
import type { Reporter } from '../../../report/live/reporter.js';
import { refuse, styleFor } from '../../output.js';
import { planTarget } from '../../plan-target.js';
import { restOf } from '../../reported-build.js';
import { openReporters } from '../../reporters.js';
import { cancelOnSignals } from '../../signals.js';
import { createHost } from '../../wire.js';

interface RunFlags {
  readonly feature?: string;
  readonly yes?: boolean;
  readonly fresh?: boolean;
  readonly discardEdits?: boolean;
  readonly budgetUsd?: number;
  readonly workers?: number;
  readonly wait: boolean;
  readonly json?: boolean;
}

export async function runRun(target: string, flags: RunFlags): Promise<number> {
  const host = createHost(process.cwd());
  const signals = cancelOnSignals();
  const command = `conductor run ${target}`;
  const discardEdits = flags.discardEdits === true;
  try {
    const planned = await reported(host, flags, (reporters) =>
      plan(
        host,
        {
          target: planTarget(target, flags.feature),
          dryRun: false,
          fresh: flags.fresh === true,
          discardEdits,
          budgetUsd: flags.budgetUsd,
          wait: flags.wait,
          command,
        },
        (event) => reporters.on(event),
        signals.signal,
      ),
    );
    const { feature } = planned;
    if (feature === undefined) return planned.summary.exitCode;
    const agreed = await agree(host, feature, flags, signals.signal);
    if (agreed !== undefined) return agreed;
    const options = { ...PLAIN_BUILD, targets: [feature], discardEdits, wait: flags.wait, command };
    const summary = await reported(host, flags, (reporters) =>
      build(
        host,
        { ...options, workers: flags.workers, budgetUsd: restOf(flags.budgetUsd, planned.summary.usage) },
        (event) => reporters.on(event),
        signals.signal,
      ),
    );
    return summary.exitCode;
  } finally {
    signals.stop();
  }
}

async function reported<T>(
  host: Host,
  flags: RunFlags,
  work: (reporters: Reporter) => Promise<T>,
): Promise<T> {
  const reporters = openReporters(host, { json: flags.json === true, dryRun: false });
  try {
    return await work(reporters);
  } finally {
    await reporters.close();
  }
}

/** Shows what would be built and asks; the exit code when it is not to be built. */
async function agree(
  host: Host,
  feature: string,
  flags: RunFlags,
  signal: AbortSignal,
): Promise<number | undefined> {
  const proposed = await proposeBuild(host, feature);
  if (!proposed.ok) return refuse(proposed.error);
  const { rows, estimate, contradictions, assumptions } = proposed.value;
  if (rows.length === 0) return undefined;
  const out = flags.json ? process.stderr : process.stdout;
  const decided = decidedText({ contradictions, assumptions }, styleFor(out));
  out.write(`\n${proposalText(rows, styleFor(out))}\n${decided}${estimateText(estimate)}\n`);
  if (flags.yes) return undefined;
  const { askYes, canAsk, LeftAtQuestion } = await import('../../questions.js');
  if (flags.json || !canAsk()) {
    return refuse({
      kind: 'usage',
      message: 'nothing was built: conductor cannot ask without a terminal',
      hint: 'the plan is written; build it with `--yes`, or with `conductor build`',
    });
  }
  const declined = 'conductor: nothing was built; the plan is written\n';
  try {
    if (await askYes('Build this?', false, signal)) return undefined;
    out.write(declined);
    return 1;
  } catch (error) {
    if (!(error instanceof LeftAtQuestion)) throw error;
    out.write(declined);
    return 130;
  }
}
