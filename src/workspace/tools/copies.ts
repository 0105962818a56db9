/** Copies of what set-up made, each with what it looked like: where there is no sandbox that shows them read-only. */

import { createHash } from 'node:crypto';
import { lstatSync, readdirSync } from 'node:fs';
import { cp, mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { readText } from '../../io/files.js';
import { runProgram } from '../../io/process/process.js';
import { removeForcibly } from '../restore.js';
import type { Workspace } from '../workspace.js';

/** Copies in a workspace, where there is no sandbox that shows the set-up's folder in its place. */
export interface Copies {
  readonly key: string;
  /** Of each copied path what it looked like right after copying. */
  readonly paths: Readonly<Record<string, string>>;
}

export function copiesFile(workspace: Workspace): string {
  return beside(workspace, 'ready');
}

/** A place for a workspace in the folder of all of them. */
export function beside({ index }: Pick<Workspace, 'index'>, kind: string): string {
  return index.replace(/index$/, kind);
}

export async function readCopies(workspace: Workspace): Promise<Copies | undefined> {
  try {
    const value = JSON.parse((await readText(copiesFile(workspace))) ?? '') as Copies;
    return typeof value.paths === 'object' ? value : undefined;
  } catch {
    return undefined;
  }
}

/** Makes a copy again unless it still looks as it did after copying (`before`). Returns what it looks like. */
export async function freshCopy(from: string, to: string, before: string | undefined): Promise<string> {
  if (before !== undefined && before === fingerprint(to)) return before;
  await removeForcibly(to);
  await mkdir(dirname(to), { recursive: true });
  await copyTree(from, to);
  return fingerprint(to);
}

/** `cp` shares blocks where the file system can, and is many times faster than copying file by file. */
export async function copyTree(from: string, to: string): Promise<void> {
  const share = process.platform === 'linux' ? ['--reflink=auto'] : [];
  const command = ['cp', '-a', ...share, '--', from, to];
  const exit = await runProgram({ command, cwd: dirname(to), env: { PATH: '/usr/bin:/bin' } });
  if (exit.kind === 'exited' && exit.code === 0) return;
  await removeForcibly(to);
  await cp(from, to, { recursive: true, verbatimSymlinks: true, preserveTimestamps: true });
}

/**
 * Changes when anything in a folder was changed: the time of a change of state cannot be set by a program. Of the folder
 * itself only its names count: caches come and go in it.
 */
function fingerprint(place: string): string {
  const hash = createHash('sha256');
  const add = (path: string): void => {
    const stat = lstatSync(path, { throwIfNoEntry: false });
    const isRoot = path === place && stat?.isDirectory();
    const times = isRoot ? '' : `${stat?.size} ${stat?.mtimeMs} ${stat?.ctimeMs}`;
    hash.update(`${path}\0${stat?.mode} ${stat?.ino} ${times}\0`);
    if (stat?.isDirectory()) for (const name of readdirSync(path).sort()) add(`${path}/${name}`);
  };
  add(place);
  return hash.digest('hex');
}
