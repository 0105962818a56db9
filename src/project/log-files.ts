/** The paths of a build's event log and other logs: `.conductor/logs/<build>/`. Reads no content. */

import { type Dirent, lstatSync, readdirSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { makeDir, readText, removeTree, writeAtomic } from '../io/files.js';
import type { Failure } from '../model/failure.js';

export interface LogFile {
  readonly absolute: string;
  /** Relative to the project, as events and failures name it. */
  readonly relative: string;
}

export const CONDUCTOR_FOLDER = '.conductor';
const KEPT_BUILDS = 30;
const IGNORE_ALL = '*\n';

/**
 * Why nothing may be written below the project's own folder: a repository can hold a link there, and old logs would be
 * removed wherever it leads. Undefined when all is well.
 */
export function ownFolderProblem(project: string): Failure | undefined {
  const root = `${project}/${CONDUCTOR_FOLDER}`;
  const found = lstatSync(root, { throwIfNoEntry: false });
  if (!found) return undefined;
  const links = found.isSymbolicLink()
    ? [CONDUCTOR_FOLDER]
    : entriesOf(root)
        .filter((entry) => entry.isSymbolicLink())
        .map(({ name }) => `${CONDUCTOR_FOLDER}/${name}`);
  if (links.length === 0) return undefined;
  return {
    kind: 'unsupported-repository',
    reason: `${links.join(', ')} is a link, but conductor writes and removes files there`,
    hint: 'conductor follows no links. Replace the link by a folder, or remove it.',
  };
}

function entriesOf(folder: string): Dirent[] {
  try {
    return readdirSync(folder, { withFileTypes: true });
  } catch {
    return [];
  }
}

export class BuildLogs {
  readonly build: string;
  private readonly project: string;

  /** `build` is the name of the build's folder: its start as a sortable time stamp and the process id. */
  constructor(project: string, build: string) {
    this.project = project;
    this.build = build;
  }

  /** A file of a task's (its label becomes a folder name) or of the build's own (`build`). */
  file(owner: string, name: string): LogFile {
    const relative = `${CONDUCTOR_FOLDER}/logs/${this.build}/${folderName(owner)}/${name}`;
    return { absolute: `${this.project}/${relative}`, relative };
  }

  get events(): string {
    return `${this.project}/${CONDUCTOR_FOLDER}/logs/${this.build}/events.ndjson`;
  }

  /** Makes the folder and keeps git from seeing it. */
  async open(): Promise<void> {
    const root = `${this.project}/${CONDUCTOR_FOLDER}`;
    await makeDir(`${root}/logs/${this.build}`);
    const ignore = `${root}/.gitignore`;
    if ((await readText(ignore)) !== IGNORE_ALL) await writeAtomic(ignore, IGNORE_ALL);
  }

  /** Removes the logs of the oldest builds. */
  async removeOld(): Promise<void> {
    const root = `${this.project}/${CONDUCTOR_FOLDER}`;
    const builds = (await readdir(`${root}/logs`)).sort();
    for (const old of builds.slice(0, Math.max(0, builds.length - KEPT_BUILDS)))
      await removeTree(`${root}/logs/${old}`);
  }
}

/** Sortable, unique on this machine, and a folder name. */
export function buildName(at: number, pid: number): string {
  return `${new Date(at).toISOString().replace(/[:.]/g, '-')}-${pid}`;
}

/** Labels hold one `/`; what else they may hold was checked when the specs were read. */
export function folderName(owner: string): string {
  return owner.replaceAll('/', '~');
}
