/**
 * A folder of installed packages (`node_modules`) as a workspace has it: a real folder of links. Packages of the project
 * itself lead to the workspace, so that nothing tests the project's files instead.
 */

import {
  chmodSync,
  type Dirent,
  lstatSync,
  mkdirSync,
  readdirSync,
  readlinkSync,
  realpathSync,
  rmSync,
  symlinkSync,
} from 'node:fs';
import { basename, dirname, isAbsolute, join, relative } from 'node:path';
import { removeForcibly } from '../restore.js';

export interface PackageSource {
  /** Where the packages are installed: absolute, below `root`. */
  readonly from: string;
  /** The folder of which the workspace shows another state: the project, or the folder of set-up. */
  readonly root: string;
  /** Where links find the packages. Absent: `from`. */
  readonly shownAt?: string | undefined;
}

/** What a folder has beside packages and writes again when it is missing: of each workspace its own. */
const CACHES =
  /^\.(cache|vite|vite-.*|vitest.*|tmp|temp|.*[-.]cache|cache-.*|babel.*|turbo|swc|rollup.*|webpack.*|jest.*|mocha.*|nyc.*|tsbuildinfo|astro|nitro|parcel.*)$/;

interface Wanted {
  /** Real folders below it: scopes and the one of programs. */
  readonly folders: ReadonlySet<string>;
  readonly links: ReadonlyMap<string, string>;
}

/** Whether a path of the config names such a folder. */
export function isPackageFolder(path: string): boolean {
  return basename(path) === 'node_modules';
}

/** Removes what programs wrote into a copy of such a folder beside its packages. */
export async function removeCaches(place: string): Promise<void> {
  if (!lstatSync(place, { throwIfNoEntry: false })?.isDirectory()) return;
  for (const { name } of entriesOf(place)) if (CACHES.test(name)) await removeForcibly(join(place, name));
}

/**
 * Makes the folder, or repairs it: links that are missing or lead elsewhere, and everything that does not belong to it.
 * `mayChange` is asked before the first change.
 */
export async function linkPackages(
  place: string,
  source: PackageSource,
  workspace: string,
  mayChange: () => Promise<boolean>,
): Promise<void> {
  const wanted = wantedEntries(place, source, workspace);
  const found = difference(place, wanted);
  if (found.isSame || !(await mayChange())) return;
  if (!lstatSync(place, { throwIfNoEntry: false })?.isDirectory()) {
    rmSync(place, { force: true });
    mkdirSync(place, { recursive: true });
  }
  for (const folder of ['', ...wanted.folders]) writable(join(place, folder));
  for (const name of found.foreign) await removeForcibly(join(place, name));
  for (const folder of wanted.folders) mkdirSync(join(place, folder), { recursive: true });
  for (const name of found.missing) symlinkSync(wanted.links.get(name) as string, join(place, name));
}

function wantedEntries(
  place: string,
  { from, root, shownAt = from }: PackageSource,
  workspace: string,
): Wanted {
  const folders = new Set<string>();
  const links = new Map<string, string>();
  const real = realpathSync(root);
  const add = (name: string, entry: Dirent): void => {
    const inside = entry.isSymbolicLink() ? insideOf(join(from, name), real) : undefined;
    // Packages of the project lead to where the workspace itself is shown.
    const target = inside === undefined ? join(shownAt, name) : join(workspace, inside);
    links.set(name, inside === undefined ? target : relative(dirname(join(place, name)), target));
  };
  for (const entry of readdirSync(from, { withFileTypes: true })) {
    const { name } = entry;
    if (CACHES.test(name) && !entry.isSymbolicLink()) continue;
    if (!entry.isDirectory() || !(name.startsWith('@') || name === '.bin')) {
      add(name, entry);
      continue;
    }
    folders.add(name);
    for (const inner of readdirSync(join(from, name), { withFileTypes: true })) {
      const path = `${name}/${inner.name}`;
      const text = name === '.bin' && inner.isSymbolicLink() ? readlinkSync(join(from, path)) : undefined;
      // A program is found beside its folder of programs: there is the link to its package.
      if (text !== undefined && !isAbsolute(text)) links.set(path, text);
      else add(path, inner);
    }
  }
  return { folders, links };
}

/** Where a link leads to, relative to the root; undefined when that is outside or itself installed. */
function insideOf(link: string, root: string): string | undefined {
  let target: string;
  try {
    target = realpathSync(link);
  } catch {
    return undefined;
  }
  if (target === root) return '';
  if (!target.startsWith(`${root}/`)) return undefined;
  const inside = target.slice(root.length + 1);
  return inside.split('/').includes('node_modules') ? undefined : inside;
}

function difference(
  place: string,
  { folders, links }: Wanted,
): { isSame: boolean; foreign: string[]; missing: string[] } {
  const missing = new Set(links.keys());
  const foreign: string[] = [];
  let isSame = true;
  for (const folder of ['', ...folders]) {
    const there = lstatSync(join(place, folder), { throwIfNoEntry: false });
    if (!there?.isDirectory() || (there.mode & 0o700) !== 0o700) isSame = false;
    if (!there?.isDirectory()) continue;
    for (const entry of entriesOf(join(place, folder))) {
      const name = folder === '' ? entry.name : `${folder}/${entry.name}`;
      if (folders.has(name) && entry.isDirectory()) continue;
      const isRight = entry.isSymbolicLink() && readlinkSync(join(place, name)) === links.get(name);
      if (isRight) missing.delete(name);
      else foreign.push(name);
    }
  }
  return { isSame: isSame && foreign.length + missing.size === 0, foreign, missing: [...missing] };
}

/** A folder that its owner may not read is made readable first. */
function entriesOf(folder: string): Dirent[] {
  try {
    return readdirSync(folder, { withFileTypes: true });
  } catch {
    writable(folder);
    return readdirSync(folder, { withFileTypes: true });
  }
}

function writable(folder: string): void {
  const there = lstatSync(folder, { throwIfNoEntry: false });
  if (there?.isDirectory() && (there.mode & 0o700) !== 0o700) chmodSync(folder, 0o755);
}
