/**
 * Puts what a person edited onto what was newly made: file by file a merge of three. Where both changed the same lines
 * the sides are left for the person to see. Records the merged files only when the gates pass on them.
 */

import type { DependencyOutputs } from '../../analysis/dependency-outputs.js';
import type { Check } from '../../analysis/verdict.js';
import { err, ok, type Result } from '../../base/result.js';
import { makeDir, removeTree, writeAtomic } from '../../io/files.js';
import { mergeFile } from '../../io/git/merge-file.js';
import type { GitObjects } from '../../io/git/objects.js';
import type { StoredResult } from '../../model/action.js';
import type { Failure } from '../../model/failure.js';
import type { Label, Task } from '../../model/task.js';
import { decodeEntry, type Entry, type Files, sameEntry } from '../../model/tree.js';
import { CONDUCTOR_FOLDER, folderName } from '../../project/log-files.js';
import { lockedTask, type Project } from '../../project/project.js';
import { type RecordParts, recordByHand } from './record-edits.js';

/** The states of one file: as recorded, as the person left it, as newly made. Undefined: no such file. */
interface Sides {
  readonly recorded: Entry | undefined;
  readonly yours: Entry | undefined;
  readonly made: Entry | undefined;
}

type Merged = { readonly entry: Entry | undefined } | { readonly conflict: Buffer | undefined };

/** Fails with `edit-conflict`, or with what the gates say of the merged files. */
export async function mergeEdits(
  parts: RecordParts,
  check: Check,
  made: StoredResult,
  dependencyOutputs: ReadonlyMap<Label, DependencyOutputs>,
): Promise<Result<StoredResult, Failure>> {
  const { project } = parts.prepared;
  const { task } = check;
  const recorded = recordedOutputs(project, task);
  const yours: Files = project.owned.get(task.label) ?? new Map();
  const outputs = new Map<string, Entry>();
  const conflicts = new Map<string, Buffer | undefined>();
  const kept: string[] = [];
  for (const path of new Set([...recorded.keys(), ...yours.keys(), ...made.outputs.keys()])) {
    const sides = { recorded: recorded.get(path), yours: yours.get(path), made: made.outputs.get(path) };
    const merged = await mergeSides(project.objects, sides);
    if ('conflict' in merged) conflicts.set(path, merged.conflict);
    else if (merged.entry) outputs.set(path, merged.entry);
    if (!sameEntry('entry' in merged ? merged.entry : undefined, sides.made)) kept.push(path);
  }
  if (conflicts.size > 0) {
    const workspace = await leaveSides(project, task, { recorded, yours, made: made.outputs }, conflicts);
    return err({ kind: 'edit-conflict', paths: [...conflicts.keys()], workspace });
  }
  if (kept.length === 0) return ok(made);
  const message = `your edit of ${kept.join(', ')} was merged into the newly built files`;
  parts.caller.emit({ type: 'warning', task: task.label, message });
  return recordByHand(parts, check, { outputs, edits: made.edits }, dependencyOutputs);
}

/** Outputs as the lock file has them. */
export function recordedOutputs(project: Project, task: Task): Map<string, Entry> {
  const words = Object.entries(lockedTask(project, task)?.outputs ?? {});
  return new Map(words.map(([path, word]) => [path, decodeEntry(word)]));
}

async function mergeSides(objects: GitObjects, { recorded, yours, made }: Sides): Promise<Merged> {
  if (sameEntry(yours, recorded) || sameEntry(yours, made)) return { entry: made };
  if (sameEntry(made, recorded)) return { entry: yours };
  const sides = [yours, recorded, made];
  const isText = sides.every((entry) => !entry || entry.mode.startsWith('100'));
  if (!yours || !made || !isText) return { conflict: undefined };
  const texts = await Promise.all(sides.map((entry) => (entry ? objects.read(entry.id) : Buffer.alloc(0))));
  const [ours, base, theirs] = texts;
  if (!ours || !base || !theirs || texts.some((text) => text?.includes(0))) return { conflict: undefined };
  const { text, conflicts } = await mergeFile(ours, base, theirs, {
    labels: ['your edit', 'recorded', 'newly made'],
    size: 7,
  });
  if (conflicts > 0) return { conflict: text };
  const mode = yours.mode === recorded?.mode ? made.mode : yours.mode;
  return { entry: { mode, id: await objects.writeBlob(text) } };
}

/**
 * All files of the task, side by side in a folder each; `merged` has marks where the sides do not agree. Returns the
 * folder, relative to the project.
 */
async function leaveSides(
  project: Project,
  task: Task,
  sides: Readonly<Record<'recorded' | 'yours' | 'made', Files>>,
  conflicts: ReadonlyMap<string, Buffer | undefined>,
): Promise<string> {
  const relative = `${CONDUCTOR_FOLDER}/conflicts/${folderName(task.label)}`;
  const folder = `${project.repository.project}/${relative}`;
  await removeTree(folder);
  for (const [name, files] of Object.entries(sides)) {
    await makeDir(`${folder}/${name}`);
    for (const [path, entry] of files) {
      const content = await project.objects.read(entry.id);
      if (content) await writeAtomic(`${folder}/${name}/${path}`, content);
    }
  }
  for (const [path, marked] of conflicts) {
    if (marked) await writeAtomic(`${folder}/merged/${path}`, marked);
  }
  return relative;
}
