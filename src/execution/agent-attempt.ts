/**
 * One attempt of an agent in a workspace: its session, its budget and, when a provider does not answer, the next
 * model. Captures nothing.
 */

import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Agent, Expected } from '../agent/agent.js';
import { addUsage, sameUsage } from '../agent/usage.js';
import { err, ok, type Result } from '../base/result.js';
import { throttle } from '../base/throttle.js';
import { type MadeBy, madeBy, type Usage } from '../model/action.js';
import type { AgentReport } from '../model/agents/agent-report.js';
import type { Config } from '../model/config.js';
import type { Failure } from '../model/failure.js';
import type { ModelChoice } from '../model/routes.js';
import type { Budget, Label } from '../model/task.js';
import type { WorkKind } from '../model/task-run.js';
import type { ObjectId } from '../model/tree.js';
import type { BuildLogs } from '../project/log-files.js';
import type { Workspace, WorkspacePool } from '../workspace/workspace-pool.js';
import { withWords } from './attempt-failure.js';
import type { ExecutionContext } from './executor.js';
import { unpricedModel } from './prices.js';
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

/** What is asked of the agent. */
export interface AgentAttempt {
  readonly label: Label;
  readonly work: WorkKind;
  /** The task whose budget pays. */
  readonly payer: Label;
  readonly budget: Budget;
  readonly network: boolean;
  /** The tree in the workspace when the agent starts. */
  readonly inputTree: ObjectId;
  /** What is taken from the workspace afterwards. */
  readonly expected: Expected;
  /** The agent definition, by name. */
  readonly definition: string;
  /** Absent: the agent's own default. */
  readonly choice: ModelChoice | undefined;
  /** Models that may be asked after this attempt, with the same budget. */
  readonly later?: readonly string[];
  /** With the evidence of earlier attempts. */
  readonly prompt: string;
  /** From 1. */
  readonly number: number;
}

export interface Asked {
  /** Files that the agent read, relative to the workspace; empty if its driver cannot observe that. */
  readonly read: readonly string[];
  /** The model that did the work. */
  readonly made: MadeBy;
  /** Of its last session. */
  readonly usage: Usage;
  /** What the agent said last. */
  readonly said?: string;
  readonly report?: AgentReport;
}

/**
 * Runs the attempt's model. If its provider does not answer or refuses, the fallbacks follow in their order, as the same
 * attempt, each from the files with which the attempt began.
 */
export async function runAgent(
  parts: AgentParts,
  attempt: AgentAttempt,
  workspace: Workspace,
  context: ExecutionContext,
): Promise<Result<Asked, Failure>> {
  const { agent } = parts;
  if (!agent) return err({ kind: 'no-agent' });
  const { choice, label } = attempt;
  const unpriced = await unpricedModel(parts, agent, { ...attempt, cwd: workspace.dir }, context.signal);
  if (unpriced) return err(unpriced);
  const arm = choice?.arm;
  const models: MadeBy[] = [
    madeBy({ model: choice?.model, variant: choice?.variant, arm }),
    ...(choice?.fallbacks ?? []).map((model) => madeBy({ model, variant: undefined, arm })),
  ];
  const start = {
    signal: context.signal,
    onWait: (provider: string) =>
      context.emit({
        type: 'task.phase',
        task: label,
        attempt: attempt.number,
        phase: 'session-wait',
        detail: provider,
      }),
  };
  let spent: Usage = {};
  for (const [at, made] of models.entries()) {
    const session = new AgentSession({ ...parts, agent }, attempt, { made, spent }, context);
    const askedAt = parts.now();
    const asked = await parts.sessions.run(
      { model: made.model, name: `default model of ${attempt.definition}` },
      () => {
        // Its turn comes when others end: that is no work of the task.
        context.meter?.waited(parts.now() - askedAt);
        return session.run(workspace);
      },
      start,
    );
    const endedAt = parts.now();
    await context.worker?.resume();
    context.meter?.waited(parts.now() - endedAt);
    spent = session.spent;
    if (asked.ok) return ok(asked.value);
    const next = models[at + 1]?.model;
    const { error } = asked;
    if (!isProviders(error) || next === undefined) return asked;
    const verb = error.kind === 'provider-refused' ? 'refuses' : 'does not answer';
    const message = `${made.model ?? error.provider} ${verb} (${error.detail}): ${next} is used instead`;
    context.emit({ type: 'warning', task: label, message });
    await parts.pool.show(workspace, attempt.inputTree);
  }
  throw new Error(`BUG: no model was asked for ${label}`);
}

/** The session of one model in an attempt. */
class AgentSession {
  private readonly parts: AgentParts & { readonly agent: Agent };
  private readonly attempt: AgentAttempt;
  private readonly made: MadeBy;
  /** What earlier models of this attempt have used. */
  private readonly before: Usage;
  private readonly context: ExecutionContext;
  private used: Usage = {};

  constructor(
    parts: AgentParts & { readonly agent: Agent },
    attempt: AgentAttempt,
    { made, spent }: { readonly made: MadeBy; readonly spent: Usage },
    context: ExecutionContext,
  ) {
    this.parts = parts;
    this.attempt = attempt;
    this.made = made;
    this.before = spent;
    this.context = context;
  }

  /** What this model and the earlier ones of the attempt have used. */
  get spent(): Usage {
    return addUsage(this.before, this.used);
  }

  async run(workspace: Workspace): Promise<Result<Asked, Failure>> {
    const { context, attempt, made } = this;
    const { agent, spending, logs, pool, now, config } = this.parts;
    const { label, number, inputTree } = attempt;
    const { name, reportsCost } = agent;
    const prompt = agent.withDefinition?.(attempt.definition, attempt.prompt) ?? attempt.prompt;
    const payee = { name, reportsCost, ...(made.model === undefined ? {} : { model: made.model }) };
    const account = spending.open(attempt.payer, attempt.budget, payee);
    if (!account.ok) return account;
    context.emit({ type: 'task.phase', task: label, attempt: number, phase: 'agent' });
    const promptFile = logs.file(label, `prompt-${number}.md`).absolute;
    // A copy for people and for the program: nothing depends on it after a power cut.
    mkdirSync(dirname(promptFile), { recursive: true });
    writeFileSync(promptFile, prompt);
    const log = logs.file(label, `agent-${number}.log`);
    const shown = outputLines(label, number, context);
    const stop = new AbortController();
    const askedAt = now();
    let waited = 0;
    const spend = (usage: Usage) => {
      this.used = usage;
      context.meter?.used(account.value.sum(usage));
      const over = account.value.report(usage, now() - askedAt - waited);
      for (const warning of account.value.warnings()) context.emit(warning);
      if (over) stop.abort(over);
    };
    const exit = await agent.run({
      label,
      phase: attempt.work.phase,
      expected: attempt.expected,
      attempt: number,
      cwd: workspace.dir,
      prompt,
      promptFile,
      agentName: attempt.definition,
      ...(made.model === undefined ? {} : { model: made.model }),
      ...(made.variant === undefined ? {} : { variant: made.variant }),
      // A task's budget of minutes is for all its sessions together, and takes the place of the limit of one.
      timeoutMs: Math.max(1, account.value.leftMs ?? config.timeouts.agent * 60_000),
      logFile: log.absolute,
      signal: AbortSignal.any([context.signal, stop.signal]),
      network: attempt.network,
      places: workspace.places,
      ...(workspace.variables ? { variables: workspace.variables } : {}),
      reset: () => pool.show(workspace, inputTree),
      onEvent: (event) => {
        // Whatever it tells, its start needs nothing of this process any more.
        context.worker?.pause();
        if (event.kind === 'output') {
          shown(event.line);
        } else if (event.kind === 'waited') {
          waited += event.ms;
        } else if (event.kind === 'usage') {
          const usage = addUsage(this.before, event.usage);
          context.emit({
            type: 'task.usage',
            task: label,
            attempt: number,
            usage,
            agent: agent.name,
            ...(made.model === undefined ? {} : { model: made.model }),
          });
          spend(event.usage);
        }
      },
    });
    spend(exit.usage);
    const isAnswered = exit.kind === 'finished' || !sameUsage(exit.usage, {});
    const unpriced = account.value.close(exit.usage, isAnswered);
    if (unpriced) context.emit(unpriced);
    const isOutOfTime = exit.kind === 'failed' && exit.failure.kind === 'timed-out';
    const broken = stop.signal.aborted
      ? (stop.signal.reason as Failure)
      : isOutOfTime
        ? account.value.outOfTime()
        : undefined;
    const { lastWords: said, report } = exit;
    const ended = broken ?? (exit.kind === 'failed' ? withLog(exit.failure, log.relative) : undefined);
    const failure = ended && withWords(ended, said);
    const by =
      exit.model === undefined ? made : madeBy({ model: exit.model, variant: undefined, arm: made.arm });
    context.emit({
      type: 'agent.finished',
      task: label,
      attempt: number,
      ...attempt.work,
      agent: agent.name,
      ...by,
      promptBytes: Buffer.byteLength(prompt),
      usage: exit.usage,
      ms: now() - askedAt,
      ...(failure === undefined ? {} : { failure: failure.kind }),
      ...(said === undefined ? {} : { said }),
    });
    if (failure) return err(failure);
    const read = exit.kind === 'finished' ? (exit.observed ?? []) : [];
    const stated = { ...(said === undefined ? {} : { said }), ...(report === undefined ? {} : { report }) };
    return ok({ read, made: by, usage: exit.usage, ...stated });
  }
}

/** Emits a program's output lines as events. They are throttled: a program may print a million lines. */
export function outputLines(task: Label, attempt: number, context: ExecutionContext) {
  return throttle((line: string) => context.emit({ type: 'task.output', task, attempt, line }));
}

function isProviders(
  failure: Failure,
): failure is Extract<Failure, { kind: 'provider-unavailable' | 'provider-refused' }> {
  return failure.kind === 'provider-unavailable' || failure.kind === 'provider-refused';
}

/** Agents report an absolute path of their log; failures name it relative to the project. */
function withLog(failure: Failure, log: string): Failure {
  return 'output' in failure ? { ...failure, output: { ...failure.output, log } } : failure;
}
