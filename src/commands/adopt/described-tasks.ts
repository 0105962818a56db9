/** Asks an agent to describe adopted code, and a reviewer whether the words hold for it. Writes nothing. */

import { type AgentDefinition, agentIdentity } from '../../agent/prompts/definitions.js';
import { promptAgent, renderMeasured, type Templates } from '../../agent/prompts/prompt-template.js';
import { chooseModel } from '../../agent/routing.js';
import { mapBounded } from '../../base/bounded.js';
import { err, ok, type Result } from '../../base/result.js';
import { requestDocument } from '../../execution/agent-requests/ask.js';
import { jsonRequest } from '../../execution/agent-requests/json-request.js';
import type { AgentRequest, RequestParts } from '../../execution/agent-requests/request.js';
import { findingsOf, type ReviewAnswer, reviewProblems } from '../../execution/reviewer.js';
import { defaultModel } from '../../model/config.js';
import type { Failure } from '../../model/failure.js';
import { shownPattern } from '../../model/paths/pattern.js';
import { patternSet } from '../../model/paths/pattern-set.js';
import type { Task } from '../../model/task.js';
import type { Entry } from '../../model/tree.js';
import type { Emit } from '../../project/host.js';
import type { Project } from '../../project/project.js';
import { failureLine } from '../../report/failures/failure.js';

/** What an agent says of a task; keys as in a backlog. */
export interface DescribedTask {
  readonly description: string;
  readonly acceptance: readonly string[];
  readonly constraints?: readonly string[];
  readonly patterns?: readonly string[];
  readonly gotchas?: readonly string[];
}

export interface DescribingParts extends RequestParts {
  /** The project with the adopted tasks. */
  readonly project: Project;
  /** By name; undefined for a driver that works without. */
  readonly definitions: ReadonlyMap<string, AgentDefinition> | undefined;
  readonly templates: Templates;
  readonly signal: AbortSignal;
  readonly emit: Emit;
}

const OUTPUT = 'DESCRIPTION.json';
const REVIEW = 'REVIEW.json';
const PROMPT = 'describing.md';
const REVIEW_PROMPT = 'describing-review.md';

/** By task id. A task that nobody could describe is told as a warning and left out; what ends all work fails. */
export async function describeTasks(
  parts: DescribingParts,
  tasks: readonly Task[],
): Promise<Result<ReadonlyMap<string, DescribedTask>, Failure>> {
  const described = new Map<string, DescribedTask>();
  let failure: Failure | undefined;
  await mapBounded(
    tasks,
    async (task) => {
      if (failure) return;
      const answer = await describe(parts, task);
      if (answer.ok) described.set(task.id, answer.value);
      else if (endsAll(answer.error)) failure ??= answer.error;
      else {
        const message = `no description was accepted (${failureLine(answer.error, task.label)}); the spec keeps the plain one`;
        parts.emit({ type: 'warning', task: task.label, message });
      }
    },
    parts.config.workers,
  );
  return failure ? err(failure) : ok(described);
}

function endsAll({ kind }: Failure): boolean {
  return /^(?:cancelled|no-agent|agent-missing|agent-start-failed|provider-refused|sandbox-required|budget-.*)$/.test(
    kind,
  );
}

async function describe(parts: DescribingParts, task: Task): Promise<Result<DescribedTask, Failure>> {
  const { project, definitions, templates, emit, agent, config } = parts;
  const startedAt = parts.now();
  const outputs = task.outputs.map(shownPattern);
  const dependencies = task.dependsOn.map((label) => {
    const need = project.graph.task(label);
    return { label, paths: (need.interface ?? need.outputs).map(shownPattern) };
  });
  const variables = { label: task.label, outputs, dependencies, output: OUTPUT };
  const prompt = await renderMeasured(templates, PROMPT, variables, { material: [] });
  if (!prompt.ok) return prompt;
  const inputTree = await project.objects.editTree(undefined, filesAround(project, task));
  // The task's own agent builds it; who describes reads it.
  const named = await promptAgent(templates, PROMPT, 'documenter', definitions);
  if (!named.ok) return named;
  const { name, definition } = named.value;
  const defaults = { definition: definition?.model, config: defaultModel(config) };
  const json = jsonRequest<DescribedTask>(parts, {
    isStored: true,
    task: task.label,
    budget: task.budget,
    definition: name,
    identity: agentIdentity(agent, definition),
    model: chooseModel(task, 1, config.models.routes, defaults).model,
    prompt: prompt.value.text,
    output: OUTPUT,
    schema: 'describe',
    inputTree,
  });
  const label = `${task.label}@describe`;
  const request: AgentRequest<DescribedTask> = {
    ...json,
    label,
    phase: 'adopt',
    check: async (text) => {
      const drafted = await json.check(text);
      if (!drafted.ok) return drafted;
      const wrong = await reviewed(parts, task, drafted.value.value, inputTree);
      if (!wrong.ok) return err({ failure: wrong.error, problems: [wrong.error.kind] });
      if (wrong.value.length === 0) return drafted;
      const detail = `${OUTPUT} does not describe the code: ${wrong.value.join('; ')}`;
      const failure: Failure = { kind: 'agent-error', detail, output: { tail: text.slice(0, 2000) } };
      return err({ failure, problems: wrong.value });
    },
  };
  emit({ type: 'task.started', task: label, attempt: 1, recipe: 'agent' });
  const answer = await requestDocument(parts, request, parts);
  const ms = parts.now() - startedAt;
  // One that was paid for before is not made again.
  const outcome = answer.ok && answer.value.cost !== undefined ? 'cached' : 'built';
  if (answer.ok) emit({ type: 'task.finished', task: label, outcome, ms });
  else emit({ type: 'task.finished', task: label, outcome: 'failed', ms, failure: answer.error });
  return answer.ok ? ok(answer.value.value) : answer;
}

/** Everything that the reviewer has against the words. */
async function reviewed(
  parts: DescribingParts,
  task: Task,
  { description, acceptance, constraints = [] }: DescribedTask,
  inputTree: string,
): Promise<Result<readonly string[], Failure>> {
  const { definitions, templates, agent } = parts;
  const outputs = task.outputs.map(shownPattern);
  const variables = { label: task.label, description, acceptance, constraints, outputs, output: REVIEW };
  const prompt = await renderMeasured(templates, REVIEW_PROMPT, variables, {
    material: ['description'],
  });
  if (!prompt.ok) return prompt;
  const named = await promptAgent(templates, REVIEW_PROMPT, 'reviewer', definitions);
  if (!named.ok) return named;
  const { name, definition } = named.value;
  const request = jsonRequest<ReviewAnswer>(parts, {
    isStored: true,
    task: task.label,
    budget: task.budget,
    definition: name,
    identity: agentIdentity(agent, definition),
    model: definition?.model ?? defaultModel(parts.config),
    prompt: prompt.value.text,
    output: REVIEW,
    schema: 'review',
    inputTree,
    problems: (answer) => reviewProblems(answer, acceptance),
  });
  const label = `${task.label}@review`;
  const asked = await requestDocument(parts, { ...request, label, phase: 'review' }, parts);
  if (!asked.ok) return asked;
  const { verdict } = asked.value.value;
  return ok(verdict === 'accept' ? [] : findingsOf(asked.value.value).map(({ what }) => what));
}

/** The files of the task and those of the tasks that it depends on. */
function filesAround({ graph, listing }: Project, task: Task): ReadonlyMap<string, Entry> {
  const files = new Map<string, Entry>();
  for (const one of [task, ...task.dependsOn.map((label) => graph.task(label))]) {
    for (const path of patternSet(one.outputs).select(listing)) {
      const entry = listing.get(path);
      if (entry) files.set(path, entry);
    }
  }
  return files;
}
