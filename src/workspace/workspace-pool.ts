/**
 * The pool of workspaces: working trees of conductor's outside the project, reused between tasks and builds. Knows no recipes and no results.
 */

import { mkdirSync, writeFileSync } from 'node:fs';
import { rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { ok, type Result } from '../base/result.js';
import { codeOf, lookSync, removeTree } from '../io/files.js';
import type { GitObjects } from '../io/git/objects.js';
import type { Repository } from '../io/git/repository.js';
import { GIT_FOLDERS, lostGitFolders } from '../io/git/writing/git-folder.js';
import { indexBytes } from '../io/git/writing/index-bytes.js';
import type { Failure } from '../model/failure.js';
import type { ObjectId } from '../model/tree.js';
import {
  type CanonicalGit,
  cleanFiles,
  type MadeFile,
  openCanonicalGit,
  sweepCanonicalGit,
} from './canonical-git.js';
import { dropRecord } from './large-trees/record.js';
import { sandboxPlaces } from './places.js';
import { WorkspaceMarks } from './pool/workspace-marks.js';
import { removeForcibly } from './restore.js';
import { emptyWorkspace, rulesFile, showTree } from './shown-tree.js';
import { SetupFolders, type SetupOptions, setupPrefix } from './tools/setup-folder.js';
import { packagesPlace, type ToolOptions, WorkspaceTools } from './tools/workspace-tools.js';
import { hashOf, numberOf, type Workspace, workspacesFolder } from './workspace.js';

export { type Workspace, workspaceCall, workspacesFolder } from './workspace.js';

export interface PoolOptions extends SetupOptions, ToolOptions {}

type Place = Omit<Workspace, 'canonical' | 'shown'>;

const RETIRED_MS = 24 * 60 * 60 * 1000;

export class WorkspacePool {
  /** The folder of this project's workspaces. */
  readonly folder: string;
  private readonly repository: Repository;
  private readonly objects: GitObjects;
  private options: PoolOptions;
  private readonly prefix: string;
  private readonly setups: SetupFolders;
  private readonly tools: WorkspaceTools;
  private readonly used = new Set<number>();
  private readonly marks: WorkspaceMarks;
  private readonly places = new Map<number, Place>();
  /** By number: what nobody has used since it was given back. */
  private readonly left = new Map<number, Workspace>();
  /** Numbers whose workspace a dead build may have left to a program that still runs. */
  private readonly retired = new Set<number>();
  private canonical: Promise<CanonicalGit> | undefined;
  private sweepOnce = async (): Promise<void> => {};

  constructor(repository: Repository, objects: GitObjects, options: PoolOptions) {
    this.repository = repository;
    this.objects = objects;
    this.options = options;
    this.prefix = hashOf(repository).slice(0, 8);
    this.folder = workspacesFolder(repository, options.cacheDir);
    this.marks = new WorkspaceMarks(this.folder);
    this.setups = new SetupFolders(repository, objects, options.cacheDir);
    this.tools = new WorkspaceTools(repository, setupPrefix(repository, options.cacheDir));
  }

  /** Sweeps after `before`, when the next workspace is used, or else when the pool is closed: a build that needs none does not wait. */
  sweepBeforeUse(before: () => Promise<unknown>): void {
    let swept: Promise<void> | undefined;
    this.sweepOnce = () => {
      swept ??= before().then(() => this.sweep());
      return swept;
    };
  }

  /** From now on; workspaces that are in use stay as they are. */
  use(options: PoolOptions): void {
    this.options = options;
    this.canonical = undefined;
    this.places.clear();
  }

  /**
   * A free workspace that shows the tree. One that cannot be brought to exactly that is replaced, and where not even
   * that is possible its number is given up for a day. Fails with what set-up fails with; `signal` ends set-up.
   */
  async acquire(tree: ObjectId, signal?: AbortSignal): Promise<Result<Workspace, Failure>> {
    await this.sweepOnce();
    for (;;) {
      let number = 0;
      while (this.used.has(number) || this.retired.has(number)) number++;
      this.used.add(number);
      const place = this.place(number);
      try {
        mkdirSync(this.folder, { recursive: true });
        const shown = { left: this.left.get(number)?.shown.left };
        const workspace: Workspace = { ...place, canonical: await this.rules(), shown };
        this.left.delete(number);
        this.marks.take(workspace.name);
        if (!(await this.prepare(workspace, tree))) {
          await this.retire(workspace);
          continue;
        }
        const ready = await this.setUp(workspace, signal);
        if (!ready.ok) await this.release(workspace);
        return ready;
      } catch (error) {
        this.giveBack(place);
        throw error;
      }
    }
  }

  /** Makes those of the first workspaces that are missing. The others keep their files: the next tree may have many of them. */
  async makeMissing(count: number): Promise<void> {
    await this.sweepOnce();
    const canonical = await this.rules();
    for (let number = 0, left = count; left > 0; number++) {
      if (this.retired.has(number)) continue;
      await this.ensure({ ...this.place(number), canonical, shown: {} });
      left--;
    }
  }

  /** Offers what set-up made, which is run first when its files are new. */
  private async setUp(
    workspace: Workspace,
    signal: AbortSignal | undefined,
  ): Promise<Result<Workspace, Failure>> {
    const setup = await this.setups.finished(this.options, signal);
    return setup.ok ? ok(await this.tools.equip(workspace, this.options, setup.value)) : setup;
  }

  /**
   * Puts links and what set-up made back in place: a program that could write the workspace may have put its own tools
   * there. Before gates; `show` does it too.
   */
  async secure(workspace: Workspace): Promise<void> {
    // In a sandbox no program can write what set-up made: only copies have to be looked at.
    const isSandboxed = await this.options.isSandboxed();
    const setup = isSandboxed ? undefined : await this.setups.finished(this.options, undefined);
    await this.tools.restore(workspace, this.options, setup?.ok ? setup.value : undefined);
  }

  /** Files that were made outside a workspace, as the repository's rules have git keep them. */
  cleaned<T extends MadeFile>(files: readonly T[]): Promise<readonly T[]> {
    return cleanFiles(this.objects, files, { rules: this.options.rules, open: () => this.rules() });
  }

  private rules(): Promise<CanonicalGit> {
    this.canonical ??= openCanonicalGit(this.repository, this.folder, this.options.rules);
    return this.canonical;
  }

  /** False when what the last task left can be neither put right nor removed. */
  private async prepare(workspace: Workspace, tree: ObjectId): Promise<boolean> {
    try {
      await this.ensure(workspace);
      await this.show(workspace, tree, false);
      return true;
    } catch {
      try {
        await this.remove(workspace);
      } catch (error) {
        const code = codeOf(error);
        if (code === 'ENOSPC' || code === 'EDQUOT') throw error;
        return false;
      }
      await this.ensure(workspace);
      await this.show(workspace, tree, false);
      return true;
    }
  }

  /** `failed`: its content is useless and is removed at once, because it may have filled the disk. */
  async release(workspace: Workspace, failed = false): Promise<void> {
    if (failed) await emptyWorkspace(this.objects, workspace).catch(() => undefined);
    else this.left.set(numberOf(workspace), workspace);
    this.giveBack(workspace);
  }

  /** Removes what work left in a workspace that was given back, unless other work has it or had it since. */
  async discard(workspace: Workspace): Promise<void> {
    const number = numberOf(workspace);
    if (this.used.has(number) || this.left.get(number) !== workspace) return;
    this.used.add(number);
    this.left.delete(number);
    await this.release(workspace, true);
  }

  private giveBack(place: Place): void {
    this.marks.leave(place.name);
    this.used.delete(numberOf(place));
  }

  /** Its number is not used again for a day. */
  private async retire(workspace: Workspace): Promise<void> {
    await this.marks.retire(workspace.name);
    this.retired.add(numberOf(workspace));
    this.used.delete(numberOf(workspace));
  }

  /** Puts a workspace to exactly this tree; links and kept paths stay. Costs what differs, and a look at every file. */
  async show(workspace: Workspace, tree: ObjectId, isEquipped = true): Promise<void> {
    await showTree(this.objects, workspace, tree);
    if (isEquipped) await this.secure(workspace);
  }

  /**
   * Removes what a dead build left behind. A workspace that was in use then may still have a program in it that nobody
   * ended: its folder goes, and its name is not used again for a day, so that nothing of that program's work can turn
   * up in another task's workspace.
   */
  async sweep(): Promise<void> {
    for (const { number, isBusy } of await this.marks.ofOthers()) {
      const workspace = this.place(number);
      const retired = this.marks.file(workspace.name, 'retired');
      if (isBusy) {
        // What cannot be removed stays with its number.
        await this.remove(workspace).catch(() => undefined);
        await this.marks.retire(workspace.name);
      }
      const age = performance.timeOrigin + performance.now() - (await stat(retired)).mtimeMs;
      if (age > RETIRED_MS) await rm(retired, { force: true });
      else this.retired.add(number);
    }
    await sweepCanonicalGit(this.folder);
    await this.setups.removeUnused();
    await this.removeLost();
  }

  /** Removes all workspaces of this project. */
  async clear(): Promise<void> {
    this.canonical = undefined;
    this.marks.removeUnused();
    await removeForcibly(this.folder);
    await this.removeLost();
  }

  /** Git folders whose workspace is gone. */
  private async removeLost(): Promise<void> {
    const { store } = this.repository;
    for (const name of lostGitFolders(store)) await removeTree(join(store, GIT_FOLDERS, name));
  }

  async close(): Promise<void> {
    this.marks.removeUnused();
    await this.sweepOnce();
  }

  private place(number: number): Place {
    const known = this.places.get(number) ?? this.newPlace(number);
    this.places.set(number, known);
    return known;
  }

  private newPlace(number: number): Place {
    const name = `${this.prefix}-w${number}`;
    // As deep as the project is in its repository: what it uses around it has the same relative paths.
    const dir = join(this.folder, name, this.repository.prefix).replace(/\/$/, '');
    return {
      dir,
      name,
      gitDir: join(this.repository.store, GIT_FOLDERS, name),
      index: join(this.folder, `${name}.index`),
      places: sandboxPlaces(this.repository, this.options, dir),
      kept: [...this.options.link, ...(this.options.inner ?? []), ...this.options.keep],
    };
  }

  private async ensure(workspace: Workspace): Promise<void> {
    const { dir, index } = workspace;
    if (lookSync(dir)?.isDirectory() && lookSync(index)?.isFile()) return;
    await this.remove(workspace);
    mkdirSync(dir, { recursive: true });
    writeFileSync(index, indexBytes([], this.objects.hash));
  }

  private async remove(workspace: Place): Promise<void> {
    await removeForcibly(join(this.folder, workspace.name));
    await removeForcibly(packagesPlace(workspace));
    for (const rest of [workspace.index, `${workspace.index}.lock`, rulesFile(workspace)]) {
      await rm(rest, { force: true });
    }
    dropRecord(workspace);
    // A conductor of before made its git folder as a worktree.
    for (const folder of [GIT_FOLDERS, 'worktrees'])
      await removeTree(join(this.repository.store, folder, workspace.name));
  }
}
