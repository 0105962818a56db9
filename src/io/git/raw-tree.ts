/** Git's tree objects as entries, names that no tree may have, the tree of a commit, and changes of a tree grouped by folders. Knows no repository. */

import { isUtf8 } from 'node:buffer';
import type { Entry, FileMode, ObjectId } from '../../model/tree.js';
import { ObjectDamaged } from './damaged.js';

/** An entry of one folder: a file, link or gitlink, or (`40000`) a folder. */
export interface TreeEntry {
  readonly mode: FileMode | '40000';
  readonly id: ObjectId;
}

/** `<mode> <name>\0<id>` repeated; ids have 20 bytes, or 32 in SHA-256 repositories. */
export function parseRawTree(raw: Buffer, idBytes: number): Map<string, TreeEntry> {
  const entries = new Map<string, TreeEntry>();
  for (let at = 0; at < raw.length; ) {
    const space = raw.indexOf(0x20, at);
    const nul = raw.indexOf(0, space);
    if (space < 0 || nul < 0) throw new Error('BUG: an object that is no tree was read as one');
    const mode = raw.toString('latin1', at, space);
    const name = raw.toString('latin1', space + 1, nul);
    at = nul + 1 + idBytes;
    entries.set(name, { mode: knownMode(mode), id: raw.toString('hex', nul + 1, at) });
  }
  return entries;
}

/** Old repositories hold other permission bits; git itself reads them as these. */
function knownMode(mode: string): TreeEntry['mode'] {
  switch (mode) {
    case '40000':
    case '120000':
    case '160000':
      return mode;
    default:
      return Number.parseInt(mode, 8) & 0o100 ? '100755' : '100644';
  }
}

/** A name that is no text: conductor's specs, lock files and events could not name it. `asFailure` knows the code. */
export class NameNotText extends Error {
  readonly code = 'ENAMENOTTEXT';

  constructor(name: Buffer) {
    super(`the name ${shownName(name)} is not UTF-8: rename it, or let git ignore it`);
    this.name = 'NameNotText';
  }
}

/** Bytes that are no text as `\\xe9`. */
export function shownName(name: Buffer): string {
  if (isUtf8(name)) return name.toString('utf8');
  return [...name]
    .map((byte) =>
      byte < 0x20 || byte > 0x7e ? `\\x${byte.toString(16).padStart(2, '0')}` : String.fromCharCode(byte),
    )
    .join('');
}

/** The name of an entry whose bytes are given one character each. `folder` is what stands before it in messages. */
function textName(bytes: string, folder = ''): string {
  const name = Buffer.from(bytes, 'latin1');
  if (!isUtf8(name)) throw new NameNotText(Buffer.concat([Buffer.from(folder), name]));
  return name.toString('utf8');
}

/** Whether a name leads out of its folder, or to nothing in it. No git makes a tree with such an entry. */
export function leavesFolder(name: string): boolean {
  return name === '' || name === '.' || name === '..' || name.includes('/');
}

/** `.git` as file systems without case, with short names, or with ignorable characters may spell it. */
export function isGitName(name: string): boolean {
  const plain = name.replace(/[\u200c-\u200f\u202a-\u202e\u206a-\u206f\ufeff]/g, '');
  // Anchored: names come from other machines, and may be long.
  return /^(\.git|git~1)[. ]*(?::.*)?$/is.test(plain);
}

/**
 * The path of an entry of the tree that is the folder `prefix`. Throws where its name leads elsewhere: a path must never leave
 * the folder that it is written to.
 */
export function entryPath(prefix: string, bytes: string, tree: ObjectId): string {
  const name = textName(bytes, prefix);
  if (leavesFolder(name)) throw namesElsewhere(tree, name);
  return prefix + name;
}

function namesElsewhere(tree: ObjectId, name: string): ObjectDamaged {
  return new ObjectDamaged(
    'tree',
    tree,
    `has the name ${JSON.stringify(name)}, which leads out of its folder`,
  );
}

/** Why git would not take the content as a tree that it fetches; undefined when it would. */
export function treeProblem(content: Buffer, idBytes: number): string | undefined {
  let at = 0;
  while (at < content.length) {
    const space = content.indexOf(0x20, at);
    const nul = space < 0 ? -1 : content.indexOf(0, space);
    at = nul + 1 + idBytes;
    if (nul < 0 || at > content.length) return 'is no tree';
    const name = content.toString('utf8', space + 1, nul);
    if (leavesFolder(name) || isGitName(name)) return `has a file with the name ${JSON.stringify(name)}`;
  }
  return undefined;
}

/** A component that leads elsewhere, anywhere in the output of `ls-tree`. It may also be the tail of a name with a tab. */
const MAY_LEAVE = /[\t/]\.{0,2}[/\0]/;

/** Lines of `ls-tree -r -z` of a tree as paths and entries. */
export function parseListing(output: Buffer, tree: ObjectId): Map<string, Entry> {
  const files = new Map<string, Entry>();
  if (!isUtf8(output)) {
    const records = output.toString('latin1').split('\0');
    for (const record of records) textName(record.slice(record.indexOf('\t') + 1));
  }
  const text = output.toString('utf8');
  const mayLeave = MAY_LEAVE.test(text);
  for (let at = 0; at < text.length; ) {
    const end = text.indexOf('\0', at);
    const tab = text.indexOf('\t', at);
    const [mode, , id] = text.slice(at, tab).split(' ') as [string, string, string];
    const path = text.slice(tab + 1, end);
    if (mayLeave && path.split('/').some(leavesFolder)) throw namesElsewhere(tree, path);
    files.set(path, { mode: knownMode(mode) as FileMode, id });
    at = end + 1;
  }
  return files;
}

/** Changes of a tree: path to entry, `undefined` for a file that is to go. */
export type Changes = ReadonlyMap<string, Entry | undefined>;

/** Branch of a change set: the changes below one folder by name. */
export interface FolderChanges {
  readonly files: Map<string, Entry | undefined>;
  readonly folders: Map<string, FolderChanges>;
}

/** Most paths are their bytes. */
const ASCII = /^[\0-\x7f]*$/;

/** A path as git keeps it: its bytes, one character each. */
export function byteName(path: string): string {
  return ASCII.test(path) ? path : Buffer.from(path, 'utf8').toString('latin1');
}

/** The tree of a commit, from the commit's content; undefined for what is no commit. */
export function commitTree(content: Buffer): ObjectId | undefined {
  return /^tree ([0-9a-f]{40,64})\n/.exec(content.toString('latin1', 0, 80))?.[1];
}

export function groupChanges(changes: Changes): FolderChanges {
  const root: FolderChanges = { files: new Map(), folders: new Map() };
  // Files of one folder mostly come one after the other.
  let last = { prefix: '', folder: root };
  for (const [path, entry] of changes) {
    const name = byteName(path);
    const end = name.lastIndexOf('/') + 1;
    if (end !== last.prefix.length || !name.startsWith(last.prefix)) {
      const prefix = name.slice(0, end);
      last = { prefix, folder: folderBelow(root, prefix) };
    }
    last.folder.files.set(name.slice(end), entry);
  }
  return root;
}

/** `prefix` ends with a slash, or is empty. */
function folderBelow(root: FolderChanges, prefix: string): FolderChanges {
  let folder = root;
  for (const part of prefix.split('/').slice(0, -1)) {
    let next = folder.folders.get(part);
    if (!next) {
      next = { files: new Map(), folders: new Map() };
      folder.folders.set(part, next);
    }
    folder = next;
  }
  return folder;
}
