/**
 * Which tasks the changes since a commit concern: their entries, what they read, what they own, and what they depend on.
 * Rather names a task too many: whether it is up to date is decided later.
 */

import { AGENT_FOLDER } from '../../agent/prompts/definitions.js';
import { err, ok, type Result } from '../../base/result.js';
import { mergeBase, resolveCommit } from '../../io/git/commit-history.js';
import { ignoredPaths } from '../../io/git/ignored.js';
import { changedFiles } from '../../io/git/walk.js';
import { canonicalJson } from '../../model/digest.js';
import type { PlannedRange } from '../../model/event.js';
import type { Failure } from '../../model/failure.js';
import { patternSet } from '../../model/paths/pattern-set.js';
import type { Feature, Label, Task } from '../../model/task.js';
import type { ObjectId } from '../../model/tree.js';
import { PROMPTS } from '../../project/agent-files.js';
import { CONFIG_FILE, configModules } from '../../project/config-inputs.js';
import type { Project } from '../../project/project.js';
import { type CommandSettings, packageFiles } from '../command-settings.js';
import { formatSteps } from '../format-settings.js';
import { otherEditors } from '../patches.js';
import { PARTIALS, TEMPLATES } from '../template-files.js';
import { gatesOf } from '../visible-files.js';
import { openSide, type ProjectSide, projectTree } from './side.js';

/** The tasks that a range concerns. */
export interface Touched {
  /** The commit at which the range begins. */
  readonly base: ObjectId;
  /** Those that the changes concern, all that depend on them, and all that patch a file which one of these patches. */
  readonly labels: ReadonlySet<Label>;
  /** How many of them the changes themselves do not concern. */
  readonly dependents: number;
  /** Why every task is among them; undefined: not every task is for one reason. */
  readonly because: string | undefined;
  /** Tasks that there were at the beginning of the range and are not any more. */
  readonly removed: number;
}

/** From the merge base of `ref` and HEAD to the project as it was read. Fails with `usage` where there is none. */
export async function touchedTasks(
  project: Project,
  settings: CommandSettings,
  ref: string,
): Promise<Result<Touched, Failure>> {
  const base = await baseOf(project, ref);
  if (!base.ok) return base;
  const range = await openRange(project, base.value, ref);
  const { tasks } = project.graph;
  const removed = [...range.before.tasks.keys()].filter((label) => !tasks.has(label)).length;
  const because = await concernsAll(project, settings, range);
  const all = [...tasks.values()];
  const own = because === undefined ? all.filter((task) => isTouched(project, task, range)) : all;
  const labels = new Set(own.map(({ label }) => label));
  const open = [...labels];
  for (let label = open.pop(); label !== undefined; label = open.pop()) {
    for (const reader of readersOf(project, label)) {
      if (!labels.has(reader)) open.push(reader);
      labels.add(reader);
    }
  }
  return ok({ base: base.value, labels, dependents: labels.size - own.length, because, removed });
}

/** What sees the work of a task: its dependents, and other tasks that patch the same files. */
function readersOf(project: Project, label: Label): Label[] {
  const task = project.graph.task(label);
  const beside = task.edits.flatMap((path) => otherEditors(project, task, path));
  return [...project.graph.dependents(label), ...beside];
}

async function baseOf({ repository }: Project, ref: string): Promise<Result<ObjectId, Failure>> {
  const named = await resolveCommit(repository, ref);
  const head = await resolveCommit(repository, 'HEAD');
  const hint = 'fetch the history: a shallow clone (`fetch-depth`, `GIT_DEPTH`) does not have it';
  if (named === undefined || head === undefined) {
    const name = named === undefined ? ref : 'HEAD';
    return err({ kind: 'usage', message: `--since: ${name} is not a commit of this repository`, hint });
  }
  const base = await mergeBase(repository, named, head);
  if (base !== undefined) return ok(base);
  return err({ kind: 'usage', message: `--since: ${ref} and HEAD have no common commit here`, hint });
}

/** Outputs that git ignores are in no commit: that they are on disk is no change. */
async function changedPaths(
  project: Project,
  before: ProjectSide,
  recorded: ReadonlySet<string>,
): Promise<ReadonlySet<string>> {
  const all = [...(await changedFiles(project.objects, before.tree, project.snapshot)).keys()];
  const made = all.filter((path) => before.listing.get(path) === undefined && recorded.has(path));
  const ignored = await ignoredPaths(project.repository.project, made);
  return new Set(all.filter((path) => !ignored.has(path)));
}

function recordedPaths({ locked }: ProjectSide): Set<string> {
  return new Set([...locked.values()].flatMap(({ outputs }) => Object.keys(outputs)));
}

interface Range {
  readonly before: ProjectSide;
  readonly after: ProjectSide;
  readonly changed: ReadonlySet<string>;
  /** Whether a list of patterns has one of them. */
  touches(list: readonly string[]): boolean;
  /** Whether one of them is a prompt or an agent's definition. */
  readonly hasAgentFile: boolean;
  /** Whether one of them is a part of templates that any of them may include. */
  readonly hasPartial: boolean;
  /** Those of them that people wrote and removed, without specs. */
  readonly removed: ReadonlySet<string>;
  /** Whether one of them was written by people, and is no spec. */
  readonly hasHandWork: boolean;
}

async function openRange(project: Project, base: ObjectId, ref: string): Promise<Range> {
  const before = await openSide(project, await projectTree(project, base), ref);
  const after = await openSide(project, project.snapshot, 'the files on disk');
  const changed = await changedPaths(project, before, recordedPaths(after));
  const owned = recordedPaths(before);
  const specs = `${project.config.specs}/`;
  const isRemoved = (path: string) =>
    project.listing.get(path) === undefined && !owned.has(path) && !path.startsWith(specs);
  const paths = [...changed];
  const removed = new Set(paths.filter(isRemoved));
  const hasHandWork = removed.size > 0 || paths.some((path) => project.handWritten.get(path) !== undefined);
  const isBelow = (folder: string) => paths.some((path) => path.startsWith(folder));
  return {
    ...{ before, after, changed, removed, hasHandWork },
    touches: listedIn(paths),
    hasAgentFile: isBelow(PROMPTS) || isBelow(AGENT_FOLDER),
    hasPartial: isBelow(PARTIALS),
  };
}

/** Lists of the config are those of many tasks: each is compared once. */
function listedIn(paths: readonly string[]): (list: readonly string[]) => boolean {
  const known = new Map<readonly string[], boolean>();
  return (list) => {
    const before = known.get(list);
    if (before !== undefined) return before;
    const set = patternSet(list);
    const answer = paths.some((path) => set.matches(path));
    known.set(list, answer);
    return answer;
  };
}

/** Rules of git decide with which bytes files are read. */
const ATTRIBUTES = /(^|\/)\.gitattributes$/;

/** What is in the keys of all tasks, or cannot be compared. */
async function concernsAll(
  project: Project,
  { packages }: CommandSettings,
  { before, changed, removed }: Range,
): Promise<string | undefined> {
  if (before.problems.length > 0) return before.problems[0];
  const { files } = await configModules(project);
  const config =
    [...files].find((path) => changed.has(path)) ?? [...changed].find((path) => CONFIG_FILE.test(path));
  if (config !== undefined) return `${config} changed`;
  const general =
    [...changed].find((path) => ATTRIBUTES.test(path)) ?? packages.find(([path]) => changed.has(path))?.[0];
  if (general !== undefined) return `${general} changed`;
  const gone = packageFiles(project.config.workspace, before.listing).find((path) => removed.has(path));
  return gone && `${gone} was removed`;
}

function isTouched(
  project: Project,
  task: Task,
  { before, after, changed, touches, hasAgentFile, hasPartial, hasHandWork }: Range,
): boolean {
  const { label, recipe, inputs } = task;
  const [was, is] = [before.locked.get(label), after.locked.get(label)];
  if (words(before, label) !== words(after, label)) return true;
  if (canonicalJson(was ?? null) !== canonicalJson(is ?? null)) return true;
  const seen = [...task.edits, ...Object.keys(is?.observed ?? {})];
  if (seen.some((path) => changed.has(path))) return true;
  const gates = gatesOf(project, task);
  const named = gates.map((gate) => gate.inputs ?? []);
  const formats = formatSteps(project.config, task).map((step) => step.inputs);
  if ([task.outputs, inputs ?? [], ...named, ...formats].some(touches)) return true;
  if (recipe.kind === 'agent' && hasAgentFile) return true;
  if (recipe.kind === 'render') {
    if (hasPartial || recipe.steps.some(({ template }) => changed.has(TEMPLATES + template))) return true;
    // A template reads no files, but a gate that names none of them may.
    if (gates.every((gate) => gate.inputs !== undefined)) return false;
  }
  // Without `inputs` it reads every file that people wrote.
  return inputs === undefined && hasHandWork;
}

/** What a task says, also by its feature: all that stands in its spec but notes of people. */
function words(side: ProjectSide, label: Label): string | undefined {
  const task = side.tasks.get(label);
  if (task === undefined) return undefined;
  const { source: _source, notes: _notes, ...said } = task;
  const feature = side.features.get(task.feature);
  return canonicalJson({ said, ...documents(task, feature) });
}

function documents(task: Task, feature: Feature | undefined) {
  const sections = task.specRefs.map((reference) => feature?.sections.get(reference) ?? '');
  return { title: feature?.title ?? '', context: feature?.context ?? '', sections };
}

export interface RangedProject {
  readonly project: Project;
  /** What is looked at: the tasks of the range that were asked for, and what they need. */
  readonly selected: ReadonlySet<Label>;
  readonly touched: Touched | undefined;
}

/** What a command says of the range that it was asked for. */
export function rangeOf(
  { project, selected, touched }: RangedProject,
  since: string | undefined,
): { readonly range?: PlannedRange } {
  if (touched === undefined || since === undefined) return {};
  const { base, labels, dependents, because, removed } = touched;
  const range = {
    since,
    base,
    touched: labels.size - dependents,
    dependents,
    leftOut: project.graph.tasks.size - selected.size,
    removed,
    ...(because === undefined ? {} : { because }),
  };
  return { range };
}
