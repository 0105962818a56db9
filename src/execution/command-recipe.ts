/** Runs the command of a recipe in a workspace. Captures nothing. */

import { mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Turns } from '../base/limiter.js';
import { err, ok, type Result } from '../base/result.js';
import type { Config } from '../model/config.js';
import type { Failure } from '../model/failure.js';
import { patternSet } from '../model/paths/pattern-set.js';
import { type Command, commandText } from '../model/task.js';
import type { TaskRun } from '../model/task-run.js';
import type { BuildLogs } from '../project/log-files.js';
import type { Workspace, WorkspacePool } from '../workspace/workspace-pool.js';
import { outputLines } from './agent-attempt.js';
import { type CommandEnvironment, keptOutput } from './command-environment.js';
import type { ExecutionContext } from './executor.js';

export interface CommandParts {
  readonly commandEnvironment: CommandEnvironment;
  /** How many commands run at the same time. */
  readonly commandLimiter: Turns;
  readonly pool: WorkspacePool;
  readonly logs: BuildLogs;
  readonly config: Config;
  /** Milliseconds since 1970, UTC. */
  now(): number;
}

export interface CommandAttempt {
  readonly run: TaskRun;
  readonly command: Command;
  /** From 1. */
  readonly number: number;
}

export async function runCommand(
  parts: CommandParts,
  { run, command, number }: CommandAttempt,
  workspace: Workspace,
  context: ExecutionContext,
): Promise<Result<undefined, Failure>> {
  const makeFolders = () => {
    // So that `> out/a.txt` works without a `mkdir`. Git stores no empty folders, so unused ones leave no trace.
    for (const { prefix } of patternSet(run.outputs).includes)
      mkdirSync(join(workspace.dir, dirname(`${prefix}x`)), { recursive: true });
  };
  makeFolders();
  const log = parts.logs.file(run.label, 'run.log');
  const minutes = run.budget.minutes ?? parts.config.timeouts.run;
  const askedAt = parts.now();
  const start = () => {
    context.meter?.waited(parts.now() - askedAt);
    context.emit({ type: 'task.phase', task: run.label, attempt: number, phase: 'run' });
    return parts.commandEnvironment.run({
      command,
      dir: workspace.dir,
      minutes,
      network: run.network,
      log: log.absolute,
      signal: context.signal,
      sandboxed: true,
      places: workspace.places,
      async reset() {
        await parts.pool.show(workspace, run.inputTree);
        makeFolders();
      },
      extraEnv: { ...workspace.variables, CONDUCTOR_TASK: run.label },
      onLine: outputLines(run.label, number, context),
    });
  };
  const { priority, signal } = context;
  const exit = await parts.commandLimiter.run(start, priority, signal).catch((error: unknown) => {
    if (!signal.aborted) throw error;
    return { kind: 'cancelled', ms: 0, tail: '' } as const;
  });
  if (exit.kind === 'exited' && exit.code === 0) return ok(undefined);
  const output = keptOutput(exit, log.relative);
  const text = commandText(command);
  switch (exit.kind) {
    case 'exited':
      return err({ kind: 'command-failed', command: text, exitCode: exit.code, output });
    case 'signalled':
      return err({ kind: 'command-failed', command: text, exitCode: exit.signal, output });
    case 'timed-out':
      return err({ kind: 'timed-out', what: text, minutes, output });
    case 'cancelled':
      return err({ kind: 'cancelled' });
    case 'not-found':
      return err({
        kind: 'command-failed',
        command: text,
        exitCode: 127,
        output: { ...output, tail: `${exit.program}: not found` },
      });
  }
}
