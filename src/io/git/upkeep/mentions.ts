/**
 * Finds every id and key that files with certain endings mention, committed or not, in all branches and worktrees of the
 * user's repository.
 */

import { join } from 'node:path';
import { mapBounded } from '../../../base/bounded.js';
import { globEscape } from '../../../model/git-rules/git-escape.js';
import type { ObjectId } from '../../../model/tree.js';
import { isMissing } from '../../errors.js';
import { readText } from '../../files.js';
import { ObjectDamaged } from '../damaged.js';
import { type GitCall, GitError, git, gitOk } from '../git-process.js';
import { GitObjects } from '../objects.js';
import { parseRawTree } from '../raw-tree.js';
import { listRefs } from '../reading/refs.js';
import type { Repository } from '../repository.js';

/**
 * `repository`: the person's. `endings`: of file names. `folder`: looked through on disk also where git ignores what is in it.
 * Fails where it cannot read what is there: what nothing mentions is deleted.
 */
export async function mentionedIds(
  { commonDir, objectFormat }: Pick<Repository, 'commonDir' | 'objectFormat'>,
  endings: readonly string[],
  folder: string,
): Promise<Set<string>> {
  const call: GitCall = { gitDir: commonDir, dir: commonDir };
  const ids = new Set<string>();
  const note = (text: string) => {
    for (const [id] of text.matchAll(/[0-9a-f]{40,64}/g)) ids.add(id);
  };
  const { heads, dirs } = await worktrees(call);
  const tips = new Set([...heads, ...(await refTips(call))]);
  const patterns = endings.map((ending) => `:(glob)**/*${ending}`);
  const objects = new GitObjects({ store: commonDir, objectFormat });
  try {
    const blobs = await filesIn(objects, tips, (name) => endings.some((ending) => name.endsWith(ending)));
    for (const dir of dirs) for (const id of await stagedFiles(dir, patterns)) blobs.add(id);
    for (const content of (await objects.readMany(blobs)).values()) note(content.toString('utf8'));
  } finally {
    await objects.close();
  }
  for (const dir of dirs) {
    const found = await gitOk(['ls-files', '-z', '-c', '-o', '--exclude-standard', '--', ...patterns], {
      dir,
    });
    const ignored = await gitOk(
      [
        'ls-files',
        '-z',
        '-o',
        '--',
        ...endings.map((ending) => `:(glob)${globEscape(folder)}/**/*${ending}`),
      ],
      { dir },
    );
    for (const path of `${found}${ignored}`.split('\0').filter(Boolean)) {
      const text = await readText(join(dir, path));
      if (text !== undefined) note(text);
    }
  }
  return ids;
}

/** Contents in a worktree's index, all sides of a merge among them: files on disk and commits may have others. */
async function stagedFiles(dir: string, patterns: readonly string[]): Promise<ObjectId[]> {
  const listed = (await gitOk(['ls-files', '-s', '-z', '--', ...patterns], { dir })).toString('latin1');
  return [...listed.matchAll(/(?:^|\0)1[02]\d{4} ([0-9a-f]+) /g)].map(([, id]) => id as ObjectId);
}

/** What refs name, and what stashes consist of: their ref names the newest only, and files that git does not track are in a parent. */
async function refTips(call: GitCall): Promise<ObjectId[]> {
  const refs = await listRefs(call);
  const tips = refs.map(([, id]) => id);
  if (!refs.some(([name]) => name === 'refs/stash')) return tips;
  // A stash that was fetched is in no list.
  for (const which of ['-g', '--no-walk']) {
    const stashed = await gitOk(['rev-list', which, '--parents', 'refs/stash', '--'], call);
    tips.push(...stashed.toString('latin1').split(/\s+/).filter(Boolean));
  }
  return tips;
}

/**
 * Contents of all files in the trees of the tips whose names count. Branches have most folders in common: each is read once,
 * and all by one process.
 */
async function filesIn(
  objects: GitObjects,
  tips: Iterable<ObjectId>,
  counts: (name: string) => boolean,
): Promise<Set<ObjectId>> {
  const blobs = new Set<ObjectId>();
  const known = new Set<ObjectId>();
  const read = async (tree: Buffer) => {
    const folders: ObjectId[] = [];
    for (const [name, { mode, id }] of parseRawTree(tree, objects.hash === 'sha256' ? 32 : 20)) {
      if (mode === '40000' && !known.has(id)) folders.push(id);
      else if (mode.startsWith('1') && mode !== '160000' && counts(name)) blobs.add(id);
    }
    for (const id of folders) known.add(id);
    return folders;
  };
  let next = await mapBounded([...tips], async (tip) => {
    const tree = await objects.read(`${tip}^{tree}`);
    if (tree) return read(tree);
    // A tag of a file has no tree.
    if (await objects.read(`${tip}^{blob}`)) return [];
    throw new ObjectDamaged('tree of', tip);
  });
  while (next.length > 0) {
    next = await mapBounded(next.flat(), async (id) => {
      const tree = await objects.read(id);
      if (!tree) throw new ObjectDamaged('tree', id);
      return read(tree);
    });
  }
  return blobs;
}

async function worktrees(call: GitCall): Promise<{ heads: string[]; dirs: string[] }> {
  const listed = (await gitOk(['worktree', 'list', '--porcelain', '-z'], call)).toString('utf8').split('\0');
  const after = (word: string) =>
    listed.filter((line) => line.startsWith(word)).map((line) => line.slice(word.length));
  const dirs: string[] = [];
  for (const dir of after('worktree ')) {
    if (await isWorktree(dir)) dirs.push(dir);
  }
  return { heads: after('HEAD ').filter((id) => !/^0+$/.test(id)), dirs };
}

/** Whether a listed worktree is still there. One that git cannot look into can mention results all the same. */
async function isWorktree(dir: string): Promise<boolean> {
  const args = ['rev-parse', '--is-inside-work-tree'];
  try {
    const inside = await git(args, { dir });
    if (inside.code === 0) return inside.stdout.toString().trim() === 'true';
    if (/not a git repository/.test(inside.stderr)) return false;
    throw new GitError(args, inside);
  } catch (error) {
    if (isMissing(error)) return false;
    throw error;
  }
}
