/** Runs the program of a recipe in a workspace: a command, or an agent with its prompt and its purse. Captures nothing. */

import { dirname, join } from 'node:path';
import type { Agent } from '../agent/agent.js';
import { withEvidence } from '../agent/evidence.js';
import { err, ok, type Result } from '../base/result.js';
import { seldom } from '../base/seldom.js';
import { makeDir, writeAtomic } from '../io/files.js';
import type { Usage } from '../model/action.js';
import type { Config } from '../model/config.js';
import type { Failure } from '../model/failure.js';
import { parsePattern } from '../model/pattern.js';
import type { TaskRun } from '../model/run.js';
import type { Workspace, WorkspacePool } from '../workspace/pool.js';
import type { ExecutionContext } from './executor.js';
import type { BuildLogs } from './logs.js';
import type { Spending } from './spending.js';
import { keptOutput, type Toolbox } from './toolbox.js';

export interface RecipeParts {
  readonly agent: Agent | undefined;
  readonly toolbox: Toolbox;
  readonly spending: Spending;
  readonly logs: BuildLogs;
  readonly config: Config;
  readonly pool: WorkspacePool;
  /** Milliseconds since 1970, UTC. */
  now(): number;
}

export async function runCommand(
  parts: RecipeParts,
  run: TaskRun,
  command: string | readonly string[],
  attempt: number,
  workspace: Workspace,
  context: ExecutionContext,
): Promise<Result<undefined, Failure>> {
  context.emit({ type: 'task.phase', task: run.label, attempt: attempt, phase: 'run' });
  // `> out/a.txt` should not need a `mkdir` of its own; git keeps no empty folder, so none can be left over.
  for (const output of run.outputs)
    await makeDir(join(workspace.dir, dirname(`${parsePattern(output).prefix}x`)));
  const log = parts.logs.file(run.label, 'run.log');
  const shown = outputLines(run, attempt, context);
  const minutes = run.budget.minutes ?? parts.config.timeouts.run;
  const exit = await parts.toolbox.run({
    command,
    dir: workspace.dir,
    minutes,
    network: run.network,
    log: log.absolute,
    signal: context.signal,
    sandboxed: true,
    extraEnv: { CONDUCTOR_TASK: run.label },
    onLine: shown,
  });
  const output = keptOutput(exit, log.relative);
  const text = typeof command === 'string' ? command : command.join(' ');
  switch (exit.kind) {
    case 'exited':
      return exit.code === 0
        ? ok(undefined)
        : err({ kind: 'command-failed', command: text, exitCode: exit.code, output });
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

/** The files that the agent was seen to read, relative to the workspace; none when its driver cannot tell. */
export async function runAgent(
  parts: RecipeParts,
  run: TaskRun,
  recipe: Extract<TaskRun['recipe'], { kind: 'agent' }>,
  attempt: number,
  tried: readonly string[],
  startedAt: number,
  workspace: Workspace,
  context: ExecutionContext,
  onUsage: (usage: Usage) => void,
): Promise<Result<readonly string[], Failure>> {
  const { agent, logs, config, spending } = parts;
  if (!agent) return err({ kind: 'no-agent' });
  const account = spending.open(run.label, run.budget, agent);
  if (!account.ok) return account;
  context.emit({ type: 'task.phase', task: run.label, attempt: attempt, phase: 'agent' });
  const prompt = withEvidence(recipe.prompt, tried);
  const promptFile = logs.file(run.label, `prompt-${attempt}.md`).absolute;
  await writeAtomic(promptFile, prompt);
  const timeoutMs = Math.max(1, agentMs(run, config, startedAt, parts.now()));
  const log = logs.file(run.label, `agent-${attempt}.log`);
  const shown = outputLines(run, attempt, context);
  const stop = new AbortController();
  const askedAt = parts.now();
  const spend = (usage: Usage) => {
    onUsage(account.value.sum(usage));
    const over = account.value.report(usage);
    for (const warning of account.value.warnings()) context.emit(warning);
    if (over) stop.abort(over);
  };
  const exit = await agent.run({
    label: run.label,
    attempt: attempt,
    cwd: workspace.dir,
    prompt,
    promptFile,
    agentName: recipe.definition,
    ...(recipe.model === undefined ? {} : { model: recipe.model }),
    timeoutMs,
    logFile: log.absolute,
    signal: AbortSignal.any([context.signal, stop.signal]),
    network: run.network,
    reset: () => parts.pool.show(workspace, run.view),
    onEvent: (event) => {
      if (event.kind === 'output') {
        shown(event.line);
      } else {
        context.emit({ type: 'task.usage', task: run.label, attempt: attempt, usage: event.usage });
        spend(event.usage);
      }
    },
  });
  spend(exit.usage);
  const unpriced = await account.value.close(exit.usage);
  const broken = stop.signal.aborted ? (stop.signal.reason as Failure) : unpriced;
  const failure = broken ?? (exit.kind === 'failed' ? withLog(exit.failure, log.relative) : undefined);
  context.emit({
    type: 'agent.finished',
    task: run.label,
    attempt,
    ...run.work,
    agent: agent.name,
    ...(recipe.model === undefined ? {} : { model: recipe.model }),
    promptBytes: Buffer.byteLength(prompt),
    usage: exit.usage,
    ms: parts.now() - askedAt,
    ...(failure === undefined ? {} : { failure: failure.kind }),
  });
  if (failure) return err(failure);
  return ok(exit.kind === 'finished' ? (exit.observed ?? []) : []);
}

/** One attempt has its own time; a task's budget of minutes is for all of its attempts together. */
function agentMs(run: TaskRun, config: Config, startedAt: number, now: number): number {
  const one = config.timeouts.agent * 60_000;
  return run.budget.minutes === undefined ? one : run.budget.minutes * 60_000 - (now - startedAt);
}

/** A program may print a million lines; people read a few of them, the log has all. */
function outputLines(run: TaskRun, attempt: number, context: ExecutionContext): (line: string) => void {
  return seldom((line) => context.emit({ type: 'task.output', task: run.label, attempt, line }));
}

/** Agents know their log as a file of this machine; failures name it as the project does. */
function withLog(failure: Failure, log: string): Failure {
  return 'output' in failure ? { ...failure, output: { ...failure.output, log } } : failure;
}
