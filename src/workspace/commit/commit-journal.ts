/**
 * What `build --commit` is about to do to the person's repository, written before it begins: after a kill, the next command
 * removes the locks that it left there and brings the index in line with the commit.
 */

import { rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { readText, writeAtomic } from '../../io/files.js';
import { type GitCall, gitAsked } from '../../io/git/git-process.js';
import type { Repository } from '../../io/git/repository.js';
import { removeKilledLock } from '../../io/git/upkeep/stale-lock.js';
import type { Entry, ObjectId } from '../../model/tree.js';
import { COMMIT_JOURNAL } from '../publish-journal.js';
import { type IndexEntries, releaseIndex, updateIndex } from './commit-index.js';

export interface CommitJournal {
  readonly commit: ObjectId;
  readonly entries: IndexEntries;
}

/** How long a git that outlived its conductor is waited for. */
const ORPHAN_MS = 10_000;
/** Between two looks at what it still holds. */
const LOOK_MS = 20;

export async function writeCommitJournal(
  { state }: Repository,
  { commit, entries }: CommitJournal,
): Promise<void> {
  await writeAtomic(journalFile(state), JSON.stringify({ commit, entries: [...entries] }));
}

export async function removeCommitJournal({ state }: Repository): Promise<void> {
  await rm(journalFile(state), { force: true });
}

/** Completes a commit that was killed. The caller holds the project's lock. */
export async function recoverCommit(repository: Repository): Promise<'nothing' | 'completed'> {
  const file = journalFile(repository.state);
  const text = await readText(file);
  if (text === undefined) return 'nothing';
  const journal = parseJournal(text);
  const theirs = theirGit(repository);
  const since = (await stat(file)).mtimeMs;
  const end = performance.now() + ORPHAN_MS;
  for (const lock of await refLocks(repository, theirs)) {
    // git writes the new commit into the lock of a branch, and nothing into that of HEAD.
    const killed = { since, content: `${journal?.commit ?? ''}\n`, top: repository.top };
    while ((await removeKilledLock(lock, killed)) === 'held') {
      // The next command tries again: without the journal the lock would stay for ever.
      if (performance.now() > end) return 'nothing';
      await delay(LOOK_MS);
    }
  }
  await releaseIndex(repository);
  const head = await gitAsked(['rev-parse', '--quiet', '--verify', 'HEAD^{commit}'], theirs);
  const isMade = journal !== undefined && head.stdout.toString('latin1').trim() === journal.commit;
  if (isMade && !(await updateIndex(repository, theirs, journal.entries))) return 'nothing';
  await removeCommitJournal(repository);
  return 'completed';
}

export function theirGit(repository: Repository): GitCall {
  return {
    gitDir: repository.gitDir,
    workTree: repository.top,
    dir: repository.top,
    // Their index is no cache: what is staged stands only there. Half-made objects are left to their git, one by one.
    settings: ['core.fsync=objects,derived-metadata,reference,index', 'core.fsyncMethod=fsync'],
    asPerson: true,
  };
}

async function refLocks({ gitDir, commonDir }: Repository, theirs: GitCall): Promise<string[]> {
  const branch = await gitAsked(['symbolic-ref', '--quiet', 'HEAD'], theirs);
  const name = branch.stdout.toString('utf8').trim();
  return [join(gitDir, 'HEAD.lock'), ...(name === '' ? [] : [join(commonDir, `${name}.lock`)])];
}

function journalFile(state: string): string {
  return join(state, COMMIT_JOURNAL);
}

function parseJournal(text: string): CommitJournal | undefined {
  try {
    const value = JSON.parse(text) as { commit?: unknown; entries?: unknown };
    if (typeof value.commit !== 'string' || !Array.isArray(value.entries)) return undefined;
    // A file that goes has no entry: JSON has null for it.
    const entries = (value.entries as [string, Entry | null][]).map(
      ([path, entry]) => [path, entry ?? undefined] as const,
    );
    return { commit: value.commit, entries: new Map(entries) };
  } catch {
    return undefined;
  }
}
