/**
 * Keeps conductor's repository small, and independent of the one whose objects it borrows: at the end of a build as far as it
 * must be, and the rest only when enough has come together. Does not know what its refs mean.
 */

import { appendFileSync } from 'node:fs';
import { readdir, readFile, rm, stat, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { mapBounded } from '../../../base/bounded.js';
import type { ObjectId } from '../../../model/tree.js';
import { syncFolder } from '../../durable.js';
import { isMissing, throwIfNotSeen } from '../../errors.js';
import { namesIn } from '../../files.js';
import { loosePath } from '../damaged.js';
import { type GitCall, git, gitOk } from '../git-process.js';

const HALF_WRITTEN_MS = 60 * 60 * 1000;
/** So many packs cost git little when it looks for an object. */
const MOST_PACKS = 20;
/** Few, because a build publishes meanwhile, and waits for the same threads. */
const REMOVED_AT_ONCE = 2;
/** And so many refs that are files of their own. */
const MOST_REFS = 50;
/** Refs whose objects are all in packs of the store, one a line: `<id> <name>`. A ref that is missing here may borrow some. */
const WHOLE_REFS = 'whole-refs';

/** Says that new refs borrow nothing, so that the end of a build may leave them as they are. */
export function noteWholeRefs(store: string, refs: Iterable<readonly [string, ObjectId]>): void {
  const lines = [...refs].map(([name, id]) => `${id} ${name}\n`);
  try {
    if (lines.length > 0) appendFileSync(join(store, WHOLE_REFS), lines.join(''));
  } catch {
    // A ref without a line is packed at the end of a build.
  }
}

/**
 * Packs everything that new refs below `refs/conductor/` reach, also what lies in the person's repository and could be
 * pruned there, then the refs themselves: a ref that is still a file of its own is a new one. Those that borrow nothing wait until
 * they are many. Killed half-way, it is done again next time. `packed`: objects that were put into packs since the last call, and are
 * no files of their own afterwards.
 */
export async function repackRefs(store: string, packed: readonly ObjectId[] | 'many' = []): Promise<void> {
  const call: GitCall = { gitDir: store, dir: store };
  const folder = join(store, 'objects', 'pack');
  const packs = await sweptPacks(folder);
  if (packs.length > MOST_PACKS) await mergePacks(call, folder, packs);
  const refs = await looseRefs(store);
  const isDue = refs.length > MOST_REFS || (await borrowing(store, refs)).length > 0;
  const done = new Set<ObjectId>();
  // Other builds may keep results meanwhile: a ref that is packed is not looked at again.
  for (let left = isDue ? refs : []; left.length > 0; ) {
    await packReachable(call, left);
    for (const { id } of left) done.add(id);
    left = (await borrowing(store, await looseRefs(store))).filter(({ id }) => !done.has(id));
  }
  if (isDue || packed === 'many') await git(['prune-packed', '-q'], call);
  else await mapBounded(packed, (id) => rm(loosePath(store, id), { force: true }));
  if (!isDue) return;
  await gitOk(['pack-refs', '--all'], call);
  await forgetWholeRefs(store);
}

/** Called when no ref is a file of its own any more, or when objects leave the store. */
export async function forgetWholeRefs(store: string): Promise<void> {
  await rm(join(store, WHOLE_REFS), { force: true });
}

interface Pack {
  readonly name: string;
  readonly bytes: number;
  /** Its files, in the order in which they are removed: first what git looks for. */
  readonly files: readonly string[];
}

/**
 * Makes one pack of the smallest, so many that each that is left is more than twice as large as all smaller ones: a store of any size
 * has few packs, and an object is written again only when the store has grown to the double.
 */
async function mergePacks(call: GitCall, folder: string, packs: readonly Pack[]): Promise<void> {
  const sorted = [...packs].sort((a, b) => a.bytes - b.bytes);
  let [count, sum] = [0, 0];
  sorted.forEach((pack, at) => {
    if (pack.bytes < 2 * sum || at < 2) count = at + 1;
    sum += pack.bytes;
  });
  if (count < 2) return;
  const merged = sorted.slice(0, count);
  const input = merged.map(({ name }) => `${name}.pack\n`).join('');
  const options = ['-q', '--window=0', '--stdin-packs', join(folder, 'pack')];
  const made = await git(['pack-objects', ...options], { ...call, input });
  // Many packs are no mistake: where one is damaged, or another process has removed it, they stay.
  if (made.code !== 0) return;
  await syncFolder(folder);
  const isOld = ({ name }: Pack) => !made.stdout.includes(name.slice('pack-'.length));
  await mapBounded(
    merged.filter(isOld),
    async ({ files }) => {
      for (const file of files) await removeFile(join(folder, file));
    },
    REMOVED_AT_ONCE,
  );
}

/** `rm` would look at it first. */
async function removeFile(path: string): Promise<void> {
  try {
    await unlink(path);
  } catch (error) {
    if (!isMissing(error)) throw error;
  }
}

async function packReachable(call: GitCall, refs: readonly LooseRef[]): Promise<void> {
  const input = refs.map(({ id }) => `${id}\n`).join('');
  const listed = await gitOk(['rev-list', '--objects', '--no-object-names', '--stdin'], { ...call, input });
  const prefix = join(call.gitDir as string, 'objects', 'pack', 'pack');
  await gitOk(['pack-objects', '-q', '--window=0', prefix], { ...call, input: listed });
}

interface LooseRef {
  readonly name: string;
  readonly id: ObjectId;
}

async function looseRefs(store: string): Promise<LooseRef[]> {
  const folder = join(store, 'refs', 'conductor');
  const entries =
    (await readdir(folder, { recursive: true, withFileTypes: true }).catch(throwIfNotSeen)) ?? [];
  const files = entries.filter((entry) => entry.isFile() && !entry.name.endsWith('.lock'));
  const refs = await mapBounded(files, async (entry) => {
    const path = join(entry.parentPath, entry.name);
    return { name: path.slice(store.length + 1), id: (await readFile(path, 'utf8')).trim() };
  });
  return refs.filter(({ id }) => /^[0-9a-f]{40,64}$/.test(id));
}

/** Those of which nobody said that they borrow nothing. */
async function borrowing(store: string, refs: readonly LooseRef[]): Promise<LooseRef[]> {
  if (refs.length === 0) return [];
  const text = await readFile(join(store, WHOLE_REFS), 'utf8').catch(() => '');
  const whole = new Set(text.split('\n'));
  return refs.filter(({ id, name }) => !whole.has(`${id} ${name}`));
}

/** All packs with an index. Removes half-written ones of a git that was killed; a young one may be of a git that still runs. */
async function sweptPacks(folder: string): Promise<Pack[]> {
  const names = await namesIn(folder);
  for (const name of names.filter((one) => one.startsWith('tmp_'))) {
    // A git that runs may have finished the pack since the folder was read.
    const found = await stat(join(folder, name)).catch(() => undefined);
    if (found && performance.timeOrigin + performance.now() - found.mtimeMs > HALF_WRITTEN_MS)
      await rm(join(folder, name), { force: true });
  }
  const indexed = names.filter((name) => name.endsWith('.idx')).map((name) => name.slice(0, -'.idx'.length));
  if (indexed.length <= MOST_PACKS) return indexed.map((name) => ({ name, bytes: 0, files: [] }));
  const all = new Set(names);
  const packs = await mapBounded(indexed, async (name) => {
    const bytes = (await stat(join(folder, `${name}.pack`)).catch(() => undefined))?.size;
    const files = ['idx', 'rev', 'pack'].map((end) => `${name}.${end}`).filter((file) => all.has(file));
    return bytes === undefined || all.has(`${name}.keep`) ? [] : [{ name, bytes, files }];
  });
  return packs.flat();
}
