/** Makes conductor's repository independent of the one whose objects it borrows. Does not know what its refs mean. */

import { readdir, readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { mapBounded } from '../../../base/bounded.js';
import type { ObjectId } from '../../../model/tree.js';
import { type GitCall, git, gitOk } from '../git-process.js';

const HALF_WRITTEN_MS = 60 * 60 * 1000;

/**
 * Packs everything that new refs below `refs/conductor/` reach, also what lies in the person's repository and could be
 * pruned there, then the refs themselves: a ref that is still a file of its own is a new one. Killed half-way, it is
 * done again next time. Objects that are in a pack are no files of their own afterwards; `hasNewPacks`: also where no ref is new.
 */
export async function repackRefs(store: string, hasNewPacks = false): Promise<void> {
  const call: GitCall = { gitDir: store, dir: store };
  await sweepPacks(join(store, 'objects', 'pack'));
  const ids = await looseRefs(join(store, 'refs', 'conductor'));
  if (ids.length > 0) await packReachable(call, ids);
  if (ids.length > 0 || hasNewPacks) await git(['prune-packed', '-q'], call);
  if (ids.length > 0) await gitOk(['pack-refs', '--all'], call);
}

/** Puts all that these commits reach into one pack, in place of the packs named, in which nothing else is needed. */
export async function mergePacks(
  store: string,
  names: readonly string[],
  commits: readonly ObjectId[],
): Promise<void> {
  const call: GitCall = { gitDir: store, dir: store };
  const made = await packReachable(call, commits);
  const folder = join(store, 'objects', 'pack');
  for (const name of names) {
    if (made.includes(name)) continue;
    // First what git looks for.
    for (const end of ['idx', 'pack']) await rm(join(folder, `${name}.${end}`), { force: true });
  }
}

/** The names of the packs. */
async function packReachable(call: GitCall, ids: readonly ObjectId[]): Promise<string[]> {
  const input = ids.map((id) => `${id}\n`).join('');
  const listed = await gitOk(['rev-list', '--objects', '--no-object-names', '--stdin'], { ...call, input });
  const prefix = join(call.gitDir as string, 'objects', 'pack', 'pack');
  const made = await gitOk(['pack-objects', '-q', '--window=0', prefix], { ...call, input: listed });
  return made
    .toString('latin1')
    .split('\n')
    .filter(Boolean)
    .map((digest) => `pack-${digest}`);
}

async function looseRefs(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
  const files = entries.filter((entry) => entry.isFile() && !entry.name.endsWith('.lock'));
  const ids = await mapBounded(files, async (entry) =>
    (await readFile(join(entry.parentPath, entry.name), 'utf8')).trim(),
  );
  return ids.filter((id) => /^[0-9a-f]{40,64}$/.test(id));
}

/** Half-written packs of a git that was killed; a young one may be of a git that still runs. */
async function sweepPacks(folder: string): Promise<void> {
  for (const name of await readdir(folder).catch(() => [])) {
    if (!name.startsWith('tmp_')) continue;
    // A git that runs may have finished the pack since the folder was read.
    const found = await stat(join(folder, name)).catch(() => undefined);
    if (found && performance.timeOrigin + performance.now() - found.mtimeMs > HALF_WRITTEN_MS)
      await rm(join(folder, name), { force: true });
  }
}
