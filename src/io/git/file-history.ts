/** The commits that changed a file in the user's repository. Only reads. */

import { git } from './git-process.js';
import type { Repository } from './repository.js';

export interface HistoryEntry {
  readonly commit: string;
  /** ISO 8601, as the committer's clock had it. */
  readonly at: string;
  readonly subject: string;
}

/** Newest first; none on a branch without a commit. `path` is relative to the project. */
export async function fileHistory(repository: Repository, path: string): Promise<HistoryEntry[]> {
  const call = { gitDir: repository.gitDir, dir: repository.top };
  const file = `:(top,literal)${repository.prefix}${path}`;
  const exit = await git(['log', '-z', '--format=%H%x09%cI%x09%s', '--', file], call);
  if (exit.code !== 0) return [];
  const records = exit.stdout.toString('utf8').split('\0').filter(Boolean);
  return records.map((record) => {
    const [commit = '', at = '', ...subject] = record.split('\t');
    return { commit, at, subject: subject.join('\t') };
  });
}
