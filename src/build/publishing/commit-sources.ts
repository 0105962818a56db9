/** What committed outputs come from: specs go into the commit with them, everything else has to be committed before. */

import { AGENT_FOLDER } from '../../agent/prompts/definitions.js';
import { PARTIALS, TEMPLATES } from '../../analysis/template-files.js';
import type { Label, Task } from '../../model/task.js';
import { type Entry, type Files, sameEntry } from '../../model/tree.js';
import { PROMPTS } from '../../project/agent-files.js';
import type { Project } from '../../project/project.js';

const CONFIG = /^conductor\.config\.\w+$/;

export interface Sides {
  readonly head: Files;
  readonly after: Files;
}

/**
 * Files of specs that HEAD has otherwise: of features with a committed task or with all tasks up to date, and those of
 * features that are gone. A spec that waits for its tasks is left to the person.
 */
export function specChanges(
  project: Project,
  { head, after }: Sides,
  { committed, done }: { readonly committed: ReadonlySet<Label>; readonly done: ReadonlySet<Label> },
): Map<string, Entry | undefined> {
  const changes = new Map<string, Entry | undefined>();
  const locks = new Set<string>();
  const ready: string[] = [];
  const open: string[] = [];
  for (const { file, lockFile, tasks } of project.features.values()) {
    locks.add(lockFile);
    const isReady =
      tasks.some(({ label }) => committed.has(label)) || tasks.every(({ label }) => done.has(label));
    (isReady ? ready : open).push(...placeOf(file));
  }
  const isIn = (path: string, places: readonly string[]) =>
    places.some((place) => path === place || (place.endsWith('/') && path.startsWith(place)));
  const specs = `${project.config.specs}/`;
  // A spec that is gone took its outputs with it.
  const gone = [...head.keys()].filter((path) => path.startsWith(specs) && !after.has(path)).flatMap(placeOf);
  for (const path of new Set([...head.keys(), ...after.keys()])) {
    if (!path.startsWith(specs) || locks.has(path) || sameEntry(head.get(path), after.get(path))) continue;
    if (isIn(path, ready) || (isIn(path, gone) && !isIn(path, open))) changes.set(path, after.get(path));
  }
  return changes;
}

/** The folder of a feature, or the file that is all of it; nothing for any other file. */
function placeOf(file: string): string[] {
  if (file.endsWith('.spec.md')) return [file];
  return file.endsWith('/BACKLOG.yaml') ? [file.slice(0, file.lastIndexOf('/') + 1)] : [];
}

/** Config, templates, prompts and agent definitions that decide the content of these tasks and that HEAD has otherwise. */
export function uncommittedSources(
  project: Project,
  { head, after }: Sides,
  labels: Iterable<Label>,
): string[] {
  const tasks = [...labels].map((label) => project.graph.task(label));
  const templates = new Set(tasks.flatMap(templatesOf));
  const hasAgent = tasks.some(({ recipe }) => recipe.kind === 'agent');
  const decides = (path: string) =>
    CONFIG.test(path) ||
    templates.has(path) ||
    (templates.size > 0 && path.startsWith(PARTIALS)) ||
    (hasAgent && path.endsWith('.md') && (path.startsWith(PROMPTS) || path.startsWith(AGENT_FOLDER)));
  return [...new Set([...head.keys(), ...after.keys()])]
    .filter((path) => decides(path) && project.ownership.ownerOf(path) === undefined)
    .filter((path) => !sameEntry(head.get(path), after.get(path)))
    .sort();
}

function templatesOf({ recipe }: Task): string[] {
  return recipe.kind === 'render' ? recipe.steps.map(({ template }) => TEMPLATES + template) : [];
}
