/** Which trees are so small and plain that conductor writes and reads their files itself, without git. Writes nothing. */

import { basename } from 'node:path';
import type { GitObjects } from '../../io/git/objects.js';
import { NameNotText } from '../../io/git/raw-tree.js';
import { listSmallTree } from '../../io/git/walk.js';
import type { Listing, ObjectId } from '../../model/tree.js';
import type { SmallTree, Workspace } from '../workspace.js';

export const MAX_FILES = 200;
export const MAX_BYTES = 4 * 1024 * 1024;
/** Trees of which it is known whether they are small. */
const KNOWN = 256;

const known = new WeakMap<GitObjects, Map<ObjectId, Promise<Listing | undefined>>>();

/**
 * The tree, if conductor can handle its files without git: few, not large, none that git would write or read in another
 * form, and none that git must judge. Undefined otherwise.
 */
export async function smallTree(
  objects: GitObjects,
  workspace: Workspace,
  tree: ObjectId,
): Promise<SmallTree | undefined> {
  // On other systems, file systems change names, links and modes in ways that git knows and conductor does not.
  if (process.platform !== 'linux') return undefined;
  const listing = await listingOf(objects, tree);
  if (listing === undefined) return undefined;
  const isPlain = plainPath(workspace);
  return listing.paths.every(isPlain) ? { tree, listing } : undefined;
}

async function listingOf(objects: GitObjects, tree: ObjectId): Promise<Listing | undefined> {
  const trees = known.get(objects) ?? new Map<ObjectId, Promise<Listing | undefined>>();
  known.set(objects, trees);
  let found = trees.get(tree);
  if (found === undefined) {
    const [oldest] = trees.keys();
    if (trees.size >= KNOWN && oldest !== undefined) trees.delete(oldest);
    found = read(objects, tree);
    trees.set(tree, found);
    // A failure is no property of the tree.
    found.catch(() => trees.delete(tree));
  }
  return found;
}

async function read(objects: GitObjects, tree: ObjectId): Promise<Listing | undefined> {
  let listing: Listing | undefined;
  try {
    listing = await listSmallTree(objects, tree, MAX_FILES);
  } catch (error) {
    if (error instanceof NameNotText) return undefined;
    throw error;
  }
  if (listing === undefined) return undefined;
  const entries = [...listing.files.values()];
  if (entries.some(({ mode }) => mode === '160000')) return undefined;
  const sizes = await Promise.all(entries.map(({ id }) => objects.sizeOf(id)));
  // What is missing is for git to report.
  if (sizes.includes(undefined)) return undefined;
  const bytes = (sizes as number[]).reduce((sum, size) => sum + size, 0);
  return bytes > MAX_BYTES ? undefined : listing;
}

/**
 * Tells whether a file at a path is an ordinary one for git: git writes and reads it as it is and does not refuse its name, and the
 * file does not change how git treats other files.
 */
export function plainPath(workspace: Workspace): (path: string) => boolean {
  const isPlain = plainName(workspace);
  return (path) => basename(path) !== ATTRIBUTES && isPlain(path);
}

export const ATTRIBUTES = '.gitattributes';

/** As `plainPath`, but a file of attributes may be plain too. */
export function plainName({ canonical, kept }: Workspace): (path: string) => boolean {
  return (path) =>
    !mayBeGitName(path) &&
    canonical.conversionOf?.(path) === undefined &&
    !kept.some((root) => isBelow(path, root) || isBelow(root, path));
}

/** Whether some file system might take the path for one of git's own: then git decides about it. */
function mayBeGitName(path: string): boolean {
  const plain = path.replace(/[^\x21-\x7e]/g, '').toLowerCase();
  return /\\|~\d|(^|\/)\.git(?![a-z])|\.gitmodules/.test(plain);
}

function isBelow(path: string, folder: string): boolean {
  const root = folder.replace(/\/+$/, '');
  return path === root || path.startsWith(`${root}/`);
}
