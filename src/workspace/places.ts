/** What a sandbox shows of the project beside a workspace: links, git objects; and what it must never show. */

import { readFileSync } from 'node:fs';
import { isAbsolute, join, resolve } from 'node:path';
import type { Repository } from '../io/git/repository.js';
import type { SandboxPlaces } from '../io/process/sandbox/sandbox.js';
import { isOutside, type OutsidePackages } from './tools/outside-links.js';

/**
 * Read-only: what the config links or lets programs read, the links to it around a workspace, packages of the monorepo, and the
 * objects that a workspace's git needs. Hidden, even if something above is shown: the project, its repository, the folder
 * of all workspaces, and secrets in those packages.
 */
export function sandboxPlaces(
  repository: Repository,
  options: {
    readonly cacheDir: string;
    readonly link: readonly string[];
    readonly inner?: readonly string[];
    readonly read?: readonly string[];
    /** Packages of the repository beside the project. */
    readonly outside?: OutsidePackages;
  },
  workspace?: string,
): SandboxPlaces {
  const { project, top, gitDir, commonDir, store } = repository;
  const objects = join(store, 'objects');
  return {
    readOnly: [
      ...[...options.link, ...(options.inner ?? [])].map((path) => join(project, path)),
      ...(workspace === undefined ? [] : options.link.filter(isOutside).map((path) => join(workspace, path))),
      ...(options.outside?.folders ?? []),
      ...(options.read ?? []),
      store,
      ...alternates(objects, new Set([objects])),
    ],
    hide: [project, top, gitDir, commonDir, options.cacheDir, ...(options.outside?.hidden ?? [])],
  };
}

/** Folders of objects that one borrows from, and those that these borrow from. */
function alternates(objects: string, seen: Set<string>): string[] {
  let text: string;
  try {
    text = readFileSync(join(objects, 'info', 'alternates'), 'utf8');
  } catch {
    return [];
  }
  const found: string[] = [];
  for (const line of text.split('\n')) {
    if (line === '' || line.startsWith('#')) continue;
    const path = isAbsolute(line) ? line : resolve(objects, line);
    if (seen.has(path)) continue;
    seen.add(path);
    found.push(path, ...alternates(path, seen));
  }
  return found;
}
