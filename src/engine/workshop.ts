/** Everything that tasks are run with in one build, put together from the config. Knows no order of its own. */

import { Limiter } from '../base/limiter.js';
import { err, ok, type Result } from '../base/result.js';
import { findSandbox } from '../io/sandbox.js';
import type { Failure } from '../model/failure.js';
import type { GateContext } from './gates.js';
import { LocalExecutor } from './local-executor.js';
import { BuildLogs } from './logs.js';
import { type BuildOptions, buildName } from './options.js';
import { createPool } from './pool.js';
import type { Prepared } from './prepare.js';
import { readDurations, readSpending, writeDurations } from './records.js';
import { schedule } from './scheduler.js';
import type { Session } from './session.js';
import { Spending } from './spending.js';
import type { Emit, Surroundings } from './surroundings.js';
import { TaskStep } from './task-step.js';
import { Toolbox } from './toolbox.js';

/** A weight for tasks that were never run: only its ratio to real durations matters. */
const UNKNOWN_MS = 60_000;

export interface Workshop {
  readonly gates: GateContext;
  /** Goes through all selected tasks once. `anew`: the targets do not see their former outputs. */
  run(options: BuildOptions, anew?: boolean): Promise<TaskStep>;
  close(): Promise<void>;
}

/** Fails with `sandbox-required`. */
export async function openWorkshop(
  surroundings: Surroundings,
  session: Session,
  prepared: Prepared,
  startedAt: number,
  emit: Emit,
  signal: AbortSignal,
): Promise<Result<Workshop, Failure>> {
  const { project, selected } = prepared;
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
  const spending = new Spending(
    project.config.budget,
    await readSpending(project.repository.state, day),
    project.repository.state,
  );
  const pool = createPool(surroundings, session, project.config, toolbox, logs, signal);
  await pool.sweep();
  const gates = {
    toolbox,
    pool,
    limiter: new Limiter(project.config.gateWorkers),
    logs,
    minutes: project.config.timeouts.gate,
    signal,
    emit,
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
    unsandboxed: project.config.sandbox === 'auto' && 'missing' in sandbox ? sandbox.missing : undefined,
    now: surroundings.now,
  });
  return ok({
    gates,
    async run(options, anew = false) {
      const durations = { ...(await readDurations(project.repository.state)) };
      const remaining = project.graph.remainingPath((label) => durations[label] ?? UNKNOWN_MS);
      const step = new TaskStep({
        prepared,
        executor,
        workers: new Limiter(options.workers ?? project.config.workers),
        remaining,
        gateContext: gates,
        options,
        anew,
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
      return step;
    },
    close: () => executor.close(),
  });
}
