/** How a patched file stands that a person changed since it was published: what of it is hand-written. Writes only objects. */

import type { GitObjects } from '../../io/git/objects.js';
import type { Label } from '../../model/task.js';
import { type Entry, type ObjectId, sameEntry } from '../../model/tree.js';
import { applyPatch } from '../../workspace/patches/patch.js';
import type { HandChange, TouchedLines } from '../../workspace/patches/placed-lines.js';
import {
  besideText,
  type ChangedFile,
  type Composition,
  composition,
  type Divided,
  divided,
  handChangeOf,
  takersBeside,
  textEntry,
} from './recorded-patches.js';

/** How an edited file stands: as people wrote it, and how conductor left it last. */
export interface EditedFile {
  readonly base: Entry | undefined;
  /** `base` in keys: also where a clone knows only from a lock which file it was. Empty: people wrote none. */
  readonly baseKey: string;
  readonly onDisk: Entry | undefined;
  /** The file as conductor last left it; undefined when no task has patched it yet. */
  readonly merged: ObjectId | undefined;
  /** False when what people wrote is in no store any more: then `base` still holds the patches. */
  readonly baseKnown: boolean;
  /** A person changed lines that a patch put in: whose word counts is not for conductor to say. */
  readonly contested: boolean;
  /** A person's change of patched lines is left out of `base` and `order`: it is to be thrown away. */
  readonly isDiscarded: boolean;
  /** The lines that make it contested; empty where they cannot be told. */
  readonly touched: readonly TouchedLines[];
  /** Of a contested file: tasks that can be accepted together, so that it is contested no more. */
  readonly takers: readonly Label[];
  /** Set where a task that patches the file is to be accepted, and the file would be contested without that. */
  readonly claim: Claim | undefined;
  /** Tells the order of lines that people and patches put at one place. */
  readonly order: Entry | undefined;
  /** The file on disk is `base` with the recorded patches, in the order of lines that a person or the last build gave it. */
  readonly isWhole: boolean;
}

/** What becomes of a person's change of patched lines that is accepted. */
export type Claim =
  | { readonly kind: 'divided'; readonly patches: Divided['patches'] }
  /** These tasks have to be accepted too: the change concerns their patches. */
  | { readonly kind: 'shared'; readonly with: readonly Label[] };

export interface ChangeFor {
  /** Whether all patches on the file are in the store. */
  readonly isKnown: boolean;
  /** Edits of the patches of a task of the file are to be thrown away. */
  readonly isDiscarded: boolean;
  /** The other tasks of the file: edits of their patches are not. */
  readonly keeping: ReadonlySet<Label>;
  /** The tasks of the file that are to be accepted. */
  readonly takers: ReadonlySet<Label> | undefined;
}

type State = Pick<EditedFile, 'base'> & Partial<EditedFile>;

/**
 * What a person wrote beside the patches is hand-written text, as long as the patches on it give the file on disk again. What
 * changes lines of a patch is thrown away, or accepted, or makes the file contested.
 */
export async function changedState(objects: GitObjects, file: ChangedFile, how: ChangeFor): Promise<State> {
  const { path, base, merged, onDisk } = file;
  const carried = await applyPatch(objects, base, { path, before: merged, after: onDisk });
  // A person took all patches out, or nothing tells what they are.
  if (carried.ok && (!how.isKnown || sameEntry(carried.value, onDisk))) return { base: carried.value };
  const change = await handChangeOf(objects, file);
  const found = { change, carried: carried.ok ? carried.value : undefined };
  const beside = await besidePatches(objects, file, how, found);
  if (beside) return beside;
  const { touched = [] } = change ?? {};
  if (how.isDiscarded && !concernsKept(touched, how.keeping)) return reverted(objects, file, change);
  const contested = async (takers: ReadonlySet<Label>) => ({
    base: onDisk,
    contested: true,
    touched,
    takers: await takersBeside(objects, file, change, takers),
  });
  if (!how.takers) return contested(new Set());
  const parts = await divided(objects, file, change, how.takers);
  if (parts) return { base: parts.base, order: onDisk, claim: { kind: 'divided', patches: parts.patches } };
  const state = await contested(how.takers);
  return { ...state, claim: { kind: 'shared', with: state.takers } };
}

/** Whether the change is one of patches whose edits are kept, or may be one where nothing tells whose lines it changes. */
function concernsKept(touched: readonly TouchedLines[], keeping: ReadonlySet<Label>): boolean {
  const isKept = (tasks: readonly Label[]) =>
    tasks.length === 0 ? keeping.size > 0 : tasks.some((label) => keeping.has(label));
  return touched.length === 0 ? keeping.size > 0 : touched.some(({ tasks }) => isKept(tasks));
}

/** Undefined where the person changed lines of patches. */
async function besidePatches(
  objects: GitObjects,
  file: ChangedFile,
  { isKnown }: ChangeFor,
  { change, carried }: { readonly change: HandChange | undefined; readonly carried: Entry | undefined },
): Promise<State | undefined> {
  const { path, base, merged, onDisk, patches } = file;
  // Where the patches are not known, they are taken for one.
  const all = isKnown ? patches : [{ before: base, after: merged }];
  const found = (text: Entry | undefined, how: Composition): State | undefined =>
    how === 'other' ? undefined : { base: text, order: onDisk, isWhole: isKnown && how !== 'no-fit' };
  if (carried) {
    const state = found(carried, await composition(objects, all, { path, base: carried, wanted: onDisk }));
    if (state) return state;
  }
  if (!change) return carried && { base: carried };
  if (change.touched.length > 0) return undefined;
  const { text, how } = await besideText(objects, { path, onDisk, patches: all }, change);
  return found(text, how);
}

/** The recorded patches as they were; what the person changed beside them stays, where it can be told from the rest. */
async function reverted(
  objects: GitObjects,
  { path, base, merged, onDisk, patches }: ChangedFile,
  change: HandChange | undefined,
): Promise<State> {
  if (change) {
    const wanted = await textEntry(objects, onDisk, change.reverted);
    const { text, how } = await besideText(objects, { path, onDisk, patches }, change, wanted);
    if (how === 'same' || how === 'same-lines') return { base: text, order: wanted, isDiscarded: true };
  }
  return { base, order: merged, isDiscarded: true };
}
