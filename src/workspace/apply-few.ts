/**
 * Writes a few changed files into the working tree and the private index with one `git apply`, which looks at no other file: `git read-tree`
 * goes through the whole index twice. Like that, it compares everything before it writes anything. Knows no tasks.
 */

import { join } from 'node:path';
import { fileIdentity } from '../io/files.js';
import { type GitExit, git } from '../io/git/git-process.js';
import type { GitObjects } from '../io/git/objects.js';
import type { Repository } from '../io/git/repository.js';
import type { Entry } from '../model/tree.js';
import { type Listings, statOf } from './in-the-way.js';
import { indexCall } from './private-index.js';

/** git holds what it writes in memory. */
const FEW = 100;
const SMALL = 1_000_000;

/** Undefined: nothing is written, because these are no changes for it, or because git refused: a file is not as it was, or git lacks something. */
export async function applyFew(
  repository: Repository,
  objects: GitObjects,
  changed: readonly string[],
  listings: Listings,
): Promise<GitExit | undefined> {
  const patch = await patchOf(repository, objects, changed, listings);
  if (patch === undefined) return undefined;
  const look = () => changed.map((path) => fileIdentity(join(repository.project, path)) ?? '').join('\n');
  const before = look();
  const args = ['apply', '--index', '--whitespace=nowarn', '-'];
  const exit = await git(args, { ...indexCall(repository), input: patch });
  // git uses the same words before it writes and after: only the files tell.
  return exit.code === 0 || exit.signal || look() !== before ? exit : undefined;
}

/**
 * A patch of whole files without their contents: git has these by the ids, and compares what is there with the former ones. Undefined
 * for links, submodules, large files, rules that decide how the others are written, and files that take the place of a folder or are in the
 * way of one.
 */
async function patchOf(
  { project, prefix }: Repository,
  objects: GitObjects,
  changed: readonly string[],
  { before, after }: Listings,
): Promise<string | undefined> {
  if (changed.length === 0 || changed.length > FEW) return undefined;
  const all = new Set(changed);
  let patch = '';
  for (const path of changed) {
    const [was, is] = [before.get(path), after.get(path)];
    if (!isPlain(was) || !isPlain(is) || foldersOf(path).some((folder) => all.has(folder))) return undefined;
    if (path.split('/').at(-1) === '.gitattributes') return undefined;
    const there = statOf(join(project, path));
    // git would first write a file again that is gone, and would find only in the middle that a folder has folders in it.
    if (was ? !(there?.isFile() && there.size <= SMALL) : there) return undefined;
    if (is && !(await isSmall(objects, is))) return undefined;
    patch += filePatch(`${prefix}${path}`, was, is);
  }
  return patch;
}

function isPlain(entry: Entry | undefined): boolean {
  return entry === undefined || entry.mode.startsWith('100');
}

async function isSmall(objects: GitObjects, { id }: Entry): Promise<boolean> {
  const size = await objects.sizeOf(id);
  return size !== undefined && size <= SMALL;
}

function foldersOf(path: string): string[] {
  const names = path.split('/');
  return names.slice(1).map((_, i) => names.slice(0, i + 1).join('/'));
}

function filePatch(path: string, was: Entry | undefined, is: Entry | undefined): string {
  const lines = [`diff --git ${quoted(`a/${path}`)} ${quoted(`b/${path}`)}`];
  if (!was) lines.push(`new file mode ${is?.mode}`);
  else if (!is) lines.push(`deleted file mode ${was.mode}`);
  else if (was.mode !== is.mode) lines.push(`old mode ${was.mode}`, `new mode ${is.mode}`);
  if (was?.id !== is?.id) {
    const none = '0'.repeat((was ?? is)?.id.length ?? 0);
    lines.push(`index ${was?.id ?? none}..${is?.id ?? none}`, 'Binary files a and b differ');
  }
  return `${lines.join('\n')}\n`;
}

/** A name as git quotes it: every byte that is not a plain letter as three octal digits. */
function quoted(name: string): string {
  const bytes = Buffer.from(name).toString('latin1');
  const octal = (letter: string) => `\\${letter.charCodeAt(0).toString(8).padStart(3, '0')}`;
  return `"${bytes.replace(/[^ !#-[\]-~]/g, octal)}"`;
}
