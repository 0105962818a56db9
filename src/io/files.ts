/** Reads and writes whole text files. Does not know what they mean. */

import {
  appendFileSync,
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  openSync,
  readFileSync,
  readSync,
  rmdirSync,
  type Stats,
  statSync,
} from 'node:fs';
import { lstat, mkdir, readdir, readFile, realpath, rename, rm, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { syncFolder } from './durable.js';
import { codeOf, isMissing, throwIfNotSeen } from './errors.js';

export { asFailure, codeOf } from './errors.js';

/** `.conductor-tmp-<pid>-<random>`: the writer's pid tells a later sweep whether anybody still writes it. */
const TEMPORARY = /^\.conductor-tmp-(\d+)-[0-9a-f]+$/;

/** Of this process alone. */
export function temporaryName(): string {
  return `.conductor-tmp-${process.pid}-${randomName()}`;
}

/** Unique enough: a name that is taken is an error, and nothing is written over. */
function randomName(): string {
  return Math.floor(Math.random() * 2 ** 48)
    .toString(16)
    .padStart(12, '0');
}

/** Names in a folder; none where there is no folder. Throws when the system does not let this process look. */
export async function namesIn(folder: string): Promise<string[]> {
  return (await readdir(folder).catch(throwIfNotSeen)) ?? [];
}

/** A new folder of this process's own in `folder`; what a kill leaves of it is swept as temporary files are. */
export async function makeTemporaryFolder(folder: string): Promise<string> {
  const path = join(folder, temporaryName());
  await mkdir(path, { recursive: true });
  return path;
}

/** The text of a file (UTF-8), or undefined when there is none. Other errors of the disk are thrown. */
export async function readText(path: string): Promise<string | undefined> {
  return (await readBytes(path))?.toString('utf8');
}

/** As `readText`, for a few small files before there is anything else to do. */
export function readTextSync(path: string): string | undefined {
  try {
    // An error that is thrown takes longer than a stat.
    if (statSync(path, { throwIfNoEntry: false }) === undefined) return undefined;
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw withPath(error, path);
  }
}

/** No link is followed, and a pipe that nobody writes into is not waited for. Windows has neither flag. */
const READ_PLAIN = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);
/** What a link and a socket are refused with. */
const NO_FILE: ReadonlySet<string> = new Set(['ELOOP', 'EMLINK', 'ENXIO']);

/**
 * The text of a file at a path that other programs decide on, or why it is not read: it is a link, a pipe, a folder, or
 * longer than `maxBytes`. Undefined when there is nothing.
 */
export function readPlainSync(
  path: string,
  maxBytes: number,
): { readonly text: string } | { readonly problem: string } | undefined {
  let file: number;
  try {
    file = openSync(path, READ_PLAIN);
  } catch (error) {
    if (isMissing(error)) return undefined;
    const code = codeOf(error) ?? 'unknown';
    return { problem: NO_FILE.has(code) ? 'it is not a file' : `it cannot be read (${code})` };
  }
  try {
    const found = fstatSync(file);
    if (!found.isFile()) return { problem: 'it is not a file' };
    if (found.size > maxBytes) return { problem: `it has more than ${maxBytes} bytes` };
    return { text: readFileSync(file, 'utf8') };
  } finally {
    closeSync(file);
  }
}

/** The bytes of a file, or undefined when there is none. */
export async function readBytes(path: string): Promise<Buffer | undefined> {
  try {
    return await readFile(path);
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw withPath(error, path);
  }
}

/** Reading a folder fails without its name. */
function withPath(error: unknown, path: string): unknown {
  return error instanceof Error ? Object.assign(error, { path }) : error;
}

/** Whether anything is at this path; a link that leads nowhere counts. */
export async function exists(path: string): Promise<boolean> {
  try {
    await lstat(path);
    return true;
  } catch (error) {
    if (isMissing(error)) return false;
    throw error;
  }
}

/** Makes a folder and those above it; one that is there already is left as it is. */
export async function makeDir(path: string): Promise<void> {
  await mkdir(path, { recursive: true });
}

/** Removes a file, a link (never what it points at) or a whole folder; nothing there is fine. */
export async function removeTree(path: string | Buffer): Promise<void> {
  await rm(path, { recursive: true, force: true, maxRetries: 3 });
}

/** As `removeTree`, for a folder that is probably empty. */
export async function removeSmallTree(path: string): Promise<void> {
  try {
    rmdirSync(path);
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') await removeTree(path);
  }
}

/** Adds text at the end of a file, making it and its folder when needed. A few lines are written sooner than handed to a thread. */
export async function append(path: string, text: string): Promise<void> {
  try {
    appendFileSync(path, text);
  } catch (error) {
    if (!isMissing(error)) throw error;
    await makeDir(dirname(path));
    appendFileSync(path, text);
  }
}

/** What is at this path; a link is not followed. Undefined when nothing is, or nothing that can be looked at. */
export function lookSync(path: string): Stats | undefined {
  try {
    return lstatSync(path, { throwIfNoEntry: false });
  } catch {
    return undefined;
  }
}

/** Texts of a file by where they begin, in bytes, and how long they are; undefined where it is shorter or there is none. */
export function readPartsSync(path: string, parts: readonly (readonly [from: number, bytes: number])[]) {
  const size = lookSync(path)?.size ?? -1;
  if (parts.some(([from, bytes]) => from + bytes > size)) return undefined;
  const file = openSync(path, 'r');
  try {
    return parts.map(([from, bytes]) => {
      const part = Buffer.alloc(bytes);
      return part.toString('utf8', 0, readSync(file, part, 0, bytes, from));
    });
  } finally {
    closeSync(file);
  }
}

/** Fills a buffer with what a file has from a place on, and says with how many bytes. */
export type ReadAt = (from: number, into: Buffer) => number;

/** Lends a file for reading single places of it; undefined where there is none. */
export function withFileSync<T>(path: string, work: (readAt: ReadAt) => T): T | undefined {
  if (!lookSync(path)?.isFile()) return undefined;
  const file = openSync(path, 'r');
  try {
    return work((from, into) => readSync(file, into, 0, into.length, from));
  } finally {
    closeSync(file);
  }
}

/** The real path of a folder; undefined when it is none. */
export async function realFolder(path: string): Promise<string | undefined> {
  const isFolder = await stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
  return isFolder ? realpath(path) : undefined;
}

/** Moves a file that has come to more than `maxBytes` over another one, which is gone then. */
export async function moveWhenLarger(path: string, to: string, maxBytes: number): Promise<void> {
  try {
    if ((await stat(path)).size > maxBytes) await rename(path, to);
  } catch (error) {
    if (!isMissing(error)) throw error;
  }
}

/**
 * Replaces a file in one step: a reader, a process killed at any moment, or a power cut leaves the old content or the
 * new one, and what is written later is never on disk before it. Makes the folder when needed. Leaves no temporary file when it fails.
 */
export async function writeAtomic(path: string, data: string | Uint8Array, mode?: number): Promise<void> {
  await placeWhole(path, data, { mode, flush: true });
  await syncFolder(dirname(path));
}

/** As `writeAtomic`; `flush`: the content is on disk before it gets its name. */
export async function placeWhole(
  path: string,
  data: string | Uint8Array,
  { mode, flush }: { readonly mode: number | undefined; readonly flush: boolean },
): Promise<void> {
  const temporary = join(dirname(path), temporaryName());
  const options = { flag: 'wx', flush, ...(mode === undefined ? {} : { mode }) };
  try {
    try {
      await writeFile(temporary, data, options);
    } catch (error) {
      if (!isMissing(error)) throw error;
      await makeDir(dirname(path));
      await writeFile(temporary, data, options);
    }
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => {});
    throw error;
  }
}

/** Removes temporary files that killed writers left in a folder. Returns how many. */
export async function sweepTemporary(folder: string): Promise<number> {
  let names: string[];
  try {
    names = await readdir(folder);
  } catch (error) {
    if (isMissing(error)) return 0;
    throw error;
  }
  let removed = 0;
  for (const name of names) {
    const pid = TEMPORARY.exec(basename(name))?.[1];
    if (pid === undefined || isAlive(Number(pid))) continue;
    await rm(join(folder, name), { recursive: true, force: true });
    removed++;
  }
  return removed;
}

/** Whether a process with this id exists; one of another user counts. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return codeOf(error) === 'EPERM';
  }
}

/**
 * Changes whenever a file is written or replaced: git, for one, writes an index to a new file, and leaves it alone when nothing in it
 * has changed. Undefined when there is none.
 */
export function fileIdentity(path: string): string | undefined {
  const stat = statSync(path, { bigint: true, throwIfNoEntry: false });
  return stat && [stat.dev, stat.ino, stat.size, stat.mtimeNs, stat.ctimeNs].join(' ');
}
