/** Claims as files beside conductor's own repository: between the worktrees and clones that share one store. */

import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { err, ok } from '../../base/result.js';
import { readText, removeTree, writeAtomic } from '../../io/files.js';
import { acquireLock } from '../../io/process-lock.js';
import type { ActionKey } from '../../model/action.js';
import {
  type ChangedClaims,
  type ChangeOutcome,
  type ClaimChange,
  type ClaimPlace,
  formatClaim,
  type PlacedClaim,
  parseClaim,
  type ReadClaims,
} from './claim-place.js';

export class FolderClaims implements ClaimPlace {
  readonly name = 'this store';
  private readonly folder: string;
  private readonly pid: number;

  constructor({ home, pid }: { readonly home: string; readonly pid: number }) {
    this.folder = join(home, 'claims');
    this.pid = pid;
  }

  async read(keys: readonly ActionKey[]): Promise<ReadClaims> {
    const found = new Map<ActionKey, PlacedClaim>();
    for (const key of keys) {
      const text = await readText(this.file(key));
      if (text !== undefined) found.set(key, { text: parseClaim(text), revision: revisionOf(text) });
    }
    return ok(found);
  }

  async change(changes: ReadonlyMap<ActionKey, ClaimChange>, signal: AbortSignal): Promise<ChangedClaims> {
    const outcomes = new Map<ActionKey, ChangeOutcome>();
    // The kernel frees this lock when its holder dies; it is held for as long as it takes to write a small file.
    const owner = { command: 'claims', pid: this.pid, startedAt: '' };
    const lock = await acquireLock(this.folder, owner, { wait: true, brief: true, signal });
    if (!lock.ok) return err({ kind: 'stopped', detail: 'it was stopped' });
    try {
      for (const [key, change] of changes) outcomes.set(key, await this.changeFile(this.file(key), change));
    } finally {
      await lock.value.release();
    }
    return ok(outcomes);
  }

  private async changeFile(file: string, { from, to }: ClaimChange): Promise<ChangeOutcome> {
    const text = await readText(file);
    if ((text === undefined ? undefined : revisionOf(text)) !== from) return 'moved';
    if (to === undefined) {
      await removeTree(file);
      return { revision: undefined };
    }
    const next = formatClaim(to);
    await writeAtomic(file, next);
    return { revision: revisionOf(next) };
  }

  private file(key: ActionKey): string {
    return join(this.folder, key);
  }
}

function revisionOf(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
