/** The rules that hold for tasks of a plan only: what a person may write, and a plan may not. Reads no spec. */

import { renderPrompt } from '../../agent/prompts/prompt.js';
import { gatesOf } from '../../analysis/visible-files.js';
import { nearest } from '../../base/nearest.js';
import type { Result } from '../../base/result.js';
import { instructionsBeside } from '../../execution/prompt-steering.js';
import type { Failure } from '../../model/failure.js';
import { addedSecrets } from '../../model/paths/added-secrets.js';
import { Ownership } from '../../model/paths/ownership.js';
import { patternSet } from '../../model/paths/pattern-set.js';
import type { Feature, Label, Task } from '../../model/task.js';
import { findCycle, TaskGraph } from '../../model/task-graph.js';
import type { Entry } from '../../model/tree.js';
import { claimedFiles } from '../../project/claimed-files.js';
import type { Project } from '../../project/project.js';
import { editorsInOrder, firstUnordered } from '../../specs/checks/unordered-edits.js';
import { claimedOutputs } from '../../specs/claimed-outputs.js';
import type { SpecProblem } from '../../specs/problem.js';
import type { NodeParts } from './planning-node.js';

/** The heading of a requirement. */
const REQUIREMENT = /^#{1,6}[ \t]+R\d+\b/gm;

export interface RuleParts extends NodeParts {
  readonly project: Project;
}

/** All of them at once. `features`: what can be read of all specs, also beside mistakes of other rules. */
export async function ruleProblems(
  parts: RuleParts,
  planned: Feature,
  features: readonly Feature[],
): Promise<SpecProblem[]> {
  const graph = readableGraph(features);
  return [
    ...claimedOutputs(planned.tasks, await claimedBy(parts, planned)),
    ...planned.tasks.flatMap((task) => secretPaths(parts, task)),
    ...planned.tasks.flatMap((task) => unknownAgent(parts, task)),
    ...wideReferences(parts, planned),
    ...unorderedChanges(parts, planned, graph),
    ...missingInputs(parts, planned, graph),
    ...unseenInputs(parts, planned, graph),
    ...(await largePrompts(parts, planned, graph)),
  ];
}

/** Files that people wrote and that the planned tasks would own. */
function claimedBy({ project }: RuleParts, { tasks }: Feature): Promise<ReadonlyMap<string, Label>> {
  const ownership = new Ownership(tasks);
  const owned = new Map<Label, Map<string, Entry>>();
  for (const [path, entry] of project.listing.files) {
    const owner = ownership.ownerOf(path);
    if (owner !== undefined) owned.set(owner, (owned.get(owner) ?? new Map()).set(path, entry));
  }
  return claimedFiles(project.repository, owned, project.recorded);
}

/** A person may name a file that looks like a secret in a spec, a plan may not: requests come from anywhere. */
function secretPaths({ project }: RuleParts, task: Task): SpecProblem[] {
  const before = project.graph.tasks.get(task.label);
  return addedSecrets(project.config.secrets, task, before).map(({ key, path }) => ({
    file: task.source.file,
    path: [...task.source.path, key],
    message: `\`${path}\` looks like a secret; a plan may not name it`,
    hint: 'remove it; a person can add it to the backlog',
  }));
}

function unknownAgent({ definitions }: RuleParts, task: Task): SpecProblem[] {
  if (!definitions || task.agent === undefined || definitions.has(task.agent)) return [];
  return [
    {
      file: task.source.file,
      path: [...task.source.path, 'agent'],
      message: `there is no agent definition \`${task.agent}\``,
      hint: 'remove the key: then the type of the task decides',
    },
  ];
}

/** Tasks whose text a build would refuse, before anything is paid for them. */
async function largePrompts(
  { templates, project, agent }: RuleParts,
  feature: Feature,
  graph: TaskGraph,
): Promise<SpecProblem[]> {
  const { config } = project;
  const problems: SpecProblem[] = [];
  for (const { label } of feature.tasks) {
    const task = graph.task(label);
    if (task.recipe.kind !== 'agent') continue;
    const dependencies = task.dependsOn.map((need) => {
      const { outputs, interface: seen } = graph.task(need);
      return { label: need, outputs, interface: seen ?? outputs };
    });
    const inputs = task.inputs ?? [];
    const rendered = await renderPrompt({ templates, task, feature, dependencies, inputs });
    const beside = instructionsBeside({ graph, agent }, task, gatesOf(project, task));
    const measured: Result<unknown, Failure> = rendered.ok
      ? await rendered.value.measured(beside, config.promptBytes)
      : rendered;
    if (measured.ok || measured.error.kind !== 'prompt-too-large') continue;
    const { bytes, limit, sections } = measured.error;
    problems.push({
      file: task.source.file,
      path: [...task.source.path, 'id'],
      message: `the text of \`${task.id}\` has ${bytes} bytes of ${limit}: ${sections.join(', ')}`,
      hint: 'split it into two tasks, or shorten it: what sections of the plan say need not stand in it',
    });
  }
  return problems;
}

/** References to several requirements at once: the agent could not tell which of them are its task. */
function wideReferences({ project }: RuleParts, { name, tasks, sections }: Feature): SpecProblem[] {
  const before = new Set((project.features.get(name)?.tasks ?? []).flatMap(({ specRefs }) => specRefs));
  return tasks.flatMap(({ specRefs, source }) =>
    specRefs.flatMap((ref, at) => {
      const held = (sections.get(ref) ?? '').match(REQUIREMENT) ?? [];
      if (before.has(ref) || held.length < 2) return [];
      return [
        {
          file: source.file,
          path: [...source.path, 'spec_refs', at],
          message: `\`${ref}\` holds ${held.length} requirements; name those that the task meets`,
          hint: `one reference for each, such as \`${ref.split('#', 1)[0]}#${held[0]?.replace(/^#+[ \t]+/, '')}\``,
        },
      ];
    }),
  );
}

/** Tasks that patch one file without an order: neither sees what the other does, and their patches may conflict. */
function unorderedChanges({ project }: RuleParts, feature: Feature, graph: TaskGraph): SpecProblem[] {
  const editors = (of: TaskGraph, tasks: readonly Task[]) =>
    editorsInOrder(
      of,
      tasks.map(({ label }) => label),
    );
  const former = editors(project.graph, project.features.get(feature.name)?.tasks ?? []);
  return [...editors(graph, feature.tasks)].flatMap(([path, labels]) => {
    // A plan that stands is not refused for what a build accepts.
    const isAccepted = firstUnordered(project.graph, former.get(path) ?? []) !== undefined;
    const pair = isAccepted ? undefined : firstUnordered(graph, labels);
    if (!pair) return [];
    const [first, second] = [graph.task(pair[0]), graph.task(pair[1])];
    return [
      {
        file: second.source.file,
        path: [...second.source.path, 'edits', Math.max(0, second.edits.indexOf(path))],
        message: `\`${first.id}\` and \`${second.id}\` both edit \`${path}\`, and neither waits for the other`,
        hint: `give \`${second.id}\` \`depends_on: [${first.id}]\`, or let one task make both changes`,
      },
    ];
  });
}

/** Inputs without wildcards that are nowhere: the agent would work without the file that the plan counts on. */
function missingInputs({ project }: RuleParts, feature: Feature, graph: TaskGraph): SpecProblem[] {
  const former = project.features.get(feature.name)?.tasks ?? [];
  const before = new Set(former.flatMap(({ inputs }) => inputs ?? []));
  const owned = new Ownership(graph.tasks.values());
  const edited = new Set([...graph.tasks.values()].flatMap(({ edits }) => edits));
  const secrets = patternSet(project.config.secrets);
  // A snapshot holds no secrets, and a rule of its own refuses them.
  const isThere = (path: string) =>
    secrets.matches(path) ||
    project.listing.get(path) !== undefined ||
    owned.ownerOf(path) !== undefined ||
    edited.has(path);
  return feature.tasks.flatMap(({ inputs = [], source }) =>
    patternSet(inputs)
      .plainPaths()
      .filter((path) => !before.has(path) && !isThere(path))
      .map((path) => {
        const meant = nearest(path, project.listing.under(path.slice(0, path.lastIndexOf('/') + 1)));
        return {
          file: source.file,
          path: [...source.path, 'inputs', Math.max(0, inputs.indexOf(path))],
          message: `\`${path}\` is not in the project, and no task writes it`,
          hint: meant === undefined ? 'remove it, or name a file that exists' : `did you mean \`${meant}\`?`,
        };
      }),
  );
}

/** Inputs that a task writes on which this one does not wait: such a file is not in the workspace, without a word. */
function unseenInputs({ project }: RuleParts, feature: Feature, graph: TaskGraph): SpecProblem[] {
  const former = project.features.get(feature.name)?.tasks ?? [];
  const before = new Set(former.flatMap(({ inputs }) => inputs ?? []));
  const owned = new Ownership(graph.tasks.values());
  return feature.tasks.flatMap(({ label, inputs = [], source }) => {
    const seen = graph.transitiveDependencies(label);
    return patternSet(inputs)
      .plainPaths()
      .flatMap((path) => {
        const owner = owned.ownerOf(path);
        if (owner === undefined || owner === label || seen.has(owner) || before.has(path)) return [];
        const name = owner.startsWith(`${feature.name}/`) ? owner.slice(feature.name.length + 1) : owner;
        return [
          {
            file: source.file,
            path: [...source.path, 'inputs', Math.max(0, inputs.indexOf(path))],
            message: `\`${path}\` is an output of ${owner}, and this task does not wait for it: it would not see the file`,
            hint: `add \`${name}\` to \`depends_on\``,
          },
        ];
      });
  });
}

/** The graph of what could be read: without dependencies that do not exist, and without those of tasks in a cycle. */
function readableGraph(features: readonly Feature[]): TaskGraph {
  const all = new Map(features.flatMap(({ tasks }) => tasks).map((task) => [task.label, task]));
  for (const [label, task] of all) {
    all.set(label, { ...task, dependsOn: task.dependsOn.filter((need) => all.has(need)) });
  }
  for (let cycle = findCycle(all.values()); cycle; cycle = findCycle(all.values())) {
    for (const label of cycle) all.set(label, { ...(all.get(label) as Task), dependsOn: [] });
  }
  return new TaskGraph(all.values());
}
