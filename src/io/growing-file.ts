/** Files that only grow, by one text at a time. Does not know what the texts mean. */

import {
  closeSync,
  fdatasync,
  fdatasyncSync,
  fstatSync,
  mkdirSync,
  openSync,
  readSync,
  writeFileSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { isMissing } from './errors.js';

/**
 * When `add` returns, the text is written: if this process is killed, nothing is lost. conductor syncs it in the background,
 * because waiting for a disk stops all other work; a power cut loses the last moments.
 */
export class GrowingFile {
  private readonly path: string;
  private isSyncing = false;
  /** Added while an earlier part was on its way to disk. */
  private isMore = false;

  constructor(path: string) {
    this.path = path;
  }

  /** The folder is made when needed. */
  add(text: string): void {
    const file = this.write(text);
    if (this.isSyncing) {
      this.isMore = true;
      closeSync(file);
    } else this.sync(file);
  }

  /** All that was added is on disk when this returns. */
  addLast(text: string): void {
    const file = this.write(text);
    try {
      fdatasyncSync(file);
    } finally {
      closeSync(file);
    }
  }

  /** Open: the caller closes it. */
  private write(text: string): number {
    const open = () => openSync(this.path, 'a');
    let file: number;
    try {
      file = open();
    } catch (error) {
      if (!isMissing(error)) throw error;
      mkdirSync(dirname(this.path), { recursive: true });
      file = open();
    }
    try {
      // Not `writeSync`: on a disk that becomes full, it writes a part and reports no error.
      writeFileSync(file, text);
    } catch (error) {
      closeSync(file);
      throw error;
    }
    return file;
  }

  /** Closes the file. An error is not reported here: if the disk still fails, the next write throws. */
  private sync(file: number): void {
    this.isSyncing = true;
    fdatasync(file, () => {
      if (this.isMore) {
        this.isMore = false;
        return this.sync(file);
      }
      this.isSyncing = false;
      closeSync(file);
    });
  }
}

/** What such a file holds from a place on; empty when there is no file. */
export function readTailSync(path: string, from: number): Buffer {
  let file: number;
  try {
    file = openSync(path, 'r');
  } catch (error) {
    if (isMissing(error)) return Buffer.alloc(0);
    throw error;
  }
  try {
    const bytes = Buffer.alloc(Math.max(0, fstatSync(file).size - from));
    return bytes.subarray(0, readSync(file, bytes, 0, bytes.length, from));
  } finally {
    closeSync(file);
  }
}
