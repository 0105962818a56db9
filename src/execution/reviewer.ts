/** Asks a reviewer to judge one finished change. Stores nothing. */

import { keyedIdentity } from '../agent/prompts/definitions.js';
import { cutLines, fenced } from '../agent/prompts/evidence.js';
import { referredSections } from '../agent/prompts/prompt.js';
import { renderMeasured } from '../agent/prompts/prompt-template.js';
import type { Prepared } from '../analysis/prepare.js';
import type { Check } from '../analysis/verdict.js';
import { err, ok, type Result } from '../base/result.js';
import { defaultModel } from '../model/config.js';
import type { Failure, ReviewFinding } from '../model/failure.js';
import { shownPattern } from '../model/paths/pattern.js';
import type { Label, Task } from '../model/task.js';
import type { TaskGraph } from '../model/task-graph.js';
import type { ReviewRequest, TaskRun } from '../model/task-run.js';
import type { ObjectId } from '../model/tree.js';
import { requestDocument } from './agent-requests/ask.js';
import { jsonRequest } from './agent-requests/json-request.js';
import type { RequestParts } from './agent-requests/request.js';
import type { ExecutionContext } from './executor.js';
import { gateCommands } from './gates.js';

/** What a reviewer writes. */
export interface ReviewAnswer {
  readonly verdict: 'accept' | 'reject';
  readonly criteria: readonly { readonly criterion: string; readonly met: boolean }[];
  readonly findings: readonly (ReviewFinding & { readonly input?: string; readonly fix?: string })[];
}

const PROMPT = 'review-code.md';
const OUTPUT = 'REVIEW.json';
const MAX_LATER = 10;
/** A longer diff is cut off: the reviewer has the files themselves. */
const MAX_DIFF = 48_000;

/** Whether a reviewer judges the agent's work on the task. */
export function isReviewed({ project }: Prepared, { review, recipe }: Task): boolean {
  return recipe.kind === 'agent' && (review ?? project.config.review);
}

/** The reviewer's prompt without the change: what was asked for, and what later tasks do about it. */
export async function reviewRequest(
  { project, gatherer, agent }: Prepared,
  { task, gates }: Check,
): Promise<Result<ReviewRequest, Failure>> {
  const prompt = await renderMeasured(
    gatherer.templates,
    PROMPT,
    {
      label: task.label,
      description: task.description.trim() || task.title,
      acceptance: task.acceptance,
      constraints: task.context.constraints,
      sections: referredSections(task, project.features.get(task.feature)),
      later: laterTasks(project.graph, task.label),
      outputs: task.outputs.map(shownPattern),
      edits: task.edits,
      gates: gateCommands(gates),
      output: OUTPUT,
    },
    { material: ['description', 'sections'] },
  );
  if (!prompt.ok) return prompt;
  const definition = gatherer.definitionOf('reviewer');
  const model = definition?.model ?? defaultModel(project.config);
  const identity = keyedIdentity(agent, definition);
  return ok({
    prompt: prompt.value.text,
    acceptance: task.acceptance,
    definition: definition?.name ?? 'reviewer',
    ...(identity === undefined ? {} : { identity }),
    ...(model === undefined ? {} : { model }),
  });
}

/** Tasks that come after this one: what they write is no fault of the change that it does not do. */
function laterTasks(graph: TaskGraph, label: Label): string[] {
  return graph
    .dependents(label)
    .slice(0, MAX_LATER)
    .map((name) => {
      const { title, outputs, edits } = graph.task(name);
      return `${title}: ${[...outputs.map(shownPattern), ...edits].slice(0, MAX_LATER).join(', ')}`;
    });
}

/** Fails with `review-rejected`, and with `review-failed` if there is no valid judgement. */
export async function review(
  parts: RequestParts,
  run: Pick<TaskRun, 'key' | 'label' | 'budget'> & { readonly review: ReviewRequest },
  work: { readonly attempt: number; readonly tree: ObjectId; readonly diff: string },
  context: ExecutionContext,
): Promise<Result<undefined, Failure>> {
  const { prompt, acceptance, definition, identity, model } = run.review;
  const { attempt, tree, diff } = work;
  const shown = cutLines(diff, MAX_DIFF, 'cut off');
  const request = jsonRequest<ReviewAnswer>(parts, {
    beside: { phase: 'review', attempt },
    // A rejection holds for the task as it was, also for what its prompt does not show.
    about: run.key,
    task: run.label,
    budget: run.budget,
    definition,
    identity,
    model,
    prompt: `${prompt.trimEnd()}\n\n${fenced(shown.trimEnd(), 'diff')}\n`,
    output: OUTPUT,
    schema: 'review',
    inputTree: tree,
    problems: (answer) => reviewProblems(answer, acceptance),
  });
  const asked = await requestDocument(parts, request, context);
  if (!asked.ok) {
    const { error } = asked;
    // A cancelled build or a spent budget stops the whole task, not only its review.
    const stops = error.kind === 'cancelled' || error.kind === 'budget-exceeded';
    return err(stops ? error : { kind: 'review-failed', failure: error });
  }
  const answer = asked.value.value;
  if (answer.verdict === 'accept') return ok(undefined);
  return err({ kind: 'review-rejected', findings: findingsOf(answer) });
}

/** Everything that is wrong with an answer that its schema allows. */
export function reviewProblems(answer: ReviewAnswer, acceptance: readonly string[]): readonly string[] {
  return [...contradictions(answer), ...unjudged(answer, acceptance)];
}

/** What the reviewer has against the work: criteria that are not met, then findings. */
export function findingsOf({ criteria, findings }: ReviewAnswer): readonly ReviewFinding[] {
  const unmet = criteria
    .filter(({ met }) => !met)
    .map(({ criterion }): ReviewFinding => ({ severity: 'blocker', what: `not met: ${criterion}` }));
  const told = findings.map(
    ({ severity, file, line, what, input, fix }): ReviewFinding => ({
      severity,
      ...(file === undefined ? {} : { file }),
      ...(line === undefined ? {} : { line }),
      what: [what, ...(input ? [`with: ${input}`] : []), ...(fix ? [`fix: ${fix}`] : [])].join('; '),
    }),
  );
  return [...unmet, ...told];
}

/** A judgement must agree with its own findings. */
function contradictions({ verdict, criteria, findings }: ReviewAnswer): readonly string[] {
  const speaksAgainst =
    criteria.some(({ met }) => !met) || findings.some(({ severity }) => severity !== 'minor');
  if (speaksAgainst === (verdict === 'reject')) return [];
  return speaksAgainst
    ? ['it accepts, although a criterion is not met or a finding is `blocker` or `major`']
    : ['it rejects, although every criterion is met and no finding is `blocker` or `major`'];
}

/** An approval must judge every criterion. */
function unjudged({ verdict, criteria }: ReviewAnswer, acceptance: readonly string[]): readonly string[] {
  if (verdict === 'reject') return [];
  const judged = new Set(criteria.map(({ criterion }) => plain(criterion)));
  if (judged.size >= acceptance.length) return [];
  const missing = acceptance.find((criterion) => !judged.has(plain(criterion)));
  return [
    `it accepts, but judges ${judged.size} of ${acceptance.length} criteria; not among them: ${missing}`,
  ];
}

function plain(text: string): string {
  return text
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]+/gu, ' ')
    .trim();
}
