/** The prompts of tasks, rendered as in a build. Runs nothing and records nothing. */

import { agentNameOf } from '../agent/prompts/definitions.js';
import type { MeasuredPrompt } from '../agent/prompts/prompt-template.js';
import type { DependencyOutputs } from '../analysis/dependency-outputs.js';
import { evolves, placedPatches } from '../analysis/input-tree.js';
import { ownFormerEdits } from '../analysis/patches.js';
import { gatesOf } from '../analysis/visible-files.js';
import { err, ok, type Result } from '../base/result.js';
import { type Inspection, inspect } from '../build/dry-run.js';
import { specChange } from '../execution/describe-run.js';
import { steeringOf } from '../execution/prompt-steering.js';
import type { Failure } from '../model/failure.js';
import type { Label } from '../model/task.js';
import type { Host } from '../project/host.js';

export interface PromptPreview extends MeasuredPrompt {
  readonly label: Label;
  /** The agent definition. */
  readonly agent: string;
  readonly model: string | undefined;
  /** Bytes of instructions that the config allows. */
  readonly limit: number;
  /** Dependencies that are not built: the prompt shows what they declare instead of their files. */
  readonly waitingFor: readonly Label[];
}

/**
 * The prompt of the first attempt at each agent task that the target names, gates and spec changes included. Fails with
 * `usage` when there is none among them, and as a build fails (`prompt-error`, `prompt-too-large`).
 */
export async function previewPrompts(host: Host, target: string): Promise<Result<PromptPreview[], Failure>> {
  const done = await inspect(
    host,
    { targets: [target], force: false, discardEdits: false },
    async (inspection) => {
      const asked = inspection.tasks.filter(({ task }) => inspection.prepared.targets.has(task.label));
      const agents = asked.filter(({ task }) => task.recipe.kind === 'agent');
      if (agents.length === 0) {
        const message = `no agent works on ${target}: a template or a command builds it`;
        const hint = '`conductor explain` shows what is in its key';
        return err<Failure>({ kind: 'usage', message, hint });
      }
      const previews: PromptPreview[] = [];
      for (const row of agents) {
        const preview = await previewOne(inspection, row);
        if (!preview.ok) return preview;
        previews.push(preview.value);
      }
      return ok(previews);
    },
  );
  return done.ok ? done.value : done;
}

export async function previewOne(
  { prepared, tasks }: Inspection,
  { task, check, verdict }: Inspection['tasks'][number],
): Promise<Result<PromptPreview, Failure>> {
  const { config } = prepared.project;
  const rendered = check?.facts.prompt
    ? ok(check.facts.prompt)
    : await prepared.gatherer.preview(task, dependencyOutputsOf(tasks));
  if (!rendered.ok) return rendered;
  const { project, store } = prepared;
  const dependencyOutputs = dependencyOutputsOf(tasks);
  const former = (check && (await ownFormerEdits(project, store, task))) ?? [];
  const placed = await placedPatches({ project, task, inputs: [], dependencyOutputs }, former);
  if (!placed.ok) return placed;
  const goesOn = placed.value.length > 0 || evolves(project, task);
  const gates = check?.gates ?? gatesOf(project, task);
  const beside = {
    dependencyOutputs,
    specChange: check && goesOn ? await specChange(check) : undefined,
    former,
    placed: placed.value,
  };
  const measured = await rendered.value.measured(await steeringOf(prepared, task, gates, beside));
  if (!measured.ok) return measured;
  return ok({
    ...measured.value,
    label: task.label,
    agent: agentNameOf(task),
    model: prepared.gatherer.choiceOf(task, 1).model,
    limit: config.promptBytes,
    waitingFor: verdict.kind === 'pending' ? verdict.on : [],
  });
}

function dependencyOutputsOf(tasks: Inspection['tasks']): ReadonlyMap<Label, DependencyOutputs> {
  const dependencyOutputs = new Map<Label, DependencyOutputs>();
  for (const { task, check } of tasks)
    if (check?.dependencyOutputs) dependencyOutputs.set(task.label, check.dependencyOutputs);
  return dependencyOutputs;
}
