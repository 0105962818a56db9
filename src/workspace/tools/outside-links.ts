/**
 * What a project that is a folder of its repository uses around it: packages and configuration of the monorepo, which no
 * snapshot of the project has.
 */

import { createHash } from 'node:crypto';
import { type Dirent, readdirSync, readFileSync, realpathSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { git } from '../../io/git/git-process.js';
import type { Repository } from '../../io/git/repository.js';
import { isDefaultSecrets } from '../../model/config.js';
import { patternSet } from '../../model/paths/pattern-set.js';
import { isPackageFolder } from './package-folder.js';

/** Lock files of package managers that stand beside what they describe. */
const LOCK_FILES = ['package-lock.json', 'npm-shrinkwrap.json', 'pnpm-lock.yaml', 'yarn.lock', 'bun.lock'];

/** Whether a path of the config leads out of the project. */
export function isOutside(path: string): boolean {
  return path === '..' || path.startsWith('../');
}

export interface OutsidePackages {
  /** Folders of packages of the same repository that are installed as links: absolute. */
  readonly folders: readonly string[];
  /** Files in them that no program is to see. */
  readonly hidden: readonly string[];
}

/** Packages of the repository outside of the project that these folders of packages lead to, and those that they need. */
export async function outsidePackages(
  { project, top }: Pick<Repository, 'project' | 'top'>,
  paths: readonly string[],
  secrets: readonly string[],
): Promise<OutsidePackages> {
  const folders = new Set<string>();
  const look = (installed: string): void => {
    for (const target of linksIn(installed)) {
      const isOurs = target.startsWith(`${top}/`) && !`${target}/`.startsWith(`${project}/`);
      if (!isOurs || target.split('/').includes('node_modules') || folders.has(target)) continue;
      folders.add(target);
      look(join(target, 'node_modules'));
    }
  };
  for (const path of paths.filter(isPackageFolder)) look(join(project, path));
  // A folder that holds the project would show what is hidden.
  const shown = [...folders].filter((folder) => !project.startsWith(`${folder}/`)).sort();
  const hidden: string[] = [];
  for (const folder of shown)
    for (const path of await secretsIn(folder, secrets)) hidden.push(join(folder, path));
  return { folders: shown, hidden };
}

/** Files in a shown package that match patterns of `secrets`, as in a project: of the default ones those that git does not track. */
async function secretsIn(folder: string, secrets: readonly string[]): Promise<string[]> {
  const patterns = patternSet(secrets);
  const found = filesBelow(folder, '').filter((path) => patterns.matches(path));
  if (found.length === 0 || !isDefaultSecrets(secrets)) return found;
  const names = found.map((path) => `:(literal)${path}`);
  const listed = await git(['ls-files', '-z', '--cached', '--', ...names], { dir: folder });
  const tracked = new Set(listed.stdout.toString('utf8').split('\0'));
  return found.filter((path) => !tracked.has(path));
}

/** Without the packages that are installed in it. */
function filesBelow(folder: string, below: string): string[] {
  return entriesOf(join(folder, below)).flatMap((entry) => {
    const path = below === '' ? entry.name : `${below}/${entry.name}`;
    if (!entry.isDirectory()) return [path];
    return entry.name === 'node_modules' || entry.name === '.git' ? [] : filesBelow(folder, path);
  });
}

/** A digest of what a linked path outside of the project stands for: its files, or of packages what says which they are. */
export async function outsideDigest(
  project: string,
  path: string,
  secrets: readonly string[],
): Promise<string> {
  const target = join(project, path);
  const hash = createHash('sha256');
  const isFolder = statSync(target, { throwIfNoEntry: false })?.isDirectory() === true;
  if (isFolder && isPackageFolder(path)) {
    for (const name of LOCK_FILES) add(hash, dirname(target), name);
    const top = await git(['rev-parse', '--show-toplevel'], { dir: project });
    const repository = { project: realpathSync(project), top: top.stdout.toString('utf8').trim() };
    const { folders } = await outsidePackages(repository, [path], secrets);
    for (const folder of folders) await addFolder(hash, folder, secrets);
  } else if (isFolder) {
    await addFolder(hash, target, secrets);
  } else {
    add(hash, dirname(target), basename(target));
  }
  return hash.digest('hex');
}

type Hash = ReturnType<typeof createHash>;

/** The files that git does not ignore. */
async function addFolder(hash: Hash, folder: string, secrets: readonly string[]): Promise<void> {
  const hidden = new Set(await secretsIn(folder, secrets));
  const listed = await git(['ls-files', '-z', '--cached', '--others', '--exclude-standard'], { dir: folder });
  const names = listed.stdout.toString('utf8').split('\0');
  for (const name of [...new Set(names)].filter((one) => one !== '').sort()) {
    if (!hidden.has(name)) add(hash, folder, name);
  }
}

function add(hash: Hash, folder: string, name: string): void {
  try {
    const bytes = readFileSync(join(folder, name));
    hash.update(`${name}\0${bytes.length}\0`).update(bytes);
  } catch {
    hash.update(`${name}\0-\0`);
  }
}

/** Where the links in a folder of packages lead to. */
function linksIn(folder: string): string[] {
  return entriesOf(folder).flatMap((entry) => {
    const place = join(folder, entry.name);
    if (entry.isDirectory() && entry.name.startsWith('@')) return linksIn(place);
    if (!entry.isSymbolicLink()) return [];
    try {
      return [realpathSync(place)];
    } catch {
      return [];
    }
  });
}

function entriesOf(folder: string): Dirent[] {
  try {
    return readdirSync(folder, { withFileTypes: true });
  } catch {
    return [];
  }
}
