/**
 * What stands in the working tree where a publish is to write or remove: files of a person, folders, files as they were. Writes
 * nothing.
 */

import { lstatSync, type Stats } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import { codeOf, readBytes } from '../io/files.js';
import { type GitCall, gitOk } from '../io/git/git-process.js';
import type { GitObjects } from '../io/git/objects.js';
import type { Repository } from '../io/git/repository.js';
import type { Entry, Listing } from '../model/tree.js';
import { indexCall } from './private-index.js';

/** A publish: the tree that it starts from, and the one that it makes. */
export interface Listings {
  readonly before: Pick<Listing, 'get'>;
  readonly after: Pick<Listing, 'get'>;
}

/**
 * Files of the person's that stand where new ones are to be. git itself would overwrite those that it ignores. One
 * with the very content that is to be written is in nobody's way.
 */
export async function inTheWayOf(
  repository: Repository,
  objects: GitObjects,
  changed: readonly string[],
  { before, after }: Listings,
): Promise<string[]> {
  const found = new Set<string>();
  const seen = new SeenFolders(repository.project);
  for (const path of changed) {
    const wanted = after.get(path);
    if (!wanted || before.get(path)) continue;
    const { place, there } = seen.nearest(path);
    if (!there || before.get(place)) continue;
    if (there.isDirectory()) {
      if (place === path) for (const inner of await strangersIn(repository, path, before)) found.add(inner);
      continue;
    }
    const isSame = place === path && there.isFile() && (await holds(repository, objects, path, wanted));
    if (!isSame) found.add(place);
  }
  return [...found];
}

/** Whether nothing stands at any of the paths, and nothing but folders above them. */
export function areFree({ project }: Repository, paths: Iterable<string>): boolean {
  const seen = new SeenFolders(project);
  for (const path of paths) {
    const { place, there } = seen.nearest(path);
    if (there && (place === path || !there.isDirectory())) return false;
  }
  return true;
}

/**
 * Changed paths at which a folder stands, or that lie below something that is no folder, and whose doing that is: of what
 * the publish was to change, or of a person.
 */
export async function blockedPaths(
  repository: Repository,
  changed: readonly string[],
  before: Listing,
): Promise<Map<string, 'by us' | 'by a person'>> {
  const blocked = new Map<string, 'by us' | 'by a person'>();
  for (const path of changed) {
    if (statOf(join(repository.project, path))?.isDirectory()) {
      const strangers = await strangersIn(repository, path, before);
      blocked.set(path, strangers.length > 0 ? 'by a person' : 'by us');
      continue;
    }
    for (let end = path.lastIndexOf('/'); end > 0; end = path.lastIndexOf('/', end - 1)) {
      const parent = path.slice(0, end);
      const found = statOf(join(repository.project, parent));
      if (!found || found.isDirectory()) continue;
      blocked.set(path, before.get(parent) ? 'by us' : 'by a person');
      break;
    }
  }
  return blocked;
}

/**
 * Whether the file on disk is the one of this entry, as it is or as git writes it here (line ends, filters). Throws when git
 * cannot tell: the file may then be either.
 */
export async function holds(
  repository: Repository,
  objects: GitObjects,
  path: string,
  { id }: Entry,
): Promise<boolean> {
  // It may be gone since it was seen: people work here too.
  const bytes = await readBytes(join(repository.project, path));
  if (bytes === undefined) return false;
  if ((await objects.read(id))?.equals(bytes)) return true;
  const { gitDir, workTree, dir } = indexCall(repository);
  const call = { gitDir, workTree, dir, input: bytes } as GitCall;
  const hashed = await gitOk(['hash-object', '--stdin', `--path=${repository.prefix}${path}`], call);
  return hashed.toString('latin1').trim() === id;
}

/**
 * What stands at paths below a folder. In a folder that is not there nothing is looked for, and nothing behind a link that stands for
 * one: git takes the link for a file.
 */
export class SeenFolders {
  private readonly root: string;
  private readonly folders = new Map<string, Stats | undefined>();
  /** What is nearest to all paths of the folder that was found to be missing last. */
  private missing: { readonly start: string; readonly nearest: Nearest } | undefined;

  constructor(root: string) {
    this.root = root;
  }

  look(path: string): Stats | undefined {
    const end = path.lastIndexOf('/');
    if (end > 0 && this.folder(path.slice(0, end))?.isDirectory() !== true) return undefined;
    return statOf(join(this.root, path));
  }

  /** The path, or the first above it at which something stands. */
  nearest(path: string): Nearest {
    // Of thousands of paths, most are in the same folder as the one before.
    if (this.missing && path.startsWith(this.missing.start)) return this.missing.nearest;
    let place = path;
    let there = this.look(place);
    while (!there && place.includes('/')) {
      place = place.slice(0, place.lastIndexOf('/'));
      there = this.folder(place);
    }
    const start = path.slice(0, path.lastIndexOf('/') + 1);
    if (place.length < start.length - 1) this.missing = { start, nearest: { place, there } };
    return { place, there };
  }

  folder(path: string): Stats | undefined {
    if (!this.folders.has(path)) this.folders.set(path, this.look(path));
    return this.folders.get(path);
  }
}

interface Nearest {
  readonly place: string;
  readonly there: Stats | undefined;
}

/** Errors that say that there is nothing at a path. All others say nothing about what is there. */
const NOTHING_THERE: ReadonlySet<string | undefined> = new Set(['ENOENT', 'ENOTDIR', 'ELOOP']);

/** Thousands of paths are looked at one after the other: each turn through the pool of threads would cost more than the look. */
export function statOf(file: string): Stats | undefined {
  try {
    return lstatSync(file, { throwIfNoEntry: false });
  } catch (error) {
    if (NOTHING_THERE.has(codeOf(error))) return undefined;
    throw error;
  }
}

async function strangersIn(
  repository: Repository,
  folder: string,
  before: Listings['before'],
): Promise<string[]> {
  const root = join(repository.project, folder);
  const entries = await readdir(root, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => !entry.isDirectory())
    .map((entry) => relative(repository.project, join(entry.parentPath, entry.name)).split(sep).join('/'))
    .filter((path) => !before.get(path));
}
