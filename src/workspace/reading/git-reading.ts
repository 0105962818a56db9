/** Reads a workspace through git and its index. */

import { join } from 'node:path';
import { err, ok, type Result } from '../../base/result.js';
import { lookSync } from '../../io/files.js';
import { type GitCall, git, gitOk } from '../../io/git/git-process.js';
import type { GitObjects } from '../../io/git/objects.js';
import { TreeLook } from '../../io/git/reading/tree-look.js';
import type { Failure } from '../../model/failure.js';
import type { ObjectId } from '../../model/tree.js';
import { cleanByGit, forget, readByGit } from '../shown-tree.js';
import { isSame } from '../small-trees/put-tree.js';
import { type Workspace, workspaceCall } from '../workspace.js';
import type { Changed, Reading, TakenTree } from './reading.js';

export class GitReading implements Reading {
  readonly changed: readonly Changed[];
  private readonly call: GitCall;
  private readonly workspace: Workspace;

  private constructor(workspace: Workspace, changed: readonly Changed[]) {
    this.call = workspaceCall(workspace);
    this.workspace = workspace;
    this.changed = changed;
  }

  static async of(objects: GitObjects, workspace: Workspace): Promise<GitReading> {
    const call = workspaceCall(workspace);
    const { small, large } = workspace.shown;
    // git knows nothing of these files yet: it compares them with the tree by their content.
    if (small) await gitOk(['read-tree', small.tree], call);
    forget(workspace);
    const tree = small?.tree ?? large?.tree;
    const shown = tree === undefined ? undefined : new TreeLook(objects, tree);
    const excludes = workspace.kept.flatMap((root) => ['-x', `/${root}`]);
    const listed = await gitOk(['ls-files', '-t', '-d', '-m', '-o', '-z', ...excludes], call);
    const changed: Changed[] = [];
    for (const record of listed.toString('latin1').split('\0')) {
      const name = Buffer.from(record.slice(2), 'latin1');
      if (record === '' || (shown && (await isAsShown(objects, workspace.dir, shown, name)))) continue;
      changed.push({ name, isNew: record.startsWith('?') });
    }
    return new GitReading(workspace, changed);
  }

  async take(paths: ReadonlySet<string>): Promise<Result<TakenTree, Failure>> {
    const { call } = this;
    // Where a folder has taken the place of a file, git has to see the file go before it adds what is in the folder.
    const input = [...paths]
      .sort()
      .map((path) => `${path}\0`)
      .join('');
    const args = ['update-index', '--add', '--remove', '--replace', '-z', '--stdin'];
    const updated = await git(args, { ...call, input });
    if (updated.code !== 0) return err(unsafe(updated.stderr));
    return ok({ tree: (await gitOk(['write-tree'], call)).toString('latin1').trim() });
  }

  async reset(tree: ObjectId): Promise<void> {
    await cleanByGit(this.workspace);
    await readByGit(this.workspace, tree);
  }

  /** git looks again. */
  leave(): void {}
}

/** git reads a file with other line ends than the rules ask for as another one, also when nobody touched it. */
async function isAsShown(objects: GitObjects, dir: string, shown: TreeLook, name: Buffer): Promise<boolean> {
  const path = name.toString('utf8');
  const entry = await shown.get(path);
  const stat = entry && lookSync(join(dir, path));
  if (!entry || !(stat?.isFile() || stat?.isSymbolicLink())) return false;
  return isSame(objects, dir, stat.isFile() ? { path, stat } : { path }, entry);
}

/** git refuses names with `.git` in them (in any spelling that some file system takes for it) and paths through links. */
function unsafe(stderr: string): Failure {
  const line = stderr.split('\n').find((one) => one.startsWith('error:')) ?? stderr.trim();
  const path = /'([^']+)'/.exec(line)?.[1] ?? 'an output';
  return { kind: 'unsafe-path', path, reason: line.replace(/^error: /, '') };
}
