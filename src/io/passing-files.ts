/**
 * Small files for other processes of this machine that mean nothing after a power cut: a reader or a kill meets each change
 * whole or not at all, and no change waits for the disk.
 */

import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { codeOf, isMissing } from './errors.js';
import { placeWhole, temporaryName } from './files.js';

/** Replaces a file, or makes it, with its folder when needed. */
export function writePassing(path: string, data: string, mode?: number): Promise<void> {
  return placeWhole(path, data, { mode, flush: false });
}

/**
 * Makes a whole file where there is none; false if there is one. Undefined where the file system cannot do that (it has no
 * links). The folder must exist.
 */
export function createPassing(path: string, text: string): boolean | undefined {
  const temporary = join(dirname(path), temporaryName());
  try {
    writeFileSync(temporary, text, { flag: 'wx' });
    return link(temporary, path);
  } finally {
    rmSync(temporary, { force: true });
  }
}

/**
 * Removes a file if it is what `isMeant` wants; false if it is not, or there is none. A file that takes its place meanwhile
 * is put back.
 */
export function removePassing(path: string, isMeant: (text: string) => boolean): boolean {
  const temporary = join(dirname(path), temporaryName());
  try {
    if (!isMeant(readFileSync(path, 'utf8'))) return false;
    renameSync(path, temporary);
  } catch (error) {
    if (isMissing(error)) return false;
    throw error;
  }
  const isRemoved = isMeant(readFileSync(temporary, 'utf8'));
  // A link never replaces a third file; without links, the file must not be lost either.
  if (!isRemoved && link(temporary, path) === undefined) renameSync(temporary, path);
  rmSync(temporary, { force: true });
  return isRemoved;
}

/** False if there is a file at the path. Undefined where the file system has no links. */
function link(file: string, path: string): boolean | undefined {
  try {
    linkSync(file, path);
    return true;
  } catch (error) {
    return codeOf(error) === 'EEXIST' ? false : undefined;
  }
}
