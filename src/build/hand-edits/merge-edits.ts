/**
 * Merges hand edits into newly built files, three-way and file by file. Keeps all versions of conflicting files for
 * the user, and records merged files only when the gates pass on them.
 */

import { rename } from 'node:fs/promises';
import type { DependencyOutputs } from '../../analysis/dependency-outputs.js';
import { standsFor } from '../../analysis/former/reformatted.js';
import { mayEvolve } from '../../analysis/input-tree.js';
import { isOwn, stillMade } from '../../analysis/locked-task.js';
import { pinnedMissing, recordedDigest } from '../../analysis/pinned-results.js';
import type { Prepared } from '../../analysis/prepare.js';
import type { Check } from '../../analysis/verdict.js';
import { mapBounded } from '../../base/bounded.js';
import { err, ok, type Result } from '../../base/result.js';
import { exists, makeDir, readText, removeTree, writeAtomic } from '../../io/files.js';
import { mergeFile } from '../../io/git/merge-file.js';
import type { GitObjects } from '../../io/git/objects.js';
import type { EditPatch, StoredResult } from '../../model/action.js';
import type { Failure } from '../../model/failure.js';
import { resultKeyOf, type TaskRecord } from '../../model/feature-lock.js';
import type { Label, Task } from '../../model/task.js';
import { decodeEntry, type Entry, encodeEntry, type Files, sameEntry } from '../../model/tree.js';
import { CONDUCTOR_FOLDER, folderName } from '../../project/log-files.js';
import { lockedTask, type Project } from '../../project/project.js';
import { contentDigest } from '../../store/arrival.js';
import type { TaskFiles } from './files-on-disk.js';
import { type RecordParts, recordByHand } from './record-edits.js';
import { builtBefore, builtKey, recordedFiles, recordedOutputs } from './recorded-files.js';

/** The states of one file: as recorded, as the person left it, as newly made. Undefined: no such file. */
interface Sides {
  readonly recorded: Entry | undefined;
  readonly yours: Entry | undefined;
  readonly made: Entry | undefined;
}

type Merged = { readonly entry: Entry | undefined } | { readonly conflict: Buffer | undefined };

/**
 * Whether publishing a result would lose an accepted edit: one that it would take the place of, or one of a merged branch. An
 * accepted result loses none if it is of the same work, as it was formatted or verified.
 */
export async function replacesAccepted(prepared: Prepared, task: Task, made: StoredResult): Promise<boolean> {
  const { project } = prepared;
  if ((project.choices.get(task.label)?.accepted.length ?? 0) > 0) return true;
  const locked = lockedTask(project, task);
  if (locked?.recipe !== 'accepted' || locked.result === made.commit) return false;
  return made.provenance.recipe !== 'accepted' || isOtherWork(prepared, task, made);
}

/** Whether a result that people accepted is another work than the recorded one, which they accepted too. */
async function isOtherWork({ project, store }: Prepared, task: Task, made: StoredResult): Promise<boolean> {
  const locked = lockedTask(project, task);
  if (made.provenance.recipe !== 'accepted' || locked?.recipe !== 'accepted') return false;
  // Which record of merged branches counts is decided by what they started from.
  if (project.choices.has(task.label) || contentDigest(made) === recordedDigest(locked)) return false;
  const recorded = resultKeyOf(locked);
  return !(await standsFor(store, made.key, recorded)) && !(await standsFor(store, recorded, made.key));
}

/** What a person's edit was made on, and the edit: the files of a task, and its patches of files that it does not own. */
interface EditedWork {
  readonly recorded: TaskFiles;
  readonly yours: TaskFiles;
}

/**
 * Puts a person's edit of the task's files, accepted or not, onto a result, then those that people accepted on merged
 * branches. Fails with `edit-conflict`, with `drifted-outputs` where nothing tells an accepted edit from what it was made
 * on, or with what the gates say of the merged files.
 */
export async function mergeEdits(
  parts: RecordParts,
  check: Check,
  made: StoredResult,
  dependencyOutputs: ReadonlyMap<Label, DependencyOutputs>,
): Promise<Result<StoredResult, Failure>> {
  const { task } = check;
  const works = await editedWorks(parts, task, made);
  if (!works.ok) return works;
  const kept = new Set<string>();
  let current: TaskFiles = made;
  for (const work of works.value) {
    const merged = await mergeWork(parts, task, work, current);
    if (!merged.ok) return merged;
    for (const path of merged.value.kept) kept.add(path);
    current = merged.value.files;
  }
  if (kept.size === 0) return ok(made);
  const message = `your edit of ${[...kept].join(', ')} was merged onto the new result`;
  parts.caller.emit({ type: 'warning', task: task.label, message });
  // An accepted result is no ground of its own: the edit stands on what conductor had built below it.
  const over = made.provenance.recipe === 'accepted' ? await builtKey(parts.prepared, task) : made.key;
  return recordByHand({ ...parts, over }, check, current, dependencyOutputs);
}

async function mergeWork(
  { prepared: { project } }: RecordParts,
  task: Task,
  { recorded, yours }: EditedWork,
  made: TaskFiles,
): Promise<Result<{ readonly files: TaskFiles; readonly kept: readonly string[] }, Failure>> {
  const conflicts = new Map<string, Buffer | undefined>();
  const kept: string[] = [];
  const merge = async (path: string, sides: Sides): Promise<Entry | undefined> => {
    const merged = await mergeSides(project.objects, sides);
    if ('conflict' in merged) conflicts.set(path, merged.conflict);
    const entry = 'entry' in merged ? merged.entry : undefined;
    if (!sameEntry(entry, sides.made)) kept.push(path);
    return entry;
  };
  const outputs = new Map<string, Entry>();
  for (const path of new Set([...recorded.outputs.keys(), ...yours.outputs.keys(), ...made.outputs.keys()])) {
    const entry = await merge(path, {
      recorded: recorded.outputs.get(path),
      yours: yours.outputs.get(path),
      made: made.outputs.get(path),
    });
    if (entry) outputs.set(path, entry);
  }
  const edits: EditPatch[] = [];
  for (const edit of made.edits) {
    const of = ({ edits: all }: TaskFiles) => all.find(({ path }) => path === edit.path) ?? edit;
    const sides = { recorded: of(recorded).after, yours: of(yours).after, made: edit.after };
    edits.push({ ...edit, after: await merge(edit.path, sides) });
  }
  if (conflicts.size === 0) return ok({ files: { outputs, edits }, kept });
  const sides = { recorded: recorded.outputs, yours: yours.outputs, made: made.outputs };
  const workspace = await leaveSides(project, task, sides, conflicts);
  return err({ kind: 'edit-conflict', paths: [...conflicts.keys()], workspace });
}

/** The edits that a result is to be merged with: that of the record, then those of other branches. */
async function editedWorks(
  parts: RecordParts,
  task: Task,
  made: StoredResult,
): Promise<Result<EditedWork[], Failure>> {
  const { project } = parts.prepared;
  const choice = project.choices.get(task.label);
  const works: EditedWork[] = [];
  const isOwnChoice = choice !== undefined && made.provenance.recipe === 'accepted';
  if (!isOwnChoice) {
    const work = await editedWork(parts, task, made);
    if (!work.ok) return work;
    if (work.value) works.push(work.value);
  }
  for (const record of choice?.accepted ?? []) {
    if (stillMade(project, task, record).length === 0) continue;
    const yours = await recordedFiles(parts.prepared, record);
    const base = await builtBefore(parts.prepared, record);
    if (!yours || !base) return err(notKnown(parts, task, record));
    works.push({ recorded: base, yours });
  }
  return ok(works);
}

/** Undefined: there is no edit, or the result goes on from what people wrote before there was a spec. */
async function editedWork(
  parts: RecordParts,
  task: Task,
  made: StoredResult,
): Promise<Result<EditedWork | undefined, Failure>> {
  const { project } = parts.prepared;
  const onDisk: Files = project.owned.get(task.label) ?? new Map();
  const locked = lockedTask(project, task);
  if (locked?.recipe !== 'accepted') {
    const recorded = { outputs: recordedOutputs(project, task), edits: [] };
    return ok({ recorded, yours: { outputs: onDisk, edits: [] } });
  }
  if (stillMade(project, task, locked).length === 0) return ok(undefined);
  if (await isOtherWork(parts.prepared, task, made)) {
    // What they accepted last counts.
    const yours = await recordedFiles(parts.prepared, locked);
    return yours
      ? ok({ recorded: made, yours: { ...yours, outputs: onDisk } })
      : err(notKnown(parts, task, locked));
  }
  const isAdopted = await isAsAdopted(parts.prepared, task, locked);
  if (isAdopted && mayEvolve(task)) return ok(undefined);
  const accepted = await recordedFiles(parts.prepared, locked);
  if (isAdopted && accepted) {
    // Nothing was built below: only patches have a ground, and other files must be the same or are for the person to judge.
    const edits = accepted.edits.map((edit) => ({ ...edit, after: edit.before }));
    return ok({ recorded: { outputs: new Map(), edits }, yours: { outputs: onDisk, edits: accepted.edits } });
  }
  const base = await builtBefore(parts.prepared, locked);
  if (!base || !accepted) return err(notKnown(parts, task, locked));
  const outputs = new Map(onDisk);
  if (project.choices.has(task.label)) {
    // Files of another branch, or what git made of both: the accepted ones are those of the record.
    for (const [path, entry] of onDisk) {
      if (project.recorded.get(path)?.has(encodeEntry(entry)) === true) outputs.delete(path);
    }
  }
  // A file that is gone is written again: that is no edit.
  for (const [path, entry] of accepted.outputs)
    if (!outputs.has(path) && isOwn(project, task, path)) outputs.set(path, entry);
  return ok({ recorded: base, yours: { outputs, edits: accepted.edits } });
}

/** Whether the task's files are as they were adopted: nothing was built for it yet, and nobody edited them since. */
async function isAsAdopted({ project, store }: Prepared, task: Task, locked: TaskRecord): Promise<boolean> {
  if (locked.handWork === undefined) return false;
  const onDisk: Files = project.owned.get(task.label) ?? new Map();
  const words = Object.entries(locked.outputs).filter(([path]) => isOwn(project, task, path));
  const isSame =
    words.length === onDisk.size &&
    words.every(([path, word]) => sameEntry(onDisk.get(path), decodeEntry(word)));
  const found = isSame ? await store.find(resultKeyOf(locked)) : undefined;
  return found?.ok === true && found.value !== undefined && found.value.provenance.over === undefined;
}

/** Nothing tells an accepted edit from what it was made on: it may only be that a remote did not answer. */
function notKnown({ prepared: { project, store } }: RecordParts, task: Task, record: TaskRecord): Failure {
  const unreached = store.unreached?.(resultKeyOf(record)) ?? [];
  if (unreached.length > 0)
    return pinnedMissing(project, task, { kind: 'result-missing', key: '', unreached });
  return { kind: 'drifted-outputs', paths: stillMade(project, task, record) };
}

async function mergeSides(objects: GitObjects, { recorded, yours, made }: Sides): Promise<Merged> {
  if (sameEntry(yours, recorded) || sameEntry(yours, made)) return { entry: made };
  if (sameEntry(made, recorded)) return { entry: yours };
  const sides = [yours, recorded, made];
  const isText = sides.every((entry) => !entry || entry.mode.startsWith('100'));
  if (!yours || !made || !isText) return { conflict: undefined };
  const texts = await mapBounded(sides, async (entry) => (entry ? objects.read(entry.id) : Buffer.alloc(0)));
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
  if (await isWorkedOn(folder, conflicts)) await setAside(folder);
  else await removeTree(folder);
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

/** Whether a person has begun to resolve the conflicts in the folder of an earlier build. */
async function isWorkedOn(
  folder: string,
  conflicts: ReadonlyMap<string, Buffer | undefined>,
): Promise<boolean> {
  for (const [path, marked] of conflicts) {
    const found = await readText(`${folder}/merged/${path}`);
    if (found !== undefined && found !== marked?.toString('utf8')) return true;
  }
  return false;
}

async function setAside(folder: string): Promise<void> {
  let number = 1;
  while (await exists(`${folder}.${number}`)) number++;
  await rename(folder, `${folder}.${number}`);
}
