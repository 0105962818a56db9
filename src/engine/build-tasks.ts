/**
 * The sequence of a build that may have something to do: prepare, run the schedule, plan the landing, run the build
 * gates, publish, record. Each part is another file's; here is only their order.
 */

import { err, ok, type Result } from '../base/result.js';
import { findSandbox } from '../io/sandbox.js';
import type { Usage } from '../model/action.js';
import type { BuildSummary, TaskOutcomeKind } from '../model/event.js';
import { exitCodeOf, type Failure } from '../model/failure.js';
import type { Label } from '../model/task.js';
import type { ObjectId } from '../model/tree.js';
import type { Verdict } from '../model/verdict.js';
import { runBuildGates } from './build-gates.js';
import { commitBuild } from './commit.js';
import { inspectTasks } from './inspect.js';
import { LocalExecutor } from './local-executor.js';
import { BuildLogs } from './logs.js';
import { type BuildOptions, buildName, NO_COUNTS } from './options.js';
import { openPool } from './pool.js';
import { type Prepared, prepare } from './prepare.js';
import { loadProject, type Project } from './project.js';
import { diskSource } from './project-source.js';
import { land, publish } from './publishing.js';
import {
  environmentDigests,
  readDurations,
  readSpending,
  writeDurations,
  writeLastBuild,
} from './records.js';
import { Resident } from './resident.js';
import { isSuperseded } from './runs.js';
import { schedule } from './scheduler.js';
import type { Session } from './session.js';
import { Spending } from './spending.js';
import type { Emit, LoadedConfig, Surroundings } from './surroundings.js';
import { TaskStep } from './task-step.js';
import { Toolbox } from './toolbox.js';

/** A weight for tasks that were never run: only its ratio to real durations matters. */
const UNKNOWN_MS = 60_000;
/** More than any build takes. */
const URGENT_MS = 1e15;

/** A build that has been opened: with its lock held and its first event told. */
export interface OpenBuild {
  readonly surroundings: Surroundings;
  readonly options: BuildOptions;
  readonly session: Session;
  readonly resident: Resident;
  readonly emit: Emit;
  readonly signal: AbortSignal;
  readonly startedAt: number;
  /** Keeps the build's events from here on; called once it is sure that the folder is a project. */
  openRecord(): void;
}

export interface Built {
  readonly summary: BuildSummary;
  /** What the build left on disk: its snapshot, with what it published. */
  readonly tree: ObjectId;
}

/** Reads the project as it is on disk and builds it. */
export async function buildFromDisk(opened: Omit<OpenBuild, 'resident'>): Promise<Result<Built, Failure>> {
  const build = { ...opened, resident: new Resident() };
  const { surroundings, session, resident } = build;
  const loaded = await surroundings.loadConfig(session.repository.project);
  if (!loaded.ok) return loaded;
  const project = await loadProject(diskSource(session, loaded.value.config, resident.memory));
  return project.ok ? buildTasks(build, loaded.value, project.value) : project;
}

/** Builds a project that has been read. */
export async function buildTasks(
  build: OpenBuild,
  loaded: LoadedConfig,
  project: Project,
  /** Tasks that have probably changed: they are looked at first. */
  urgent: ReadonlySet<Label> = new Set(),
): Promise<Result<Built, Failure>> {
  const { surroundings, options, session, resident, emit, signal, startedAt, openRecord } = build;
  const ready = await prepare(surroundings, session, loaded, options, project);
  if (!ready.ok) return ready;
  const prepared = ready.value;
  // Only now is it sure that this folder is a project: nothing is left in any other.
  if (!options.dryRun) openRecord();
  const { selected } = prepared;
  emit({ type: 'build.planned', tasks: project.graph.order.filter((label) => selected.has(label)) });
  for (const warning of project.warnings)
    emit({ type: 'warning', message: `${warning.file}: ${warning.message}` });
  if (options.dryRun) return dryRun(prepared, emit, surroundings.now() - startedAt);
  const ended = (summary: BuildSummary, tree = project.snapshot) => ok<Built>({ summary, tree });

  const sandbox = await findSandbox(surroundings.env);
  if ('missing' in sandbox && project.config.sandbox === 'required') {
    return err({ kind: 'sandbox-required', detail: sandbox.missing });
  }
  const sandboxProgram =
    project.config.sandbox !== 'off' && 'program' in sandbox ? sandbox.program : undefined;
  const logs = new BuildLogs(project.repository.project, buildName(startedAt, surroundings.pid));
  await logs.open();
  const toolbox = new Toolbox(project.repository.project, project.config, surroundings.env, sandboxProgram);
  const day = new Date(startedAt).toISOString().slice(0, 10);
  resident.spending ??= new Spending(
    project.config.budget,
    await readSpending(project.repository.state, day),
    project.repository.state,
  );
  const { spending, runs } = resident;
  const pool = openPool(surroundings, session, project.config, toolbox, logs, resident);
  // While something runs, the workspaces that are in use are nobody's leftovers.
  if (!runs.busy) await pool.sweep();
  const gates = {
    toolbox,
    pool,
    limiter: resident.limiter('gates', project.config.gateWorkers),
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
    now: surroundings.now,
  });
  const caller = { signal, emit };
  try {
    const durations = { ...(await readDurations(project.repository.state)) };
    const remaining = project.graph.remainingPath((label) => durations[label] ?? UNKNOWN_MS);
    const first = project.graph.closure(urgent);
    const priority = (label: Label) => (remaining.get(label) ?? 0) + (first.has(label) ? URGENT_MS : 0);
    const workers = resident.limiter('workers', options.workers ?? project.config.workers);
    const step = new TaskStep({
      prepared,
      executor,
      workers,
      resident,
      priority,
      gates,
      options,
      caller,
      durations,
      now: surroundings.now,
    });
    await schedule({
      graph: project.graph,
      // The longest way first here too: a free worker takes the first task that turns out to be stale.
      labels: new Set([...selected].sort((a, b) => priority(b) - priority(a))),
      failFast: options.failFast,
      signal,
      step: (label) => step.run(label),
      onSkip: (label, because) => step.skip(label, because),
    });
    await writeDurations(project.repository.state, durations);
    if (signal.aborted) {
      await prepared.store.settle();
      return ended(stopped(step, signal, surroundings.now() - startedAt));
    }
    if (options.frozen) {
      const stale = step.notUpToDate();
      if (stale.length > 0) return err({ kind: 'not-up-to-date', tasks: stale });
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
      return ended(stopped(step, signal, surroundings.now() - startedAt));
    }
    const gateContext = { ...gates, signal, emit };
    const judged = await runBuildGates(prepared, gateContext, resident, landing.value.tree, complete);
    if (isSuperseded(signal)) return ended(stopped(step, signal, surroundings.now() - startedAt));
    if (!judged.ok) return ended(refused(step, judged.error, emit, surroundings.now() - startedAt));
    resident.isLanding = true;
    const published = await publish(prepared, landing.value, emit);
    if (!published.ok) return ended(refused(step, published.error, emit, surroundings.now() - startedAt));
    if (options.commit) {
      const committed = await commitBuild(prepared, step.landed, done, landing.value.tree, emit);
      if (!committed.ok)
        return ended(
          refused(step, committed.error, emit, surroundings.now() - startedAt),
          landing.value.tree,
        );
    }
    if (complete && prepared.whole) {
      await remember(surroundings, prepared, landing.value.tree);
    }
    return ended(
      summary(step.outcomes, step.firstFailure, step.usage, surroundings.now() - startedAt, published.value),
      landing.value.tree,
    );
  } finally {
    resident.isLanding = false;
    const closed = runs.settled(caller).then(async () => {
      await prepared.agent?.close?.();
      await executor.close();
    });
    resident.linger(closed);
    if (!isSuperseded(signal)) await resident.rest();
  }
}

async function dryRun(prepared: Prepared, emit: Emit, ms: number): Promise<Result<Built, Failure>> {
  const rows = await inspectTasks(prepared);
  if (!rows.ok) return rows;
  for (const { task, verdict } of rows.value) emit({ type: 'task.checked', task: task.label, verdict });
  const counts = { ...NO_COUNTS };
  for (const { verdict } of rows.value) counts[wouldBe(verdict)]++;
  const outcome = counts.fresh === rows.value.length ? 'up-to-date' : 'would-build';
  const summary: BuildSummary = { outcome, exitCode: 0, counts, ms, usage: {}, published: 0 };
  return ok({ summary, tree: prepared.project.snapshot });
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
      return 'built';
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

function stopped(step: TaskStep, signal: AbortSignal, ms: number): BuildSummary {
  const ended = summary(step.outcomes, { kind: 'cancelled' }, step.usage, ms, 0);
  return isSuperseded(signal) ? { ...ended, outcome: 'superseded' } : ended;
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
  const idle = counts.cached + counts.verified + counts.built === 0 && published === 0;
  const outcome = exitCode === 130 ? 'interrupted' : failure ? 'failed' : idle ? 'up-to-date' : 'built';
  return { outcome, exitCode, counts, ms, usage, published };
}
