/**
 * The working tree with some files read again and all others taken as known: fast, and right only if nothing else has
 * changed. Knows no index and no specs.
 */

import { lstat, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { mapBounded } from '../base/bounded.js';
import { git } from '../io/git/git-process.js';
import type { GitObjects } from '../io/git/objects.js';
import type { Repository } from '../io/git/repository.js';
import type { Entry, Listing, ObjectId } from '../model/tree.js';
import { indexCall } from './private-index.js';

/** These decide how other files are read. */
const SPECIAL = /(^|\/)\.git(ignore|attributes)$/;

/**
 * The tree with the contents that the files at `paths` have now. Undefined where more may have changed than a content:
 * a file that the tree does not have, one that is gone or of another kind.
 */
export async function scanPartially(
  repository: Repository,
  objects: GitObjects,
  known: { readonly tree: ObjectId; readonly listing: Listing },
  paths: readonly string[],
): Promise<ObjectId | undefined> {
  const modes = paths.map((path) => known.listing.get(path)?.mode);
  const isSame = await mapBounded(paths, (path, i) => isStill(repository, path, modes[i]));
  if (isSame.includes(false)) return undefined;
  const input = paths.map((path) => `${repository.prefix}${path}\n`).join('');
  // As `git add` does it: with the filters of the project's attributes.
  const hashed = await git(['hash-object', '-w', '--stdin-paths'], { ...indexCall(repository), input });
  const ids = hashed.stdout.toString('latin1').split('\n').slice(0, -1);
  if (hashed.code !== 0 || ids.length !== paths.length) return undefined;
  const changes = new Map(paths.map((path, i) => [path, { mode: modes[i], id: ids[i] } as Entry] as const));
  return objects.editTree(known.tree, changes);
}

/** Whether it is a file of this mode, and no link leads to it. */
async function isStill(repository: Repository, path: string, mode: string | undefined): Promise<boolean> {
  if (mode !== '100644' && mode !== '100755') return false;
  if (SPECIAL.test(path) || /^"|\n/.test(repository.prefix + path)) return false;
  const file = join(repository.project, path);
  try {
    const [there, real, root] = await Promise.all([
      lstat(file),
      realpath(file),
      realpath(repository.project),
    ]);
    const isExecutable = (there.mode & 0o100) !== 0;
    return there.isFile() && isExecutable === (mode === '100755') && real === join(root, path);
  } catch {
    return false;
  }
}
