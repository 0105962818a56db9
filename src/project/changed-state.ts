/** How a patched file stands that a person changed since it was published: what of it is hand-written. Writes only objects. */

import type { GitObjects } from '../io/git/objects.js';
import type { Label } from '../model/task.js';
import { type Entry, sameEntry } from '../model/tree.js';
import { applyPatch } from '../workspace/patches/patch.js';
import type { HandChange } from '../workspace/patches/placed-lines.js';
import type { EditedFile } from './edited-files.js';
import {
  type ChangedFile,
  type Composition,
  composition,
  divided,
  handChangeOf,
  takersBeside,
  textEntry,
} from './recorded-patches.js';

export interface ChangeFor {
  /** Whether all patches on the file are in the store. */
  readonly isKnown: boolean;
  readonly isDiscarded: boolean;
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
  const beside = await besidePatches(objects, file, change, how, carried.ok ? carried.value : undefined);
  if (beside) return beside;
  const { touched = [] } = change ?? {};
  if (how.isDiscarded) return reverted(objects, file, change);
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

/** Undefined where the person changed lines of patches. */
async function besidePatches(
  objects: GitObjects,
  file: ChangedFile,
  change: HandChange | undefined,
  { isKnown }: ChangeFor,
  carried: Entry | undefined,
): Promise<State | undefined> {
  const { path, base, merged, onDisk, patches } = file;
  // Where the patches are not known, they are taken for one.
  const all = isKnown ? patches : [{ before: base, after: merged }];
  const found = (text: Entry | undefined, how: Composition): State | undefined =>
    how === 'other' ? undefined : { base: text, order: onDisk, isWhole: isKnown && how !== 'no-fit' };
  if (carried) {
    const state = found(carried, await composition(objects, path, carried, onDisk, all));
    if (state) return state;
  }
  if (!change) return carried && { base: carried };
  if (change.touched.length > 0) return undefined;
  const written = await textEntry(objects, onDisk, change.textWith(new Set()));
  return found(written, await composition(objects, path, written, onDisk, all));
}

/** The recorded patches as they were; what the person changed beside them stays, where it can be told from the rest. */
async function reverted(
  objects: GitObjects,
  { path, base, merged, onDisk, patches }: ChangedFile,
  change: HandChange | undefined,
): Promise<State> {
  if (change) {
    const written = await textEntry(objects, onDisk, change.textWith(new Set()));
    const wanted = await textEntry(objects, onDisk, change.reverted);
    const how = await composition(objects, path, written, wanted, patches);
    if (how === 'same' || how === 'same-lines') return { base: written, order: wanted };
  }
  return { base, order: merged };
}
