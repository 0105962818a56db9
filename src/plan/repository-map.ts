/**
 * The map of a repository for planners: its files by folder, with the names that they export. Compact and
 * deterministic. Pure; reads no disk.
 */

import { compareBytes } from '../base/order.js';

export interface MappedFile {
  readonly path: string;
  /** Names that it offers; empty when that is not known. */
  readonly outline: readonly string[];
}

export interface MappedRepository {
  readonly files: readonly MappedFile[];
  /** Text of `package.json` at the root of the project; undefined when there is none. */
  readonly manifest: string | undefined;
  /** What tasks of other features own: label to patterns. */
  readonly owned: readonly { readonly label: string; readonly outputs: readonly string[] }[];
  /** Files that tasks of other features patch, with these tasks. */
  readonly patched: readonly { readonly path: string; readonly by: readonly string[] }[];
}

/** Names shown of one file, tried from the most to none. */
const NAMES = [12, 6, 3, 0];
/** Levels of folders that are opened, tried from the deepest. */
const MAX_DEPTH = 12;
/** The share of the space that what other features own may take. */
const OWNED_SHARE = 0.25;

/** The most detailed map that fits into `maxBytes`; what does not fit is counted. Empty for an empty project. */
export function renderMap(repository: MappedRepository, maxBytes: number): string {
  if (repository.files.length === 0) return '';
  const head = [...counts(repository.files), ...manifestLines(repository.manifest)];
  const share = Math.floor(maxBytes * OWNED_SHARE);
  const patched = patchedLines(repository, share);
  const owned = [...ownedLines(repository, share - size(patched)), ...patched];
  const room = maxBytes - size([...head, ...owned]);
  const root = treeOf(repository.files);
  const fits = (names: number, depth: number) => {
    const lines: string[] = [];
    let left = room;
    for (const line of treeLines(root, names, depth)) {
      left -= size([line]);
      if (left < 0) return undefined;
      lines.push(line);
    }
    return lines;
  };
  for (const names of NAMES) {
    const lines = fits(names, MAX_DEPTH);
    if (lines) return text([...head, ...lines, ...owned]);
  }
  for (let depth = MAX_DEPTH - 1; depth >= 0; depth--) {
    const lines = fits(0, depth);
    if (lines) return text([...head, ...lines, ...owned]);
  }
  return text([...head, ...cutTo([...treeLines(root, 0, 0)], room), ...owned]);
}

interface Folder {
  readonly folders: Map<string, Folder>;
  readonly files: MappedFile[];
  count: number;
}

function treeOf(files: readonly MappedFile[]): Folder {
  const make = (): Folder => ({ folders: new Map(), files: [], count: 0 });
  const root = make();
  for (const file of [...files].sort((a, b) => compareBytes(a.path, b.path))) {
    let folder = root;
    folder.count++;
    for (const part of file.path.split('/').slice(0, -1)) {
      let next = folder.folders.get(part);
      if (!next) {
        next = make();
        folder.folders.set(part, next);
      }
      folder = next;
      folder.count++;
    }
    folder.files.push(file);
  }
  return root;
}

function* treeLines(folder: Folder, names: number, depth: number, indent = ''): Generator<string> {
  for (const [name, inner] of folder.folders) {
    if (depth === 0) {
      yield `${indent}${shownPath(name)}/ (${inner.count} ${inner.count === 1 ? 'file' : 'files'})`;
      continue;
    }
    // A folder with nothing but one folder shares its line.
    let path = name;
    let last = inner;
    while (last.files.length === 0 && last.folders.size === 1) {
      const [[below, next]] = last.folders as unknown as [[string, Folder]];
      path += `/${below}`;
      last = next;
    }
    yield `${indent}${shownPath(path)}/`;
    yield* treeLines(last, names, depth - 1, `${indent}  `);
  }
  for (const file of folder.files) {
    const name = shownPath(file.path.slice(file.path.lastIndexOf('/') + 1));
    const shown = file.outline.slice(0, names).map(shownPath);
    const more = names > 0 && file.outline.length > names ? ', …' : '';
    yield shown.length === 0 ? indent + name : `${indent}${name}: ${shown.join(', ')}${more}`;
  }
}

function counts(files: readonly MappedFile[]): string[] {
  const byEnding = new Map<string, number>();
  for (const { path } of files) {
    const name = path.slice(path.lastIndexOf('/') + 1);
    const dot = name.lastIndexOf('.');
    const ending = dot > 0 ? shownPath(name.slice(dot)) : 'without ending';
    byEnding.set(ending, (byEnding.get(ending) ?? 0) + 1);
  }
  const most = [...byEnding].sort(([a, m], [b, n]) => n - m || compareBytes(a, b)).slice(0, 6);
  const total = `${files.length} ${files.length === 1 ? 'file' : 'files'}`;
  return [`${total}: ${most.map(([ending, count]) => `${count} ${ending}`).join(', ')}`];
}

/** What a `package.json` says of how the project is run and what is installed. */
function manifestLines(manifest: string | undefined): string[] {
  let parsed: Record<string, unknown>;
  try {
    parsed = JSON.parse(manifest ?? '') as Record<string, unknown>;
  } catch {
    return [];
  }
  const keys = (name: string) => {
    const value = parsed?.[name];
    return value !== null && typeof value === 'object' ? Object.entries(value) : [];
  };
  const list = (name: string, entries: readonly string[]) =>
    entries.length === 0 ? [] : [`${name}: ${entries.slice(0, 30).map(shownPath).join(', ')}`];
  return [
    ...list(
      'scripts',
      keys('scripts').map(([name, command]) => `${name} (${String(command).slice(0, 60)})`),
    ),
    ...list(
      'dependencies',
      [...keys('dependencies'), ...keys('devDependencies')].map(([name]) => name),
    ),
  ];
}

function ownedLines({ owned }: MappedRepository, room: number): string[] {
  const lines = [...owned]
    .sort((a, b) => compareBytes(a.label, b.label))
    .map(({ label, outputs }) => `  ${label}: ${outputs.map(shownPath).join(', ')}`);
  return lines.length === 0 ? [] : ['owned by tasks of other features:', ...cutTo(lines, room)];
}

function patchedLines({ patched }: MappedRepository, room: number): string[] {
  const lines = [...patched]
    .sort((a, b) => compareBytes(a.path, b.path))
    .map(({ path, by }) => `  ${shownPath(path)}: ${[...by].sort(compareBytes).join(', ')}`);
  return lines.length === 0
    ? []
    : ['patched by tasks of other features:', ...cutTo(lines, Math.floor(room / 2))];
}

function cutTo(lines: readonly string[], room: number): string[] {
  const kept: string[] = [];
  let left = room - 40;
  for (const line of lines) {
    left -= size([line]);
    if (left < 0) return [...kept, `  … and ${lines.length - kept.length} more`];
    kept.push(line);
  }
  return kept;
}

function size(lines: readonly string[]): number {
  return lines.reduce((sum, line) => sum + Buffer.byteLength(line) + 1, 0);
}

function text(lines: readonly string[]): string {
  return lines.join('\n');
}

const MAX_LENGTH = 120;

export function shownPath(name: string): string {
  const plain = name.replace(/[\p{Cc}\p{Cf}\u2028\u2029`]+/gu, '?').trim();
  return plain.length > MAX_LENGTH ? `${plain.slice(0, MAX_LENGTH)}…` : plain;
}
