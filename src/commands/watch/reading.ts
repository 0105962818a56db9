/**
 * Loads a project from a scan: only the features that the changes since the last complete build concern, where that is enough.
 * While the config or specs cannot be read, uses the last good ones with the present files.
 */

import { selectTargets } from '../../analysis/prepare.js';
import { readHead } from '../../analysis/range/index-file.js';
import { ok, type Result } from '../../base/result.js';
import { sameGround } from '../../build/build.js';
import { type ReadPart, readPart } from '../../build/part-build.js';
import type { Session } from '../../build/project-session.js';
import { changedFiles, changedOrNothing } from '../../io/git/walk.js';
import type { Config } from '../../model/config.js';
import { isSameJson } from '../../model/digest.js';
import type { Failure } from '../../model/failure.js';
import { isLockFile } from '../../model/feature-lock.js';
import { featureOf } from '../../model/history.js';
import { Ownership } from '../../model/paths/ownership.js';
import type { Entry, ObjectId } from '../../model/tree.js';
import type { Host, LoadedConfig } from '../../project/host.js';
import { loadProject, type Project } from '../../project/project.js';
import type { Scanner } from './scanner.js';

export interface Reading {
  readonly loaded: LoadedConfig;
  /** All features, or a part of them. */
  readonly project: Project;
  /** Absent: the project is whole. */
  readonly part?: { readonly read: ReadPart; readWhole(): Promise<Result<Project, Failure>> };
  /** The tree of a partial scan; undefined after a full scan. */
  readonly partial?: ObjectId;
}

/** What a scope is known to follow from. */
export type Scoped = Pick<Project, 'config' | 'snapshot'>;

export function scopedTo({ config, snapshot }: Project): Scoped {
  return { config, snapshot };
}

export class Reader {
  private readonly host: Host;
  private readonly session: Pick<Session, 'repository' | 'objects'>;
  private readonly scanner: Scanner;
  /** The config as it was read last, a failure too; the tree is missing before the first look. */
  private config: { loaded: Result<LoadedConfig, Failure>; tree: ObjectId | undefined } | undefined;
  private tries = 0;
  private good: Reading | undefined;
  private whole: Project | undefined;
  private readonly outputs = new KnownOutputs();

  constructor(host: Host, session: Pick<Session, 'repository' | 'objects'>, scanner: Scanner) {
    this.host = host;
    this.session = session;
    this.scanner = scanner;
  }

  /** The last project of which everything was read. */
  get lastWhole(): Project | undefined {
    return this.whole;
  }

  /** Tasks of the last project that could be read. */
  get tasks(): number {
    const { graph, rest } = this.good?.project ?? {};
    return (graph?.tasks.size ?? 0) + (rest?.tasks.length ?? 0);
  }

  /** The config that looks are taken with: the last good one, else what is on disk now. */
  async lookWith(): Promise<Result<Config, Failure>> {
    if (this.good) return ok(this.good.loaded.config);
    if (!this.config?.loaded.ok) {
      const loaded = await this.host.loadConfig(this.session.repository.project, `start-${this.tries++}`);
      this.config = { loaded, tree: undefined };
    }
    const { loaded } = this.config;
    return loaded.ok ? ok(loaded.value.config) : loaded;
  }

  /**
   * `problem`: why the reading is not of what is on disk. Fails with it when there is no good one. A part is read only if all of
   * the project has been read before, and if with the part a scope that follows from `since` names all that decides now.
   */
  async read(
    tree: ObjectId,
    since: Scoped | undefined,
  ): Promise<Result<{ reading: Reading; problem?: Failure }, Failure>> {
    const config = await this.configAt(tree);
    const part = config.ok && since && this.whole && (await this.loadPart(config.value, tree, since));
    const read = part ? ok(part) : config.ok ? await this.load(config.value, tree) : config;
    if (read.ok) {
      this.good = read.value;
      this.outputs.note(read.value.project);
      return ok({ reading: read.value });
    }
    const { kind } = read.error;
    if (!this.good || (kind !== 'invalid-config' && kind !== 'invalid-specs')) return read;
    const kept = await this.load(this.good.loaded, tree, this.good.project.snapshot);
    return kept.ok ? ok({ reading: kept.value, problem: read.error }) : read;
  }

  /** Reads what a later part does not need to read. Undefined where the next change is read as a part. */
  async readAhead(tree: ObjectId, mayBePart: boolean): Promise<Project | undefined> {
    const { loaded } = this.good ?? {};
    if (mayBePart && loaded && (await this.isDivisible(loaded))) return undefined;
    const read = await this.read(tree, undefined);
    return read.ok && !read.value.problem ? read.value.reading.project : undefined;
  }

  private async isDivisible(loaded: LoadedConfig): Promise<boolean> {
    const ground = await this.groundOf(loaded);
    const head = ground && (await readHead(this.session.repository.state));
    return head?.divisible !== undefined && head.tree === ground?.last.tree;
  }

  private async load(
    loaded: LoadedConfig,
    tree: ObjectId,
    specsOf?: ObjectId,
  ): Promise<Result<Reading, Failure>> {
    const project = await loadProject(this.scanner.source(loaded.config, tree, specsOf));
    if (!project.ok) return project;
    this.whole = project.value;
    return ok({ loaded, project: project.value });
  }

  /** As the command line reads a part. Undefined where that is not enough. */
  private async loadPart(loaded: LoadedConfig, tree: ObjectId, since: Scoped): Promise<Reading | undefined> {
    const { scanner } = this;
    const ground = await this.groundOf(loaded);
    if (!ground || scanner.leftOut.length > 0) return undefined;
    const read = await readPart(scanner.source(loaded.config, tree), { ...ground, snapshot: tree });
    if (!read || !(await this.hasAllSpecs(read.project, since))) return undefined;
    const readWhole = async () => {
      const whole = await this.load(loaded, tree);
      return whole.ok ? ok(whole.value.project) : whole;
    };
    return { loaded, project: read.project, part: { read, readWhole } };
  }

  /**
   * Whether the part has all specs that changed since then. Another command may have built some of them meanwhile: for the index
   * they are not changed, but the scope does not know what their tasks read.
   */
  private async hasAllSpecs({ config, listing, snapshot }: Project, since: Scoped): Promise<boolean> {
    // Its gates and formatters read files for every task.
    if (!isSameJson(config, since.config)) return false;
    const changes = await changedOrNothing(this.session.objects, since.snapshot, snapshot);
    if (!changes) return false;
    const isKnown = ([path, entry]: readonly [string, Entry | undefined]) =>
      !entry || !path.startsWith(`${config.specs}/`) || isLockFile(path) || listing.get(path) !== undefined;
    return [...changes].every(isKnown);
  }

  private groundOf(loaded: LoadedConfig) {
    return sameGround(this.host, this.session.repository, () => Promise.resolve(loaded.digest));
  }

  /** Read again when a file that may be a part of it has changed. */
  private async configAt(tree: ObjectId): Promise<Result<LoadedConfig, Failure>> {
    const { config } = this;
    if (config) {
      config.tree ??= tree;
      const changed = await changedFiles(this.session.objects, config.tree, tree);
      if (![...changed.keys()].some((path) => this.mayBeConfig(path))) {
        config.tree = tree;
        return config.loaded;
      }
    }
    const loaded = await this.host.loadConfig(this.session.repository.project, tree);
    this.config = { loaded, tree };
    return loaded;
  }

  private mayBeConfig(path: string): boolean {
    if (!/\.([cm]?[jt]s|json)$/.test(path)) return false;
    return !this.outputs.has(path) && !isLockFile(path);
  }
}

/** The outputs of all tasks, as whole projects and parts of them have told. */
class KnownOutputs {
  private whole = new Ownership([]);
  /** By feature, of those that were read again in parts since, or removed. */
  private readonly parts = new Map<string, Ownership>();

  note({ ownership, features, rest }: Project): void {
    if (rest) {
      for (const name of [...features.keys(), ...rest.removed.keys()]) this.parts.set(name, ownership);
    } else {
      this.whole = ownership;
      this.parts.clear();
    }
  }

  has(path: string): boolean {
    const label = this.whole.ownerOf(path);
    if (label !== undefined && !this.parts.has(featureOf(label))) return true;
    return [...new Set(this.parts.values())].some((part) => part.ownerOf(path) !== undefined);
  }
}

/** Why a target of the command line names nothing; a project without tasks may get some. */
export function unknownTarget(project: Project, targets: readonly string[]): Failure | undefined {
  if (project.graph.tasks.size === 0) return undefined;
  const selected = selectTargets(project, targets);
  return selected.ok ? undefined : selected.error;
}
