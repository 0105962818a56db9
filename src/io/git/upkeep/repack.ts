/** Makes conductor's repository independent of the one whose objects it borrows. Does not know what its refs mean. */

import { readdir, readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { mapBounded } from '../../../base/bounded.js';
import { type GitCall, git, gitOk } from '../git-process.js';

const HALF_WRITTEN_MS = 60 * 60 * 1000;

/**
 * Packs everything that new refs below `refs/conductor/` reach, also what lies in the person's repository and could be
 * pruned there, then the refs themselves: a ref that is still a file of its own is a new one. Killed half-way, it is
 * done again next time.
 */
export async function repackRefs(store: string): Promise<void> {
  const call: GitCall = { gitDir: store, dir: store };
  await sweepPacks(join(store, 'objects', 'pack'));
  const ids = await looseRefs(join(store, 'refs', 'conductor'));
  if (ids.length === 0) return;
  const input = ids.map((id) => `${id}\n`).join('');
  const listed = await gitOk(['rev-list', '--objects', '--no-object-names', '--stdin'], { ...call, input });
  await gitOk(['pack-objects', '-q', '--window=0', join(store, 'objects', 'pack', 'pack')], {
    ...call,
    input: listed,
  });
  await git(['prune-packed', '-q'], call);
  await gitOk(['pack-refs', '--all'], call);
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
    const age = performance.timeOrigin + performance.now() - (await stat(join(folder, name))).mtimeMs;
    if (age > HALF_WRITTEN_MS) await rm(join(folder, name), { force: true });
  }
}
