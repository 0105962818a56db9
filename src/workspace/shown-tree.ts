/** Puts a workspace to a tree: a small one without git, any other with it. Knows neither links nor set-up. */

import { rmSync, writeFileSync } from 'node:fs';
import { copyFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readText } from '../io/files.js';
import { gitOk } from '../io/git/git-process.js';
import type { GitObjects } from '../io/git/objects.js';
import type { ObjectId } from '../model/tree.js';
import { restoreFolder, writeGitFile } from './restore.js';
import { indexOf, putAgain, putTree } from './small-trees/put-tree.js';
import { beside } from './tools/copies.js';
import { type Workspace, workspaceCall } from './workspace.js';

export async function showTree(objects: GitObjects, workspace: Workspace, tree: ObjectId): Promise<void> {
  rmSync(`${workspace.index}.lock`, { force: true });
  if (!(await putTree(objects, workspace, tree))) await showByGit(objects, workspace, tree);
  const commit = await objects.writeCommit({ tree, message: 'view\n' });
  // For an agent that inspects its changes with git: its own HEAD and index with this tree.
  await writeGitFile(workspace.dir, workspace.gitDir);
  writeFileSync(join(workspace.gitDir, 'HEAD'), `${commit}\n`);
  const index = join(workspace.gitDir, 'index');
  const { small } = workspace.shown;
  if (small) writeFileSync(index, indexOf(objects, workspace, small));
  else await copyFile(workspace.index, index);
}

async function showByGit(objects: GitObjects, workspace: Workspace, tree: ObjectId): Promise<void> {
  const call = workspaceCall(workspace);
  // git does not write a file again because its rules are others: then it begins with no file.
  const isRuled = (await readText(rulesFile(workspace))) === workspace.canonical.key;
  workspace.shown.small = undefined;
  if (!isRuled) await gitOk(['read-tree', '--empty'], call);
  await emptyWorkspace(objects, workspace);
  await gitOk(['read-tree', '--reset', '-u', tree], call);
  if (!isRuled) await writeFile(rulesFile(workspace), workspace.canonical.key);
}

/** Removes what does not belong to the tree that the workspace was last put to. */
export async function emptyWorkspace(objects: GitObjects, workspace: Workspace): Promise<void> {
  if (await putAgain(objects, workspace)) return;
  await restoreFolder(workspace.dir, workspace.kept);
  const kept = workspace.kept.flatMap((path) => ['-e', `/${path}`]);
  await gitOk(['clean', '-ffdxq', ...kept], workspaceCall(workspace));
}

/** Holds the key of the rules with which git wrote the files; missing where git did not write them. */
export function rulesFile(workspace: Pick<Workspace, 'index'>): string {
  return beside(workspace, 'rules');
}
