/**
 * The folders in which agents with a command line write what they report. One that is left empty is given to a later attempt: each folder
 * that is made or removed waits for the disk. Knows no report.
 */

import { mkdtempSync, readdirSync } from 'node:fs';
import { mapBounded } from '../../base/bounded.js';
import { lookSync, removeSmallTree } from '../../io/files.js';
import { makeOwnFolder } from './attempt-state.js';

const PREFIX = 'reports-';
const OWN_MODE = 0o700;

export class ReportFolders {
  private readonly parent: string | undefined;
  private readonly free: string[] = [];
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
      if (isUnused(folder)) return folder;
      await removeSmallTree(folder);
    }
    return makeOwnFolder(parent, PREFIX);
  }

  /** Called when no program of the attempt runs any more. */
  async giveBack(folder: string): Promise<void> {
    if (this.parent !== undefined && !this.isClosed && isUnused(folder)) this.free.push(folder);
    else await removeSmallTree(folder);
  }

  /** Removes all that were given back. */
  async close(): Promise<void> {
    this.isClosed = true;
    await mapBounded(this.free.splice(0), removeSmallTree);
  }
}

/** An agent that no sandbox holds may have put something else in its place. */
function isUnused(folder: string): boolean {
  const found = lookSync(folder);
  if (!found?.isDirectory() || (found.mode & 0o777) !== OWN_MODE) return false;
  try {
    return readdirSync(folder).length === 0;
  } catch {
    return false;
  }
}
