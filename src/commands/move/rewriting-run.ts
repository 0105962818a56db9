/**
 * Runs a command that renames or removes parts of the specs: reads the project, rewrites it, keeps the results of all tasks
 * that were up to date under their new keys, and writes everything in one step. Runs no recipe.
 */

import { prepare } from '../../analysis/prepare.js';
import { err, ok, type Result } from '../../base/result.js';
import { type InspectedTask, inspectTasks } from '../../build/dry-run.js';
import { wholeTreeOf } from '../../build/hand-edits/carry-result.js';
import { runBuild } from '../../build/lifecycle.js';
import { type CarriedTask, PLAIN_BUILD } from '../../build/options.js';
import type { Session } from '../../build/project-session.js';
import type { Changes } from '../../build/publishing/publish-plan.js';
import { PatchedFiles } from '../../build/publishing/published-records.js';
import { buildRewritten, rewrittenProject } from '../../build/rewritten-build.js';
import type { ExecutionHost } from '../../execution/executor.js';
import type { BuildEvent, BuildSummary } from '../../model/event.js';
import type { Failure } from '../../model/failure.js';
import type { Label } from '../../model/task.js';
import { writePatched } from '../../project/clone-records.js';
import type { Host, LoadedConfig } from '../../project/host.js';
import type { Project } from '../../project/project.js';
import type { Renaming } from './renaming.js';

export interface RewritingOptions {
  readonly wait: boolean;
  readonly command: string;
  /** Nothing is written. */
  readonly dryRun: boolean;
  /** The build gates are left to the next build. Absent: they have to pass. */
  readonly withoutBuildGates?: true;
  on(event: BuildEvent): void;
  readonly signal: AbortSignal;
}

/** The project before, with the verdict of each task. */
export interface BeforeRewriting {
  readonly project: Project;
  readonly tasks: readonly InspectedTask[];
}

export interface PlannedRewriting<T> {
  readonly renaming: Renaming;
  readonly changes: Changes;
  /** What is said of it. */
  readonly told: T;
  /** Files that stay and that `told` names. Absent: none. */
  readonly left?: ReadonlySet<string>;
  /** What the clone's own records say no more. Absent: nothing. */
  forget?(): Promise<void>;
  /** What is wrong with the project as it would be. */
  check?(after: Project): Failure | undefined;
}

export interface Rewritten<T> {
  readonly told: T;
  /** Paths by what happens to them, in byte order. */
  readonly written: readonly string[];
  readonly removed: readonly string[];
  /** Tasks that kept their results under another key. */
  readonly kept: number;
  /** Tasks that were out of date before, and still are. */
  readonly stale: readonly Label[];
}

export type PlanRewriting<T> = (before: BeforeRewriting) => Promise<Result<PlannedRewriting<T>, Failure>>;

/** Undefined without a failure: a failure was told as an event. */
export async function runRewriting<T>(
  host: ExecutionHost,
  options: RewritingOptions,
  plan: PlanRewriting<T>,
): Promise<{ readonly rewritten: Rewritten<T> | undefined; readonly summary: BuildSummary }> {
  const { command, wait, dryRun, withoutBuildGates, on, signal } = options;
  let rewritten: Rewritten<T> | undefined;
  const quiet = (event: BuildEvent) => {
    // That a task which was out of date is so still is no failure of this command; files are in its answer.
    if (/^tasks?\./.test(event.type) || event.type === 'build.published') return;
    // The answer of the command says what was done.
    if (event.type === 'build.finished' && event.summary.exitCode === 0) return;
    on(event);
  };
  const summary = await runBuild(
    host,
    { command, wait, on: quiet, signal, readOnly: dryRun },
    async (open) => {
      const before = await readBefore(host, open.session, signal);
      if (!before.ok) return before;
      const { loaded, project, tasks } = before.value;
      const planned = await plan({ project, tasks });
      if (!planned.ok) return planned;
      const { renaming, changes, told, left = new Set() } = planned.value;
      const rewriting = {
        loaded,
        project,
        changes,
        left,
        ...(withoutBuildGates ? { withoutBuildGates } : {}),
      };
      const after = await rewrittenProject(open, rewriting);
      if (!after.ok) return after;
      const wrong = inTheWay(project, changes) ?? planned.value.check?.(after.value);
      if (wrong) return err(wrong);
      const { carried, stale } = carriedTasks(tasks, renaming);
      const paths = [...changes].filter(([path, entry]) => entry !== undefined || project.listing.get(path));
      const report = (kept: number) => ({
        told,
        written: paths.flatMap(([path, entry]) => (entry ? [path] : [])).sort(),
        removed: paths.flatMap(([path, entry]) => (entry ? [] : [path])).sort(),
        kept,
        stale,
      });
      const nothing = (): BuildSummary => ({ ...NOTHING, ms: host.now() - open.startedAt });
      if (dryRun) {
        rewritten = report(0);
        return ok(nothing());
      }
      // A clone that never built knows from its lock files alone which patches are on files.
      const { state } = project.repository;
      const patched = new PatchedFiles();
      for (const lock of project.locks.values()) patched.add(lock);
      await writePatched(state, { ...Object.fromEntries(project.patched), ...patched.all([]) });
      await planned.value.forget?.();
      const build = { ...PLAIN_BUILD, accept: true, carried, wait, command };
      // No line in the history of builds: nothing was built.
      const unrecorded = { ...open, host, options: build, openRecord: () => {} };
      const built = await buildRewritten(unrecorded, rewriting);
      if (!built.ok) return built;
      const { counts, published, exitCode } = built.value.summary;
      // A build gate failed, or publishing was refused: everything is as it was.
      if (paths.length > 0 && !published)
        return ok({ ...nothing(), outcome: 'failed', exitCode: exitCode || 1 });
      rewritten = report(counts.accepted);
      return ok({ ...nothing(), published });
    },
  );
  return { rewritten, summary };
}

const NOTHING: BuildSummary = {
  outcome: 'built',
  exitCode: 0,
  counts: { fresh: 0, cached: 0, verified: 0, built: 0, accepted: 0, drifted: 0, failed: 0, skipped: 0 },
  ms: 0,
  usage: {},
  published: 0,
};

interface ReadBefore extends BeforeRewriting {
  readonly loaded: LoadedConfig;
}

async function readBefore(
  host: Host,
  session: Session,
  signal: AbortSignal,
): Promise<Result<ReadBefore, Failure>> {
  const loaded = await host.loadConfig(session.repository.project);
  if (!loaded.ok) return loaded;
  const options = { targets: [], force: false, discardEdits: false };
  const context = { warn: () => {}, signal, readOnly: true };
  const prepared = await prepare(host, { project: session, loaded: loaded.value }, options, context);
  if (!prepared.ok) return prepared;
  try {
    const tasks = await inspectTasks(prepared.value);
    if (!tasks.ok) return tasks;
    return ok({ loaded: loaded.value, project: prepared.value.project, tasks: tasks.value });
  } finally {
    await prepared.value.store.close();
  }
}

function carriedTasks(
  tasks: readonly InspectedTask[],
  renaming: Renaming,
): { readonly carried: ReadonlyMap<Label, CarriedTask>; readonly stale: readonly Label[] } {
  const carried = new Map<Label, CarriedTask>();
  const stale: Label[] = [];
  for (const { task, verdict, check } of tasks) {
    const label = renaming.label(task.label);
    if (label === undefined) continue;
    if (verdict.kind !== 'fresh' || !check) {
      stale.push(label);
      continue;
    }
    const wholeTree = wholeTreeOf(check.facts.manifest);
    carried.set(label, { from: task.label, isProven: !renaming.movesFiles, wholeTree });
  }
  return { carried, stale };
}

/** Files that stand where others are to go. */
function inTheWay({ listing }: Project, changes: Changes): Failure | undefined {
  const isNew = ([path, entry]: [string, unknown]) => entry !== undefined && listing.get(path) === undefined;
  const added = [...changes].filter(isNew).map(([path]) => path);
  const paths = added.filter((path) => listing.under(`${path}/`).length > 0);
  return paths.length > 0 ? { kind: 'files-in-the-way', paths } : undefined;
}
