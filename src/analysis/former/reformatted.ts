/** Tells whether what a task sees of its dependencies differs from a former state only by how files are formatted. */

import { type ActionKey, isFormatItem, type ManifestChange } from '../../model/action.js';
import { resultKeyOf } from '../../model/feature-lock.js';
import type { Label, Task } from '../../model/task.js';
import { encodeEntry } from '../../model/tree.js';
import { lockedTask, type Project } from '../../project/project.js';
import type { ResultStore } from '../../store/result-store.js';
import { type DependencyOutputs, foreseenOutputs, resultAsDependency } from '../dependency-outputs.js';
import { readsSignatures } from '../interfaces/interface-files.js';
import { interfacesOf } from '../interfaces/interfaces.js';

export interface KnownResults {
  readonly project: Project;
  readonly store: ResultStore;
  readonly dependencyOutputs: ReadonlyMap<Label, DependencyOutputs>;
}

/** More of them in a row mean that the records are odd. */
const MAX_FORMERS = 100;
export const DEPENDENCY = 'dependency ';
const INPUT = 'input ';

/** A change of formatters, or of files of dependencies that these formatters have changed. */
export async function isOfFormat(parts: KnownResults, task: Task, change: ManifestChange): Promise<boolean> {
  const { name, before, after } = change;
  if (isFormatItem(name)) return true;
  if (before === undefined || after === undefined) return false;
  if (name.startsWith(INPUT)) return areFormatted(parts, before, after);
  if (!name.startsWith(DEPENDENCY)) return false;
  const need = parts.project.graph.tasks.get(name.slice(DEPENDENCY.length));
  if (!need) return false;
  for await (const seen of formers(parts, need)) {
    if (seen.interface === before) return true;
    if (readsSignatures(task) && (await interfacesOf(parts.project).of(need, seen)) === before) return true;
  }
  return false;
}

/** Both are lists of files, one a line: path and entry word. */
async function areFormatted(parts: KnownResults, before: string, after: string): Promise<boolean> {
  const [was, is] = [before, after].map((text) => new Set(text.split('\n'))) as [Set<string>, Set<string>];
  const old = [...was].filter((line) => !is.has(line));
  const paths = new Set([...is].filter((line) => !was.has(line)).map(pathOf));
  if (old.length !== paths.size) return false;
  for (const line of old) {
    const path = pathOf(line);
    const owner = [...parts.dependencyOutputs.values()].find(({ outputs }) => outputs.has(path))?.label;
    const need = owner === undefined ? undefined : parts.project.graph.tasks.get(owner);
    if (!need || !paths.has(path) || !(await hadFile(parts, need, line))) return false;
  }
  return true;
}

async function hadFile(parts: KnownResults, need: Task, line: string): Promise<boolean> {
  const path = pathOf(line);
  for await (const { outputs } of formers(parts, need)) {
    const entry = outputs.get(path);
    if (entry && `${path} ${encodeEntry(entry)}` === line) return true;
  }
  return false;
}

/** An entry word has no space. */
function pathOf(line: string): string {
  return line.slice(0, line.lastIndexOf(' '));
}

/**
 * What dependents saw of the results that today's result of the task stands for, the newest first. conductor writes a former
 * result again only to verify it or to format it, so they have the same content, formatted in other ways. Where the store has
 * lost the recorded one, the lock file tells what it was.
 */
async function* formers(
  { project, store, dependencyOutputs }: KnownResults,
  need: Task,
): AsyncGenerator<DependencyOutputs> {
  const locked = lockedTask(project, need);
  const recorded = locked && resultKeyOf(locked);
  let key = dependencyOutputs.get(need.label)?.result ?? recorded;
  for (let count = 0; key !== undefined && count < MAX_FORMERS; count++) {
    const found = await store.find(key);
    const result = found.ok ? found.value : undefined;
    if (count > 0 && result) yield resultAsDependency(need, result);
    else if (count > 0 && key === recorded) yield foreseenOutputs(need, locked);
    key = result?.provenance.verified?.former;
  }
}

/** Whether the result under `key` stands for the one under `former`: with the same content, formatted in another way or not. */
export async function standsFor(
  store: Pick<ResultStore, 'find'>,
  key: ActionKey,
  former: ActionKey,
): Promise<boolean> {
  let next: ActionKey | undefined = key;
  for (let count = 0; next !== undefined && count < MAX_FORMERS; count++) {
    if (next === former) return true;
    const found = await store.find(next);
    next = found.ok ? found.value?.provenance.verified?.former : undefined;
  }
  return false;
}
