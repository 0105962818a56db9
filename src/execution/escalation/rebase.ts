/** Asks for a revised task when all attempts have failed, and keeps the proposal for people. Builds nothing. */

import { keyedIdentity } from '../../agent/prompts/definitions.js';
import { cutLines, fenced, shown } from '../../agent/prompts/evidence.js';
import { referredSections } from '../../agent/prompts/prompt.js';
import { renderMeasured } from '../../agent/prompts/prompt-template.js';
import { selectInputs } from '../../analysis/declared-inputs.js';
import type { DependencyOutputs } from '../../analysis/dependency-outputs.js';
import type { Prepared } from '../../analysis/prepare.js';
import type { Check } from '../../analysis/verdict.js';
import { err, ok, type Result } from '../../base/result.js';
import { writeAtomic } from '../../io/files.js';
import { unifiedDiff } from '../../io/text-diff.js';
import { defaultModel } from '../../model/config.js';
import type { Failure } from '../../model/failure.js';
import { addedSecrets } from '../../model/paths/added-secrets.js';
import { type PathPattern, patternProblem, shownPattern } from '../../model/paths/pattern.js';
import { isExclude, type PatternSet, patternSet } from '../../model/paths/pattern-set.js';
import type { Task } from '../../model/task.js';
import type { TaskOutcome } from '../../model/task-run.js';
import type { ObjectId } from '../../model/tree.js';
import { CONDUCTOR_FOLDER, folderName } from '../../project/log-files.js';
import { type SpecWords, wordsOf } from '../../specs/task-text.js';
import { requestDocument } from '../agent-requests/ask.js';
import { jsonRequest } from '../agent-requests/json-request.js';
import type { RequestParts } from '../agent-requests/request.js';
import type { ExecutionContext } from '../executor.js';
import { gateCommands } from '../gates.js';
import { improvedSpec, type RevisedTask, specText, taskIn } from './revised-task.js';

interface Answer {
  readonly task: {
    readonly description?: string;
    readonly acceptance?: readonly string[];
    readonly context?: Partial<Pick<SpecWords, 'constraints' | 'patterns' | 'gotchas'>>;
    readonly inputs?: readonly string[];
  };
  readonly reasoning: string;
  readonly confidence: number;
  /** What would have to change that a revised task may not: outputs, edits, gates, another task. */
  readonly outside?: readonly string[];
}

export interface Proposal {
  readonly revision: RevisedTask;
  /** The revised task, as the changed spec defines it. */
  readonly task: Task;
  readonly reasoning: string;
  readonly confidence: number;
  readonly diff: string;
  /** The file of the proposal, relative to the project. */
  readonly kept: string;
}

export interface RebaseRequest {
  readonly check: Check;
  readonly failed: Extract<TaskOutcome, { ok: false }>;
  /** The input tree of the attempts. */
  readonly inputTree: ObjectId;
  readonly dependencyOutputs: ReadonlyMap<string, DependencyOutputs>;
}

const PROMPT = 'rebase.md';
const OUTPUT = 'REBASE.json';
/** Bytes of the last attempt's diff, characters of a section, and paths, that are worth their tokens. */
const MAX_DIFF = 6000;
const MAX_SECTION = 3000;
const MAX_FILES = 80;

/** Fails as a session fails, with `agent-error` for an answer that changes nothing, and as specs and prompts fail. */
export async function proposeTask(
  prepared: Prepared,
  parts: RequestParts,
  { check, failed, inputTree, dependencyOutputs }: RebaseRequest,
  context: ExecutionContext,
): Promise<Result<Proposal, Failure>> {
  const { project, gatherer } = prepared;
  const { task } = check;
  const text = await specText(prepared, task);
  const words = await wordsOf(text, task);
  if (!words.ok) return words;
  const definition = gatherer.definitionOf('rebase');
  const made = failed.tree === undefined ? '' : await project.objects.diff(inputTree, failed.tree);
  const prompt = await renderMeasured(
    gatherer.templates,
    PROMPT,
    {
      label: task.label,
      title: task.title,
      description: words.value.description.trim(),
      acceptance: words.value.acceptance,
      constraints: words.value.constraints,
      patterns: words.value.patterns,
      gotchas: words.value.gotchas,
      inputs: task.inputs === undefined ? [] : task.inputs.map(shown),
      outputs: [...task.outputs.map(shownPattern), ...task.edits].map(shown),
      gates: gateCommands(check.gates).map(shown),
      attempts: failed.evidence.join('\n\n'),
      sections: sectionsOf(prepared, task),
      files: await filesShown(prepared, inputTree),
      changed: made === '' ? '' : fenced(changedFiles(made)),
      diff: made === '' ? '' : fenced(cutLines(made.trimEnd(), MAX_DIFF, 'cut off'), 'diff'),
      output: OUTPUT,
    },
    { material: ['attempts', 'changed', 'diff', 'files', 'sections', 'description'] },
  );
  if (!prompt.ok) return prompt;
  const request = jsonRequest<Answer>(parts, {
    beside: { phase: 'rebase', attempt: failed.attempts },
    task: task.label,
    budget: task.budget,
    definition: definition?.name ?? 'rebase',
    identity: keyedIdentity(prepared.agent, definition),
    model: definition?.model ?? defaultModel(project.config),
    prompt: prompt.value.text,
    output: OUTPUT,
    schema: 'rebase',
    inputTree,
    problems: (one) => refusals({ prepared, task, words: words.value, dependencyOutputs }, one),
  });
  const answer = await requestDocument(parts, request, context);
  if (!answer.ok) return answer;
  const { confidence, task: revised, outside = [] } = answer.value.value;
  const told = outside.map((one) => `- ${one.trim()}`);
  const beyond = told.length === 0 ? [] : ['', 'Outside of its power:', ...told];
  const reasoning = [answer.value.value.reasoning.trim(), ...beyond].join('\n');
  const { context: guidance, inputs = [], ...said } = revised;
  const added = inputs.filter((one) => !(task.inputs ?? []).includes(one));
  const revision: RevisedTask = { task, words: { ...said, ...guidance }, inputs: added };
  const after = await improvedSpec(text, revision);
  if (!after.ok) return after;
  const improved = await taskIn(after.value, task);
  if (!improved.ok) return improved;
  if (after.value === text) {
    const detail = `${OUTPUT} changes nothing in the spec`;
    return err({ kind: 'agent-error', detail, output: { tail: reasoning } });
  }
  const { file } = task.source;
  const diff = [`--- a/${file}`, `+++ b/${file}`, ...unifiedDiff(text, after.value), ''].join('\n');
  const kept = `${CONDUCTOR_FOLDER}/proposals/${folderName(task.label)}.diff`;
  const head = `${task.label}: revised task, confidence ${confidence}\n\n${reasoning.trim()}\n\n`;
  await writeAtomic(`${project.repository.project}/${kept}`, head + diff);
  return ok({ revision, task: improved.value, reasoning, confidence, diff, kept });
}

/** The sections of the plan that the task was told, as far as they are worth repeating. */
function sectionsOf({ project }: Prepared, task: Task) {
  return referredSections(task, project.features.get(task.feature)).map(({ ref, text }) => ({
    ref,
    text: text.length > MAX_SECTION ? `${text.slice(0, MAX_SECTION)}\n…` : text,
  }));
}

/** The paths of the input tree; the number alone where they are many. */
async function filesShown({ project }: Prepared, inputTree: ObjectId): Promise<string> {
  const { paths } = await project.objects.list(inputTree);
  const more = paths.length > MAX_FILES ? [`… and ${paths.length - MAX_FILES} more`] : [];
  return paths.length === 0 ? '' : fenced([...paths.slice(0, MAX_FILES).map(shown), ...more].join('\n'));
}

interface Allowed {
  readonly prepared: Prepared;
  readonly task: Task;
  readonly words: SpecWords;
  readonly dependencyOutputs: ReadonlyMap<string, DependencyOutputs>;
}

/** A revised task may not remove criteria or inputs, and its inputs must exist and be no secrets. */
function refusals(allowed: Allowed, { task: revised }: Answer): readonly string[] {
  const { task, words } = allowed;
  const lost = revised.acceptance ? words.acceptance.filter((one) => !revised.acceptance?.includes(one)) : [];
  const problems = lost.map((one) => `acceptance criteria cannot be removed; missing: ${one}`);
  const { inputs } = revised;
  if (inputs === undefined) return problems;
  if (task.inputs === undefined)
    return [...problems, 'the task declares no inputs: it sees all files already'];
  const gone = task.inputs.filter((one) => !inputs.includes(one));
  const added = inputs.filter((one) => !task.inputs?.includes(one));
  const set = patternSet(added);
  return [
    ...problems,
    ...gone.map((one) => `inputs cannot be removed; missing: ${one}`),
    ...added.filter(isExclude).map((one) => `inputs may only be added to; ${shown(one)} takes away`),
    ...set.includes.flatMap((pattern) => inputProblem(allowed, set, pattern) ?? []),
    // Another task may name it: then it is in the snapshot.
    ...addedSecrets(
      allowed.prepared.project.config.secrets,
      { inputs: [...task.inputs, ...added] },
      task,
    ).map(({ path }) => `the input ${shown(path)} looks like a secret: a person can add it`),
  ];
}

function inputProblem(
  { prepared, task, dependencyOutputs }: Allowed,
  added: PatternSet,
  pattern: PathPattern,
): string | undefined {
  const { project } = prepared;
  const input = pattern.text;
  const problem = patternProblem(input);
  if (problem !== undefined) return `the input ${shown(input)} ${problem}`;
  if (pattern.start.startsWith(`${project.config.specs}/`)) return `the input ${shown(input)} is a spec`;
  const isMade = [...project.graph.transitiveDependencies(task.label)].some((need) =>
    [...(dependencyOutputs.get(need)?.outputs.keys() ?? [])].some((path) => pattern.matches(path)),
  );
  if (isMade || selectInputs(project, added, pattern).length > 0) return undefined;
  return `the input ${shown(input)} does not exist`;
}

/** A line for each file of a diff as git writes it: `src/a.ts  +12 -3`. */
function changedFiles(diff: string): string {
  return diff
    .split(/^(?=diff --git )/m)
    .filter((part) => part.startsWith('diff --git '))
    .map((part) => {
      const lines = part.split('\n');
      const at = lines.findIndex((line) => line.startsWith('@@'));
      const body = at < 0 ? [] : lines.slice(at);
      const count = (sign: string) => body.filter((line) => line.startsWith(sign)).length;
      const name = /^diff --git "?a\/(.*?)"? "?b\//.exec(lines[0] ?? '')?.[1] ?? '';
      return at < 0 ? name : `${name}  +${count('+')} -${count('-')}`;
    })
    .join('\n');
}
