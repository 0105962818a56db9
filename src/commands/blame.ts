/** What built a file, and how: from the lock file and the result, also for edited files. Changes nothing. */

import { isAbsolute, join } from 'node:path';
import { agentNameOf } from '../agent/prompts/definitions.js';
import { promptName } from '../agent/prompts/prompt.js';
import { driftOf } from '../analysis/drift.js';
import type { Prepared } from '../analysis/prepare.js';
import { TEMPLATES } from '../analysis/template-files.js';
import { suggestions } from '../base/nearest.js';
import { err, ok, type Result, unreachable } from '../base/result.js';
import { inspectProject } from '../build/dry-run.js';
import { locator } from '../io/document/document.js';
import { exists } from '../io/files.js';
import type { FileDifference } from '../io/git/tree-diff.js';
import { firstMaking, type Provenance, type Usage } from '../model/action.js';
import type { Failure } from '../model/failure.js';
import { resultKeyOf } from '../model/feature-lock.js';
import { patternSet } from '../model/paths/pattern-set.js';
import { commandText, type Label, type Task } from '../model/task.js';
import type { Host } from '../project/host.js';
import { lockedTask, type Project, textIn } from '../project/project.js';
import { splitFrontMatter } from '../specs/front-matter.js';
import { featureHistory, versionAfter } from './versions/lock-history.js';

/** What a result records about its execution. */
export interface BlamedMaking {
  readonly recipe: string;
  readonly agent?: string;
  readonly model?: string;
  readonly attempts: number;
  readonly usage: Usage;
  /** ISO 8601, UTC. */
  readonly startedAt: string;
  readonly ms: number;
  readonly gates: readonly string[];
  readonly conductor: string;
  /** Of a former result that stands because its gates passed again: what had changed, and when. */
  readonly verified?: { readonly against: readonly string[]; readonly at: string };
}

export interface BlamedTask {
  readonly label: Label;
  readonly title: string;
  readonly role: 'owns' | 'patches';
  /** Where the task is written, and the sections that it was made from. */
  readonly spec: { readonly file: string; readonly line: number; readonly sections: readonly string[] };
  /** The prompt template and agent definition, the templates, or the command. */
  readonly source: string;
  /** Version of the feature; absent with the rest when nothing is recorded. */
  readonly version?: string;
  /** Commit of the result in conductor's repository. */
  readonly result?: string;
  /** From the lock alone where the store has lost the result. */
  readonly making?: Partial<BlamedMaking>;
  /** Of an accepted file: the result that was edited. */
  readonly before?: BlamedMaking;
  /** What a person changed since. */
  readonly edit?: Omit<FileDifference, 'patch'>;
}

export interface Blame {
  readonly path: string;
  /** Empty for a file that people write. */
  readonly tasks: readonly BlamedTask[];
  /** Tasks that declare it as an input. */
  readonly readBy: readonly Label[];
}

/** `path` is relative to the project. Fails with `usage` when there is no such file and no task would make it. */
export async function blame(host: Host, path: string): Promise<Result<Blame, Failure>> {
  const done = await inspectProject(host, [], async (prepared) => {
    const { project } = prepared;
    const owner = project.ownership.ownerOf(path);
    const makers = [...project.graph.tasks.values()].filter(
      (task) => task.label === owner || task.edits.includes(path),
    );
    if (makers.length === 0 && !project.listing.get(path))
      return err<Failure>(await noSuchFile(project, path));
    const tasks: BlamedTask[] = [];
    for (const task of makers) tasks.push(await blamedTask(prepared, task, path, task.label === owner));
    const readBy = [...project.graph.tasks.values()]
      .filter((task) => task.inputs && patternSet(task.inputs).matches(path))
      .map((task) => task.label);
    return ok({ path, tasks, readBy });
  });
  return done.ok ? done.value : done;
}

async function noSuchFile(project: Project, path: string): Promise<Failure> {
  const wrong = (message: string, hint: string): Failure => ({ kind: 'usage', message, hint });
  if (path === '..' || path.startsWith('../') || isAbsolute(path))
    return wrong(`${path} is outside of the project`, 'name a file of the project');
  if (path === '' || project.listing.paths.some((one) => one.startsWith(`${path}/`)))
    return wrong(`${path === '' ? 'the project' : path} is a folder`, 'name one of its files');
  if (await exists(join(project.repository.project, path)))
    return wrong(
      `no task reads or writes ${path}: git ignores it, or it looks secret`,
      'an ignored file becomes an input when `inputs` of a task name it by its path',
    );
  const near = suggestions(path, [...project.recorded.keys()]);
  const hint =
    near.length > 0 ? `did you mean ${near.join(' or ')}?` : 'paths are relative to the current folder';
  return wrong(`${path} does not exist, and no task writes it`, hint);
}

async function blamedTask(
  { project, store }: Prepared,
  task: Task,
  path: string,
  owns: boolean,
): Promise<BlamedTask> {
  const locked = lockedTask(project, task);
  const found = locked && (await store.find(resultKeyOf(locked)));
  const result = found?.ok ? found.value : undefined;
  const isAccepted = locked?.recipe === 'accepted' && locked.resultKey !== undefined;
  const original = isAccepted ? await store.find(result?.provenance.over ?? locked.key) : undefined;
  const drift = locked && (await driftOf(project, task)).files.find((file) => file.path === path);
  const { patch: _, ...edit } = drift ?? { patch: '' };
  return {
    label: task.label,
    title: task.title,
    role: owns ? 'owns' : 'patches',
    spec: { file: task.source.file, line: await specLine(project, task), sections: task.specRefs },
    source: sourceOf(project, task),
    ...(locked ? { version: await versionOf(project, task.feature), result: locked.result } : {}),
    ...(result ? { making: makingOf(result.provenance) } : locked ? { making: lockedMaking(locked) } : {}),
    ...(original?.ok && original.value ? { before: makingOf(original.value.provenance) } : {}),
    ...('path' in edit ? { edit } : {}),
  };
}

async function versionOf(project: Project, name: string): Promise<string> {
  const [feature, lock] = [project.features.get(name), project.locks.get(name)];
  if (!feature || !lock) return '';
  const { head } = await featureHistory(project, feature);
  const before = head.get(feature.lockFile);
  return versionAfter(lock, before ? [before] : []).version;
}

/** Of a result that was verified again: the making of its files, and the gates that have passed since. */
function makingOf(provenance: Provenance): BlamedMaking {
  const { recipe, gates, conductor, verified } = provenance;
  const { agent, model, attempts, usage, startedAt, ms } = firstMaking(provenance);
  return {
    recipe,
    ...(agent === undefined ? {} : { agent }),
    ...(model === undefined ? {} : { model }),
    attempts,
    usage,
    startedAt,
    ms,
    gates: gates.map((gate) => gate.name),
    conductor,
    ...(verified ? { verified: { against: verified.against, at: provenance.startedAt } } : {}),
  };
}

function lockedMaking(locked: NonNullable<ReturnType<typeof lockedTask>>): Partial<BlamedMaking> {
  const { recipe, agent, model } = locked;
  return {
    recipe,
    ...(agent === undefined ? {} : { agent }),
    ...(model === undefined ? {} : { model }),
  };
}

/** What the text of the file came from, by the spec of today. */
function sourceOf(project: Project, task: Task): string {
  const { recipe } = task;
  switch (recipe.kind) {
    case 'render':
      return recipe.steps.map((step) => TEMPLATES + step.template).join(', ');
    case 'run':
      return commandText(recipe.command);
    case 'agent': {
      const prompt = `prompts/${promptName(task)}`;
      const place = project.listing.get(prompt) ? prompt : `${prompt} (shipped)`;
      return `${place}, agent ${agentNameOf(task)}`;
    }
    default:
      return unreachable(recipe);
  }
}

async function specLine(project: Project, { source }: Task): Promise<number> {
  const text = await textIn(project, source.file);
  if (text === undefined) return 1;
  const single = source.file.endsWith('.spec.md');
  const { front, lineOffset } = single ? splitFrontMatter(text) : { front: text, lineOffset: 0 };
  return (await locator(front ?? '', lineOffset))(source.path).line;
}
