/** What an executor is asked to do for a stale task, as plain data. Runs nothing. */

import { agentNameOf } from '../agent/prompts/definitions.js';
import type { Check } from '../analysis/check.js';
import type { DependencyOutputs } from '../analysis/dependency-outputs.js';
import { buildInputTree } from '../analysis/input-tree.js';
import type { Prepared } from '../analysis/prepare.js';
import { err, ok, type Result } from '../base/result.js';
import type { Failure } from '../model/failure.js';
import type { ModelChoice } from '../model/routes.js';
import type { TaskRun, Tried } from '../model/run.js';
import type { Label, Task } from '../model/task.js';
import type { Files } from '../model/tree.js';
import type { Project } from '../project/project.js';
import { gateCommands } from './gates.js';
import { renderOutputs } from './render.js';
import { isReviewed, reviewRequest } from './review.js';
import { specChange } from './spec-change.js';

/**
 * `former`: the outputs that a task goes on from; absent: those on disk. `again`: one more attempt, after others have
 * failed.
 */
export async function describeRun(
  prepared: Prepared,
  check: Check,
  dependencyOutputs: ReadonlyMap<Label, DependencyOutputs>,
  former?: Files,
  again?: { readonly choice: ModelChoice; readonly earlier: Tried },
): Promise<Result<TaskRun, Failure>> {
  const { task, facts } = check;
  const inputTree = await buildInputTree(prepared.project, task, facts, dependencyOutputs, former);
  if (!inputTree.ok) return inputTree;
  const common: Omit<TaskRun, 'recipe'> = {
    label: task.label,
    work: { phase: 'implementation', taskType: task.type, complexity: task.complexity },
    key: check.storeKey,
    manifest: facts.manifest,
    inputTree: inputTree.value.tree,
    keyed: keyedPatterns(prepared.project, task),
    outputs: task.outputs,
    edits: task.edits,
    editBases: inputTree.value.editBases,
    gates: check.gates,
    budget: task.budget,
    network: task.network,
    evolves: inputTree.value.evolves,
  };
  if (task.recipe.kind === 'run')
    return ok({ ...common, recipe: { kind: 'run', command: task.recipe.command } });
  if (task.recipe.kind === 'render') {
    const files = await renderOutputs(prepared, task, task.recipe.steps);
    return files.ok ? ok({ ...common, recipe: { kind: 'render', files: files.value } }) : files;
  }
  if (!prepared.agent || !facts.prompt) return err({ kind: 'no-agent' });
  const { attempts } = prepared.project.config;
  const choices = Array.from({ length: attempts }, (_, i) => prepared.gatherer.choiceOf(task, i + 1));
  const prompt = await facts.prompt.full({
    gates: gateCommands(check.gates),
    ...(inputTree.value.evolves ? { specChange: await specChange(check) } : {}),
  });
  if (!prompt.ok) return prompt;
  const review = isReviewed(prepared, task) ? await reviewRequest(prepared, check) : undefined;
  if (review && !review.ok) return review;
  return ok({
    ...common,
    ...(review ? { review: review.value } : {}),
    recipe: {
      kind: 'agent',
      prompt: prompt.value,
      agent: prepared.agent.name,
      definition: agentNameOf(task),
      choices: again ? [again.choice] : choices,
      attempts: again ? 1 : attempts,
      ...(again ? { earlier: again.earlier } : {}),
    },
  });
}

/** What the key of an agent's task covers: the inputs that it declares and what its direct dependencies show. */
function keyedPatterns(project: Project, task: Task): (readonly string[])[] {
  const needs = task.dependsOn.map((label) => project.graph.task(label));
  return [task.inputs ?? [], ...needs.map((need) => need.interface ?? need.outputs)];
}
