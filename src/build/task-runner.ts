/** The tasks of one build on their way: executor, gates and step, put together on a workbench. Knows no order of its own. */

import type { Prepared } from '../analysis/prepare.js';
import { ok, type Result } from '../base/result.js';
import type { GateContext } from '../execution/gates.js';
import { LocalExecutor } from '../execution/local-executor.js';
import type { Failure } from '../model/failure.js';
import type { Label } from '../model/task.js';
import { readDurations, writeDurations } from '../project/clone-records.js';
import type { Emit, Host } from '../project/host.js';
import { openBuildContext } from './open-build-context.js';
import type { BuildOptions } from './options.js';
import { schedule } from './scheduler.js';
import type { Session } from './session.js';
import { TaskStep } from './task-step.js';

/** A weight for tasks that were never run: only its ratio to real durations matters. */
const UNKNOWN_MS = 60_000;
/** More than any build takes. */
const URGENT_MS = 1e15;
const NONE: ReadonlySet<Label> = new Set();
/** Tasks under way for each worker: those that turn out to be stale wait for one, and the others are looked at. */
const UNDER_WAY = 50;
const LEAST_UNDER_WAY = 1000;

export interface RunOrder {
  /** The targets do not see their former outputs. */
  readonly fromScratch?: boolean;
  /** Tasks that are probably stale: they and what they need are looked at first. */
  readonly urgent?: ReadonlySet<Label>;
}

export interface TaskRunner {
  readonly gates: GateContext;
  /** Goes through all selected tasks once. */
  run(options: BuildOptions, order?: RunOrder): Promise<TaskStep>;
  close(): Promise<void>;
}

/** Fails with `sandbox-required`. */
export async function openTaskRunner(
  host: Host,
  session: Session,
  prepared: Prepared,
  startedAt: number,
  emit: Emit,
  signal: AbortSignal,
): Promise<Result<TaskRunner, Failure>> {
  const { project, selected } = prepared;
  const bench = await openBuildContext(host, session, project.config, startedAt);
  if (!bench.ok) return bench;
  const { sessionState } = session;
  const { logs, commandEnvironment, spending, sessions, pool, unsandboxed } = bench.value;
  const gates = {
    commandEnvironment,
    pool,
    limiter: sessionState.limiter('gates', project.config.gateWorkers),
    logs,
    minutes: project.config.timeouts.gate,
    signal,
    emit,
    now: host.now,
  };
  const parts = {
    objects: session.objects,
    store: prepared.store,
    pool,
    agent: prepared.agent,
    commandEnvironment,
    spending,
    sessions,
    gates,
    logs,
    config: project.config,
    version: host.version,
    unsandboxed,
    now: host.now,
  };
  const executor = new LocalExecutor(parts);
  return ok({
    gates,
    async run(options, { fromScratch = false, urgent = NONE } = {}) {
      const durations = await readDurations(project.repository.state);
      const remaining = project.graph.remainingPath((label) => durations[label] ?? UNKNOWN_MS);
      const first = project.graph.closure([...urgent].filter((label) => selected.has(label)));
      const priority = (label: Label) => (remaining.get(label) ?? 0) + (first.has(label) ? URGENT_MS : 0);
      const ranked = [...selected].map((label) => ({ label, rank: priority(label) }));
      ranked.sort((a, b) => b.rank - a.rank);
      const workers = options.workers ?? project.config.workers;
      const step = new TaskStep({
        prepared,
        executor,
        rebaser: prepared.agent && !fromScratch ? { ...parts, agent: prepared.agent } : undefined,
        workers: sessionState.limiter('workers', workers),
        sessionState,
        priority,
        gateContext: gates,
        options,
        fromScratch,
        isUrgent: first.size > 0,
        emit,
        durations,
        version: host.version,
        now: host.now,
      });
      await schedule({
        graph: project.graph,
        // The longest way first here too: a free worker takes the first task that turns out to be stale.
        labels: new Set(ranked.map(({ label }) => label)),
        failFast: options.failFast,
        signal,
        atOnce: Math.max(LEAST_UNDER_WAY, UNDER_WAY * workers),
        step: (label) => step.run(label),
        onSkip: (label, because) => step.skip(label, because),
      });
      await writeDurations(project.repository.state, durations);
      return step;
    },
    async close() {
      await sessionState.runs.settled(gates);
      await executor.close();
    },
  });
}
