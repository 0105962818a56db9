/** Which tasks the changes since a commit concern, by the relation of `changes.ts`. */

import { err, ok, type Result } from '../../base/result.js';
import { mergeBase, resolveCommit } from '../../io/git/commit-history.js';
import { ignoredPaths } from '../../io/git/ignored.js';
import { changedFiles } from '../../io/git/walk.js';
import { isSameJson } from '../../model/digest.js';
import type { PlannedRange } from '../../model/events/event-parts.js';
import type { Failure } from '../../model/failure.js';
import { Ownership } from '../../model/paths/ownership.js';
import type { Label } from '../../model/task.js';
import { listingOfPaths, type ObjectId } from '../../model/tree.js';
import { CONFIG_FILE, configModules } from '../../project/config-inputs.js';
import type { Project } from '../../project/project.js';
import { type CommandSettings, packageFiles } from '../command-settings.js';
import { type Changes, isTouched, withReaders, wordsOf } from './changes.js';
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
  const own = because === undefined ? all.filter((task) => isTouched(project, task, range.changes)) : all;
  const labels = withReaders(
    project,
    own.map(({ label }) => label),
  );
  return ok({ base: base.value, labels, dependents: labels.size - own.length, because, removed });
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

/** Files that are the same and have another owner: other tasks see them than before. */
function movedPaths({ listing, ownership }: Project, { tasks, listing: before }: ProjectSide): string[] {
  const was = new Ownership(tasks.values());
  return listing.paths.filter((path) => before.get(path) && was.ownerOf(path) !== ownership.ownerOf(path));
}

function recordedPaths({ locked }: ProjectSide): Set<string> {
  return new Set([...locked.values()].flatMap(({ outputs }) => Object.keys(outputs)));
}

interface Range {
  readonly before: ProjectSide;
  readonly changes: Changes;
  /** Changed paths that people wrote and removed, without specs. */
  readonly removed: ReadonlySet<string>;
}

async function openRange(project: Project, base: ObjectId, ref: string): Promise<Range> {
  const before = await openSide(project, await projectTree(project, base), ref);
  const after = await openSide(project, project.snapshot, 'the files on disk');
  const onDisk = await changedPaths(project, before, recordedPaths(after));
  const changed = new Set([...onDisk, ...movedPaths(project, before)]);
  const owned = recordedPaths(before);
  const specs = `${project.config.specs}/`;
  const isRemoved = (path: string) =>
    project.listing.get(path) === undefined && !owned.has(path) && !path.startsWith(specs);
  const removed = new Set([...changed].filter(isRemoved));
  const changes: Changes = {
    paths: listingOfPaths(changed),
    hasHandWork: removed.size > 0 || [...changed].some((path) => project.handWritten.get(path) !== undefined),
    hasSameWords: ({ label }) => isSameJson(words(before, label), words(after, label)),
    hasSameLock: ({ label }) => isSameJson(before.locked.get(label), after.locked.get(label)),
  };
  return { before, changes, removed };
}

function words({ tasks, features }: ProjectSide, label: Label): object | undefined {
  const task = tasks.get(label);
  return task && wordsOf(task, features.get(task.feature));
}

/** Rules of git decide with which bytes files are read. */
const ATTRIBUTES = /(^|\/)\.gitattributes$/;

/** What is in the keys of all tasks, or cannot be compared. */
async function concernsAll(
  project: Project,
  { packages }: CommandSettings,
  { before, changes, removed }: Range,
): Promise<string | undefined> {
  if (before.problems.length > 0) return before.problems[0];
  const changed = changes.paths.files;
  const { files } = await configModules(project);
  const config =
    [...files].find((path) => changed.has(path)) ??
    [...changed.keys()].find((path) => CONFIG_FILE.test(path));
  if (config !== undefined) return `${config} changed`;
  const general =
    [...changed.keys()].find((path) => ATTRIBUTES.test(path)) ??
    packages.find(([path]) => changed.has(path))?.[0];
  if (general !== undefined) return `${general} changed`;
  const gone = packageFiles(project.config.workspace, before.listing).find((path) => removed.has(path));
  return gone && `${gone} was removed`;
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
