/** What a sandbox shows of the project beside a workspace: links, git objects; and what it must never show. */

import { join } from 'node:path';
import { objectFolders } from '../io/git/reading/object-folders.js';
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
  return {
    readOnly: [
      ...[...options.link, ...(options.inner ?? [])].map((path) => join(project, path)),
      ...(workspace === undefined ? [] : options.link.filter(isOutside).map((path) => join(workspace, path))),
      ...(options.outside?.folders ?? []),
      ...(options.read ?? []),
      store,
      ...objectFolders(join(store, 'objects')).slice(1),
    ],
    hide: [project, top, gitDir, commonDir, options.cacheDir, ...(options.outside?.hidden ?? [])],
  };
}
