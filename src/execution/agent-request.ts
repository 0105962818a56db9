/**
 * Asks an agent a question beside the making of tasks; its answer is a JSON file in a workspace of its own, taken only
 * when its schema holds. Knows no question.
 */

import type { Agent } from '../agent/agent.js';
import { evidence } from '../agent/prompts/evidence.js';
import { addUsage } from '../agent/usage.js';
import { err, ok, type Result } from '../base/result.js';
import { validateSchema } from '../io/document/document.js';
import type { SchemaName } from '../io/document/schemas.js';
import type { GitObjects } from '../io/git/objects.js';
import type { Usage } from '../model/action.js';
import type { BuildEventBody } from '../model/event.js';
import type { Failure } from '../model/failure.js';
import type { TaskRun } from '../model/run.js';
import type { Budget, Label } from '../model/task.js';
import type { ObjectId } from '../model/tree.js';
import type { Emit } from '../project/host.js';
import { captureResult } from '../workspace/capture.js';
import { type AgentParts, runAgent } from './agent-attempt.js';
import { guarded, isWorthRetry } from './attempt-failure.js';
import { CachedResponses } from './cached-responses.js';

export interface AgentRequestParts extends AgentParts {
  readonly agent: Agent;
  readonly objects: GitObjects;
  /** Conductor's. */
  readonly version: string;
}

export interface AgentRequest<T> {
  /** What it is about a task's attempt; the agent is asked under a label of its own (`f/T1@rebase`). Absent: the task's. */
  readonly beside?: { readonly phase: 'rebase' | 'review'; readonly attempt: number };
  /** The task that it is about, and whose budget pays. */
  readonly label: Label;
  readonly budget: Budget;
  readonly definition: string;
  /** What of the agent definition decides content; absent: the agent works without one, or the answer is not kept. */
  readonly identity?: string | undefined;
  readonly model: string | undefined;
  readonly prompt: string;
  /** The file that holds the answer. */
  readonly output: string;
  readonly schema: SchemaName;
  /** What the agent sees. */
  readonly inputTree: ObjectId;
  /** What is wrong with an answer that the schema allows; `undefined`: nothing. */
  check?(answer: T): string | undefined;
  /** Told the sum over everything that the task has used. */
  onUsage?(usage: Usage): void;
}

interface Context {
  readonly emit: Emit;
  readonly signal: AbortSignal;
}

/**
 * The kept answer to the same question, else asks until there is one, each time in a session of its own, as often as a
 * task may be tried. What is asked beside a task is a node as its result is: the same question is not paid for twice. A
 * person who asks again wants another answer.
 */
export async function requestDocument<T>(
  parts: AgentRequestParts,
  question: AgentRequest<T>,
  context: Context,
): Promise<Result<T, Failure>> {
  const answers = question.beside && new CachedResponses(parts, question);
  const kept = await answers?.find();
  if (kept !== undefined) {
    const parsed = await parseAnswer(question, kept);
    if (parsed.ok) return parsed;
  }
  return sendRequest(parts, question, context, answers);
}

async function sendRequest<T>(
  parts: AgentRequestParts,
  question: AgentRequest<T>,
  { emit, signal }: Context,
  answers: CachedResponses | undefined,
): Promise<Result<T, Failure>> {
  const startedAt = parts.now();
  const tried: string[] = [];
  let spent: Usage = {};
  let last: Usage = {};
  const told = question.beside
    ? besideTask(question.label, question.beside, emit, (usage) => {
        last = usage;
        return addUsage(spent, usage);
      })
    : emit;
  for (let attempt = 1; ; attempt++) {
    const asked = await guarded(async () => {
      const number = { number: attempt, tried, startedAt };
      const text = await askOnce(parts, question, number, { emit: told, signal });
      if (!text.ok) return text;
      const parsed = await parseAnswer(question, text.value);
      if (parsed.ok) await answers?.keep(text.value, attempt, startedAt);
      return parsed;
    });
    if (asked.ok || attempt >= parts.config.attempts || !isWorthRetry(asked.error)) return asked;
    if (!question.beside)
      emit({ type: 'task.attempt-failed', task: question.label, attempt, failure: asked.error });
    tried.push(evidence(attempt, asked.error));
    spent = addUsage(spent, last);
    last = {};
  }
}

/** Events of the question as those of its task, in a phase of their own. */
function besideTask(
  task: Label,
  { phase, attempt }: NonNullable<AgentRequest<unknown>['beside']>,
  emit: Emit,
  sum: (usage: Usage) => Usage,
): Emit {
  return (event: BuildEventBody) => {
    if (event.type === 'task.usage') emit({ ...event, task, attempt, phase, usage: sum(event.usage) });
    else if (event.type === 'task.phase') {
      if (event.phase === 'agent') emit({ type: 'task.phase', task, attempt, phase });
    } else if (event.type === 'task.output' || event.type === 'agent.finished')
      emit({ ...event, task, attempt });
    else if (event.type === 'warning') emit({ ...event, task });
  };
}

async function askOnce<T>(
  parts: AgentRequestParts,
  question: AgentRequest<T>,
  attempt: { readonly number: number; readonly tried: readonly string[]; readonly startedAt: number },
  context: Context,
): Promise<Result<string, Failure>> {
  const { pool, objects, config } = parts;
  const { inputTree, output } = question;
  const opened = await pool.acquire(inputTree, context.signal);
  if (!opened.ok) return opened;
  const workspace = opened.value;
  try {
    const run = runOf(parts, question);
    const asked = await runAgent(
      parts,
      run,
      run.recipe,
      attempt,
      workspace,
      context,
      question.onUsage ?? (() => {}),
    );
    if (!asked.ok) return asked;
    const captured = await captureResult(workspace, objects, {
      inputTree,
      outputs: [output],
      edits: [],
      ignoreRoots: [...config.workspace.link, ...config.workspace.keep],
      maxBytes: config.maxOutputBytes,
      secrets: parts.agent.secrets ?? [],
      ignoreOthers: true,
    });
    if (!captured.ok) return captured;
    const entry = captured.value.outputs.get(output);
    if (!entry?.mode.startsWith('100')) return err({ kind: 'missing-outputs', paths: [output] });
    return ok(((await objects.read(entry.id)) ?? Buffer.alloc(0)).toString('utf8'));
  } finally {
    await pool.release(workspace);
  }
}

function runOf<T>({ agent, config }: AgentRequestParts, question: AgentRequest<T>) {
  const { label, beside, model, definition, prompt, inputTree, output, budget } = question;
  return {
    label: beside ? `${label}@${beside.phase}` : label,
    payer: label,
    work: { phase: beside?.phase ?? 'absorb' },
    key: '',
    manifest: [],
    recipe: {
      kind: 'agent',
      prompt,
      agent: agent.name,
      definition,
      choices: model === undefined ? [] : [{ model, fallbacks: [] }],
      attempts: config.attempts,
    },
    inputTree,
    keyed: [],
    outputs: [output],
    edits: [],
    editBases: {},
    gates: [],
    budget,
    network: false,
    evolves: false,
  } as const satisfies TaskRun;
}

async function parseAnswer<T>(
  { output, schema, check }: AgentRequest<T>,
  text: string,
): Promise<Result<T, Failure>> {
  const refuse = (detail: string) =>
    err<Failure>({
      kind: 'agent-error',
      detail: `${output} ${detail}`,
      output: { tail: text.slice(0, 2000) },
    });
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    return refuse(`is no JSON: ${(error as Error).message}`);
  }
  const problems = await validateSchema(schema, value);
  if (problems.length > 0) {
    return refuse(
      `is not as asked: ${problems.map(({ path, message }) => [...path, message].join(' ')).join('; ')}`,
    );
  }
  const wrong = check?.(value as T);
  return wrong === undefined ? ok(value as T) : refuse(`is refused: ${wrong}`);
}
