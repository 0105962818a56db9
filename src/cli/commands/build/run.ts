/** `conductor run`: plans, shows what would be built, asks, and builds. */

import { build } from '../../../build/build.js';
import { PLAIN_BUILD } from '../../../build/options.js';
import { proposeBuild } from '../../../commands/backlog.js';
import { applyChanges, proposedChanges } from '../../../commands/plan/feature-changes.js';
import { plan } from '../../../commands/plan/plan.js';
import type { Host } from '../../../project/host.js';
import { decidedText, elsewhereText, proposalText } from '../../../report/backlog.js';
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
    if (typeof agreed === 'number') return agreed;
    const { changed } = agreed;
    if (changed.length > 0) {
      const { signal } = signals;
      const applied = await applyChanges(host, feature, { command, wait: flags.wait, signal });
      if (!applied.ok) return refuse(applied.error);
    }
    const targets = [feature, ...changed];
    const options = { ...PLAIN_BUILD, targets, discardEdits, wait: flags.wait, command };
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

/** What a person agreed to beside the feature itself: the tasks of other features that are to be changed. */
interface Agreed {
  readonly changed: readonly string[];
}

/** Shows what would be built and changed, and asks; the exit code when it is not to be built. */
async function agree(
  host: Host,
  feature: string,
  flags: RunFlags,
  signal: AbortSignal,
): Promise<number | Agreed> {
  const proposed = await proposeBuild(host, feature);
  if (!proposed.ok) return refuse(proposed.error);
  const elsewhere = await proposedChanges(host, feature);
  if (!elsewhere.ok) return refuse(elsewhere.error);
  const { changes, policy } = elsewhere.value;
  const agreed = { changed: [...new Set(changes.map(({ task }) => task))] };
  const { rows, estimate, contradictions, assumptions } = proposed.value;
  if (rows.length === 0 && changes.length === 0) return agreed;
  const out = flags.json ? process.stderr : process.stdout;
  const decided = decidedText({ contradictions, assumptions }, styleFor(out));
  const other = elsewhereText(changes, styleFor(out));
  const known = new Set(rows.map(({ label }) => label));
  const elsewhereTasks = changes
    .filter(({ task, diff }) => diff !== '' && !known.has(task))
    .map(({ task }) => task);
  const cost = estimateText({ ...estimate, elsewhere: new Set(elsewhereTasks).size });
  out.write(`\n${proposalText(rows, styleFor(out))}\n${other}${decided}${cost}\n`);
  if (flags.yes && (changes.length === 0 || policy === 'apply')) return agreed;
  if (flags.yes) {
    return refuse({
      kind: 'usage',
      message: 'nothing was built: the plan changes other features, and `--yes` does not agree to that',
      hint: `apply the changes with \`conductor approve ${feature}\`, then build; or set \`planChanges: 'apply'\` in the config`,
    });
  }
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
    const question =
      changes.length === 0 ? 'Build this?' : 'Apply the changes of other features, and build this?';
    if (await askYes(question, false, signal)) return agreed;
    out.write(declined);
    return 1;
  } catch (error) {
    if (!(error instanceof LeftAtQuestion)) throw error;
    out.write(declined);
    return 130;
  }
}
