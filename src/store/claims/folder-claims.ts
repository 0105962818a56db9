/** Claims as files beside conductor's own repository: between the worktrees and clones that share one store. */

import { createHash } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { err, ok } from '../../base/result.js';
import { readText } from '../../io/files.js';
import { createPassing, removePassing, writePassing } from '../../io/passing-files.js';
import { acquireLock } from '../../io/process-lock.js';
import type { ActionKey } from '../../model/action.js';
import {
  type ChangedClaims,
  type ChangeOutcome,
  type ClaimChange,
  type ClaimPlace,
  type ClaimText,
  formatClaim,
  type PlacedClaim,
  parseClaim,
  type ReadClaims,
} from './claim-place.js';

export class FolderClaims implements ClaimPlace {
  readonly name = 'this store';
  readonly gatherMs = 0;
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

  /**
   * Most changes need no lock: only one build can make the file of a new claim, and a build removes only its own claim. A change
   * that replaces a claim needs the lock, which costs a process on Linux.
   */
  async change(changes: ReadonlyMap<ActionKey, ClaimChange>, signal: AbortSignal): Promise<ChangedClaims> {
    const outcomes = new Map<ActionKey, ChangeOutcome>();
    const others = new Map<ActionKey, Replacement>();
    mkdirSync(this.folder, { recursive: true });
    for (const [key, { from, to }] of changes) {
      const file = this.file(key);
      const outcome =
        to === undefined ? remove(file, from) : from === undefined ? create(file, to) : undefined;
      if (outcome) outcomes.set(key, outcome);
      else if (to) others.set(key, { from, to });
    }
    if (others.size === 0) return ok(outcomes);
    // The kernel frees this lock when its holder dies; it is held for as long as it takes to write a small file.
    const owner = { command: 'claims', pid: this.pid, startedAt: '' };
    const lock = await acquireLock(this.folder, owner, { wait: true, brief: true, signal });
    if (!lock.ok) return err({ kind: 'stopped', detail: 'it was stopped' });
    try {
      for (const [key, change] of others) outcomes.set(key, await replace(this.file(key), change));
    } finally {
      await lock.value.release();
    }
    return ok(outcomes);
  }

  private file(key: ActionKey): string {
    return join(this.folder, key);
  }
}

interface Replacement extends ClaimChange {
  readonly to: ClaimText;
}

function remove(file: string, from: string | undefined): ChangeOutcome {
  const isGone = removePassing(file, (text) => revisionOf(text) === from);
  return isGone ? { revision: undefined } : 'moved';
}

/** Undefined: this file system needs the lock for it. */
function create(file: string, to: ClaimText): ChangeOutcome | undefined {
  const text = formatClaim(to);
  const isMade = createPassing(file, text);
  if (isMade === undefined) return undefined;
  return isMade ? { revision: revisionOf(text) } : 'moved';
}

/** Under the lock. */
async function replace(file: string, { from, to }: Replacement): Promise<ChangeOutcome> {
  const text = await readText(file);
  if ((text === undefined ? undefined : revisionOf(text)) !== from) return 'moved';
  const next = formatClaim(to);
  await writePassing(file, next);
  return { revision: revisionOf(next) };
}

function revisionOf(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
