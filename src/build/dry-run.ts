/** What a build would do, task by task, without doing it: for `status`, `explain`, `graph` and `build --dry-run`. */

import { type DependencyOutputs, foreseenOutputs } from '../analysis/dependency-outputs.js';
import { findOrphans } from '../analysis/orphans.js';
import { type PrepareContext, type Prepared, type PrepareOptions, prepare } from '../analysis/prepare.js';
import type { Check } from '../analysis/verdict.js';
import { err, ok, type Result } from '../base/result.js';
import type { BuildSummary } from '../model/event.js';
import type { Failure } from '../model/failure.js';
import type { Label, Task } from '../model/task.js';
import type { Verdict } from '../model/verdict.js';
import { readWaiting, type WaitingResult } from '../project/clone-records.js';
import type { Emit, Host } from '../project/host.js';
import { lockedTask } from '../project/project.js';
import { type BuildOptions, NO_COUNTS, wouldBe } from './options.js';
import { inSession, openReadingSession } from './project-session.js';

export interface InspectedTask {
  readonly task: Task;
  readonly verdict: Verdict;
  readonly check: Check | undefined;
  /** Why the last build did not publish the result that a build would restore. */
  readonly waiting?: WaitingResult;
}

export interface InspectOptions {
  readonly targets: readonly string[];
  /** Of the targets only those that changes since this commit concern. Absent: all. */
  readonly since?: string | undefined;
  readonly force: boolean;
  readonly discardEdits: boolean;
  /** Gets what goes wrong on the way to remotes: what is said of their results may be out of date then. */
  warn?(message: string): void;
}

/** Verdicts of all prepared tasks, dependencies first. What depends on something stale is `pending`. */
export async function inspectTasks(prepared: Prepared): Promise<Result<InspectedTask[], Failure>> {
  const dependencyOutputs = new Map<Label, DependencyOutputs>();
  // Those that are known, and of the others what is recorded.
  const foreseen = new Map<Label, DependencyOutputs>();
  const rows: InspectedTask[] = [];
  const held = await readWaiting(prepared.project.repository.state);
  for (const label of prepared.project.graph.order) {
    if (!prepared.selected.has(label)) continue;
    const task = prepared.project.graph.task(label);
    const waiting = [...new Set(task.dependsOn)].filter((need) => !dependencyOutputs.has(need));
    if (waiting.length > 0) {
      const verdict = await prepared.checker.foresee(task, waiting, foreseen);
      rows.push({ task, verdict, check: undefined });
      foreseen.set(label, foreseenOutputs(task, lockedTask(prepared.project, task)));
      continue;
    }
    const checked = await prepared.checker.check(task, dependencyOutputs);
    if (!checked.ok) {
      // As in a build, it fails alone, with those that need it.
      if (!isOfTask(checked.error)) return err(checked.error);
      const reasons = [{ kind: 'refused', failure: checked.error }] as const;
      rows.push({ task, verdict: { kind: 'stale', reasons }, check: undefined });
      foreseen.set(label, foreseenOutputs(task, lockedTask(prepared.project, task)));
      continue;
    }
    const made = checked.value.dependencyOutputs;
    if (made) dependencyOutputs.set(label, made);
    foreseen.set(label, made ?? foreseenOutputs(task, lockedTask(prepared.project, task)));
    const check = checked.value;
    const { verdict, candidate } = check;
    const waits = verdict.kind === 'cached' && held[label]?.result === candidate?.key;
    rows.push({ task, verdict, check, ...(waits && held[label] ? { waiting: held[label] } : {}) });
  }
  return ok(rows);
}

function isOfTask({ kind }: Failure): boolean {
  return kind === 'template-error' || kind === 'prompt-error' || kind === 'prompt-too-large';
}

/**
 * As `prepare`. In a new clone whose patched files were committed without their lock files, results are looked for in the remotes
 * first: they prove which lines of these files are patches, and the project is read with that.
 */
export async function prepareKnown(
  host: Host,
  opened: Parameters<typeof prepare>[1],
  options: PrepareOptions,
  beside: PrepareContext,
): Promise<Result<Prepared, Failure>> {
  // Warnings of the first look are those of the second one too: each is said once.
  let untold: string[] | undefined = [];
  const warn = (message: string) => (untold ? untold.push(message) : beside.warn(message));
  const ready = await prepare(host, opened, options, { ...beside, warn });
  const isKnown = !ready.ok || beside.read !== undefined || !ready.value.project.mayBePatched;
  if (isKnown || ready.value.project.config.cache.remotes.length === 0) {
    for (const message of untold.splice(0)) beside.warn(message);
    untold = undefined;
    return ready;
  }
  const inspected = await inspectTasks(ready.value);
  await ready.value.store.close();
  await ready.value.agent?.close?.();
  return inspected.ok ? prepare(host, opened, options, beside) : inspected;
}

export interface Inspection {
  readonly prepared: Prepared;
  readonly tasks: readonly InspectedTask[];
}

/** Looks at a project beside a build that may be running; `use` gets the result while the session is open. */
export async function inspect<T>(
  host: Host,
  options: InspectOptions,
  use: (inspection: Inspection) => Promise<T>,
): Promise<Result<T, Failure>> {
  const done = await inspectPrepared(host, options, async (prepared) => {
    const tasks = await inspectTasks(prepared);
    return tasks.ok ? ok(await use({ prepared, tasks: tasks.value })) : tasks;
  });
  return done.ok ? done.value : done;
}

/** As `inspect`, for what asks for no verdict. */
export function inspectProject<T>(
  host: Host,
  targets: readonly string[],
  use: (prepared: Prepared) => Promise<T>,
): Promise<Result<T, Failure>> {
  return inspectPrepared(host, { targets, force: false, discardEdits: false }, use);
}

async function inspectPrepared<T>(
  host: Host,
  options: InspectOptions,
  use: (prepared: Prepared) => Promise<T>,
): Promise<Result<T, Failure>> {
  return inSession(openReadingSession(host), async (session) => {
    const config = await host.loadConfig(session.repository.project);
    if (!config.ok) return config;
    const prepared = await prepareKnown(host, { project: session, loaded: config.value }, options, {
      warn: (message) => options.warn?.(message),
      signal: new AbortController().signal,
      readOnly: true,
    });
    if (!prepared.ok) return prepared;
    try {
      return ok(await use(prepared.value));
    } finally {
      await prepared.value.store.close();
    }
  });
}

/** Tells what a build would do to each task, and which files it would remove. */
export async function tellDryRun(
  prepared: Prepared,
  { keepEdits }: Pick<BuildOptions, 'keepEdits'>,
  emit: Emit,
  ms: number,
): Promise<Result<BuildSummary, Failure>> {
  const rows = await inspectTasks(prepared);
  if (!rows.ok) return rows;
  for (const { task, verdict } of rows.value) emit({ type: 'task.checked', task: task.label, verdict });
  const orphans = prepared.whole ? findOrphans(prepared.project) : { removed: [], kept: [] };
  if (orphans.removed.length + orphans.kept.length > 0) emit({ type: 'build.orphans', ...orphans });
  const counts = { ...NO_COUNTS };
  for (const { verdict } of rows.value) counts[wouldBe(verdict, keepEdits)]++;
  const removes = orphans.removed.length;
  const isIdle = counts.fresh === rows.value.length && removes === 0;
  const outcome = isIdle ? 'up-to-date' : 'would-build';
  const done = { outcome, exitCode: 0, counts, ms, usage: {}, published: 0 } as const;
  return ok(removes === 0 ? done : { ...done, removes });
}
