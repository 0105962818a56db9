/** `conductor plan` as a build: what it counts and how it ends. What a plan is, is other files'. */

import { ok } from '../../base/result.js';
import { failedSummary, runBuild } from '../../build/lifecycle.js';
import { NO_COUNTS, wouldBe } from '../../build/options.js';
import type { ExecutionHost } from '../../execution/executor.js';
import type { BuildEvent, BuildSummary } from '../../model/event.js';
import { planFeature } from './plan-feature.js';
import type { PlanOptions } from './planned-feature.js';

export interface PlanOutcome {
  readonly summary: BuildSummary;
  /** The planned feature, when its plan stands. */
  readonly feature: string | undefined;
}

/** Plans and reports; the summary is also the last event. Rejects only for a bug. */
export async function plan(
  host: ExecutionHost,
  options: PlanOptions,
  on: (event: BuildEvent) => void,
  signal: AbortSignal,
): Promise<PlanOutcome> {
  const { command, wait, dryRun } = options;
  const counts = { ...NO_COUNTS };
  const counted = (event: BuildEvent) => {
    if (event.type === 'task.finished' && !dryRun) counts[event.outcome]++;
    if (event.type === 'task.checked' && dryRun) counts[wouldBe(event.verdict)]++;
    on(event);
  };
  let feature: string | undefined;
  const lifecycle = { command, wait, signal, readOnly: dryRun, on: counted, counts };
  const summary = await runBuild(host, lifecycle, async (open) => {
    const planned = await planFeature({ ...open, host, options });
    const { failure, outcome, usage, published } = planned;
    const ms = host.now() - open.startedAt;
    if (failure) {
      if (!planned.isTold) open.emit({ type: 'build.failure', failure });
      return ok(failedSummary(failure, { counts, ms, usage }));
    }
    feature = planned.feature;
    return ok<BuildSummary>({ outcome, exitCode: 0, counts, ms, usage, published });
  });
  return { summary, feature };
}
