/** Runs gates on the exact tree that a workspace shows and says what came of it. Knows nothing of results or keys. */

import type { Limiter } from '../base/limiter.js';
import { throttle } from '../base/throttle.js';
import type { GateRun } from '../model/action.js';
import { commandText } from '../model/config.js';
import type { BuildEventBody } from '../model/event.js';
import type { Failure } from '../model/failure.js';
import type { GateSpec, Label } from '../model/task.js';
import type { ObjectId } from '../model/tree.js';
import type { BuildLogs } from '../project/log-files.js';
import type { Workspace, WorkspacePool } from '../workspace/pool.js';
import { type CommandEnvironment, keptOutput } from './command-environment.js';

export interface GateContext {
  readonly commandEnvironment: CommandEnvironment;
  readonly pool: WorkspacePool;
  readonly limiter: Limiter;
  readonly logs: BuildLogs;
  readonly signal: AbortSignal;
  /** Minutes for a gate that names no limit of its own. */
  readonly minutes: number;
  emit(event: BuildEventBody): void;
  now(): number;
  /** Hears how long a gate has waited for its turn. */
  onWait?(ms: number): void;
}

export interface GateJob {
  readonly gates: readonly GateSpec[];
  readonly workspace: Workspace;
  /** What the workspace shows; it is put back to this before a gate is tried again. */
  readonly tree: ObjectId;
  readonly network: boolean;
  /** Absent for the gates of the merged tree. */
  readonly task?: Label;
  readonly attempt: number;
}

export type GatesOutcome =
  | { readonly ok: true; readonly runs: readonly GateRun[]; readonly flaky: readonly Failure[] }
  | { readonly ok: false; readonly failure: Failure; readonly runs: readonly GateRun[] };

/** All gates in their order, until one fails. */
export async function runGates(context: GateContext, job: GateJob): Promise<GatesOutcome> {
  const runs: GateRun[] = [];
  const flaky: Failure[] = [];
  for (const [index, gate] of job.gates.entries()) {
    // What an earlier gate wrote is not what would be kept: each one sees exactly the tree.
    if (index > 0) await context.pool.show(job.workspace, job.tree);
    const first = await runGate(context, job, gate, index, 1);
    runs.push({ name: gate.name, exitCode: first.exitCode, ms: first.ms });
    if (!first.failure) continue;
    if (first.failure.kind !== 'gate-failed') return { ok: false, failure: first.failure, runs };
    // The same gate on the same tree once more: where it passes now, the gate is at fault and not the result.
    await context.pool.show(job.workspace, job.tree);
    const second = await runGate(context, job, gate, index, 2);
    if (second.failure) return { ok: false, failure: first.failure, runs };
    const failure: Failure = { kind: 'gate-flaky', gate: gate.name, output: first.failure.output };
    flaky.push(failure);
    context.emit({
      type: 'warning',
      message: `gate "${gate.name}" failed and then passed on the same tree: it is flaky`,
      ...(job.task === undefined ? {} : { task: job.task }),
    });
  }
  return { ok: true, runs, flaky };
}

interface OneRun {
  readonly exitCode: number;
  readonly ms: number;
  readonly failure?: Failure;
}

async function runGate(
  context: GateContext,
  job: GateJob,
  gate: GateSpec,
  index: number,
  round: number,
): Promise<OneRun> {
  const { task, attempt } = job;
  const named = task === undefined ? {} : { task };
  const shown = throttle((line: string) => {
    if (task !== undefined) context.emit({ type: 'task.output', task, attempt, line });
  });
  const log = context.logs.file(
    job.task ?? 'build',
    `gate-${job.attempt}.${index + 1}${round > 1 ? '-again' : ''}.log`,
  );
  const minutes = gate.timeoutMinutes ?? context.minutes;
  const askedAt = context.now();
  const run: Promise<OneRun> = context.limiter.run(
    async () => {
      context.onWait?.(context.now() - askedAt);
      context.emit({ type: 'gate.started', gate: gate.name, ...named });
      const exit = await context.commandEnvironment.run({
        command: gate.command,
        dir: job.workspace.dir,
        minutes,
        network: job.network,
        log: log.absolute,
        signal: context.signal,
        sandboxed: true,
        onLine: shown,
      });
      const output = keptOutput(exit, log.relative);
      const ms = exit.kind === 'not-found' ? 0 : exit.ms;
      const ok = exit.kind === 'exited' && exit.code === 0;
      context.emit({ type: 'gate.finished', gate: gate.name, ok, ms, log: log.relative, ...named });
      switch (exit.kind) {
        case 'exited':
          if (exit.code === 0) return { exitCode: 0, ms };
          return {
            exitCode: exit.code,
            ms,
            failure: { kind: 'gate-failed', gate: gate.name, exitCode: exit.code, ms, output },
          };
        case 'signalled':
          return {
            exitCode: -1,
            ms,
            failure: { kind: 'gate-failed', gate: gate.name, exitCode: exit.signal, ms, output },
          };
        case 'timed-out':
          return { exitCode: -1, ms, failure: { kind: 'gate-timed-out', gate: gate.name, minutes, output } };
        case 'cancelled':
          return { exitCode: -1, ms, failure: { kind: 'cancelled' } };
        case 'not-found':
          return {
            exitCode: -1,
            ms,
            failure: { kind: 'gate-missing-program', gate: gate.name, program: exit.program },
          };
      }
    },
    0,
    context.signal,
  );
  return run.catch((error: unknown) => {
    if (!context.signal.aborted) throw error;
    return { exitCode: -1, ms: 0, failure: { kind: 'cancelled' } };
  });
}

/** The commands of gates as people wrote them, for prompts. */
export function gateCommands(gates: readonly GateSpec[]): string[] {
  return gates.map((gate) => commandText(gate.command));
}
