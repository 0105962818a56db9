/**
 * The folders in which agents with a command line write what they report. One that nobody touched is given to a later attempt: each folder
 * that is made or removed waits for the disk. Knows no report.
 */

import { mkdtempSync, readdirSync } from 'node:fs';
import { mapBounded } from '../../base/bounded.js';
import { lookSync, removeSmallTree } from '../../io/files.js';
import { makeOwnFolder } from './attempt-state.js';

const PREFIX = 'reports-';

export class ReportFolders {
  private readonly parent: string | undefined;
  private readonly free: string[] = [];
  /** How each folder was when it was made. */
  private readonly made = new Map<string, string | undefined>();
  private isClosed = false;

  /** `parent`: below which they are made. Absent: each attempt has one of its own, beside its prompt. */
  constructor(parent: string | undefined) {
    this.parent = parent;
  }

  /** A folder that is empty now, for this attempt alone until it is given back. */
  async take(promptFile: string): Promise<string> {
    const { parent } = this;
    if (parent === undefined) return mkdtempSync(`${promptFile}.${PREFIX}`);
    for (let folder = this.free.pop(); folder !== undefined; folder = this.free.pop()) {
      // What an agent without a sandbox left running may have written since, and somebody may have emptied the cache folder.
      if (this.isUntouched(folder)) return folder;
      await this.remove(folder);
    }
    const made = await makeOwnFolder(parent, PREFIX);
    this.made.set(made, stateOf(made));
    return made;
  }

  /** Called when no program of the attempt runs any more. */
  async giveBack(folder: string): Promise<void> {
    if (!this.isClosed && this.isUntouched(folder)) this.free.push(folder);
    else await this.remove(folder);
  }

  /** Removes all that were given back. */
  async close(): Promise<void> {
    this.isClosed = true;
    await mapBounded(this.free.splice(0), removeSmallTree);
  }

  /** Also its attributes, rights and times could tell a later attempt something, and an agent without a sandbox may have put a link in its place. */
  private isUntouched(folder: string): boolean {
    const state = stateOf(folder);
    return state !== undefined && state === this.made.get(folder);
  }

  private async remove(folder: string): Promise<void> {
    this.made.delete(folder);
    await removeSmallTree(folder);
  }
}

/** Undefined where it is not an empty folder. No program can set the time of the last change back. */
function stateOf(folder: string): string | undefined {
  const found = lookSync(folder);
  try {
    if (!found?.isDirectory() || readdirSync(folder).length > 0) return undefined;
  } catch {
    return undefined;
  }
  const { dev, ino, mode, mtimeMs, ctimeMs } = found;
  return [dev, ino, mode, mtimeMs, ctimeMs].join(' ');
}
