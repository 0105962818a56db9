/** What a workspace is, where it is, and how git is called for it. Creates none. */

import { createHash } from 'node:crypto';
import { basename, join } from 'node:path';
import type { GitCall } from '../io/git/git-process.js';
import type { Repository } from '../io/git/repository.js';
import type { SandboxPlaces } from '../io/process/sandbox/sandbox.js';
import type { Listing, ObjectId } from '../model/tree.js';
import { type CanonicalGit, canonicalCall } from './canonical-git.js';
import type { Survey, TreeRecord } from './large-trees/tree-record.js';

export interface Workspace {
  /** Absolute; where a recipe or a gate runs. */
  readonly dir: string;
  readonly name: string;
  /** Its own git folder, below conductor's repository; never learnt from the workspace itself. */
  readonly gitDir: string;
  /** Conductor's own index of it: the one in the git folder is the agent's to do with as it likes. */
  readonly index: string;
  /** The rules for its files. */
  readonly canonical: CanonicalGit;
  /** How its files came there. */
  readonly shown: Shown;
  /** What of the project a sandbox around a program in this workspace shows and hides. */
  readonly places: SandboxPlaces;
  /** Links and kept paths below it: seen by programs, never part of a result. */
  readonly kept: readonly string[];
  /** Those of `kept` that are links into the folder of a set-up. Absent: none. */
  readonly tools?: readonly LinkedTool[];
  /** What programs in it get beside their variables. Absent: none. */
  readonly variables?: Readonly<Record<string, string>>;
}

/** A tree of few plain files, and what is in it. */
export interface SmallTree {
  readonly tree: ObjectId;
  readonly listing: Listing;
}

export interface Shown {
  /** The tree whose files conductor wrote itself: git's index of the workspace knows nothing of them then. */
  small?: SmallTree | undefined;
  /** The record of any other tree. */
  large?: TreeRecord | undefined;
  /** What the last survey found, if no program has run since. */
  left?: Survey | undefined;
}

/** A path that is, in a workspace, a link to the same path below `root`, or a folder of links into it. */
export interface LinkedTool {
  readonly path: string;
  readonly root: string;
  /** Where the sandbox shows what it leads to. Absent: at its own place. */
  readonly shownAt?: string;
}

/** How git is called for a workspace: conductor's objects, index and rules, whatever the workspace's `.git` says. */
export function workspaceCall(workspace: Workspace): GitCall {
  return canonicalCall(workspace.canonical, workspace);
}

/** The folder of a project's workspaces below the user's cache folder. */
export function workspacesFolder(repository: Repository, cacheDir: string): string {
  const name = basename(repository.project).replace(/[^A-Za-z0-9._-]/g, '_');
  return join(cacheDir, `${name}-${hashOf(repository).slice(0, 12)}`);
}

export function hashOf(repository: Repository): string {
  return createHash('sha256').update(repository.state).digest('hex');
}

/** The number in a workspace's name. */
export function numberOf(workspace: Pick<Workspace, 'name'>): number {
  return Number(workspace.name.slice(workspace.name.lastIndexOf('w') + 1));
}
