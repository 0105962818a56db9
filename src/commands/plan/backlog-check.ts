/** Whether a planned backlog is valid in the project: every rule of `validate`, and rules for plans only. */

import { renderPrompt } from '../../agent/prompts/prompt.js';
import { gatesOf } from '../../analysis/visible-files.js';
import { err, ok, type Result } from '../../base/result.js';
import type { Session } from '../../build/project-session.js';
import { instructionsBeside } from '../../execution/prompt-steering.js';
import { editYaml } from '../../io/document/yaml-edit.js';
import type { Diagnostic, Failure } from '../../model/failure.js';
import { Ownership } from '../../model/paths/ownership.js';
import { patternSet } from '../../model/paths/pattern-set.js';
import type { Feature, Label, Task } from '../../model/task.js';
import { type Entry, Listing } from '../../model/tree.js';
import { keepIds, type PlannedBacklog } from '../../plan/merged-backlog.js';
import { claimedFiles } from '../../project/claimed-files.js';
import type { Host } from '../../project/host.js';
import type { Project } from '../../project/project.js';
import { claimedOutputs } from '../../specs/claimed-outputs.js';
import type { LoadedSpecs } from '../../specs/load.js';
import { placeProblems, type SpecProblem } from '../../specs/problem.js';
import { checkSpecs } from '../validate.js';
import { BACKLOG, readBacklog } from './plan-files.js';
import type { NodeParts } from './planning-node.js';

export interface CheckParts extends NodeParts {
  readonly host: Host;
  readonly session: Session;
  readonly project: Project;
}

/**
 * The backlog under the ids of the former one (`former`: its text), checked with `files` (texts by path) in the place
 * of the project's own; or everything that is wrong with it.
 */
export async function checkBacklog(
  parts: CheckParts,
  text: string,
  former: PlannedBacklog | undefined,
  files: ReadonlyMap<string, string>,
): Promise<Result<string, readonly Diagnostic[]>> {
  const path = parts.feature.folder + BACKLOG;
  const problems = await checkFiles(parts, new Map([...files, [path, text]]));
  if (problems.length > 0) return err(problems);
  const planned = await readBacklog(text, path);
  return ok(former && planned ? await underFormerIds(text, former, planned) : text);
}

/** Everything that is wrong with the project when these files (texts by path) stand in it. */
export async function checkFiles(
  parts: CheckParts,
  files: ReadonlyMap<string, string>,
): Promise<readonly Diagnostic[]> {
  const { project, host, session, feature } = parts;
  const entries = new Map<string, Entry>(project.listing.files);
  for (const [path, text] of files) {
    entries.set(path, { mode: '100644', id: await project.objects.writeBlob(Buffer.from(text)) });
  }
  const specs = await checkSpecs(host, session, project.config, new Listing(entries));
  if (!specs.ok) return specs.error;
  const planned = specs.value.features.find(({ name }) => name === feature.name);
  if (!planned) return [{ file: feature.folder + BACKLOG, message: 'contains no task' }];
  if (planned.tasks.length === 0) return [{ file: planned.file, message: 'contains no task' }];
  const problems = [
    ...claimedOutputs(planned.tasks, await claimedBy(parts, planned)),
    ...planned.tasks.flatMap((task) => secretPaths(parts, task)),
    ...planned.tasks.flatMap((task) => unknownAgent(parts, task)),
    ...(await largePrompts(parts, planned, specs.value)),
  ];
  return placeProblems(problems, async (file) => files.get(file));
}

/** Files that people wrote and that the planned tasks would own. */
function claimedBy({ project }: CheckParts, { tasks }: Feature): Promise<ReadonlyMap<string, Label>> {
  const ownership = new Ownership(tasks);
  const owned = new Map<Label, Map<string, Entry>>();
  for (const [path, entry] of project.listing.files) {
    const owner = ownership.ownerOf(path);
    if (owner !== undefined) owned.set(owner, (owned.get(owner) ?? new Map()).set(path, entry));
  }
  return claimedFiles(project.repository, owned, project.recorded);
}

async function underFormerIds(text: string, former: PlannedBacklog, planned: PlannedBacklog) {
  const ids = keepIds(former, planned);
  if (ids.size === 0) return text;
  const changes = planned.tasks.flatMap((task, at) => {
    const needs = Array.isArray(task.depends_on) ? task.depends_on.map(String) : [];
    const renamed = needs.flatMap((need, i) => {
      const to = ids.get(need);
      return to === undefined ? [] : [{ path: ['tasks', at, 'depends_on', i], value: to }];
    });
    const to = ids.get(task.id);
    return to === undefined ? renamed : [{ path: ['tasks', at, 'id'], value: to }, ...renamed];
  });
  return editYaml(text, changes);
}

/** A person may name a file that looks like a secret in a spec, a plan may not: requests come from anywhere. */
function secretPaths({ project }: CheckParts, task: Task): SpecProblem[] {
  const { secrets } = project.config;
  const before = project.graph.tasks.get(task.label);
  return (['inputs', 'outputs', 'edits'] as const).flatMap((key) =>
    patternSet(task[key] ?? [])
      .plainPaths()
      .filter((path) => patternSet(secrets).matches(path))
      .filter(
        (path) =>
          !patternSet(before?.[key] ?? [])
            .plainPaths()
            .includes(path),
      )
      .map((path) => ({
        file: task.source.file,
        path: [...task.source.path, key],
        message: `\`${path}\` looks like a secret; a plan may not name it`,
        hint: 'remove it; a person can add it to the backlog',
      })),
  );
}

function unknownAgent({ definitions }: CheckParts, task: Task): SpecProblem[] {
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

/** Tasks whose prompt a build would refuse, before anything is paid for them. */
async function largePrompts(
  { templates, project, agent }: CheckParts,
  feature: Feature,
  { graph }: LoadedSpecs,
): Promise<SpecProblem[]> {
  const { config } = project;
  const problems: SpecProblem[] = [];
  for (const task of feature.tasks) {
    if (task.recipe.kind !== 'agent') continue;
    const dependencies = task.dependsOn.map((label) => {
      const { outputs, interface: seen } = graph.task(label);
      return { label, outputs, interface: seen ?? outputs };
    });
    const inputs = task.inputs ?? [];
    const rendered = await renderPrompt({
      templates,
      task,
      feature,
      dependencies,
      inputs,
      limit: config.promptBytes,
    });
    const beside = instructionsBeside({ graph, agent }, task, gatesOf(project, task));
    const measured: Result<unknown, Failure> = rendered.ok ? await rendered.value.measured(beside) : rendered;
    if (measured.ok || measured.error.kind !== 'prompt-too-large') continue;
    const { bytes, limit, sections } = measured.error;
    problems.push({
      file: task.source.file,
      path: [...task.source.path, 'id'],
      message: `the prompt of \`${task.id}\` has ${bytes} bytes of ${limit}: ${sections.slice(0, 3).join(', ')}`,
      hint: 'split it into two tasks, or shorten it',
    });
  }
  return problems;
}
