/** Keeps the result of a task whose name or paths changed: the same files and provenance under today's key. Runs nothing. */

import type { DependencyOutputs } from '../../analysis/dependency-outputs.js';
import { recordedWords } from '../../analysis/former/changed-items.js';
import { recordedMaking } from '../../analysis/former/recorded-result.js';
import type { Check } from '../../analysis/verdict.js';
import { err, ok, type Result } from '../../base/result.js';
import { type Manifest, nextKey } from '../../model/action.js';
import { digestFields } from '../../model/digest.js';
import type { Failure } from '../../model/failure.js';
import { resultKeyOf } from '../../model/feature-lock.js';
import type { Label } from '../../model/task.js';
import { digestFiles } from '../../model/tree.js';
import { lockedTask } from '../../project/project.js';
import type { CarriedTask } from '../options.js';
import { filesOnDisk, isSameWork } from './files-on-disk.js';
import type { RecordedTask, RecordParts } from './record-edits.js';

/**
 * The result under a key that follows from the new name alone, so that every clone and every machine finds the same one.
 * A task that was not up to date under its former name is not carried: `not-up-to-date`.
 */
export async function carryResult(
  parts: RecordParts,
  check: Check,
  carried: ReadonlyMap<Label, CarriedTask>,
  dependencyOutputs: ReadonlyMap<Label, DependencyOutputs>,
): Promise<Result<RecordedTask, Failure>> {
  const { project, store } = parts.prepared;
  const { task, facts } = check;
  const former = carried.get(task.label);
  const locked = lockedTask(project, task);
  if (!former || !locked || former.wholeTree !== wholeTreeOf(facts.manifest)) {
    return err({ kind: 'not-up-to-date', tasks: [{ label: task.label, verdict: check.verdict.kind }] });
  }
  const files = await filesOnDisk(parts.prepared, task, dependencyOutputs);
  if (!files.ok) return files;
  const stored = await store.find(resultKeyOf(locked));
  // When it was made, a lock file does not tell.
  const startedAt = new Date(parts.now()).toISOString();
  const recordedOnly = { ...recordedMaking(locked), startedAt, conductor: parts.version };
  const made = stored.ok && stored.value ? stored.value.provenance : recordedOnly;
  // The name is among the task's own words.
  const { words } = recordedWords(facts);
  const draft = (key: string) => ({
    ...files.value,
    key,
    provenance: {
      ...made,
      // Files that its agent read may have other paths now, too.
      ...(locked.observed === undefined ? {} : { observed: locked.observed }),
      ...(made.words === undefined || words === undefined ? {} : { words }),
      label: task.label,
      key,
      manifest: facts.manifest,
      moved: { from: former.from, key: resultKeyOf(locked) },
    },
  });
  const kept = await store.keep(draft(facts.key));
  if (!kept.ok) return kept;
  let result = kept.value;
  if (!isSameWork(files.value, result)) {
    // The name had another task before, with other files.
    const own = nextKey(
      facts.key,
      'accepted',
      digestFields('moved', [digestFiles(files.value.outputs), resultKeyOf(locked)]),
    );
    const other = await store.keep(draft(own));
    if (!other.ok) return other;
    result = other.value;
  }
  // Where paths changed the gates have to see it: the next build runs them.
  return ok({ check: former.isProven ? check : { ...check, gates: [] }, result });
}

/** The hand-written tree in a manifest; undefined: the task reads only a part of it. */
export function wholeTreeOf(manifest: Manifest): string | undefined {
  return manifest.find(({ name }) => name === 'input (the whole tree)')?.value;
}
