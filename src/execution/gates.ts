/** Runs gates on the exact tree of a workspace and reports the outcome. Knows no results and no keys. */

import { readFile, realpath, stat } from 'node:fs/promises';
import { isAbsolute, join, sep } from 'node:path';
import type { Turns } from '../base/limiter.js';
import type { ProgramExit } from '../io/process/process.js';
import type { GateRun } from '../model/action.js';
import type { Config } from '../model/config.js';
import type { Failure } from '../model/failure.js';
import { sourcePlaces } from '../model/output/decisive-output.js';
import type { SourceLine } from '../model/output/failure-blocks.js';
import { commandText, type GateSpec } from '../model/task.js';
import type { GatesRun } from '../model/task-run.js';
import type { BuildLogs } from '../project/log-files.js';
import type { Workspace, WorkspacePool } from '../workspace/workspace-pool.js';
import { outputLines } from './agent-attempt.js';
import { type CommandEnvironment, keptOutput } from './command-environment.js';
import type { ExecutionContext } from './executor.js';

/** A compiler may name thousands of places; evidence has room for the first ones. */
const MAX_FILES = 12;
const MAX_BYTES = 1024 * 1024;

export interface GateParts {
  readonly commandEnvironment: CommandEnvironment;
  readonly pool: WorkspacePool;
  /** How many gates run at the same time. */
  readonly gateLimiter: Turns;
  readonly logs: BuildLogs;
  readonly config: Config;
  /** Milliseconds since 1970, UTC. */
  now(): number;
}

/** `runs`: of all gates that were run, in their order. */
export type JudgedTree =
  | { readonly ok: true; readonly runs: readonly GateRun[] }
  | { readonly ok: false; readonly failure: Failure; readonly runs: readonly GateRun[] };

/** All gates in their order, until one fails; the workspace shows the tree of the run. */
export async function judgeTree(
  parts: GateParts,
  run: GatesRun,
  workspace: Workspace,
  context: ExecutionContext,
): Promise<JudgedTree> {
  const runs: GateRun[] = [];
  if (run.gates.length > 0) context.worker?.pause();
  await parts.pool.secure(workspace);
  for (const [index, gate] of run.gates.entries()) {
    // Files that an earlier gate wrote are not part of the result: each gate sees exactly the tree.
    if (index > 0) await parts.pool.show(workspace, run.tree);
    const job = { run, gate, index, workspace };
    const first = await runGate(parts, { ...job, round: 1 }, context);
    runs.push({ name: gate.name, exitCode: first.exitCode, ms: first.ms });
    if (!first.failure) continue;
    if (first.failure.kind !== 'gate-failed' || run.isPreflight === true)
      return { ok: false, failure: first.failure, runs };
    // Run the gate again on the same tree: if it passes now, the gate is flaky, and the result stands.
    await parts.pool.show(workspace, run.tree);
    const second = await runGate(parts, { ...job, round: 2 }, context);
    if (second.failure) return { ok: false, failure: first.failure, runs };
    context.emit({
      type: 'warning',
      message: `gate "${gate.name}" failed and then passed on the same tree: it is flaky`,
      ...(run.task === undefined ? {} : { task: run.task }),
    });
  }
  return { ok: true, runs };
}

interface GateJob {
  readonly run: GatesRun;
  readonly gate: GateSpec;
  /** Among the gates of the run. */
  readonly index: number;
  readonly round: number;
  readonly workspace: Workspace;
  /** Puts the workspace back to what it showed before the gate. Absent: it showed the tree of the run. */
  reset?(): Promise<void>;
  /** Name of its log, where it is no gate of the task. */
  readonly log?: string;
}

interface OneRun {
  readonly exitCode: number;
  readonly ms: number;
  readonly failure?: Failure;
}

/** One run of a gate, with its log and its events. */
export async function runGate(parts: GateParts, job: GateJob, context: ExecutionContext): Promise<OneRun> {
  const { gate, index, round, workspace } = job;
  const { task, attempt, network, isPreflight = false } = job.run;
  const named = task === undefined ? {} : { task };
  const shown = task === undefined || isPreflight ? undefined : outputLines(task, attempt, context);
  const ofGate = `gate-${attempt}.${index + 1}${round > 1 ? '-again' : ''}.log`;
  const name = job.log ?? (isPreflight ? `preflight-${attempt}.log` : ofGate);
  const log = parts.logs.file(task ?? 'build', name);
  const minutes = gate.timeoutMinutes ?? parts.config.timeouts.gate;
  const askedAt = parts.now();
  const run: Promise<OneRun> = parts.gateLimiter.run(
    async () => {
      context.meter?.waited(parts.now() - askedAt);
      context.emit({ type: 'gate.started', gate: gate.name, ...named });
      const exit = await parts.commandEnvironment.run({
        command: gate.command,
        dir: workspace.dir,
        minutes,
        network,
        log: log.absolute,
        signal: context.signal,
        sandboxed: true,
        places: workspace.places,
        reset: job.reset ?? (() => parts.pool.show(workspace, job.run.tree)),
        ...(workspace.variables ? { extraEnv: workspace.variables } : {}),
        ...(shown ? { onLine: shown } : {}),
      });
      const ms = exit.kind === 'not-found' ? 0 : exit.ms;
      const ok = exit.kind === 'exited' && exit.code === 0;
      const output = ok
        ? { log: log.relative, tail: '' }
        : keptOutput(exit, log.relative, await sourceLines(outputOf(exit), workspace.dir));
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
    // `run` commands have the same limit: without the priority of its task, a gate would wait until no such command waits.
    context.priority,
    context.signal,
  );
  return run.catch((error: unknown) => {
    if (!context.signal.aborted) throw error;
    return { exitCode: -1, ms: 0, failure: { kind: 'cancelled' } };
  });
}

/** Only files of the workspace: an output may name any path, and a link may lead anywhere. */
async function sourceLines(output: string, directory: string): Promise<SourceLine> {
  const paths = [...new Set(sourcePlaces(output).map(({ path }) => path))].slice(0, MAX_FILES);
  const files = new Map<string, readonly string[]>();
  const root = await realpath(directory).catch(() => undefined);
  if (root === undefined) return () => undefined;
  for (const path of paths) {
    const place = await realpath(isAbsolute(path) ? path : join(root, path)).catch(() => undefined);
    if (place === undefined || !place.startsWith(`${root}${sep}`)) continue;
    const found = await stat(place).catch(() => undefined);
    if (!found?.isFile() || found.size > MAX_BYTES) continue;
    const text = await readFile(place, 'utf8').catch(() => '');
    files.set(path, text.split('\n'));
  }
  return (path, line) => files.get(path)?.[line - 1];
}

function outputOf(exit: ProgramExit): string {
  return exit.kind === 'not-found' ? '' : exit.tail;
}

/** The commands of gates as people wrote them, for prompts. */
export function gateCommands(gates: readonly GateSpec[]): string[] {
  return gates.map((gate) => commandText(gate.command));
}
