/** Takes snapshots through the watch's own index, so that scanning needs no lock and disturbs no build. */

import { ok, type Result } from '../../base/result.js';
import { makeTemporaryFolder, removeTree } from '../../io/files.js';
import { git } from '../../io/git/git-process.js';
import type { GitObjects } from '../../io/git/objects.js';
import type { Repository } from '../../io/git/repository.js';
import { DurableRefs } from '../../io/git/upkeep/durable.js';
import { changedOrNothing } from '../../io/git/walk.js';
import { type Config, untrackedLimit } from '../../model/config.js';
import type { Failure } from '../../model/failure.js';
import { isLockFile } from '../../model/feature-lock.js';
import type { ObjectId } from '../../model/tree.js';
import type { ParseCache } from '../../project/parse-cache.js';
import type { ProjectMemory } from '../../project/project-memory.js';
import type { ProjectSource } from '../../project/project-source.js';
import { copyIndex } from '../../workspace/index-record.js';
import { scanPartially } from '../../workspace/partial-scan.js';
import { indexCall } from '../../workspace/private-index.js';
import { filesOnDisk, type Snapshot, type SnapshotOptions, takeSnapshot } from '../../workspace/snapshot.js';

export class Scanner {
  private readonly repository: Repository;
  private readonly objects: GitObjects;
  private readonly memory: ProjectMemory;
  private readonly scratch: Repository;
  /** The tree that was seen last. */
  private last: ObjectId | undefined;
  /** Whether the last scan of all files has left out some for their size. */
  private large: readonly string[] = [];
  private parsed: ParseCache | undefined;
  /** There is one index: each use waits for the one before. */
  private turn: Promise<unknown> = Promise.resolve();

  private constructor(
    repository: Repository,
    scratch: Repository,
    objects: GitObjects,
    memory: ProjectMemory,
  ) {
    this.repository = repository;
    this.scratch = scratch;
    this.objects = objects;
    this.memory = memory;
  }

  static async open(repository: Repository, objects: GitObjects, memory: ProjectMemory): Promise<Scanner> {
    const state = await makeTemporaryFolder(repository.state);
    // What the last build knew of the files; where there was none, the first look reads them all.
    await copyIndex(repository.state, state).catch(() => undefined);
    return new Scanner(repository, { ...repository, state }, objects, memory);
  }

  /** The working tree now, with files that tasks name and git ignores. */
  look(config: Config): Promise<Result<ObjectId, Failure>> {
    return this.inTurn(async () => {
      const force = filesOnDisk(this.repository, this.memory.missing?.missing ?? []);
      const taken = await this.take({
        ...{ secrets: config.secrets, named: this.memory.named, force },
        maxUntracked: untrackedLimit(config),
      });
      if (!taken.ok) return taken;
      this.last = taken.value.tree;
      this.large = taken.value.large ?? [];
      await this.memory.list(this.objects, this.last);
      return ok(this.last);
    });
  }

  /**
   * What was seen last, with today's content of these files: as good as a look as long as nothing else has changed.
   * Undefined where that takes a look.
   */
  partialScan(paths: readonly string[]): Promise<ObjectId | undefined> {
    return this.inTurn(async () => {
      const tree = this.last;
      if (tree === undefined) return undefined;
      const listing = await this.memory.list(this.objects, tree);
      const seen = await scanPartially(this.scratch, this.objects, { tree, listing }, paths);
      if (seen !== undefined) this.last = await this.onDisk(tree, seen);
      return seen;
    });
  }

  /** Files that the last look at all files left out for their size. */
  get leftOut(): readonly string[] {
    return this.large;
  }

  /**
   * The project at a look's tree; with `specsOf`, with the specs of that tree in place of those on disk (lock files are conductor's
   * and stay those on disk).
   */
  source(config: Config, looked: ObjectId, specsOf?: ObjectId): ProjectSource {
    const { repository, objects, memory } = this;
    let first: ObjectId | undefined = looked;
    return {
      repository,
      objects,
      config,
      memory,
      // When there is time: a look is answered first.
      keepParsed: async (cache) => {
        this.parsed = cache;
      },
      take: async (options) => {
        const known = first === undefined ? undefined : ok<Snapshot>({ tree: first, large: this.large });
        const taken = known ?? (await this.inTurn(() => this.take(options)));
        first = undefined;
        if (!taken.ok || specsOf === undefined) return taken;
        return ok({ ...taken.value, tree: await this.withSpecs(taken.value.tree, specsOf, config) });
      },
    };
  }

  /** Keeps on disk what was parsed since. */
  async keepParsed(): Promise<void> {
    await this.parsed?.save();
    this.parsed = undefined;
  }

  /** Gives the project's own index to a build: what the looks have read it need not read. The lock is held. */
  lend(): Promise<void> {
    return this.inTurn(() => copyIndex(this.scratch.state, this.repository.state));
  }

  /** Takes over what a build has written. The lock is held. */
  takeBack(): Promise<void> {
    return this.inTurn(() => copyIndex(this.repository.state, this.scratch.state));
  }

  /** Folders of the project that git ignores, without a `/` at the end. */
  async ignoredFolders(): Promise<Set<string>> {
    const { prefix, project } = this.repository;
    const call = { ...indexCall(this.scratch), dir: project };
    const args = [
      'ls-files',
      '--others',
      '--ignored',
      '--exclude-standard',
      '--directory',
      '-z',
      '--full-name',
    ];
    const listed = await git([...args, '--', '.'], call);
    const paths = listed.stdout.toString('utf8').split('\0');
    return new Set(
      paths
        .filter((path) => path.endsWith('/') && path.startsWith(prefix))
        .map((path) => path.slice(prefix.length, -1)),
    );
  }

  async close(): Promise<void> {
    await this.turn;
    await removeTree(this.scratch.state);
  }

  private take(options: SnapshotOptions): Promise<Result<Snapshot, Failure>> {
    return takeSnapshot(this.scratch, this.objects, options);
  }

  private inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.turn.then(work);
    this.turn = done.catch(() => undefined);
    return done;
  }

  /** The tree with the specs of another one; as it is where that one is gone from the store. */
  private async withSpecs(tree: ObjectId, other: ObjectId, { specs }: Config): Promise<ObjectId> {
    const changes = (await changedOrNothing(this.objects, tree, other)) ?? new Map<string, undefined>();
    const ofSpecs = [...changes].filter(([path]) => path.startsWith(`${specs}/`) && !isLockFile(path));
    return this.onDisk(tree, await this.objects.editTree(tree, new Map(ofSpecs)));
  }

  /** A build names the tree that it started from in its journal, which completes nothing after a power cut unless this tree can be read. */
  private async onDisk(before: ObjectId, made: ObjectId): Promise<ObjectId> {
    await new DurableRefs(this.objects).makeTreeDurable(before, made);
    return made;
  }
}
