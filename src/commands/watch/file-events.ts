/**
 * Reports that something in a project changed, from events of the file system. The adapter of chokidar; reads no
 * file.
 */

import { relative, sep } from 'node:path';
import type { Scope } from './scope.js';

export interface FileEvents {
  /** What is of interest from now on. */
  follow(scope: Scope): void;
  close(): Promise<void>;
}

export interface FileEventsOptions {
  /** Absolute. */
  readonly project: string;
  /** Folders that git ignores, relative, without a `/` at the end. */
  readonly ignored: ReadonlySet<string>;
  /** The file or folder at a path changed; without one, anything may have: it is time to look. */
  onEvent(path?: string): void;
  /** Events cannot be had any more; the reason, for people. */
  onBroken(reason: string): void;
}

export type OpenFileEvents = (options: FileEventsOptions, scope: Scope) => Promise<FileEvents>;

/** Never of interest, whatever git says of them. */
const NEVER = new Set(['.git', '.conductor', 'node_modules']);

export const openFileEvents: OpenFileEvents = async (options, first) => {
  const { watch } = await import('chokidar');
  const { project, ignored } = options;
  let scope = first;
  let isBroken = false;
  const pathOf = (file: string) => relative(project, file).split(sep).join('/');
  const isIgnored = (file: string, stats?: { isDirectory(): boolean }) => {
    const path = pathOf(file);
    if (path === '') return false;
    const isHidden = path.split('/').some((part) => NEVER.has(part)) || isBelow(path, ignored);
    // Outputs may be where git does not look; what is there besides is left alone.
    const asFile = isHidden ? scope.names(path) : scope.decides(path);
    const asFolder = isHidden ? scope.folders.has(path) : scope.isWhole || scope.leadsTo(path);
    return !(stats ? (stats.isDirectory() ? asFolder : asFile) : asFile || asFolder);
  };
  const open = () => {
    const watcher = watch(project, {
      ignored: isIgnored,
      ignoreInitial: true,
      followSymlinks: false,
      ignorePermissionErrors: true,
      // Whether the file is whole is for the snapshot to say.
      atomic: false,
    });
    watcher.on('all', (_, file) => options.onEvent(pathOf(file)));
    watcher.on('ready', () => options.onEvent());
    watcher.on('error', (error) => {
      if (isBroken) return;
      isBroken = true;
      options.onBroken(error instanceof Error ? error.message : String(error));
    });
    return watcher;
  };
  let watcher = open();
  return {
    follow(next) {
      const before = scope;
      scope = next;
      if (isBroken || before === next || !opensMore(before, next)) return;
      const old = watcher;
      watcher = open();
      void old.close();
    },
    close: () => watcher.close(),
  };
};

function isBelow(path: string, folders: ReadonlySet<string>): boolean {
  for (let end = path.length; end > 0; end = path.lastIndexOf('/', end - 1)) {
    if (folders.has(path.slice(0, end))) return true;
  }
  return false;
}

/** Whether folders are of interest that were not. */
function opensMore(before: Scope, after: Scope): boolean {
  if (before.isWhole) return false;
  return after.isWhole || [...after.folders].some((folder) => !before.leadsTo(folder));
}
