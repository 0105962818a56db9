/** The folder that replaces an agent's state folder during one attempt. It holds only the user's login. */

import { mkdirSync, mkdtempSync, realpathSync } from 'node:fs';
import { copyFile, lstat, readdir, realpath, stat, symlink } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { ownValue } from '../../base/records/own-value.js';
import { makeDir, readText, removeSmallTree, removeTree, writeAtomic } from '../../io/files.js';
import type { Environment } from '../../io/process/environment.js';
import type { Preset, StateFile } from './preset.js';

export interface AttemptState {
  readonly folder: string;
  /** Files of the person to which links in the folder lead: writable, since tokens are renewed. */
  readonly credentials: readonly string[];
  /** Hands back a login that was renewed by replacing its link, and removes the folder. */
  close(): Promise<void>;
}

const PREFIX = 'agent-';
/** Of all folders that attempts have here, with the process that made them. */
const OWNED = /^[a-z]+-(\d+)-/;
/** Folders that a killed conductor left are this old before another removes them. */
const OLD_MS = 24 * 60 * 60 * 1000;

/** Folders that this process has looked through for what others left. */
const swept = new Set<string>();

/** A new folder of this process below `parent`. What killed processes left there long ago is removed. */
export async function makeOwnFolder(parent: string, prefix: string): Promise<string> {
  mkdirSync(parent, { recursive: true, mode: 0o700 });
  // Programs compare the folder with real paths of their own.
  const folder = mkdtempSync(join(realpathSync.native(parent), `${prefix}${process.pid}-`));
  if (!swept.has(parent)) {
    swept.add(parent);
    await removeOld(parent, folder);
  }
  return folder;
}

/** Makes the folder below `parent`; the login is looked for in the person's own state folder. */
export async function openAttemptState(
  parent: string,
  preset: Preset,
  env: Environment,
): Promise<AttemptState> {
  const folder = await makeOwnFolder(parent, PREFIX);
  const links: { readonly link: string; readonly real: string }[] = [];
  for (const file of preset.state.credentials) {
    const real = await personsFile(preset, file, env);
    if (real === undefined) continue;
    const link = join(folder, file.path);
    await makeDir(dirname(link));
    // Where links need a right that nobody has (Windows) a copy does; a renewed one is handed back all the same.
    await symlink(real, link).catch(() => copyFile(real, link));
    links.push({ link, real });
  }
  for (const file of preset.state.settings ?? []) {
    const found = await personsFile(preset, file, env);
    const text = file.keep(found === undefined ? undefined : await readText(found));
    if (text === undefined) continue;
    await makeDir(dirname(join(folder, file.path)));
    await writeAtomic(join(folder, file.path), text, 0o600);
  }
  return {
    folder,
    credentials: links.map(({ real }) => real),
    async close() {
      for (const { link, real } of links) {
        const now = await lstat(link).catch(() => undefined);
        if (!now?.isFile()) continue;
        const text = await readText(link);
        if (text !== undefined && text !== (await readText(real))) await writeAtomic(real, text, 0o600);
      }
      await removeSmallTree(folder);
    },
  };
}

/** The real path of a file in the person's state folder; undefined when there is none. */
async function personsFile(
  preset: Preset,
  { path, from = [path] }: StateFile,
  env: Environment,
): Promise<string | undefined> {
  const { state } = preset;
  const named = ownValue(env, state.variable);
  if (!named && !env.HOME) return undefined;
  const base = named || join(env.HOME as string, state.folder);
  for (const one of from) {
    const real = await realpath(resolve(base, one)).catch(() => undefined);
    if (real !== undefined && (await stat(real)).isFile()) return real;
  }
  return undefined;
}

async function removeOld(parent: string, newest: string): Promise<void> {
  const { mtimeMs } = await stat(newest);
  for (const name of await readdir(parent)) {
    const pid = OWNED.exec(name)?.[1];
    const place = join(parent, name);
    const age = mtimeMs - ((await stat(place).catch(() => undefined))?.mtimeMs ?? mtimeMs);
    if (pid !== undefined && age > OLD_MS && !isAlive(Number(pid))) await removeTree(place);
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
