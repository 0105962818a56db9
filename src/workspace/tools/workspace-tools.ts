/** What a workspace has beside its tree: links into the project, and what set-up made. No task can change it for another. */

import { readdirSync } from 'node:fs';
import { lstat, mkdir, readdir, readlink, stat, symlink, writeFile } from 'node:fs/promises';
import { delimiter, dirname, join } from 'node:path';
import { newRecord, ownValue } from '../../base/records/own-value.js';
import { namesIn, writeAtomic } from '../../io/files.js';
import { git } from '../../io/git/git-process.js';
import type { Repository } from '../../io/git/repository.js';
import type { Mount } from '../../io/process/sandbox/sandbox.js';
import { isBelow } from '../../io/process/tool-places.js';
import { removeForcibly } from '../restore.js';
import { type LinkedTool, type Workspace, workspaceCall } from '../workspace.js';
import { beside, copiesFile, freshCopy, readCopies } from './copies.js';
import { isOutside } from './outside-links.js';
import { isPackageFolder, linkPackages, removeCaches } from './package-folder.js';
import { editablePaths, interpreterOf, isPythonEnvironment } from './python-paths.js';
import type { FinishedSetup } from './setup-folder.js';
import { Submodules } from './submodules.js';

export interface ToolOptions {
  readonly link: readonly string[];
  /** Folders of installed packages in packages of the project: linked where a workspace has the package. */
  readonly inner?: readonly string[];
  readonly keep: readonly string[];
  /** Whether programs in workspaces run in a sandbox, which can show what set-up made in its place. */
  isSandboxed(): Promise<boolean>;
  /** Absolute: Python environments outside of the project that commands use. */
  readonly environments?: readonly string[];
  /** What the person's own `PYTHONPATH` says, where commands get it. */
  readonly pythonPath?: string;
}

/** What a sandbox shows of set-up's folder. */
interface Offered {
  readonly mounts: readonly Mount[];
  readonly tools: readonly LinkedTool[];
  /** Read-only at their own places. */
  readonly shown: readonly string[];
}

export class WorkspaceTools {
  private readonly repository: Repository;
  private readonly submodules: Submodules;

  /** `prefix` begins the path of each folder that is made once for all workspaces. */
  constructor(repository: Repository, prefix: string) {
    this.repository = repository;
    this.submodules = new Submodules(repository, prefix);
  }

  /** Gives a workspace that shows its tree its links and what set-up made. What it returns is used from then on. */
  async equip(
    workspace: Workspace,
    options: ToolOptions,
    setup: FinishedSetup | undefined,
  ): Promise<Workspace> {
    const made = new Set(setup?.made ?? []);
    await this.links(workspace, options);
    for (const path of options.keep) if (!made.has(path)) await this.clear(workspace, path);
    const offered = setup
      ? await this.offer(workspace, setup, options)
      : { mounts: [], tools: [], shown: [] };
    const modules = await this.submodules.offer(workspace, await options.isSandboxed());
    const { readOnly = [], ...places } = workspace.places;
    const variables = this.variables(workspace, options, setup);
    return {
      ...workspace,
      kept: [...new Set([...workspace.kept, ...made])],
      tools: offered.tools,
      places: {
        ...places,
        readOnly: [...readOnly, ...offered.shown, ...this.interpreters(options, setup)],
        mounts: [...offered.mounts, ...modules],
      },
      ...(variables === undefined ? {} : { variables }),
    };
  }

  /**
   * Makes the links, and copies again what of `setup` was changed. Removes what a task put in their place or in that of kept
   * paths that set-up did not make.
   */
  async restore(workspace: Workspace, options: ToolOptions, setup: FinishedSetup | undefined): Promise<void> {
    const { tools = [], places } = workspace;
    await this.submodules.offer(workspace, await options.isSandboxed());
    await this.links(workspace, options);
    for (const tool of tools) await this.link(workspace, tool);
    const linked = new Set(tools.map(({ path }) => path));
    const offered = new Set((places.mounts ?? []).map(({ to }) => to));
    const copied = new Set(setup?.made ?? []);
    for (const path of options.keep) {
      const place = join(workspace.dir, path);
      if (linked.has(path)) continue;
      if (copied.has(path) && (await this.hasFolderOf(workspace, path))) continue;
      if (offered.has(place)) {
        await this.mountPoint(
          workspace,
          path,
          (await lstat(place).catch(() => undefined))?.isDirectory() ?? true,
        );
      } else {
        if (isPackageFolder(path)) await removeCaches(place);
        await this.clear(workspace, path);
      }
    }
    if (setup) await this.offer(workspace, setup, options);
  }

  /**
   * Offers what set-up made: in a sandbox as links or mounts, read-only, else as copies that are made again when anybody
   * changed them.
   */
  async offer(
    workspace: Workspace,
    setup: FinishedSetup,
    options: Pick<ToolOptions, 'isSandboxed'>,
  ): Promise<Offered> {
    const isSandboxed = await options.isSandboxed();
    const mounts: Mount[] = [];
    const shown: string[] = [];
    const tools: LinkedTool[] = [];
    const known = await readCopies(workspace);
    const paths = newRecord<string>();
    for (const path of setup.made) {
      if (!(await this.hasFolderOf(workspace, path))) continue;
      const [from, to] = [join(setup.dir, path), join(workspace.dir, path)];
      const isFolder = (await lstat(from)).isDirectory();
      if (isSandboxed && isFolder && isPackageFolder(path)) {
        // Links into a place that only a sandbox fills: nobody can write through them.
        const place = join(packagesPlace(workspace), path);
        const tool = { path, root: setup.dir, shownAt: place };
        await mkdir(place, { recursive: true });
        await this.link(workspace, tool);
        tools.push(tool);
        mounts.push({ from, to: place });
        continue;
      }
      if (!(await this.isFree(workspace, path))) continue;
      // Programs of an environment name their interpreter by the place where it was made.
      if (isSandboxed && isFolder && isPythonEnvironment(from)) shown.push(from);
      if (isSandboxed) {
        await this.mountPoint(workspace, path, isFolder);
        mounts.push({ from, to });
        continue;
      }
      const before = known?.key === setup.key ? ownValue(known.paths, path) : undefined;
      if (isPackageFolder(path)) await removeCaches(to);
      paths[path] = await freshCopy(from, to, before);
    }
    if (!isSandboxed || known)
      await writeAtomic(copiesFile(workspace), JSON.stringify({ key: setup.key, paths }));
    return { mounts, tools, shown };
  }

  private interpreters({ link }: ToolOptions, setup: FinishedSetup | undefined): string[] {
    const { project } = this.repository;
    const places = [
      ...link.map((path) => join(project, path)),
      ...(setup?.made ?? []).map((path) => join(setup?.dir ?? '', path)),
    ];
    return places.flatMap((place) => interpreterOf(place) ?? []).filter((one) => !isBelow(project, one));
  }

  /** Python looks into the workspace first for packages that an environment takes from the project. */
  private variables(
    { dir }: Workspace,
    { link, environments = [], pythonPath }: ToolOptions,
    setup: FinishedSetup | undefined,
  ): Readonly<Record<string, string>> | undefined {
    const { project } = this.repository;
    const paths = [
      ...link.flatMap((path) => editablePaths(join(project, path), project)),
      ...environments.flatMap((place) => editablePaths(place, project)),
      ...(setup?.made ?? []).flatMap((path) => editablePaths(join(setup?.dir ?? '', path), setup?.dir ?? '')),
    ];
    if (paths.length === 0) return undefined;
    const own = [...new Set(paths)].map((path) => join(dir, path));
    return { PYTHONPATH: [...own, ...(pythonPath ? [pythonPath] : [])].join(delimiter) };
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
    const { small } = workspace.shown;
    if (small) return small.listing.get(path) === undefined && small.listing.under(`${path}/`).length === 0;
    const listed = ['ls-files', '--error-unmatch', '--', path];
    return (await git(listed, workspaceCall(workspace))).code !== 0;
  }

  private async links(
    workspace: Workspace,
    { link, inner = [] }: Pick<ToolOptions, 'link' | 'inner'>,
  ): Promise<void> {
    const root = this.repository.project;
    await this.clearAround(workspace, link);
    for (const path of link) await this.link(workspace, { path, root });
    for (const path of inner) {
      if (await this.hasFolderOf(workspace, path)) await this.link(workspace, { path, root });
      else await this.clear(workspace, dirname(path));
    }
  }

  /** Whether the tree has the package that a `node_modules` below the root belongs to. */
  private async hasFolderOf(workspace: Workspace, path: string): Promise<boolean> {
    const above = dirname(path);
    if (above === '.' || !isPackageFolder(path)) return true;
    const names = await namesIn(join(workspace.dir, above));
    return names.some((name) => name !== 'node_modules');
  }

  /** Around a workspace, where the project is a folder of its repository, is what the config links there and nothing else. */
  private async clearAround({ dir }: Workspace, link: readonly string[]): Promise<void> {
    const above = this.repository.prefix.split('/').slice(0, -1);
    if (above.length === 0) return;
    const root = join(dir, ...above.map(() => '..'));
    const known = new Set<string>();
    for (const path of [dir, ...link.filter(isOutside).map((one) => join(dir, one))])
      for (let place = path; place.startsWith(`${root}/`); place = dirname(place)) known.add(place);
    for (const [level] of above.entries()) {
      const folder = join(root, ...above.slice(0, level));
      for (const name of await readdir(folder))
        if (!known.has(join(folder, name))) await removeForcibly(join(folder, name));
    }
  }

  private async link(workspace: Workspace, { path, root, shownAt }: LinkedTool): Promise<void> {
    const target = join(root, path);
    const place = join(workspace.dir, path);
    const found = await stat(target).catch(() => undefined);
    if (found?.isDirectory() && isPackageFolder(path)) {
      const source = { from: target, root, shownAt };
      await linkPackages(place, source, workspace.dir, () => this.isFree(workspace, path));
      return;
    }
    const there = await lstat(place).catch(() => undefined);
    if (there?.isSymbolicLink() && (await readlink(place)) === target) return;
    if (!(await this.isFree(workspace, path))) return;
    await removeForcibly(place);
    if (!(await lstat(target).catch(() => undefined))) return;
    await mkdir(dirname(place), { recursive: true });
    await symlink(target, place);
  }
}

/** Where a sandbox shows the packages of a set-up: beside the workspace. */
export function packagesPlace(workspace: Pick<Workspace, 'index'>): string {
  return beside(workspace, 'packages');
}
