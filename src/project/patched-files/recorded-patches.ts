/** The recorded patches of one file, put on it as they are recorded or divided again among their tasks. Decides nothing. */

import { ownValue } from '../../base/records/own-value.js';
import type { GitObjects } from '../../io/git/objects.js';
import { type FeatureLock, recordsOf, type TaskRecord } from '../../model/feature-lock.js';
import type { Label } from '../../model/task.js';
import type { TaskGraph } from '../../model/task-graph.js';
import { decodeEntry, type Entry, type Listing, type ObjectId, sameEntry } from '../../model/tree.js';
import { type Change, foldChanges, hasSameLines, readTexts } from '../../workspace/patches/patch.js';
import { type HandChange, handChange } from '../../workspace/patches/placed-lines.js';

export interface RecordedPatch extends Pick<PatchSides, 'before' | 'after'> {
  readonly label: Label;
}

/** A patch of a file as a result has it, and the hand-written text that it was made on. */
export interface PatchSides {
  readonly base: Entry | undefined;
  readonly before: Entry | undefined;
  readonly after: Entry | undefined;
}

/** A file that tasks patched and a person changed since. */
export interface ChangedFile {
  readonly path: string;
  /** As people wrote it when it was last published. */
  readonly base: Entry | undefined;
  /** As it was published last. */
  readonly merged: Entry | undefined;
  readonly onDisk: Entry | undefined;
  /** In the order in which they are put on the file. */
  readonly patches: readonly RecordedPatch[];
}

/** In the order in which they are put on the file; undefined where a store no longer has one of them. */
export async function recordedPatches(
  objects: GitObjects,
  path: string,
  graph: TaskGraph,
  { locks, by }: { readonly locks: ReadonlyMap<string, FeatureLock>; readonly by: readonly Label[] },
): Promise<RecordedPatch[] | undefined> {
  const found = new Map<Label, readonly TaskRecord[]>();
  for (const [feature, { tasks }] of locks) {
    for (const [id, task] of Object.entries(tasks)) {
      const records = recordsOf(task).filter((record) => ownValue(record.edits, path));
      if (records.length > 0) found.set(`${feature}/${id}`, records);
    }
  }
  // A feature was removed with its records: its patch is on the file all the same.
  if (by.some((label) => !found.has(label))) return undefined;
  const labels = graph.inOrder([...found.keys()].filter((label) => graph.tasks.has(label)));
  const gone = [...found.keys()].filter((label) => !graph.tasks.has(label));
  const patches: RecordedPatch[] = [];
  for (const label of [...labels, ...gone]) {
    const [record] = found.get(label) as readonly TaskRecord[];
    const sides = record && (await patchSides(objects, record.result, path));
    if (!sides) return undefined;
    patches.push({ label, before: sides.before, after: recordedAfter(record, path) });
  }
  return patches;
}

/** The folders of patches in results, by their ids: each is read once. */
const LISTED = new WeakMap<GitObjects, Map<ObjectId, Listing>>();

/** Undefined where the store has no such result. */
export async function patchSides(
  objects: GitObjects,
  commit: ObjectId,
  path: string,
): Promise<PatchSides | undefined> {
  if ((await objects.resolve(`${commit}^{tree}`)) === undefined) return undefined;
  const folder = (await objects.resolve(`${commit}:edits`)) ?? (await objects.empty());
  const listed = LISTED.get(objects) ?? new Map<ObjectId, Listing>();
  LISTED.set(objects, listed);
  const files = listed.get(folder) ?? (await objects.list(folder));
  listed.set(folder, files);
  const [base, before, after] = ['base', 'before', 'after'].map((side) => files.get(`${side}/${path}`));
  return { base, before, after };
}

/** What a record says that a task made of a file. */
export function recordedAfter({ edits }: TaskRecord, path: string): Entry | undefined {
  const word = ownValue(edits, path)?.after ?? '';
  return word === '' ? undefined : decodeEntry(word);
}

/** Undefined where the file is no text. */
export async function handChangeOf(objects: GitObjects, file: ChangedFile): Promise<HandChange | undefined> {
  const { base, merged, onDisk, patches } = file;
  if (!onDisk) return undefined;
  const sides = patches.flatMap(({ before, after }) => [before, after]);
  const texts = await readTexts(objects, [base, merged, onDisk, ...sides]);
  if (!texts) return undefined;
  // Latin-1 keeps every byte as one character, whatever the encoding of the file is.
  const [before = '', all = '', now = '', ...rest] = texts.map((text) => text.toString('latin1'));
  const own = patches.map(({ label }, i) => ({
    task: label,
    before: rest[2 * i] as string,
    after: rest[2 * i + 1] as string,
  }));
  const change = handChange({ before, merged: all, now, patches: own });
  const shown = (lines: readonly string[]) =>
    lines.map((line) => Buffer.from(line.replace(/\r?\n$/, ''), 'latin1').toString('utf8'));
  const touched = change.touched.map(({ tasks, was, now: left }) => ({
    tasks,
    was: shown(was),
    now: shown(left),
  }));
  return { ...change, touched };
}

/** What stands beside the patches in a text that a person changed, as a file, and how it stands with them to `wanted`. */
export async function besideText(
  objects: GitObjects,
  { path, onDisk, patches }: Pick<ChangedFile, 'path' | 'onDisk'> & { readonly patches: readonly Sides[] },
  change: HandChange,
  wanted = onDisk,
): Promise<{ readonly text: Entry; readonly how: Composition }> {
  const text = await textEntry(objects, onDisk, change.textWith(new Set()));
  return { text, how: await composition(objects, patches, { path, base: text, wanted }) };
}

/** How a file with patches on it stands to another text. */
export type Composition = 'same' | 'same-lines' | 'other' | 'no-fit';

type Sides = Omit<Change, 'path'>;

/** The patches on `base`, against the text that also tells the order of lines. */
export async function composition(
  objects: GitObjects,
  patches: readonly Sides[],
  {
    path,
    base,
    wanted,
  }: { readonly path: string; readonly base: Entry | undefined; readonly wanted: Entry | undefined },
): Promise<Composition> {
  const changes = patches.map(({ before, after }) => ({ path, before, after, order: wanted }));
  const { file, left } = await foldChanges(objects, base, changes);
  if (left.length > 0) return 'no-fit';
  if (sameEntry(file, wanted)) return 'same';
  // A comma that ends a line says nothing but that it is not the last.
  const essence = (line: string) => line.replace(/,?\r?$/, '');
  const isSame = file && wanted && (await hasSameLines(objects, file, wanted, essence));
  return isSame ? 'same-lines' : 'other';
}

/** What a person made of a file, as hand-written text and patches of tasks. */
export interface Divided {
  readonly base: Entry | undefined;
  /** The patches that are other ones than recorded. */
  readonly patches: ReadonlyMap<Label, RecordedPatch>;
}

/**
 * The file on disk as a hand-written text with patches, of which only those of `takers` are other ones than recorded.
 * Undefined where the change concerns the patches of other tasks too. Put together, they give the file on disk.
 */
export async function divided(
  objects: GitObjects,
  file: ChangedFile,
  change: HandChange | undefined,
  takers: ReadonlySet<Label>,
): Promise<Divided | undefined> {
  const { path, base, onDisk, patches } = file;
  const touched = new Set(change?.touched.flatMap(({ tasks }) => tasks));
  if ([...touched].some((label) => !takers.has(label))) return undefined;
  const isWhole = async ({ base: text, patches: own }: Divided) => {
    const all = patches.map((patch) => own.get(patch.label) ?? patch);
    return (await composition(objects, all, { path, base: text, wanted: onDisk })) === 'same';
  };
  const written = change && (await textEntry(objects, onDisk, change.textWith(new Set())));
  if (change && written) {
    const own = async (labels: Iterable<Label>) => {
      const made = new Map<Label, RecordedPatch>();
      for (const label of labels) {
        const after = await textEntry(objects, onDisk, change.textWith(new Set([label])));
        made.set(label, { label, before: written, after });
      }
      return { base: written, patches: made };
    };
    const ours = patches.map(({ label }) => label).filter((label) => takers.has(label));
    for (const labels of [touched, new Set(ours)]) {
      const found = await own(labels);
      if (await isWhole(found)) return found;
    }
  }
  const last = patches.at(-1);
  if (!last || !takers.has(last.label)) return undefined;
  // The one that is put on last can leave the file as it is, whatever the others are.
  const others = patches.slice(0, -1).map(({ before, after }) => ({ path, before, after }));
  const { file: below, left } = await foldChanges(objects, base, others);
  const onOthers = {
    base,
    patches: new Map([[last.label, { label: last.label, before: below, after: onDisk }]]),
  };
  if (left.length === 0 && (await isWhole(onOthers))) return onOthers;
  if (!patches.every(({ label }) => takers.has(label))) return undefined;
  const none = patches.map(({ label }): [Label, RecordedPatch] => [
    label,
    { label, before: base, after: base },
  ]);
  const alone = new Map(none).set(last.label, { label: last.label, before: base, after: onDisk });
  return { base, patches: alone };
}

/** The tasks that have to be accepted with `takers`, so that the change can be divided. */
export async function takersBeside(
  objects: GitObjects,
  file: ChangedFile,
  change: HandChange | undefined,
  takers: ReadonlySet<Label>,
): Promise<Label[]> {
  const labels = file.patches.map(({ label }) => label);
  const touched = new Set(change?.touched.flatMap(({ tasks }) => tasks));
  const last = labels.at(-1);
  const tries = [touched, new Set([...touched, ...(last === undefined ? [] : [last])]), new Set(labels)];
  for (const more of tries) {
    const all = new Set([...takers, ...more]);
    if (await divided(objects, file, change, all))
      return labels.filter((one) => more.has(one) && !takers.has(one));
  }
  return labels.filter((label) => !takers.has(label));
}

/** `text` as a file with the mode of the one on disk. */
export async function textEntry(
  objects: GitObjects,
  onDisk: Entry | undefined,
  text: string,
): Promise<Entry> {
  return { mode: onDisk?.mode ?? '100644', id: await objects.writeBlob(Buffer.from(text, 'latin1')) };
}
