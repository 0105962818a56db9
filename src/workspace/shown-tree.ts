/** Puts a workspace to a tree: without git where it can, else with it. Knows neither links nor set-up. */

import { rmSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { readText } from '../io/files.js';
import { gitOk } from '../io/git/git-process.js';
import type { GitObjects } from '../io/git/objects.js';
import { showCommit, wholeGitFolder } from '../io/git/writing/git-folder.js';
import { commitBytes, hashObject } from '../io/git/writing/object-bytes.js';
import type { ObjectId } from '../model/tree.js';
import { learnTree, putLarge } from './large-trees/put-large.js';
import { dropRecord } from './large-trees/record.js';
import { restoreFolder, writeGitFile } from './restore.js';
import { indexOf, putAgain, putTree } from './small-trees/put-tree.js';
import { beside } from './tools/copies.js';
import { type Workspace, workspaceCall } from './workspace.js';

export async function showTree(objects: GitObjects, workspace: Workspace, tree: ObjectId): Promise<void> {
  rmSync(`${workspace.index}.lock`, { force: true });
  await showFiles(objects, workspace, tree);
  await writeGitFile(workspace.dir, workspace.gitDir);
  // For an agent that inspects its changes with git: its own HEAD and index with this tree.
  const { small } = workspace.shown;
  const index = small ? indexOf(objects, workspace, small) : await readFile(workspace.index);
  const content = commitBytes({ tree, message: 'view\n' });
  const commit = hashObject('commit', content, objects.hash);
  // Copies: what only this process has now may be written, and then removed, at any time.
  const shown = objects.unwritten.below(tree).set(commit, { type: 'commit', content });
  wholeGitFolder({ ...workspace, store: objects.store, hash: objects.hash });
  showCommit(workspace.gitDir, objects.hash, { commit, objects: shown, index });
}

/** Puts the files of a workspace to exactly this tree. */
export async function showFiles(objects: GitObjects, workspace: Workspace, tree: ObjectId): Promise<void> {
  const { shown } = workspace;
  const { left } = shown;
  // It says nothing about the files that are written now, nor about programs that run later.
  shown.left = undefined;
  if (await putTree(objects, workspace, tree)) {
    shown.large = undefined;
    return;
  }
  shown.small = undefined;
  if (!(await putLarge(objects, workspace, tree, left))) await showByGit(objects, workspace, tree);
}

async function showByGit(objects: GitObjects, workspace: Workspace, tree: ObjectId): Promise<void> {
  // git does not write a file again because its rules are others: then it begins with no file.
  const isRuled = (await readText(rulesFile(workspace))) === workspace.canonical.key;
  forget(workspace);
  if (!isRuled) await gitOk(['read-tree', '--empty'], workspaceCall(workspace));
  await emptyWorkspace(objects, workspace);
  await readByGit(workspace, tree);
  if (!isRuled) await writeFile(rulesFile(workspace), workspace.canonical.key);
  await learnTree(objects, workspace, tree);
}

/** From now on git alone knows what the workspace was put to. */
export function forget(workspace: Workspace): void {
  dropRecord(workspace);
  workspace.shown.small = undefined;
  workspace.shown.large = undefined;
}

/** Removes what does not belong to the tree that the workspace was last put to. */
export async function emptyWorkspace(objects: GitObjects, workspace: Workspace): Promise<void> {
  if (await putAgain(objects, workspace)) return;
  await restoreFolder(workspace.dir, workspace.kept);
  await cleanByGit(workspace);
}

/** Removes what git's index of the workspace does not have. git can list and empty its folders. */
export async function cleanByGit(workspace: Workspace): Promise<void> {
  const kept = workspace.kept.flatMap((path) => ['-e', `/${path}`]);
  await gitOk(['clean', '-ffdxq', ...kept], workspaceCall(workspace));
}

/** Writes the files that differ from the tree, or that the tree has and git's index of the workspace has not. */
export async function readByGit(workspace: Workspace, tree: ObjectId): Promise<void> {
  await gitOk(['read-tree', '--reset', '-u', tree], workspaceCall(workspace));
}

/** Holds the key of the rules with which git wrote the files; missing where git did not write them. */
export function rulesFile(workspace: Pick<Workspace, 'index'>): string {
  return beside(workspace, 'rules');
}
