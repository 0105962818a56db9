/**
 * Loads a project from a scan. While its config or specs cannot be read, uses the last good ones with the present
 * files.
 */

import { selectTargets } from '../../analysis/prepare.js';
import { ok, type Result } from '../../base/result.js';
import type { GitObjects } from '../../io/git/objects.js';
import { changedFiles } from '../../io/git/walk.js';
import type { Config } from '../../model/config.js';
import type { Failure } from '../../model/failure.js';
import { isLockFile } from '../../model/feature-lock.js';
import type { ObjectId } from '../../model/tree.js';
import type { Host, LoadedConfig } from '../../project/host.js';
import { loadProject, type Project } from '../../project/project.js';
import type { Scanner } from './scanner.js';

export interface Reading {
  readonly loaded: LoadedConfig;
  readonly project: Project;
  /** The tree of a partial scan; undefined after a full scan. */
  readonly partial?: ObjectId;
}

export class Reader {
  private readonly host: Host;
  private readonly folder: string;
  private readonly objects: GitObjects;
  private readonly scanner: Scanner;
  /** The config as it was read last, a failure too; the tree is missing before the first look. */
  private config: { loaded: Result<LoadedConfig, Failure>; tree: ObjectId | undefined } | undefined;
  private tries = 0;
  private good: Reading | undefined;

  constructor(host: Host, folder: string, objects: GitObjects, scanner: Scanner) {
    this.host = host;
    this.folder = folder;
    this.objects = objects;
    this.scanner = scanner;
  }

  /** The last one that was read whole. */
  get last(): Reading | undefined {
    return this.good;
  }

  /** The config that looks are taken with: the last good one, else what is on disk now. */
  async lookWith(): Promise<Result<Config, Failure>> {
    if (this.good) return ok(this.good.loaded.config);
    if (!this.config?.loaded.ok) {
      const loaded = await this.host.loadConfig(this.folder, `start-${this.tries++}`);
      this.config = { loaded, tree: undefined };
    }
    const { loaded } = this.config;
    return loaded.ok ? ok(loaded.value.config) : loaded;
  }

  /** `problem`: why the reading is not of what is on disk. Fails with it when there is no good one. */
  async read(tree: ObjectId): Promise<Result<{ reading: Reading; problem?: Failure }, Failure>> {
    const config = await this.configAt(tree);
    const read = config.ok ? await this.load(config.value, tree) : config;
    if (read.ok) {
      this.good = read.value;
      return ok({ reading: read.value });
    }
    const { kind } = read.error;
    if (!this.good || (kind !== 'invalid-config' && kind !== 'invalid-specs')) return read;
    const kept = await this.load(this.good.loaded, tree, this.good.project);
    return kept.ok ? ok({ reading: kept.value, problem: read.error }) : read;
  }

  private async load(
    loaded: LoadedConfig,
    tree: ObjectId,
    specsOf?: Project,
  ): Promise<Result<Reading, Failure>> {
    const project = await loadProject(this.scanner.source(loaded.config, tree, specsOf));
    return project.ok ? ok({ loaded, project: project.value }) : project;
  }

  /** Read again when a file that may be a part of it has changed. */
  private async configAt(tree: ObjectId): Promise<Result<LoadedConfig, Failure>> {
    const { config } = this;
    if (config) {
      config.tree ??= tree;
      const changed = await changedFiles(this.objects, config.tree, tree);
      if (![...changed.keys()].some((path) => this.mayBeConfig(path))) {
        config.tree = tree;
        return config.loaded;
      }
    }
    const loaded = await this.host.loadConfig(this.folder, tree);
    this.config = { loaded, tree };
    return loaded;
  }

  private mayBeConfig(path: string): boolean {
    if (!/\.([cm]?[jt]s|json)$/.test(path)) return false;
    return this.good?.project.ownership.ownerOf(path) === undefined && !isLockFile(path);
  }
}

/** Why a target of the command line names nothing; a project without tasks may get some. */
export function unknownTarget(project: Project, targets: readonly string[]): Failure | undefined {
  if (project.graph.tasks.size === 0) return undefined;
  const selected = selectTargets(project, targets);
  return selected.ok ? undefined : selected.error;
}
