/**
 * One attempt of an agent in a workspace: its prompt, its purse and, where a provider does not answer, the next model.
 * Captures nothing.
 */

import type { Agent } from '../agent/agent.js';
import { withEvidence } from '../agent/prompts/evidence.js';
import { addUsage, sameUsage } from '../agent/usage.js';
import { err, ok, type Result } from '../base/result.js';
import { writeAtomic } from '../io/files.js';
import { type MadeBy, madeBy, type Usage } from '../model/action.js';
import type { Config } from '../model/config.js';
import type { Failure } from '../model/failure.js';
import type { TaskRun } from '../model/run.js';
import type { BuildLogs } from '../project/log-files.js';
import type { Workspace, WorkspacePool } from '../workspace/pool.js';
import type { ExecutionContext } from './executor.js';
import { outputLines } from './output-lines.js';
import type { ProviderSessions } from './provider-sessions.js';
import type { Spending } from './spending.js';

export interface AgentParts {
  readonly agent: Agent | undefined;
  readonly spending: Spending;
  readonly sessions: ProviderSessions;
  readonly logs: BuildLogs;
  readonly config: Config;
  readonly pool: WorkspacePool;
  /** Milliseconds since 1970, UTC. */
  now(): number;
}

export interface AgentAttempt {
  /** From 1. */
  readonly number: number;
  /** What earlier attempts have shown. */
  readonly tried: readonly string[];
  /** When the first attempt of this run began. */
  readonly startedAt: number;
}

export interface Asked {
  /** Files that the agent was seen to read, relative to the workspace; none when its driver cannot tell. */
  readonly read: readonly string[];
  /** The model that did it. */
  readonly made: MadeBy;
}

type AgentRecipe = Extract<TaskRun['recipe'], { kind: 'agent' }>;

/**
 * Asks the attempt's model and, when its provider does not answer or refuses, the fallbacks in their order: each in a
 * clean workspace, as the same attempt. `onUsage` is told the sum over all attempts of the task.
 */
export async function runAgent(
  parts: AgentParts,
  run: TaskRun,
  recipe: AgentRecipe,
  attempt: AgentAttempt,
  workspace: Workspace,
  context: ExecutionContext,
  onUsage: (usage: Usage) => void,
): Promise<Result<Asked, Failure>> {
  const { agent } = parts;
  if (!agent) return err({ kind: 'no-agent' });
  const choice = recipe.choices[Math.min(attempt.number, recipe.choices.length) - 1];
  const arm = choice?.arm;
  const models: MadeBy[] = [
    madeBy({ model: choice?.model, variant: choice?.variant, arm }),
    ...(choice?.fallbacks ?? []).map((model) => madeBy({ model, variant: undefined, arm })),
  ];
  let spent: Usage = {};
  for (const [at, made] of models.entries()) {
    const work = { run, recipe, attempt, made, spent };
    const asked = await parts.sessions.run(
      made.model,
      () => askModel({ ...parts, agent }, work, workspace, context, onUsage, (usage) => (spent = usage)),
      context.signal,
    );
    if (asked.ok) return ok({ read: asked.value, made });
    const next = models[at + 1]?.model;
    const { error } = asked;
    if (!isProviders(error) || next === undefined) return asked;
    const verb = error.kind === 'provider-refused' ? 'refuses' : 'does not answer';
    const message = `${made.model ?? error.provider} ${verb} (${error.detail}): ${next} is asked instead`;
    context.emit({ type: 'warning', task: run.label, message });
    await parts.pool.show(workspace, run.inputTree);
  }
  throw new Error(`BUG: no model was asked for ${run.label}`);
}

async function askModel(
  { agent, spending, logs, config, pool, now }: AgentParts & { readonly agent: Agent },
  work: {
    readonly run: TaskRun;
    readonly recipe: AgentRecipe;
    readonly attempt: AgentAttempt;
    readonly made: MadeBy;
    /** By models that were asked before in this attempt. */
    readonly spent: Usage;
  },
  workspace: Workspace,
  context: ExecutionContext,
  onUsage: (usage: Usage) => void,
  onSpent: (usage: Usage) => void,
): Promise<Result<readonly string[], Failure>> {
  const { run, recipe, attempt, made, spent } = work;
  const { number } = attempt;
  const account = spending.open(run.payer ?? run.label, run.budget, agent);
  if (!account.ok) return account;
  context.emit({ type: 'task.phase', task: run.label, attempt: number, phase: 'agent' });
  const prompt = withEvidence(recipe.prompt, attempt.tried);
  const promptFile = logs.file(run.label, `prompt-${number}.md`).absolute;
  await writeAtomic(promptFile, prompt);
  const timeoutMs = Math.max(1, agentMs(run, config, attempt.startedAt, now()));
  const log = logs.file(run.label, `agent-${number}.log`);
  const shown = outputLines(run, number, context);
  const stop = new AbortController();
  const askedAt = now();
  const spend = (usage: Usage) => {
    onSpent(addUsage(spent, usage));
    onUsage(account.value.sum(usage));
    const over = account.value.report(usage);
    for (const warning of account.value.warnings()) context.emit(warning);
    if (over) stop.abort(over);
  };
  const exit = await agent.run({
    label: run.label,
    attempt: number,
    cwd: workspace.dir,
    prompt,
    promptFile,
    agentName: recipe.definition,
    ...(made.model === undefined ? {} : { model: made.model }),
    ...(made.variant === undefined ? {} : { variant: made.variant }),
    timeoutMs,
    logFile: log.absolute,
    signal: AbortSignal.any([context.signal, stop.signal]),
    network: run.network,
    reset: () => pool.show(workspace, run.inputTree),
    onEvent: (event) => {
      if (event.kind === 'output') {
        shown(event.line);
      } else {
        const usage = addUsage(spent, event.usage);
        context.emit({ type: 'task.usage', task: run.label, attempt: number, usage });
        spend(event.usage);
      }
    },
  });
  spend(exit.usage);
  const unpriced = await account.value.close(exit.usage);
  // Who was not answered owes no price.
  const isUnanswered = exit.kind === 'failed' && isProviders(exit.failure) && sameUsage(exit.usage, {});
  const broken = stop.signal.aborted ? (stop.signal.reason as Failure) : isUnanswered ? undefined : unpriced;
  const failure = broken ?? (exit.kind === 'failed' ? withLog(exit.failure, log.relative) : undefined);
  context.emit({
    type: 'agent.finished',
    task: run.label,
    attempt: number,
    ...run.work,
    agent: agent.name,
    ...made,
    promptBytes: Buffer.byteLength(prompt),
    usage: exit.usage,
    ms: now() - askedAt,
    ...(failure === undefined ? {} : { failure: failure.kind }),
  });
  if (failure) return err(failure);
  return ok(exit.kind === 'finished' ? (exit.observed ?? []) : []);
}

function isProviders(
  failure: Failure,
): failure is Extract<Failure, { kind: 'provider-unavailable' | 'provider-refused' }> {
  return failure.kind === 'provider-unavailable' || failure.kind === 'provider-refused';
}

/** One attempt has its own time; a task's budget of minutes is for all of its attempts together. */
function agentMs(run: TaskRun, config: Config, startedAt: number, now: number): number {
  const one = config.timeouts.agent * 60_000;
  return run.budget.minutes === undefined ? one : run.budget.minutes * 60_000 - (now - startedAt);
}

/** Agents know their log as a file of this machine; failures name it as the project does. */
function withLog(failure: Failure, log: string): Failure {
  return 'output' in failure ? { ...failure, output: { ...failure.output, log } } : failure;
}
