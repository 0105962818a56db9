/**
 * Marks committed files as committed in the person's index. The new index is written beside it and takes its place in one
 * step, so that a kill leaves no lock that nobody can account for.
 */

import { copyFile, link, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { syncFiles } from '../../io/durable.js';
import { codeOf } from '../../io/files.js';
import { type GitCall, git, gitOk } from '../../io/git/git-process.js';
import type { Repository } from '../../io/git/repository.js';
import type { Entry } from '../../model/tree.js';

/** Paths from the root of the work tree to what is committed; undefined for a file that goes. */
export type IndexEntries = ReadonlyMap<string, Entry | undefined>;

/** How often another git may be in the way before the index is left to the next command. */
const TRIES = 50;
const PAUSE_MS = 100;
/** File systems without hard links. */
const NO_LINKS = new Set(['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EXDEV', 'EMLINK']);

/** False when another git holds the index all the time. */
export async function updateIndex(
  repository: Repository,
  theirs: GitCall,
  entries: IndexEntries,
): Promise<boolean> {
  const index = join(repository.gitDir, 'index');
  const lock = `${index}.lock`;
  const next = nextIndex(repository);
  const zero = '0'.repeat(repository.objectFormat === 'sha1' ? 40 : 64);
  const input = [...entries]
    .map(([path, entry]) => (entry ? `${entry.mode} ${entry.id}\t${path}\0` : `0 ${zero}\t${path}\0`))
    .join('');
  for (let tries = 0; tries < TRIES; tries++) {
    await clear(next);
    const before = await identity(index);
    if (before !== undefined) await copyFile(index, next);
    await write({ ...theirs, indexFile: next }, input);
    await syncFiles([next]);
    try {
      // git takes this lock in the same way: the process that creates the name has it.
      await link(next, lock);
    } catch (error) {
      const code = codeOf(error) ?? '';
      if (NO_LINKS.has(code)) {
        await clear(next);
        await write(theirs, input);
        return true;
      }
      if (code !== 'EEXIST') throw error;
      await delay(PAUSE_MS);
      continue;
    }
    if ((await identity(index)) !== before) {
      await rm(lock);
      continue;
    }
    await rename(lock, index);
    await clear(next);
    return true;
  }
  await clear(next);
  return false;
}

/** Removes the lock of the index that a killed `updateIndex` has left: it is the very file that was to become the index. */
export async function releaseIndex(repository: Repository): Promise<void> {
  const next = nextIndex(repository);
  const lock = join(repository.gitDir, 'index.lock');
  const [made, held] = await Promise.all([next, lock].map((path) => stat(path).catch(() => undefined)));
  if (made && held && made.ino === held.ino && made.dev === held.dev) await rm(lock, { force: true });
  await clear(next);
}

async function write(call: GitCall, input: string): Promise<void> {
  await gitOk(['update-index', '-z', '--index-info'], { ...call, input });
  await git(['update-index', '-q', '--refresh'], call);
}

async function clear(next: string): Promise<void> {
  await rm(next, { force: true });
  await rm(`${next}.lock`, { force: true });
}

function nextIndex(repository: Repository): string {
  return join(repository.state, 'commit-index');
}

async function identity(path: string): Promise<string | undefined> {
  const found = await stat(path, { bigint: true }).catch(() => undefined);
  return found && `${found.ino} ${found.size} ${found.mtimeNs}`;
}
