/** How two trees differ, file by file, as git reports it. Does not know what the trees are. */

import type { ObjectId } from '../../model/tree.js';
import { type GitCall, gitOk } from './git-process.js';

export interface FileDifference {
  readonly path: string;
  readonly change: 'added' | 'removed' | 'changed';
  /** Lines; both are zero for a file that is no text. */
  readonly insertions: number;
  readonly deletions: number;
  readonly binary: boolean;
  /** As `git diff` prints it, headers included. */
  readonly patch: string;
}

const DIFF = ['diff', '--no-color', '--no-ext-diff', '--no-textconv', '--no-renames'];

/** All files that differ, in the order of their paths. Both trees and their blobs must be in the store. */
export async function diffTrees(store: string, from: ObjectId, to: ObjectId): Promise<FileDifference[]> {
  if (from === to) return [];
  const call: GitCall = { gitDir: store, dir: store };
  const [numbers, text] = await Promise.all([
    gitOk([...DIFF, '--numstat', '-z', from, to, '--'], call),
    gitOk([...DIFF, from, to, '--'], call),
  ]);
  // Lines of content begin with a space, a plus, a minus or a backslash: this can only be a header.
  const patches = text.toString('utf8').split(/^(?=diff --git )/m);
  const records = numbers.toString('utf8').split('\0').filter(Boolean);
  return records.map((record, index) => {
    const [insertions = '-', deletions = '-', ...path] = record.split('\t');
    const patch = patches[index] ?? '';
    const head = patch.slice(0, patch.search(/^@@ /m) >>> 0);
    return {
      path: path.join('\t'),
      change: /^new file mode /m.test(head)
        ? 'added'
        : /^deleted file mode /m.test(head)
          ? 'removed'
          : 'changed',
      insertions: Number(insertions) || 0,
      deletions: Number(deletions) || 0,
      binary: insertions === '-',
      patch,
    };
  });
}
