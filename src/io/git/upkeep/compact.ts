/**
 * Makes conductor's own repository smaller: packs what its refs reach, and removes what no ref reaches. Does not know
 * what the refs mean.
 */

import { lstat, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { namesIn, removeTree } from '../../files.js';
import { type GitCall, git, gitOk } from '../git-process.js';
import { GIT_FOLDERS } from '../writing/git-folder.js';
import { forgetWholeRefs } from './repack.js';

/** Unreachable objects that are younger may be in use by a command that runs beside. */
const GRACE = '1.hour.ago';

/**
 * `whole`: refs whose objects must not depend on the person's repository. `borrowed`: refs for which it is enough that
 * the objects are in either. Every other object is dropped.
 */
export async function compactStore(
  store: string,
  whole: readonly string[],
  borrowed: readonly string[],
): Promise<void> {
  // First: killed half-way, this may have removed a pack that one of them needs.
  await forgetWholeRefs(store);
  const call: GitCall = { gitDir: store, dir: store };
  const packs = join(store, 'objects', 'pack');
  const old = await packNames(packs);
  const made = new Set<string>();
  for (const [ids, ...options] of [[whole], [borrowed, '--local']] as const) {
    if (ids.length === 0) continue;
    const input = ids.map((id) => `${id}\n`).join('');
    const listed = await gitOk(['rev-list', '--objects', '--no-object-names', '--stdin'], { ...call, input });
    const said = await gitOk(['pack-objects', '-q', ...options, join(packs, 'pack')], {
      ...call,
      input: listed,
    });
    for (const name of said.toString('latin1').split('\n').filter(Boolean)) made.add(`pack-${name}`);
  }
  for (const name of old) {
    if (made.has(name)) continue;
    for (const file of (await readdir(packs)).filter((one) => one.startsWith(`${name}.`))) {
      await rm(join(packs, file), { force: true });
    }
  }
  await git(['prune-packed', '-q'], call);
  await gitOk(['prune', `--expire=${GRACE}`], call);
  await gitOk(['pack-refs', '--all', '--prune'], call);
}

/** Removes the git folders of idle workspaces, with what programs left in them: what these are put to next makes them again. */
export async function removeGitFolders(store: string): Promise<void> {
  // A conductor of before made them as worktrees.
  for (const kind of [GIT_FOLDERS, 'worktrees']) await removeTree(join(store, kind));
}

/** Bytes on disk that only these refs need, and of objects that nothing needs: what compacting would free, about. */
export async function compactableBytes(
  store: string,
  removed: readonly string[],
  kept: readonly string[],
): Promise<number> {
  const call: GitCall = { gitDir: store, dir: store };
  let bytes = 0;
  if (removed.length > 0) {
    const input = [...removed, ...kept.map((id) => `^${id}`)].map((id) => `${id}\n`).join('');
    const used = await gitOk(['rev-list', '--objects', '--disk-usage', '--stdin'], { ...call, input });
    bytes += Number(used.toString('latin1').trim());
  }
  const loose = await git(['prune', '--dry-run', `--expire=${GRACE}`], call);
  for (const line of loose.stdout.toString('latin1').split('\n').filter(Boolean)) {
    const id = line.slice(0, line.indexOf(' '));
    const file = join(store, 'objects', id.slice(0, 2), id.slice(2));
    bytes += (await lstat(file).catch(() => undefined))?.size ?? 0;
  }
  return bytes;
}

/** What these commits reach beyond `counted`, and its bytes on disk: what is shared counts once. */
export async function newObjects(
  store: string,
  commits: readonly string[],
  counted: ReadonlySet<string>,
): Promise<{ ids: string[]; bytes: number }> {
  if (commits.length === 0) return { ids: [], bytes: 0 };
  const call: GitCall = { gitDir: store, dir: store };
  const input = commits.map((id) => `${id}\n`).join('');
  const listed = await gitOk(['rev-list', '--objects', '--no-object-names', '--stdin'], { ...call, input });
  const ids = listed
    .toString('latin1')
    .split('\n')
    .filter((id) => id !== '' && !counted.has(id));
  const asked = ids.map((id) => `${id}\n`).join('');
  const sizes = await gitOk(['cat-file', '--batch-check=%(objectsize:disk)'], { ...call, input: asked });
  const bytes = sizes
    .toString('latin1')
    .split('\n')
    .reduce((sum, size) => sum + (Number(size) || 0), 0);
  return { ids, bytes };
}

/** The kinds of those ids that are objects here or in the person's repository. */
export async function objectKinds(store: string, ids: Iterable<string>): Promise<Map<string, string>> {
  const input = [...ids].map((id) => `${id}\n`).join('');
  const said = await gitOk(['cat-file', '--batch-check=%(objectname) %(objecttype)'], {
    gitDir: store,
    input,
  });
  const kinds = new Map<string, string>();
  for (const line of said.toString('latin1').split('\n')) {
    const [id, kind] = line.split(' ');
    if (id && (kind === 'blob' || kind === 'tree' || kind === 'commit')) kinds.set(id, kind);
  }
  return kinds;
}

/** The tree of an index, as far as its objects exist; undefined for an unreadable index. */
export async function indexTree(store: string, indexFile: string): Promise<string | undefined> {
  const exit = await git(['write-tree', '--missing-ok'], { gitDir: store, dir: store, indexFile });
  return exit.code === 0 ? exit.stdout.toString('latin1').trim() : undefined;
}

async function packNames(packs: string): Promise<string[]> {
  const files = await namesIn(packs);
  return files.filter((name) => name.endsWith('.pack')).map((name) => name.slice(0, -'.pack'.length));
}
