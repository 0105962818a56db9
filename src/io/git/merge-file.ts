/** The three-way merge of one text, by git. Does not know where the texts come from. */

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { GitError, git } from './git-process.js';

export interface MergeMarks {
  /** Names of the three sides in the marks of a conflict. */
  readonly labels: readonly [current: string, base: string, other: string];
  /** Characters of a mark; git's own are seven. */
  readonly size: number;
}

export interface MergedText {
  readonly text: Buffer;
  /** Places at which both sides changed the same lines; the text has them between marks. */
  readonly conflicts: number;
}

export async function mergeFile(
  current: Buffer,
  base: Buffer,
  other: Buffer,
  { labels, size }: MergeMarks,
): Promise<MergedText> {
  const dir = await mkdtemp(join(tmpdir(), 'conductor-merge-'));
  try {
    const sides = { current, base, other };
    for (const [name, text] of Object.entries(sides)) await writeFile(join(dir, name), text);
    const names = labels.flatMap((label) => ['-L', label]);
    const args = [
      'merge-file',
      '-p',
      '-q',
      '--diff3',
      `--marker-size=${size}`,
      ...names,
      ...Object.keys(sides),
    ];
    const exit = await git(args, { dir });
    // The exit code is the number of conflicts, 127 at most; more is an error.
    if (exit.code < 0 || exit.code > 127) throw new GitError(args, exit);
    return { text: exit.stdout, conflicts: exit.code };
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}
