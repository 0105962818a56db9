/** Makes what conductor keeps independent of the repository that it borrows from. Knows refs, not what they mean. */

import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type GitCall, git, gitOk } from './run.js';

/**
 * Packs everything that new refs below `refs/conductor/` reach, also what lies in the person's repository and could be
 * pruned there, then the refs themselves: a ref that is still a file of its own is a new one. Killed half-way, it is
 * done again next time.
 */
export async function settleRefs(store: string): Promise<void> {
  const call: GitCall = { gitDir: store, dir: store };
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
  const ids = await Promise.all(
    files.map(async (entry) => (await readFile(join(entry.parentPath, entry.name), 'utf8')).trim()),
  );
  return ids.filter((id) => /^[0-9a-f]{40,64}$/.test(id));
}
