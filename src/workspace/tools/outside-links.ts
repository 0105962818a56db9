/**
 * What a project that is a folder of its repository uses around it: packages and configuration of the monorepo, which no
 * snapshot of the project has.
 */

import { createHash } from 'node:crypto';
import { type Dirent, readdirSync, readFileSync, realpathSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { git } from '../../io/git/git-process.js';
import type { Repository } from '../../io/git/repository.js';
import { isPackageFolder } from './package-folder.js';

/** Lock files of package managers that stand beside what they describe. */
const LOCK_FILES = ['package-lock.json', 'npm-shrinkwrap.json', 'pnpm-lock.yaml', 'yarn.lock', 'bun.lock'];

/** Files in a shown package that stay hidden. */
const SECRETS = /^(\.env(\..*)?|\.npmrc|\.netrc)$/;

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
export function outsidePackages(
  { project, top }: Pick<Repository, 'project' | 'top'>,
  paths: readonly string[],
): OutsidePackages {
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
  const hidden = shown.flatMap((folder) =>
    entriesOf(folder).flatMap(({ name }) => (SECRETS.test(name) ? [join(folder, name)] : [])),
  );
  return { folders: shown, hidden };
}

/** A digest of what a linked path outside of the project stands for: its files, or of packages what says which they are. */
export async function outsideDigest(project: string, path: string): Promise<string> {
  const target = join(project, path);
  const hash = createHash('sha256');
  const isFolder = statSync(target, { throwIfNoEntry: false })?.isDirectory() === true;
  if (isFolder && isPackageFolder(path)) {
    for (const name of LOCK_FILES) add(hash, dirname(target), name);
    const top = await git(['rev-parse', '--show-toplevel'], { dir: project });
    const repository = { project: realpathSync(project), top: top.stdout.toString('utf8').trim() };
    for (const folder of outsidePackages(repository, [path]).folders) await addFolder(hash, folder);
  } else if (isFolder) {
    await addFolder(hash, target);
  } else {
    add(hash, dirname(target), basename(target));
  }
  return hash.digest('hex');
}

type Hash = ReturnType<typeof createHash>;

/** The files that git does not ignore. */
async function addFolder(hash: Hash, folder: string): Promise<void> {
  const listed = await git(['ls-files', '-z', '--cached', '--others', '--exclude-standard'], { dir: folder });
  const names = listed.stdout.toString('utf8').split('\0');
  for (const name of [...new Set(names)].filter((one) => one !== '').sort()) {
    if (!SECRETS.test(basename(name))) add(hash, folder, name);
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
