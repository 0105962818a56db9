/** Asks for a better task when all attempts have failed, and keeps the proposal for people. Builds nothing. */

import { fenced, shown } from '../../agent/prompts/evidence.js';
import { renderMeasured } from '../../agent/prompts/prompt-template.js';
import type { Check } from '../../analysis/check.js';
import type { DependencyOutputs } from '../../analysis/dependency-outputs.js';
import { selectInputs } from '../../analysis/facts.js';
import type { Prepared } from '../../analysis/prepare.js';
import { err, ok, type Result } from '../../base/result.js';
import { writeAtomic } from '../../io/files.js';
import { unifiedDiff } from '../../io/text-diff.js';
import type { Usage } from '../../model/action.js';
import { defaultModel } from '../../model/config.js';
import type { Failure } from '../../model/failure.js';
import { patternProblem, shownPattern } from '../../model/paths/pattern.js';
import { isExclude, patternSet } from '../../model/paths/pattern-set.js';
import type { TaskOutcome } from '../../model/run.js';
import type { Task } from '../../model/task.js';
import type { ObjectId } from '../../model/tree.js';
import { CONDUCTOR_FOLDER, folderName } from '../../project/log-files.js';
import { type SpecWords, wordsOf } from '../../specs/task-text.js';
import { type AgentRequestParts, requestDocument } from '../agent-request.js';
import type { ExecutionContext } from '../executor.js';
import { gateCommands } from '../gates.js';
import { changedFiles } from './changed-files.js';
import { improvedSpec, type RevisedTask, taskIn } from './revised-task.js';

interface Answer {
  readonly task: {
    readonly description?: string;
    readonly acceptance?: readonly string[];
    readonly context?: Partial<Pick<SpecWords, 'constraints' | 'patterns' | 'gotchas'>>;
    readonly inputs?: readonly string[];
  };
  readonly reasoning: string;
  readonly confidence: number;
}

export interface Proposal {
  readonly revision: RevisedTask;
  /** The better task, as the spec would have it. */
  readonly task: Task;
  readonly reasoning: string;
  readonly confidence: number;
  readonly diff: string;
  /** Where it is kept, relative to the project. */
  readonly kept: string;
}

export interface RebaseRequest {
  readonly check: Check;
  readonly failed: Extract<TaskOutcome, { ok: false }>;
  /** What the attempts were shown. */
  readonly inputTree: ObjectId;
  readonly dependencyOutputs: ReadonlyMap<string, DependencyOutputs>;
}

const PROMPT = 'rebase.md';
const OUTPUT = 'REBASE.json';

/** Fails as a session fails, with `agent-error` for an answer that is none, and as specs and prompts fail. */
export async function proposeTask(
  prepared: Prepared,
  parts: AgentRequestParts,
  { check, failed, inputTree, dependencyOutputs }: RebaseRequest,
  context: ExecutionContext,
  onUsage: (usage: Usage) => void,
): Promise<Result<Proposal, Failure>> {
  const { project, gatherer } = prepared;
  const { task } = check;
  const text = await specText(prepared, task);
  const words = await wordsOf(text, task);
  if (!words.ok) return words;
  const definition = gatherer.definitionOf('rebase');
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
      changed:
        failed.tree === undefined
          ? ''
          : fenced(changedFiles(await project.objects.diff(inputTree, failed.tree))),
      output: OUTPUT,
    },
    { material: ['attempts', 'changed', 'description'] },
  );
  if (!prompt.ok) return prompt;
  const answer = await requestDocument<Answer>(
    parts,
    {
      beside: { phase: 'rebase', attempt: failed.attempts },
      label: task.label,
      budget: task.budget,
      definition: definition?.name ?? 'rebase',
      identity: definition?.identity,
      model: definition?.model ?? defaultModel(project.config),
      prompt: prompt.value.text,
      output: OUTPUT,
      schema: 'rebase',
      inputTree,
      check: (one) => refusal(prepared, task, words.value, one, dependencyOutputs),
      onUsage,
    },
    context,
  );
  if (!answer.ok) return answer;
  const { reasoning, confidence, task: better } = answer.value;
  const { context: guidance, inputs = [], ...said } = better;
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
  const head = `${task.label}: a better task, confidence ${confidence}\n\n${reasoning.trim()}\n\n`;
  await writeAtomic(`${project.repository.project}/${kept}`, head + diff);
  return ok({ revision, task: improved.value, reasoning, confidence, diff, kept });
}

/** The spec as the build's snapshot has it. */
export async function specText({ project }: Pick<Prepared, 'project'>, { source }: Task): Promise<string> {
  const entry = project.listing.get(source.file);
  return (entry && (await project.objects.read(entry.id))?.toString('utf8')) ?? '';
}

/** What a better task may not do: ask for less, or read what is not there. */
function refusal(
  { project }: Prepared,
  task: Task,
  words: SpecWords,
  { task: better }: Answer,
  dependencyOutputs: ReadonlyMap<string, DependencyOutputs>,
): string | undefined {
  const lost = better.acceptance && words.acceptance.find((one) => !better.acceptance?.includes(one));
  if (lost !== undefined) return `acceptance criteria may only be added to; gone is: ${lost}`;
  if (better.inputs === undefined) return undefined;
  if (task.inputs === undefined) return 'the task declares no inputs: it sees all files as it is';
  const gone = task.inputs.find((one) => !better.inputs?.includes(one));
  if (gone !== undefined) return `inputs may only be added to; gone is: ${gone}`;
  const needs = project.graph.transitiveDependencies(task.label);
  const added = better.inputs.filter((one) => !task.inputs?.includes(one));
  const excluding = added.find(isExclude);
  if (excluding !== undefined) return `inputs may only be added to; ${shown(excluding)} takes away`;
  const set = patternSet(added);
  for (const pattern of set.includes) {
    const input = pattern.text;
    const problem = patternProblem(input);
    if (problem !== undefined) return `the input ${shown(input)} ${problem}`;
    if (pattern.start.startsWith(`${project.config.specs}/`)) return `the input ${shown(input)} is a spec`;
    const isMade = [...needs].some((need) =>
      [...(dependencyOutputs.get(need)?.outputs.keys() ?? [])].some((path) => pattern.matches(path)),
    );
    if (!isMade && selectInputs(project, set, pattern).length === 0)
      return `there is no input ${shown(input)}`;
  }
  return undefined;
}
