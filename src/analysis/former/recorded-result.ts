/**
 * The former result of a task that no store has, from its lock file and the files on disk. Its manifest is not known; the
 * record proves it where only formatters changed since.
 */

import {
  type EditPatch,
  isFormatItem,
  type Manifest,
  type ManifestItem,
  madeBy,
  type Provenance,
  type StoredResult,
  unformatted,
} from '../../model/action.js';
import { type LockedTask, resultKeyOf } from '../../model/feature-lock.js';
import type { Task } from '../../model/task.js';
import { encodeEntry } from '../../model/tree.js';
import { lockedTask, type Project } from '../../project/project.js';
import type { Subject } from '../disk-state.js';
import { isAsRecorded } from '../locked-task.js';
import { DEPENDENCY } from './reformatted.js';

/** Undefined where the files are not as recorded, or more may have changed. */
export async function recordedResult(
  project: Project,
  { task, facts, locked, onDisk }: Subject,
): Promise<StoredResult | undefined> {
  if (!locked || !isAsRecorded(project, locked, onDisk)) return undefined;
  // What is below an accepted edit, the store alone knows.
  if (locked.recipe === 'accepted' && locked.handWork === undefined) return undefined;
  const manifest = withoutFormatters(project, facts.manifest);
  // Without formatters at that time, its key itself is that of today's manifest without them.
  const recorded = locked.unformatted ?? locked.handWork ?? locked.key;
  if (recorded !== unformatted(manifest, locked.handWork !== undefined)) return undefined;
  const edits = await recordedPatches(project, task, locked);
  if (!edits) return undefined;
  const key = resultKeyOf(locked);
  const provenance = { ...recordedMaking(locked), label: task.label, key, manifest };
  return { commit: locked.result, key, outputs: onDisk, edits, provenance };
}

/**
 * The patches of a task that alone patches its files: then a file as people wrote it, and as it is, are the two sides of the
 * patch. Undefined where one of them is another one or not here.
 */
async function recordedPatches(
  { graph, edited, listing, objects }: Project,
  task: Task,
  locked: LockedTask,
): Promise<EditPatch[] | undefined> {
  const patches: EditPatch[] = [];
  for (const [path, { base, after, merged }] of Object.entries(locked.edits ?? {})) {
    const editors = [...graph.tasks.values()].filter(({ edits }) => edits.includes(path));
    const [before, now] = [edited.get(path)?.base, listing.get(path)];
    const isAlone = editors.length === 1 && editors[0] === task;
    const isAsBefore = now && encodeEntry(now) === after && now.id === merged && before?.id === base;
    if (!isAlone || !isAsBefore || !(await objects.read(before.id))) return undefined;
    patches.push({ path, before, after: now, base: before });
  }
  return patches;
}

/** The manifest as it was if nothing but formatters changed, without them, for the task and for what it depends on. */
function withoutFormatters(project: Project, manifest: Manifest): Manifest {
  return manifest
    .filter(({ name }) => !isFormatItem(name))
    .map((item): ManifestItem => {
      const need = item.name.startsWith(DEPENDENCY)
        ? project.graph.tasks.get(item.name.slice(DEPENDENCY.length))
        : undefined;
      const value = need && lockedTask(project, need)?.interface;
      return value === undefined ? item : { ...item, value };
    });
}

/** What a lock file tells of how a result came to be; when that was, it does not tell. */
export function recordedMaking(locked: LockedTask): Omit<Provenance, 'label' | 'key' | 'manifest'> {
  return {
    schema: 1,
    recipe: locked.recipe,
    ...(locked.agent === undefined ? {} : { agent: locked.agent }),
    ...madeBy({ model: locked.model, variant: locked.variant, arm: locked.arm }),
    ...(locked.observed === undefined ? {} : { observed: locked.observed }),
    attempts: 0,
    usage: {},
    gates: [],
    startedAt: '',
    ms: 0,
    conductor: '',
  };
}
