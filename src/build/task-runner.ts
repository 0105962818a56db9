/** Runs the tasks of one build: puts the executor and the steps together. Decides no order. */

import type { Agent } from '../agent/agent.js';
import { otherEditors } from '../analysis/patches.js';
import type { Prepared } from '../analysis/prepare.js';
import type { LazyInduction } from '../analysis/range/induction.js';
import { replaceLostBases } from '../analysis/visible-files.js';
import { Limiter } from '../base/limiter.js';
import { ok, type Result } from '../base/result.js';
import type { ExecutionHost, Executor, RunInstructions } from '../execution/executor.js';
import type { Config } from '../model/config.js';
import type { BuildEventBody } from '../model/event.js';
import type { Failure } from '../model/failure.js';
import type { RulesText } from '../model/git-rules/git-rules.js';
import type { Label } from '../model/task.js';
import type { ObjectId } from '../model/tree.js';
import { readDurations } from '../project/durations/durations.js';
import type { ResultStore } from '../store/result-store.js';
import type { BuildOptions } from './options.js';
import { Preflight } from './preflight.js';
import type { Session } from './project-session.js';
import { type Caller, isSuperseded } from './running-tasks.js';
import { schedule } from './scheduler.js';
import { TaskStep } from './task-step.js';

/** A weight for tasks that were never run: only its ratio to real durations matters. */
const UNKNOWN_MS = 60_000;
/** More than any build takes. */
const URGENT_MS = 1e15;
const NONE: ReadonlySet<Label> = new Set();
/** Tasks under way for each worker: those that turn out to be stale wait for one, and the others are looked at. */
const UNDER_WAY = 50;
const LEAST_UNDER_WAY = 1000;
/**
 * Tasks that are rendered at the same time, at least and at most: so many results are brought to disk together. Each is in memory
 * until then, and each group costs more the more results there are.
 */
const RENDERERS = [250, 1000] as const;
/** Of all tasks, the part that is rendered at the same time. */
const RENDERED_PART = 100;

/**
 * Checks at the same time: enough to wait for git together. What each has in memory meanwhile outlives V8's collections of new objects if
 * there are more of them: with 64, that was a seventh of the processor time of 10,000 restored tasks.
 */
const CHECKS = 16;
/** Where results may come from other machines. */
const REMOTE_CHECKS = 64;
/** Where something is urgent: each that waits for git waits for the others' work too. */
const CHECKS_BESIDE_URGENT = 4;

/** Tasks that wait in a queue at the same time. */
const QUEUED = 1000;

export interface RunOrder {
  /** The targets do not see their former outputs. */
  readonly fromScratch?: boolean;
  /** Tasks that are probably stale: they and what they need are looked at first. */
  readonly urgent?: ReadonlySet<Label>;
  /** Tells tasks that need no analysis. Absent: every task is analysed. */
  readonly induction?: LazyInduction | undefined;
}

export interface TaskRunner {
  readonly executor: Executor;
  /** The build for which everything is run. */
  readonly caller: Caller;
  /** Goes through all selected tasks once. */
  run(options: BuildOptions, order?: RunOrder): Promise<TaskStep>;
  close(): Promise<void>;
}

export interface RunnerParts extends Caller {
  readonly host: ExecutionHost;
  readonly session: Session;
  readonly prepared: Prepared;
  /** Of the build, in milliseconds since 1970, UTC. */
  readonly startedAt: number;
}

/** Fails with `sandbox-required`. */
export async function openTaskRunner(parts: RunnerParts): Promise<Result<TaskRunner, Failure>> {
  const { host, session, prepared, emit, signal } = parts;
  const { project, selected } = prepared;
  const { sessionState } = session;
  const { config, objects } = project;
  const { store, agent } = prepared;
  const opened = await openExecutor({
    host,
    session,
    store,
    agent,
    config,
    handWritten: project.handWrittenTree,
    rules: project.rules.text,
    startedAt: parts.startedAt,
    instructions: { definitions: prepared.gatherer.allDefinitions, settings: prepared.settings },
  });
  if (!opened.ok) return opened;
  const executor = opened.value;
  const { version, now } = host;
  const rebaser = agent && { executor, objects, agent, config, version, now };
  let notice: (type: BuildEventBody['type']) => void = () => {};
  const caller: Caller = {
    signal,
    emit(event) {
      emit(event);
      notice(event.type);
    },
  };
  return ok({
    executor,
    caller,
    async run(options, { fromScratch = false, urgent = NONE, induction } = {}) {
      for (const one of [prepared.checker, prepared.checkerOverEdits]) one.chain.startRun();
      sessionState.durations ??= await readDurations(project.repository.state);
      const { durations } = sessionState;
      const remaining = project.graph.remainingPath((label) => durations.get(label) ?? UNKNOWN_MS);
      const first = project.graph.closure([...urgent].filter((label) => selected.has(label)));
      let hasBegun = () => {};
      const begun = new Promise<void>((resolve) => {
        hasBegun = resolve;
      });
      notice = (type) => {
        // Also where it waits for what another build runs. What is urgent may need tasks that are fresh.
        if (type === 'task.started' || (type === 'task.finished' && first.size === 0)) hasBegun();
      };
      if (first.size > 0) induction?.putFirst(first, begun);
      // Where nothing of it is stale, nothing of it begins.
      const awaited = new Set(first);
      const ended = (label: Label) => {
        if (awaited.delete(label) && awaited.size === 0) hasBegun();
      };
      const priority = (label: Label) => remaining(label) + (first.has(label) ? URGENT_MS : 0);
      // What other machines work on waits in their queue, where the first of all builds goes first.
      const workers = options.workers ?? (executor.isRemote ? QUEUED : project.config.workers);
      const [least, most] = RENDERERS;
      const renderers = Math.min(most, Math.max(least, Math.ceil(selected.size / RENDERED_PART)));
      const shared = { prepared, executor, priority, caller, options };
      const limiter = sessionState.shared.workers(workers);
      const { commands, cache } = project.config;
      const checks =
        first.size > 0 ? CHECKS_BESIDE_URGENT : cache.remotes.length > 0 ? REMOTE_CHECKS : CHECKS;
      const computing = executor.isRemote ? limiter : sessionState.shared.computing(limiter, commands);
      const step = new TaskStep({
        ...shared,
        preflight: new Preflight({ ...shared, computing }),
        rebaser: fromScratch ? undefined : rebaser,
        checks: new Limiter(checks),
        workers: limiter,
        computing,
        renderers: sessionState.shared.limiter('renderers', renderers),
        storing: sessionState.shared.limiter('storing', workers),
        ownWork: executor.isRemote ? undefined : sessionState.shared.ownWork,
        sessionState,
        isFromScratch: fromScratch,
        isUrgent: first.size > 0,
        induction,
        durations,
        version,
        now,
      });
      const left = await step.takeUnchanged(project.graph.order.filter((label) => selected.has(label)));
      const told = begun.then(() => {
        if (!isSuperseded(signal)) step.tellTogether();
      });
      // It is awaited below.
      told.catch(() => {});
      await schedule({
        graph: project.graph,
        // The longest way first here too: a free worker takes the first task that turns out to be stale.
        labels: new Set(byRank(left, priority)),
        failFast: options.failFast,
        signal,
        atOnce: Math.max(LEAST_UNDER_WAY, UNDER_WAY * workers),
        step: (label) => step.run(label).finally(() => ended(label)),
        onSkip(label, because) {
          step.skip(label, because);
          ended(label);
        },
      });
      hasBegun();
      await told;
      const changesNothing = options.frozen || options.restoreOnly || options.accept;
      if (!changesNothing) await recheckPatches(prepared, step, signal);
      await durations.write(project.repository.state);
      return step;
    },
    async close() {
      await sessionState.runs.untilEnded(caller);
      await executor.close();
    },
  });
}

/** The highest rank first. */
function byRank(labels: readonly Label[], rank: (label: Label) => number): Label[] {
  const ranked = labels.map((label) => ({ label, rank: rank(label) }));
  return ranked.sort((a, b) => b.rank - a.rank).map(({ label }) => label);
}

export interface Opening {
  readonly host: ExecutionHost;
  readonly session: Session;
  readonly store: ResultStore;
  readonly agent: Agent | undefined;
  readonly config: Config;
  readonly handWritten: ObjectId;
  readonly rules: RulesText;
  readonly startedAt: number;
  readonly instructions?: RunInstructions;
}

/** The executor of a build or another command, as the host makes it. Fails with `sandbox-required`. */
export function openExecutor({ host, session, ...parts }: Opening): Promise<Result<Executor, Failure>> {
  const { repository, objects, sessionState } = session;
  const { shared, runs } = sessionState;
  return host.createExecutor({ ...parts, repository, objects, shared, isFollowing: runs.busy });
}

/** Each round builds again only what does not fit on the round before it; more rounds would be an endless dispute. */
const MAX_ROUNDS = 4;

/**
 * Goes over finished tasks whose edited files other tasks have patched in the same build, until all patches fit on each
 * other and all gates have passed on the files that are published. Where the file on disk takes the place of one that is lost, these
 * are all tasks with gates that read it.
 */
async function recheckPatches(
  { project, selected }: Pick<Prepared, 'project' | 'selected'>,
  step: TaskStep,
  signal: AbortSignal,
): Promise<void> {
  const { graph } = project;
  const isShared = (label: Label) => graph.task(label).edits.length > 0;
  let news = new Set([...step.finished.keys()].filter(isShared));
  const reading = replaceLostBases(project, news);
  for (let round = 0; round < MAX_ROUNDS && news.size > 0; round++) {
    const changed = new Set<Label>();
    for (const label of graph.order) {
      const task = graph.task(label);
      if (!selected.has(label) || !step.dependencyOutputs.has(label)) continue;
      const isBeside =
        (round === 0 && reading.has(label)) ||
        task.edits.some((path) =>
          otherEditors(project, task, path).some((other) => news.has(other) || changed.has(other)),
        );
      if (!isBeside && !task.dependsOn.some((need) => changed.has(need))) continue;
      if (signal.aborted) return;
      if ((await step.again(label)) !== 'same') changed.add(label);
    }
    news = changed;
  }
}
