/** Runs a build with its reporters and signals, for every command that builds. Knows no flag. */

import type { Socket } from 'node:net';
import { build } from '../build/build.js';
import type { BuildOptions } from '../build/options.js';
import { noteBuild } from '../io/process/v8.js';
import type { Usage } from '../model/action.js';
import type { BuildEvent, BuildSummary } from '../model/event.js';
import type { Label } from '../model/task.js';
import { unacceptedText } from '../report/live/summary-line.js';
import type { CiReports } from './ci/ci-reports.js';
import { remark } from './output.js';
import { openReporters } from './reporters.js';
import { anySignal, cancelOnSignals } from './signals.js';
import type { TraceFile } from './telemetry/trace-file.js';
import { createHost } from './wire.js';

/** Builds in one command because a person or the config granted what an agent asked for. */
const MAX_ROUNDS = 4;

export interface ReportedOptions {
  readonly json: boolean;
  readonly profile?: string | undefined;
  readonly inbox?: boolean;
  readonly detach?: boolean;
  /** Absent: no CI reads what is printed. */
  readonly ci?: CiReports | undefined;
}

/** The exit code. */
export async function runReported(
  options: BuildOptions,
  { json, profile, inbox = false, detach = false, ci }: ReportedOptions,
): Promise<number> {
  const traced = profile === undefined ? undefined : await openProfile(profile);
  let next = options;
  try {
    for (let round = 1; ; round++) {
      const { summary, asking } = await runOnce(next, { json, inbox, detach, ci }, traced);
      const { exitCode } = summary;
      const isOver = asking.length === 0 || round === MAX_ROUNDS || exitCode === 130;
      if (isOver || options.frozen || options.restoreOnly || options.accept) return exitCode;
      const { grantRequests } = await import('./commands/build/granted-requests.js');
      if (!(await grantRequests(asking, json))) return exitCode;
      // The limit is for the whole command, and what was rebuilt once is not rebuilt.
      next = { ...next, force: false, budgetUsd: restOf(next.budgetUsd, summary.usage) };
    }
  } finally {
    await traced?.write();
  }
}

/** What a part of a command has left of a limit in dollars. */
export function restOf(budgetUsd: number | undefined, { costUsd = 0 }: Usage): number | undefined {
  return budgetUsd === undefined ? undefined : Math.max(0, budgetUsd - costUsd);
}

/** `asking`: the tasks that failed because their agents ask for something. */
async function runOnce(
  options: BuildOptions,
  { json, inbox = false, detach = false, ci }: ReportedOptions,
  traced: { on(event: BuildEvent): void } | undefined,
): Promise<{ readonly summary: BuildSummary; readonly asking: readonly Label[] }> {
  const namesCollector = Object.keys(process.env).some((name) => name.startsWith('OTEL_EXPORTER_OTLP'));
  const telemetry = namesCollector
    ? (await import('./telemetry/build-telemetry.js')).openTelemetry(process.env)
    : undefined;
  const host = createHost(process.cwd(), {
    ...{ inbox, detach },
    ...(telemetry ? { traceparent: (task: Label) => telemetry.traceparent(task) } : {}),
  });
  const reporters = openReporters(host, { json, dryRun: options.dryRun, frozen: options.frozen, ci });
  const signals = cancelOnSignals();
  const parent = endOfInput();
  const asking: Label[] = [];
  try {
    const on = (event: BuildEvent) => {
      reporters.on(event);
      traced?.on(event);
      telemetry?.on(event);
      if (event.type === 'task.finished' && event.failure?.kind === 'needs') asking.push(event.task);
    };
    const summary = await build(host, options, on, anySignal(signals.signal, ...parent));
    noteBuild(summary);
    const unaccepted = options.accept && !json ? unacceptedText(summary) : undefined;
    if (unaccepted !== undefined) remark(unaccepted);
    return { summary, asking };
  } finally {
    signals.stop();
    await reporters.close();
    await telemetry?.send();
  }
}

/**
 * Aborts when the process that started this build is gone, however it ended: it keeps our input open as long as it
 * lives. Empty where nobody asks for it.
 */
function endOfInput(): AbortSignal[] {
  if (process.env.CONDUCTOR_ENDS_WITH_INPUT === undefined) return [];
  const gone = new AbortController();
  if (process.stdin.readableEnded || process.stdin.destroyed) gone.abort();
  process.stdin.resume();
  for (const event of ['end', 'close', 'error']) process.stdin.once(event, () => gone.abort());
  (process.stdin as Partial<Socket>).unref?.();
  return [gone.signal];
}

async function openProfile(file: string): Promise<TraceFile<BuildEvent>> {
  const [{ Profile }, { openTrace }] = await Promise.all([
    import('../report/profile.js'),
    import('./telemetry/trace-file.js'),
  ]);
  return openTrace(file, new Profile());
}
