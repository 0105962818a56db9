/** What a workspace has beside its tree: links into the project, and what set-up made. No task can change it for another. */

import { createHash } from 'node:crypto';
import { lstatSync, readdirSync } from 'node:fs';
import { cp, lstat, mkdir, readlink, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { ok, type Result } from '../base/result.js';
import { readText, writeAtomic } from '../io/files.js';
import { git } from '../io/git/git-process.js';
import type { Repository } from '../io/git/repository.js';
import { runProgram } from '../io/process/process.js';
import type { Mount } from '../io/process/sandbox.js';
import type { Failure } from '../model/failure.js';
import { removeForcibly } from './restore.js';
import type { FinishedSetup } from './setup-folder.js';
import { type Workspace, workspaceCall } from './workspace.js';

/** Copies in a workspace, where there is no sandbox that shows the set-up's folder in its place. */
interface Copies {
  readonly key: string;
  /** Of each copied path what it looked like right after copying. */
  readonly paths: Readonly<Record<string, string>>;
}

export class WorkspaceTools {
  private readonly repository: Repository;

  constructor(repository: Repository) {
    this.repository = repository;
  }

  /** Makes the links, and removes what a task put in their place or in that of kept paths that set-up did not make. */
  async restore(workspace: Workspace, link: readonly string[], keep: readonly string[]): Promise<void> {
    for (const path of link) await this.link(workspace, path);
    const offered = new Set((workspace.places.mounts ?? []).map(({ to }) => to));
    const copies = await readCopies(workspace);
    for (const path of keep) {
      const place = join(workspace.dir, path);
      if (offered.has(place)) {
        await this.mountPoint(
          workspace,
          path,
          (await lstat(place).catch(() => undefined))?.isDirectory() ?? true,
        );
      } else if (copies?.paths[path] === undefined || copies.paths[path] !== fingerprint(place)) {
        await this.clear(workspace, path);
      }
    }
  }

  /**
   * Offers what set-up made to a workspace that shows its tree: as mounts of a sandbox, read-only, else as copies that are
   * made again when anybody changed them.
   */
  async offer(
    workspace: Workspace,
    setup: FinishedSetup,
    isSandboxed: boolean,
  ): Promise<Result<readonly Mount[], Failure>> {
    const mounts: Mount[] = [];
    const known = await readCopies(workspace);
    const paths: Record<string, string> = {};
    for (const path of setup.made) {
      const [from, to] = [join(setup.dir, path), join(workspace.dir, path)];
      if (!(await this.isFree(workspace, path))) continue;
      if (isSandboxed) {
        await this.mountPoint(workspace, path, (await lstat(from)).isDirectory());
        mounts.push({ from, to });
        continue;
      }
      const before = known?.key === setup.key ? known.paths[path] : undefined;
      if (before === undefined || before !== fingerprint(to)) {
        await removeForcibly(to);
        await mkdir(dirname(to), { recursive: true });
        await copyTree(from, to);
      }
      paths[path] = fingerprint(to);
    }
    if (!isSandboxed || known)
      await writeAtomic(copiesFile(workspace), JSON.stringify({ key: setup.key, paths }));
    return ok(mounts);
  }

  private async mountPoint(workspace: Workspace, path: string, isFolder: boolean): Promise<void> {
    const place = join(workspace.dir, path);
    const there = await lstat(place).catch(() => undefined);
    // What is in it would be seen where no sandbox covers it.
    if (there?.isDirectory() === isFolder && there.isFile() !== isFolder) {
      if (isFolder ? readdirSync(place).length === 0 : there.size === 0) return;
    }
    await removeForcibly(place);
    await mkdir(isFolder ? place : dirname(place), { recursive: true });
    if (!isFolder) await writeFile(place, '', { flag: 'wx' });
  }

  private async clear(workspace: Workspace, path: string): Promise<void> {
    const there = await lstat(join(workspace.dir, path)).catch(() => undefined);
    if (there && (await this.isFree(workspace, path))) await removeForcibly(join(workspace.dir, path));
  }

  /** Whether the tree has nothing at a path, and no link on the way to it: what lies behind one is not the workspace's. */
  private async isFree(workspace: Workspace, path: string): Promise<boolean> {
    for (let folder = dirname(path); folder !== '.'; folder = dirname(folder)) {
      const onTheWay = await lstat(join(workspace.dir, folder)).catch(() => undefined);
      if (onTheWay && !onTheWay.isDirectory()) return false;
    }
    const listed = ['ls-files', '--error-unmatch', '--', path];
    return (await git(listed, workspaceCall(workspace))).code !== 0;
  }

  private async link(workspace: Workspace, path: string): Promise<void> {
    const target = join(this.repository.project, path);
    const place = join(workspace.dir, path);
    const there = await lstat(place).catch(() => undefined);
    if (there?.isSymbolicLink() && (await readlink(place)) === target) return;
    if (!(await this.isFree(workspace, path))) return;
    await removeForcibly(place);
    if (!(await lstat(target).catch(() => undefined))) return;
    await mkdir(dirname(place), { recursive: true });
    await symlink(target, place);
  }
}

function copiesFile(workspace: Workspace): string {
  return `${workspace.dir}.ready`;
}

async function readCopies(workspace: Workspace): Promise<Copies | undefined> {
  try {
    const value = JSON.parse((await readText(copiesFile(workspace))) ?? '') as Copies;
    return typeof value.paths === 'object' ? value : undefined;
  } catch {
    return undefined;
  }
}

/** `cp` shares blocks where the file system can, and is many times faster than copying file by file. */
async function copyTree(from: string, to: string): Promise<void> {
  const share = process.platform === 'linux' ? ['--reflink=auto'] : [];
  const command = ['cp', '-a', ...share, '--', from, to];
  const exit = await runProgram({ command, cwd: dirname(to), env: { PATH: '/usr/bin:/bin' } });
  if (exit.kind === 'exited' && exit.code === 0) return;
  await removeForcibly(to);
  await cp(from, to, { recursive: true, verbatimSymlinks: true, preserveTimestamps: true });
}

/** Changes when anything in a folder was changed: the time of a change of state cannot be set by a program. */
function fingerprint(place: string): string {
  const hash = createHash('sha256');
  const add = (path: string): void => {
    const stat = lstatSync(path, { throwIfNoEntry: false });
    hash.update(`${path}\0${stat?.mode} ${stat?.size} ${stat?.ino} ${stat?.mtimeMs} ${stat?.ctimeMs}\0`);
    if (stat?.isDirectory()) for (const name of readdirSync(path).sort()) add(`${path}/${name}`);
  };
  add(place);
  return hash.digest('hex');
}
