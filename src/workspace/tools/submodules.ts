/**
 * Submodules in workspaces: the commit that the tree names, from the checkout of the project. A submodule that is not checked
 * out stays an empty folder, as it is in the project.
 */

import { lstatSync } from 'node:fs';
import { stat, utimes } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { exists, makeDir, readText, writeAtomic } from '../../io/files.js';
import { type GitCall, gitOk } from '../../io/git/git-process.js';
import type { Repository } from '../../io/git/repository.js';
import type { Mount } from '../../io/process/sandbox.js';
import type { Diagnostic } from '../../model/failure.js';
import type { Listing, ObjectId } from '../../model/tree.js';
import { removeForcibly } from '../restore.js';
import { type Workspace, workspaceCall } from '../workspace.js';
import { beside, copyTree, fingerprint } from './copies.js';

interface Submodule {
  /** Relative to the project. */
  readonly path: string;
  readonly commit: ObjectId;
}

/** Of each copy, where there is no sandbox that shows the folder: its commit, and what it looked like after copying. */
type Copies = Readonly<Record<string, { readonly commit: ObjectId; readonly print: string }>>;

export class Submodules {
  private readonly repository: Repository;
  private readonly prefix: string;
  private readonly made = new Map<string, Promise<string | undefined>>();

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
    const before = await readCopies(workspace);
    const hasSome = await exists(join(this.repository.top, '.gitmodules'));
    if (!hasSome && Object.keys(before).length === 0) return [];
    const mounts: Mount[] = [];
    const copies: Record<string, Copies[string]> = {};
    const wanted = hasSome ? await submodulesOf(workspaceCall(workspace)) : [];
    for (const path of Object.keys(before))
      if (!wanted.some((one) => one.path === path)) await removeForcibly(join(workspace.dir, path));
    for (const { path, commit } of wanted) {
      const from = await this.folder(join(this.repository.project, path), commit);
      if (from === undefined) continue;
      const to = join(workspace.dir, path);
      if (isSandboxed) {
        await removeForcibly(to);
        await makeDir(to);
        mounts.push({ from, to });
        continue;
      }
      const known = before[path]?.commit === commit ? before[path].print : undefined;
      if (known === undefined || known !== fingerprint(to)) {
        await removeForcibly(to);
        await copyTree(from, to);
      }
      copies[path] = { commit, print: fingerprint(to) };
    }
    if (JSON.stringify(copies) !== JSON.stringify(before))
      await writeAtomic(copiesFile(workspace), JSON.stringify(copies));
    return mounts;
  }

  /** Where the files of a commit are; undefined where the checkout does not have it. */
  private folder(checkout: string, commit: ObjectId): Promise<string | undefined> {
    const key = `${checkout}\0${commit}`;
    const known = this.made.get(key) ?? this.checkOut(checkout, commit);
    this.made.set(key, known);
    return known;
  }

  private async checkOut(checkout: string, commit: ObjectId): Promise<string | undefined> {
    const gitDir = await gitDirOf(checkout);
    if (gitDir === undefined) return undefined;
    const name = `${this.prefix}module-${commit}`;
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
    for (const inner of await submodulesOf(call)) {
      const from = await this.folder(join(checkout, inner.path), inner.commit);
      if (from === undefined) continue;
      await removeForcibly(join(dir, inner.path));
      await copyTree(from, join(dir, inner.path));
    }
    await writeAtomic(done, '');
    return dir;
  }
}

/** Submodules of a tree that are not checked out: empty folders, in the project as in workspaces. */
export async function emptySubmodules(
  { top, project }: Pick<Repository, 'top' | 'project'>,
  listing: Listing,
): Promise<Diagnostic[]> {
  if (!(await exists(join(top, '.gitmodules')))) return [];
  const found: Diagnostic[] = [];
  for (const path of listing.paths) {
    if (listing.get(path)?.mode !== '160000') continue;
    if ((await gitDirOf(join(project, path))) !== undefined) continue;
    const message = `this submodule is not checked out: tasks and gates see an empty folder; \`git submodule update --init ${path}\` checks it out`;
    found.push({ file: path, message });
  }
  return found;
}

async function submodulesOf(call: GitCall): Promise<Submodule[]> {
  const listed = await gitOk(['ls-files', '-s', '-z'], call);
  return listed
    .toString('utf8')
    .split('\0')
    .filter((line) => line.startsWith('160000 '))
    .map((line) => {
      const [entry, path] = line.split('\t') as [string, string];
      return { path, commit: entry.split(' ')[1] as ObjectId };
    });
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

async function readCopies(workspace: Workspace): Promise<Copies> {
  try {
    return JSON.parse((await readText(copiesFile(workspace))) ?? '{}') as Copies;
  } catch {
    return {};
  }
}
