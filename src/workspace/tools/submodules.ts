/**
 * Submodules in workspaces: the commit that the tree names, from the checkout of the project. A submodule that is not checked
 * out, or whose checkout does not have the commit, is an empty folder.
 */

import { lstatSync } from 'node:fs';
import { stat, utimes } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { newRecord, ownValue } from '../../base/records/own-value.js';
import { sha256 } from '../../base/sha256.js';
import { exists, lookSync, makeDir, readText, readTextSync, writeAtomic } from '../../io/files.js';
import { type GitCall, git, gitOk } from '../../io/git/git-process.js';
import type { Repository } from '../../io/git/repository.js';
import type { Mount } from '../../io/process/sandbox/sandbox.js';
import type { Diagnostic } from '../../model/failure.js';
import type { Listing, ObjectId } from '../../model/tree.js';
import { removeForcibly } from '../restore.js';
import { type Workspace, workspaceCall } from '../workspace.js';
import { beside, copyTree, freshCopy } from './copies.js';

interface Submodule {
  /** Relative to the project. */
  readonly path: string;
  readonly commit: ObjectId;
}

/** Of each copy, where there is no sandbox that shows the folder: that folder, and what it looked like after copying. */
type Copies = Readonly<Record<string, { readonly from: string; readonly print: string }>>;

export class Submodules {
  private readonly repository: Repository;
  private readonly prefix: string;
  /** By commit: its own submodules. */
  private readonly inside = new Map<ObjectId, readonly Submodule[]>();
  /** By checkout and commit: two workspaces that need one wait for the same. */
  private readonly running = new Map<string, Promise<string | undefined>>();

  /** `prefix` begins the path of each folder that holds a checked out commit. */
  constructor(repository: Repository, prefix: string) {
    this.repository = repository;
    this.prefix = prefix;
  }

  /**
   * Shows the submodules of the tree that the workspace was put to: as mounts, read-only, else as copies that are made
   * again when anybody changed them.
   */
  async offer(workspace: Workspace, isSandboxed: boolean): Promise<readonly Mount[]> {
    const before = readCopies(workspace);
    const hasSome = lookSync(join(this.repository.top, '.gitmodules')) !== undefined;
    if (!hasSome && Object.keys(before).length === 0) return [];
    const mounts: Mount[] = [];
    const copies = newRecord<Copies[string]>();
    // A tree that conductor writes itself has none.
    const isOwn = workspace.shown.small !== undefined || workspace.shown.large !== undefined;
    const wanted = hasSome && !isOwn ? await submodulesOf(workspaceCall(workspace)) : [];
    for (const path of Object.keys(before))
      if (!wanted.some((one) => one.path === path)) await removeForcibly(join(workspace.dir, path));
    for (const { path, commit } of wanted) {
      const from = await this.folder(join(this.repository.project, path), commit);
      const to = join(workspace.dir, path);
      if (isSandboxed || from === undefined) {
        await removeForcibly(to);
        await makeDir(to);
        if (from !== undefined) mounts.push({ from, to });
        continue;
      }
      const copied = ownValue(before, path);
      const known = copied?.from === from ? copied.print : undefined;
      copies[path] = { from, print: await freshCopy(from, to, known) };
    }
    if (JSON.stringify(copies) !== JSON.stringify(before))
      await writeAtomic(copiesFile(workspace), JSON.stringify(copies));
    return mounts;
  }

  /** Where the files of a commit are; undefined where the checkout does not have it. */
  private folder(checkout: string, commit: ObjectId): Promise<string | undefined> {
    const key = `${checkout}\0${commit}`;
    const run =
      this.running.get(key) ??
      this.checkOut(checkout, commit).finally(() => {
        this.running.delete(key);
      });
    this.running.set(key, run);
    return run;
  }

  private async checkOut(checkout: string, commit: ObjectId): Promise<string | undefined> {
    const gitDir = await gitDirOf(checkout);
    if (gitDir === undefined || !(await hasCommit(gitDir, commit))) return undefined;
    const inside = this.inside.get(commit) ?? (await submodulesIn(gitDir, commit));
    this.inside.set(commit, inside);
    const parts: [path: string, from: string | undefined][] = [];
    for (const { path, commit } of inside)
      parts.push([path, await this.folder(join(checkout, path), commit)]);
    const name = this.prefix + nameOf(commit, parts);
    const [dir, done] = [join(name, 'tree'), join(name, 'done')];
    if (await exists(done)) {
      const now = (performance.timeOrigin + performance.now()) / 1000;
      await utimes(done, now, now);
      return dir;
    }
    await removeForcibly(name);
    await makeDir(dir);
    const settings = ['core.hooksPath=/dev/null', 'core.fsmonitor=false', 'core.sparseCheckout=false'];
    const call = { gitDir, workTree: dir, dir, indexFile: join(name, 'index'), settings };
    await gitOk(['read-tree', '--reset', '-u', commit], call);
    for (const [path, from] of parts) {
      if (from === undefined) continue;
      await removeForcibly(join(dir, path));
      await copyTree(from, join(dir, path));
    }
    await writeAtomic(done, '');
    return dir;
  }
}

/** Without some of its own submodules, which may be fetched later, a commit has another folder. */
function nameOf(
  commit: ObjectId,
  parts: readonly (readonly [path: string, from: string | undefined])[],
): string {
  const names = parts.map(([path, from]) => [path, from && basename(dirname(from))]);
  const isWhole = names.every(([, name]) => name?.endsWith('-whole'));
  return `module-${commit}-${isWhole ? 'whole' : sha256(JSON.stringify(names)).slice(0, 12)}`;
}

/** Submodules of a tree whose files are not here: empty folders in workspaces. */
export async function emptySubmodules(
  { top, project }: Pick<Repository, 'top' | 'project'>,
  listing: Listing,
): Promise<Diagnostic[]> {
  if (!(await exists(join(top, '.gitmodules')))) return [];
  const found: Diagnostic[] = [];
  for (const path of listing.paths) {
    if (listing.get(path)?.mode !== '160000') continue;
    const gitDir = await gitDirOf(join(project, path));
    const commit = listing.get(path)?.id as ObjectId;
    if (gitDir !== undefined && (await hasCommit(gitDir, commit))) continue;
    const what = gitDir === undefined ? 'is not checked out' : `does not have commit ${commit.slice(0, 12)}`;
    const message = `this submodule ${what}: tasks and gates see an empty folder; \`git submodule update --init ${path}\` checks it out`;
    found.push({ file: path, message });
  }
  return found;
}

async function submodulesOf(call: GitCall): Promise<Submodule[]> {
  return linksIn(await gitOk(['ls-files', '-s', '-z'], call), 1);
}

async function submodulesIn(gitDir: string, commit: ObjectId): Promise<Submodule[]> {
  return linksIn(await gitOk(['ls-tree', '-r', '-z', commit], { gitDir, dir: gitDir }), 2);
}

/** Each line has a mode, words with the commit at this place, and a path after a tab. */
function linksIn(listed: Buffer, place: number): Submodule[] {
  return listed
    .toString('utf8')
    .split('\0')
    .filter((line) => line.startsWith('160000 '))
    .map((line) => {
      const [entry, path] = line.split('\t') as [string, string];
      return { path, commit: entry.split(' ')[place] as ObjectId };
    });
}

/** Whether git has the files of a commit: a checkout need not have fetched what another one names. */
async function hasCommit(gitDir: string, commit: ObjectId): Promise<boolean> {
  const call = { gitDir, dir: gitDir };
  return (await git(['cat-file', '-e', `${commit}^{tree}`], call)).code === 0;
}

/** The repository of a checkout: a folder, or a file that names one. */
async function gitDirOf(checkout: string): Promise<string | undefined> {
  const place = join(checkout, '.git');
  if (lstatSync(place, { throwIfNoEntry: false })?.isDirectory()) return place;
  const named = /^gitdir: (.+)$/m.exec((await readText(place)) ?? '')?.[1];
  if (named === undefined) return undefined;
  const folder = resolve(checkout, named.trim());
  return (await stat(folder).catch(() => undefined))?.isDirectory() ? folder : undefined;
}

function copiesFile(workspace: Workspace): string {
  return beside(workspace, 'modules');
}

function readCopies(workspace: Workspace): Copies {
  try {
    return JSON.parse(readTextSync(copiesFile(workspace)) ?? '{}') as Copies;
  } catch {
    return {};
  }
}
