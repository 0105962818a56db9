/**
 * The working tree with some files read again and all others taken as known: fast, and right only if nothing else has
 * changed. Knows no index and no specs.
 */

import { lstat, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { mapBounded } from '../base/bounded.js';
import { readBytes } from '../io/files.js';
import { git } from '../io/git/git-process.js';
import { isSameSettings, mayRewrite } from '../io/git/git-settings.js';
import type { GitObjects } from '../io/git/objects.js';
import type { Repository } from '../io/git/repository.js';
import type { Entry, Listing, ObjectId } from '../model/tree.js';
import { readIndexRecord } from './index-record.js';
import { indexCall } from './private-index.js';

/** These decide how other files are read. */
const SPECIAL = /(^|\/)\.git(ignore|attributes)$/;

/**
 * The tree with the contents that the files at `paths` have now. `known` is the tree of the last scan, and the state folder of
 * `repository` holds the record of that scan. Undefined where more may have changed than contents: a file that the tree does not
 * have, or one that is gone or of another kind.
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
  const ids =
    (await plainIds(repository, objects, known.listing, paths)) ?? (await idsOfGit(repository, paths));
  if (!ids) return undefined;
  const changes = new Map(paths.map((path, i) => [path, { mode: modes[i], id: ids[i] } as Entry] as const));
  return objects.editTree(known.tree, changes);
}

/** Larger files are left to git, which reads them piece by piece. */
const MOST_BYTES = 8_000_000;

/**
 * Without git, where it would take each content as it is: no attribute rewrites it, and without a carriage return there is no line
 * end to convert. Undefined where git is to be asked.
 */
async function plainIds(
  repository: Repository,
  objects: GitObjects,
  listing: Listing,
  paths: readonly string[],
): Promise<readonly ObjectId[] | undefined> {
  const settings = readIndexRecord(repository.state)?.settings;
  if (settings?.rewrites !== false || !isSameSettings(settings)) return undefined;
  const rules = new Set(
    paths.flatMap(foldersOf).flatMap((folder) => listing.get(`${folder}.gitattributes`) ?? []),
  );
  for (const { id } of rules) {
    const text = await objects.read(id);
    if (!text || mayRewrite(text.toString('utf8'))) return undefined;
  }
  const contents: Buffer[] = [];
  for (const path of paths) {
    const file = join(repository.project, path);
    const size = (await lstat(file).catch(() => undefined))?.size ?? MOST_BYTES + 1;
    const content = size > MOST_BYTES ? undefined : await readBytes(file);
    if (!content || content.includes(0x0d)) return undefined;
    contents.push(content);
  }
  return mapBounded(contents, (content) => objects.writeBlob(content));
}

/** The folders above a file, the project's own first: `''`, `a/`, `a/b/`. */
function foldersOf(path: string): string[] {
  const folders = [''];
  for (let end = path.indexOf('/'); end >= 0; end = path.indexOf('/', end + 1))
    folders.push(path.slice(0, end + 1));
  return folders;
}

/** As `git add` does it: with the filters of the project's attributes. */
async function idsOfGit(
  repository: Repository,
  paths: readonly string[],
): Promise<readonly ObjectId[] | undefined> {
  const input = paths.map((path) => `${repository.prefix}${path}\n`).join('');
  const hashed = await git(['hash-object', '-w', '--stdin-paths'], { ...indexCall(repository), input });
  const ids = hashed.stdout.toString('latin1').split('\n').slice(0, -1);
  return hashed.code === 0 && ids.length === paths.length ? ids : undefined;
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
