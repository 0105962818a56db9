/** Asks the agent for words that explain an edit; its answer is a file, checked like everything that it writes. */

import type { Agent } from '../../agent/agent.js';
import { evidence, fenced } from '../../agent/evidence.js';
import { renderMeasured, type Templates } from '../../agent/prompt-template.js';
import { err, ok, type Result } from '../../base/result.js';
import { validateSchema } from '../../io/document.js';
import type { GitObjects } from '../../io/git/objects.js';
import type { Failure } from '../../model/failure.js';
import type { TaskRun } from '../../model/run.js';
import type { Task } from '../../model/task.js';
import type { ObjectId } from '../../model/tree.js';
import { captureResult } from '../../workspace/capture.js';
import { guarded, isWorthRetry } from '../attempt-failure.js';
import { type RecipeParts, runAgent } from '../recipes.js';
import type { Emit } from '../surroundings.js';
import type { SpecWords } from './spec-words.js';

export interface Answer extends Partial<SpecWords> {
  readonly summary: string;
}

export interface QuestionParts extends RecipeParts {
  readonly agent: Agent;
  readonly objects: GitObjects;
  readonly templates: Templates;
  readonly model: string | undefined;
  readonly definition: string;
  readonly signal: AbortSignal;
  readonly emit: Emit;
}

export interface Question {
  readonly task: Task;
  readonly words: SpecWords;
  /** The edit as a diff. */
  readonly edit: string;
  /** What the agent sees: the task's files as edited. */
  readonly view: ObjectId;
}

const OUTPUT = 'absorb.json';
const PROMPT = 'absorbing.md';
/** More of an edit is cut off: the files themselves are there. */
const MAX_EDIT = 24_000;

/** Asks until the answer is one, each time in a session of its own, as often as a task may be tried. */
export async function askForWords(
  parts: QuestionParts,
  question: Question,
): Promise<Result<Answer, Failure>> {
  const { task, words, edit } = question;
  const shown = edit.length > MAX_EDIT ? `${edit.slice(0, MAX_EDIT)}\n… (cut off)` : edit;
  const { description, acceptance, constraints, patterns, gotchas } = words;
  const variables = {
    label: task.label,
    title: task.title,
    description: description.trim(),
    acceptance,
    constraints,
    patterns,
    gotchas,
    edit: fenced(shown, 'diff'),
    output: OUTPUT,
  };
  const prompt = await renderMeasured(parts.templates, PROMPT, variables, {
    material: ['edit', 'description'],
  });
  if (!prompt.ok) return prompt;
  const startedAt = parts.now();
  const tried: string[] = [];
  parts.emit({ type: 'task.started', task: task.label, attempt: 1, recipe: 'agent' });
  for (let attempt = 1; ; attempt++) {
    const asked = await guarded(() => askOnce(parts, question, prompt.value.text, attempt, tried, startedAt));
    if (asked.ok) return asked;
    if (attempt >= parts.config.attempts || !isWorthRetry(asked.error)) return asked;
    parts.emit({ type: 'task.attempt-failed', task: task.label, attempt, failure: asked.error });
    tried.push(evidence(attempt, asked.error));
  }
}

async function askOnce(
  parts: QuestionParts,
  { task, view }: Question,
  prompt: string,
  attempt: number,
  tried: readonly string[],
  startedAt: number,
): Promise<Result<Answer, Failure>> {
  const { pool, objects, config, emit, signal } = parts;
  const opened = await pool.acquire(view);
  if (!opened.ok) return opened;
  const workspace = opened.value;
  try {
    const run = runOf(parts, task, prompt, view);
    const context = { emit, signal };
    const asked = await runAgent(
      parts,
      run,
      run.recipe,
      attempt,
      tried,
      startedAt,
      workspace,
      context,
      () => {},
    );
    if (!asked.ok) return asked;
    const captured = await captureResult(workspace, objects, {
      view,
      outputs: [OUTPUT],
      edits: [],
      ignoreRoots: [...config.workspace.link, ...config.workspace.keep],
      maxBytes: config.maxOutputBytes,
      ignoreOthers: true,
    });
    if (!captured.ok) return captured;
    const entry = captured.value.outputs.get(OUTPUT);
    if (!entry?.mode.startsWith('100')) return err({ kind: 'missing-outputs', paths: [OUTPUT] });
    return parseAnswer(((await objects.read(entry.id)) ?? Buffer.alloc(0)).toString('utf8'));
  } finally {
    await pool.release(workspace);
  }
}

function runOf(
  { agent, model, definition, config }: QuestionParts,
  task: Task,
  prompt: string,
  view: ObjectId,
) {
  return {
    label: task.label,
    work: { phase: 'absorb', taskType: task.type, complexity: task.complexity },
    key: '',
    manifest: [],
    recipe: {
      kind: 'agent',
      prompt,
      agent: agent.name,
      definition,
      ...(model === undefined ? {} : { model }),
      attempts: config.attempts,
    },
    view,
    keyed: [],
    outputs: [OUTPUT],
    edits: [],
    editBases: {},
    gates: [],
    budget: task.budget,
    network: false,
    evolves: false,
  } as const satisfies TaskRun;
}

async function parseAnswer(text: string): Promise<Result<Answer, Failure>> {
  const refuse = (detail: string) =>
    err<Failure>({
      kind: 'agent-error',
      detail: `${OUTPUT} ${detail}`,
      output: { tail: text.slice(0, 2000) },
    });
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    return refuse(`is no JSON: ${(error as Error).message}`);
  }
  const problems = await validateSchema('absorb', value);
  if (problems.length > 0) {
    return refuse(
      `is not as asked: ${problems.map(({ path, message }) => [...path, message].join(' ')).join('; ')}`,
    );
  }
  return ok(value as Answer);
}
