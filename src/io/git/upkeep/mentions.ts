/**
 * Finds every id and key that files with certain endings mention, committed or not, in all branches and worktrees of the
 * user's repository.
 */

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { mapBounded } from '../../../base/bounded.js';
import { globEscape } from '../../../model/git-rules/git-escape.js';
import type { ObjectId } from '../../../model/tree.js';
import { ObjectDamaged } from '../damaged.js';
import { type GitCall, git, gitOk } from '../git-process.js';
import { GitObjects } from '../objects.js';
import { parseRawTree } from '../raw-tree.js';
import type { Repository } from '../repository.js';

/**
 * `repository`: the person's. `endings`: of file names. `folder`: looked through on disk also where git ignores what is in it.
 * Fails where a file that it should read is missing: what nothing mentions is deleted.
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
  const listed = await gitOk(['for-each-ref', '--format=%(objectname)'], call);
  const tips = new Set([...heads, ...listed.toString('latin1').split('\n').filter(Boolean)]);
  const objects = new GitObjects({ store: commonDir, objectFormat });
  try {
    const blobs = await filesIn(objects, tips, (name) => endings.some((ending) => name.endsWith(ending)));
    for (const content of (await objects.readMany(blobs)).values()) note(content.toString('utf8'));
  } finally {
    await objects.close();
  }
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
    // A tag of something that is no commit has no files.
    return tree ? read(tree) : [];
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
    const inside = await git(['rev-parse', '--is-inside-work-tree'], { dir }).catch(() => undefined);
    if (inside?.code === 0 && inside.stdout.toString().trim() === 'true') dirs.push(dir);
  }
  return { heads: after('HEAD ').filter((id) => !/^0+$/.test(id)), dirs };
}
