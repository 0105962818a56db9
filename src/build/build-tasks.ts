/** The sequence of a build that may have something to do, from preparing to recording. Each part is in another file. */

import { claimedProblem, type Prepared } from '../analysis/prepare.js';
import { LazyInduction, openInduction } from '../analysis/range/induction.js';
import { rangeOf } from '../analysis/range/touched-tasks.js';
import { err, ok, type Result } from '../base/result.js';
import type { ExecutionHost } from '../execution/executor.js';
import { withBuildLimit } from '../execution/spending.js';
import type { BuildSummary, WaitReason } from '../model/event.js';
import type { Failure } from '../model/failure.js';
import type { Label } from '../model/task.js';
import type { ObjectId } from '../model/tree.js';
import type { LoadedConfig } from '../project/host.js';
import type { Project } from '../project/project.js';
import { at } from '../report/failures/failure-text.js';
import { plural } from '../report/style.js';
import { runBuildGates } from './build-gates.js';
import { prepareKnown, tellDryRun } from './dry-run.js';
import { changedByBuild, staleTasks } from './frozen.js';
import type { OpenLifecycle } from './lifecycle.js';
import { type BuildOptions, summary } from './options.js';
import { openPart, preparePart, type ReadPart } from './part-build.js';
import { commitBuild } from './publishing/commit-build.js';
import { planPublish, publish, publishRevisions } from './publishing/publish-build.js';
import { rememberBuild } from './publishing/remember-build.js';
import { heldResults, keepWaiting, type Waits } from './publishing/waiting-results.js';
import { isSuperseded } from './running-tasks.js';
import { openTaskRunner } from './task-runner.js';
import type { TaskStep } from './task-step.js';

/** A build with its session open and its first event told. */
export interface OpenBuild extends OpenLifecycle {
  readonly host: ExecutionHost;
  readonly options: BuildOptions;
}

export interface Built {
  readonly summary: BuildSummary;
  /** What the build left on disk: its snapshot, with what it published. */
  readonly tree: ObjectId;
}

/** A project that was read before, and tasks of it that are probably stale: they are looked at first. */
export interface ReadProject {
  readonly loaded: LoadedConfig;
  readonly project: Project;
  readonly urgent: ReadonlySet<Label>;
  /** The project is a part of the whole one, which is read where the part turns out not to be enough. Absent: it is whole. */
  readonly part?: { readonly read: ReadPart; readWhole(): Promise<Result<Project, Failure>> };
  /** Nothing is published unless every task that was asked for is up to date. Absent: what is done is published. */
  readonly allOrNothing?: true;
  /** Files without a task that the command itself names: the build does not warn of them. Absent: none. */
  readonly left?: ReadonlySet<string>;
  /** The build gates are left to the next build. Absent: they have to pass. */
  readonly withoutBuildGates?: true;
  /** It may have no task left. Absent: that is a mistake. */
  readonly mayBeEmpty?: true;
  /** Called before anything is written; what it finds may end the build as superseded. */
  beforePublishing(): Promise<void>;
}

/** Builds what is on disk, or a project that has been read. */
export async function buildTasks(build: OpenBuild, read?: ReadProject): Promise<Result<Built, Failure>> {
  const used: { prepared?: Prepared } = {};
  const built = await buildPrepared(build, read, used);
  return used.prepared ? withSharing(build, used.prepared, built) : built;
}

/** Says at the end what could not be shared, which is a failure where the config requires it. */
function withSharing(
  { emit, signal, options }: OpenBuild,
  { store, project }: Prepared,
  built: Result<Built, Failure>,
): Result<Built, Failure> {
  const report = store.unsent?.();
  // What goes on for the next build is still being sent.
  const changesNothing = options.dryRun || options.frozen;
  if (!built.ok || !report || changesNothing || isSuperseded(signal)) return built;
  const { late, ...unsent } = report;
  if (late > 0)
    emit({
      type: 'build.recovered',
      what: `sent ${plural(late, 'result')} that earlier builds could not send`,
    });
  if (report.entries === 0) return built;
  const told: BuildSummary = { ...built.value.summary, unsent: report.entries };
  if (!project.config.cache.required || told.exitCode === 130) return ok({ ...built.value, summary: told });
  emit({ type: 'build.failure', failure: { kind: 'results-not-sent', ...unsent } });
  const exitCode = told.exitCode === 0 ? 1 : told.exitCode;
  return ok({ ...built.value, summary: { ...told, outcome: 'failed', exitCode } });
}

async function buildPrepared(
  build: OpenBuild,
  read: ReadProject | undefined,
  used: { prepared?: Prepared },
): Promise<Result<Built, Failure>> {
  const { host, options, session, emit, signal, startedAt, openRecord } = build;
  const { sessionState } = session;
  const loaded = read ? ok(read.loaded) : await host.loadConfig(session.repository.project);
  if (!loaded.ok) return loaded;
  const config = withBuildLimit(loaded.value.config, options.budgetUsd);
  const warn = (message: string) => emit({ type: 'warning', message });
  const asked = { ...options, mayBeEmpty: read?.mayBeEmpty === true };
  const limited = { ...loaded.value, config };
  const part = read
    ? read.part && (await preparePart(build, { loaded: limited, part: read.part.read, warn }))
    : await openPart(build, limited, warn);
  const whole = part ? undefined : read?.part ? await read.part.readWhole() : read && ok(read.project);
  if (whole?.ok === false) return whole;
  const ready = part
    ? ok(part.prepared)
    : await prepareKnown(host, { project: session, loaded: limited }, asked, {
        warn,
        signal,
        read: whole && { ...whole.value, config: withBuildLimit(whole.value.config, options.budgetUsd) },
        urgent: read?.urgent,
        readOnly: options.dryRun,
      });
  if (!ready.ok) return ready;
  const prepared = ready.value;
  used.prepared = prepared;
  // Only now is it sure that this folder is a project: nothing is left in any other.
  if (!options.dryRun) openRecord();
  const { project, selected } = prepared;
  const usd = config.budget.build.usd;
  emit({
    type: 'build.planned',
    tasks: project.rest?.order ?? project.graph.order.filter((label) => selected.has(label)),
    workers: options.workers ?? config.workers,
    ...(usd === undefined ? {} : { budgetUsd: usd }),
    ...rangeOf(prepared, options.since),
  });
  for (const { file, line, message } of project.warnings)
    emit({ type: 'warning', message: `${at(file, line)}: ${message}` });
  if (options.dryRun) {
    const said = await tellDryRun(prepared, options, emit, host.now() - startedAt);
    await prepared.store.close();
    return said.ok ? ok({ summary: said.value, tree: project.snapshot }) : said;
  }
  const claimed = runsNothing(options) ? undefined : await claimedProblem(project, selected);
  if (claimed) {
    await prepared.store.close();
    return err(claimed);
  }
  const opened = await openTaskRunner({ host, session, prepared, startedAt, emit, signal });
  if (!opened.ok) return opened;
  const taskRunner = opened.value;
  const ended = (summary: BuildSummary, tree = project.snapshot) => ok<Built>({ summary, tree });
  const ms = () => host.now() - startedAt;
  try {
    const openIndex = () => openInduction(prepared, host.version);
    const opened = part?.induction ?? new LazyInduction(openIndex);
    const induction = trustsIndex(options) ? opened : undefined;
    const step = await taskRunner.run(options, { ...(read ? { urgent: read.urgent } : {}), induction });
    if (step.forCi.length > 0)
      emit({ type: 'build.failure', failure: { kind: 'waits-for-ci', tasks: [...step.forCi].sort() } });
    if (signal.aborted) {
      await step.takeBackAccepted();
      await prepared.store.repack();
      return ended(stopped(step, signal, ms()));
    }
    if (options.frozen || options.restoreOnly) {
      const stale = await staleTasks(prepared, step, warn);
      if (stale) return err(stale);
    }
    const isRefused = read?.allOrNothing === true && step.firstFailure !== undefined;
    if (isRefused) await step.takeBackAccepted();
    // Where nothing could be accepted nothing is recorded, not even that it was tried.
    if (isRefused || (options.accept && !options.carried && step.finished.size === 0)) {
      return ended(summary(step, step.firstFailure, { ms: ms() }));
    }
    const heldBefore = options.accept ? await heldResults(prepared, step) : undefined;
    const planned = await planPublish(prepared, step, heldBefore, !options.frozen);
    const { merged, finished, done, units } = planned;
    // If the build ends for another reason, it is this reason that counts, and the next build packs again.
    const repacked = prepared.store.repack();
    if (!merged.ok) {
      await step.takeBackAccepted();
      return merged;
    }
    for (const path of merged.value.leftBehind) {
      if (read?.left?.has(path)) continue;
      emit({
        type: 'warning',
        message: `no task owns ${path} any more; a person wrote or edited it, so conductor leaves it to you`,
      });
    }
    const changed = options.frozen ? await changedByBuild(prepared, merged.value.tree) : undefined;
    if (changed) return err(changed);
    const complete = done.size === selected.size;
    if (signal.aborted) {
      await step.takeBackAccepted();
      return ended(stopped(step, signal, ms()));
    }
    const isAsked = complete || (options.accept && step.firstFailure === undefined);
    const { tree, changesFiles } = merged.value;
    const work = { tree, complete: isAsked, changesFiles };
    const forTasks: Waits = new Map(
      [...units.waiting].map(([label, on]) => [label, { because: 'tasks', on }]),
    );
    const notPublished = async (because: WaitReason, failure: Failure) => {
      const left = await publishRevisions(prepared, step, emit);
      // Accepted results that were taken back are in no store any more.
      const labels = [...finished.keys()].filter((label) => step.outcomes.get(label) !== 'skipped');
      const restored = project.rest?.restored.keys.keys() ?? [];
      const all = new Map([...labels, ...restored].map((label) => [label, { because, on: [] }] as const));
      await keepWaiting(prepared, step, new Map([...forTasks, ...all]), emit);
      emit({ type: 'build.failure', failure });
      return ended(summary(step, failure, { ms: ms(), waiting: forTasks.size + all.size }), left);
    };
    const isJudged = read?.withoutBuildGates !== true;
    const judged = isJudged ? await runBuildGates(prepared, taskRunner, work, sessionState) : ok(undefined);
    await read?.beforePublishing();
    if (isSuperseded(signal)) {
      await step.takeBackAccepted();
      return ended(stopped(step, signal, ms()));
    }
    if (!judged.ok) {
      await step.takeBackAccepted();
      sessionState.isPublishing = true;
      return notPublished('gates', judged.error);
    }
    if (options.frozen) {
      await repacked;
      return ended(summary(step, step.firstFailure, { ms: ms() }));
    }
    sessionState.isPublishing = true;
    const published = await publish(prepared, merged.value, emit);
    // Also where they could not be written: then they wait for the next build.
    await step.keepAccepted();
    if (!published.ok) return notPublished('refused', published.error);
    await keepWaiting(prepared, step, forTasks, emit);
    const waiting = forTasks.size;
    if (options.commit) {
      const committed = await commitBuild(prepared, { finished, done, tree, hooks: !options.noVerify }, emit);
      if (!committed.ok) {
        emit({ type: 'build.failure', failure: committed.error });
        return ended(summary(step, committed.error, { ms: ms(), waiting }), tree);
      }
    }
    // The next build may have nothing to do, and repacks nothing then.
    await repacked;
    const isProven = [...(options.carried?.values() ?? [])].every((task) => task.isProven);
    if (complete && prepared.whole && isProven && isJudged)
      await rememberBuild(host, prepared, {
        merged: merged.value,
        step,
        induction,
        published: read ? undefined : published.value.paths,
        outputs: published.value.outputs,
      });
    const ending = { ms: ms(), published: published.value.paths.length, waiting };
    return ended(summary(step, step.firstFailure, ending), tree);
  } finally {
    sessionState.isPublishing = false;
    const closed = taskRunner
      .close()
      .then(() => prepared.agent?.close?.())
      .then(() => prepared.store.close())
      .then(() => prepared.claims?.close());
    // What runs for the build that follows keeps what it works with.
    if (isSuperseded(signal)) sessionState.continueAfterBuild(closed);
    else await Promise.all([closed, sessionState.rest()]);
  }
}

/** They check more than a build that takes its own files for sound, or decide about files that are as recorded. */
function trustsIndex({ accept, discardEdits, frozen, restoreOnly, rebuildMissing }: BuildOptions): boolean {
  return !accept && !discardEdits && !frozen && !restoreOnly && !rebuildMissing;
}

/** Or passes over what stands in the way, because a person said so. */
function runsNothing({ accept, discardEdits, frozen, restoreOnly }: BuildOptions): boolean {
  return accept || discardEdits || frozen || restoreOnly;
}

function stopped(step: TaskStep, signal: AbortSignal, ms: number): BuildSummary {
  const ended = summary(step, { kind: 'cancelled' }, { ms });
  return isSuperseded(signal) ? { ...ended, outcome: 'superseded' } : ended;
}
