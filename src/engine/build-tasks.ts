/**
 * The sequence of a build that may have something to do: prepare, run the schedule, plan the landing, run the build
 * gates, publish, record. Each part is another file's; here is only their order.
 */

import { Limiter } from '../base/limiter.js';
import { err, ok, type Result } from '../base/result.js';
import type { Usage } from '../model/action.js';
import type { BuildSummary, TaskOutcomeKind } from '../model/event.js';
import { exitCodeOf, type Failure } from '../model/failure.js';
import type { Label } from '../model/task.js';
import type { Verdict } from '../model/verdict.js';
import { runBuildGates } from './build-gates.js';
import { commitBuild } from './commit.js';
import { inspectTasks } from './inspect.js';
import { LocalExecutor } from './local-executor.js';
import { type BuildOptions, NO_COUNTS } from './options.js';
import { type Prepared, prepare } from './prepare.js';
import { land, publish } from './publishing.js';
import { environmentDigests, readDurations, writeDurations, writeLastBuild } from './records.js';
import { schedule } from './scheduler.js';
import type { Session } from './session.js';
import type { Emit, Surroundings } from './surroundings.js';
import { TaskStep } from './task-step.js';
import { openWorkbench } from './workbench.js';

/** A weight for tasks that were never run: only its ratio to real durations matters. */
const UNKNOWN_MS = 60_000;

export async function buildTasks(
  surroundings: Surroundings,
  options: BuildOptions,
  session: Session,
  emit: Emit,
  signal: AbortSignal,
  startedAt: number,
  openRecord: () => void,
): Promise<Result<BuildSummary, Failure>> {
  const loaded = await surroundings.loadConfig(session.repository.project);
  if (!loaded.ok) return loaded;
  const warn = (message: string) => emit({ type: 'warning', message });
  const ready = await prepare(surroundings, session, loaded.value, options, { warn, signal });
  if (!ready.ok) return ready;
  const prepared = ready.value;
  // Only now is it sure that this folder is a project: nothing is left in any other.
  if (!options.dryRun) openRecord();
  const { project, selected } = prepared;
  emit({ type: 'build.planned', tasks: project.graph.order.filter((label) => selected.has(label)) });
  for (const warning of project.warnings)
    emit({ type: 'warning', message: `${warning.file}: ${warning.message}` });
  if (options.dryRun) {
    const said = await dryRun(prepared, emit, surroundings.now() - startedAt);
    await prepared.store.close();
    return said;
  }

  const bench = await openWorkbench(surroundings, session, project.config, startedAt, signal);
  if (!bench.ok) return bench;
  const { logs, toolbox, spending, pool, unsandboxed } = bench.value;
  const gates = {
    toolbox,
    pool,
    limiter: new Limiter(project.config.gateWorkers),
    logs,
    minutes: project.config.timeouts.gate,
  };
  const executor = new LocalExecutor({
    objects: session.objects,
    store: prepared.store,
    pool,
    agent: prepared.agent,
    toolbox,
    spending,
    gates,
    logs,
    config: project.config,
    version: surroundings.version,
    unsandboxed,
    now: surroundings.now,
  });
  try {
    const durations = { ...(await readDurations(project.repository.state)) };
    const remaining = project.graph.remainingPath((label) => durations[label] ?? UNKNOWN_MS);
    const workers = new Limiter(options.workers ?? project.config.workers);
    const gateContext = { ...gates, signal, emit };
    const step = new TaskStep({
      prepared,
      executor,
      workers,
      remaining,
      gateContext,
      options,
      emit,
      signal,
      durations,
      version: surroundings.version,
      now: surroundings.now,
    });
    await schedule({
      graph: project.graph,
      // The longest way first here too: a free worker takes the first task that turns out to be stale.
      labels: new Set([...selected].sort((a, b) => (remaining.get(b) ?? 0) - (remaining.get(a) ?? 0))),
      failFast: options.failFast,
      signal,
      step: (label) => step.run(label),
      onSkip: (label, because) => step.skip(label, because),
    });
    await writeDurations(project.repository.state, durations);
    if (signal.aborted) {
      await prepared.store.settle();
      return ok(summary(step.outcomes, { kind: 'cancelled' }, step.usage, surroundings.now() - startedAt, 0));
    }
    if (options.frozen) {
      const stale = step.notUpToDate();
      if (stale.length > 0) return err({ kind: 'not-up-to-date', tasks: stale });
    }
    // Where nothing could be accepted nothing is recorded, not even that it was tried.
    if (options.accept && step.landed.size === 0) {
      return ok(summary(step.outcomes, step.firstFailure, step.usage, surroundings.now() - startedAt, 0));
    }
    const { landing, done } = await land(prepared, step, new Date(surroundings.now()).toISOString());
    await prepared.store.settle();
    if (!landing.ok) return landing;
    for (const path of landing.value.leftBehind) {
      emit({
        type: 'warning',
        message: `${path} is owned by no task any more, but was edited by hand: it is yours now`,
      });
    }
    const complete = done.size === selected.size;
    if (signal.aborted) {
      return ok(summary(step.outcomes, { kind: 'cancelled' }, step.usage, surroundings.now() - startedAt, 0));
    }
    const judged = await runBuildGates(prepared, { ...gates, signal, emit }, landing.value.tree, complete);
    if (!judged.ok) {
      await step.takeBackAccepted();
      return ok(refused(step, judged.error, emit, surroundings.now() - startedAt));
    }
    const published = await publish(prepared, landing.value, emit);
    if (!published.ok) return ok(refused(step, published.error, emit, surroundings.now() - startedAt));
    if (options.commit) {
      const committed = await commitBuild(prepared, step.landed, done, landing.value.tree, emit);
      if (!committed.ok) return ok(refused(step, committed.error, emit, surroundings.now() - startedAt));
    }
    if (complete && prepared.whole) {
      await remember(surroundings, prepared, landing.value.tree);
    }
    return ok(
      summary(step.outcomes, step.firstFailure, step.usage, surroundings.now() - startedAt, published.value),
    );
  } finally {
    await prepared.agent?.close?.();
    await executor.close();
    await prepared.store.close();
  }
}

async function dryRun(prepared: Prepared, emit: Emit, ms: number): Promise<Result<BuildSummary, Failure>> {
  const rows = await inspectTasks(prepared);
  if (!rows.ok) return rows;
  for (const { task, verdict } of rows.value) emit({ type: 'task.checked', task: task.label, verdict });
  const counts = { ...NO_COUNTS };
  for (const { verdict } of rows.value) counts[wouldBe(verdict)]++;
  const outcome = counts.fresh === rows.value.length ? 'up-to-date' : 'would-build';
  return ok({ outcome, exitCode: 0, counts, ms, usage: {}, published: 0 });
}

/** What a build would make of a task, by its verdict. */
function wouldBe(verdict: Verdict): TaskOutcomeKind {
  switch (verdict.kind) {
    case 'fresh':
    case 'cached':
      return verdict.kind;
    case 'unverified':
      return 'verified';
    case 'drifted':
      return verdict.stale ? 'failed' : 'drifted';
    case 'stale':
      return verdict.reasons.some((reason) => reason.kind === 'result-missing') ? 'failed' : 'built';
    case 'pending':
      return 'skipped';
  }
}

async function remember(surroundings: Surroundings, prepared: Prepared, tree: string): Promise<void> {
  const { project } = prepared;
  await writeLastBuild(project.repository.state, {
    version: surroundings.version,
    tree,
    environment: environmentDigests(prepared.environment, surroundings.env),
    secrets: project.config.secrets,
    named: project.named,
    tasks: project.graph.tasks.size,
  });
}

function refused(step: TaskStep, failure: Failure, emit: Emit, ms: number): BuildSummary {
  emit({ type: 'build.failure', failure });
  return summary(step.outcomes, failure, step.usage, ms, 0);
}

function summary(
  outcomes: ReadonlyMap<Label, TaskOutcomeKind>,
  failure: Failure | undefined,
  usage: Usage,
  ms: number,
  published: number,
): BuildSummary {
  const counts = { ...NO_COUNTS };
  for (const outcome of outcomes.values()) counts[outcome]++;
  const exitCode = failure ? exitCodeOf(failure) : 0;
  const idle = counts.cached + counts.verified + counts.built + counts.accepted === 0 && published === 0;
  const outcome = exitCode === 130 ? 'interrupted' : failure ? 'failed' : idle ? 'up-to-date' : 'built';
  return { outcome, exitCode, counts, ms, usage, published };
}
