/**
 * Finds every id and key that files with certain endings mention, committed or not, in all branches and worktrees of the
 * user's repository.
 */

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { globEscape } from '../../model/git-rules/git-escape.js';
import { type GitCall, git, gitOk } from './git-process.js';

/**
 * `commonDir`: the person's repository. `endings`: of file names. `folder`: looked through on disk also where git ignores what
 * is in it.
 */
export async function mentionedIds(
  commonDir: string,
  endings: readonly string[],
  folder: string,
): Promise<Set<string>> {
  const call: GitCall = { gitDir: commonDir, dir: commonDir };
  const ids = new Set<string>();
  const note = (text: string) => {
    for (const [id] of text.matchAll(/[0-9a-f]{40,64}/g)) ids.add(id);
  };
  const { heads, dirs } = await worktrees(call);
  const listed = await gitOk(['for-each-ref', '--format=%(objectname)'], call);
  const tips = new Set([...heads, ...listed.toString('latin1').split('\n').filter(Boolean)]);
  const blobs = new Set<string>();
  for (const tip of tips) {
    // A tag of something that is no commit has no files.
    const tree = await git(['ls-tree', '-r', '-z', '--full-tree', tip], call);
    for (const record of tree.stdout.toString('utf8').split('\0')) {
      const tab = record.indexOf('\t');
      if (tab > 0 && endings.some((ending) => record.endsWith(ending)))
        blobs.add(record.split(/[ \t]/)[2] as string);
    }
  }
  for (const blob of blobs) note((await gitOk(['cat-file', 'blob', blob], call)).toString('utf8'));
  const patterns = endings.map((ending) => `:(glob)**/*${ending}`);
  for (const dir of dirs) {
    const found = await git(['ls-files', '-z', '-c', '-o', '--exclude-standard', '--', ...patterns], { dir });
    const ignored = await git(
      [
        'ls-files',
        '-z',
        '-o',
        '--',
        ...endings.map((ending) => `:(glob)${globEscape(folder)}/**/*${ending}`),
      ],
      { dir },
    );
    for (const path of `${found.stdout}${ignored.stdout}`.split('\0').filter(Boolean)) {
      note(await readFile(join(dir, path), 'utf8').catch(() => ''));
    }
  }
  return ids;
}

async function worktrees(call: GitCall): Promise<{ heads: string[]; dirs: string[] }> {
  const listed = (await gitOk(['worktree', 'list', '--porcelain', '-z'], call)).toString('utf8').split('\0');
  const after = (word: string) =>
    listed.filter((line) => line.startsWith(word)).map((line) => line.slice(word.length));
  const dirs: string[] = [];
  for (const dir of after('worktree ')) {
    const inside = await git(['rev-parse', '--is-inside-work-tree'], { dir }).catch(() => undefined);
    if (inside?.code === 0 && inside.stdout.toString().trim() === 'true') dirs.push(dir);
  }
  return { heads: after('HEAD ').filter((id) => !/^0+$/.test(id)), dirs };
}
