/** The sources from which a project is loaded. Reads nothing by itself. */

import { ok, type Result } from '../base/result.js';
import type { GitObjects } from '../io/git/objects.js';
import type { Repository } from '../io/git/repository.js';
import type { Config } from '../model/config.js';
import type { Failure } from '../model/failure.js';
import { type Snapshot, type SnapshotOptions, takeSnapshot } from '../workspace/snapshot.js';
import { takeStaged } from '../workspace/staged-tree.js';
import type { ParseCache } from './parse-cache.js';
import type { ProjectMemory } from './project-memory.js';

export type TakeSnapshot = (options: SnapshotOptions) => Promise<Result<Snapshot, Failure>>;

export interface ProjectSource {
  readonly repository: Repository;
  readonly objects: GitObjects;
  readonly config: Config;
  readonly memory: ProjectMemory;
  readonly take: TakeSnapshot;
  /** Keeps on disk what was parsed; may put it off. */
  keepParsed(cache: ParseCache): Promise<void>;
}

/** An open project, as far as reading it goes. */
export interface OpenProject {
  readonly repository: Repository;
  readonly objects: GitObjects;
  readonly memory: ProjectMemory;
}

/** The project as it is on disk now. */
export function diskSource({ repository, objects, memory }: OpenProject, config: Config): ProjectSource {
  return {
    repository,
    objects,
    config,
    memory,
    take: async (options) => {
      const taken = memory.takeOver(options);
      return taken === undefined ? takeSnapshot(repository, objects, options) : ok(taken);
    },
    async keepParsed(cache) {
      await cache.save();
      // The parsed specs take as much memory as all tasks and are not needed any more. The next load reads them from disk.
      memory.forgetParsed();
    },
  };
}

/** The project as the person's index has it: what a commit would hold. */
export function stagedSource(open: OpenProject, config: Config): ProjectSource {
  const { repository, objects } = open;
  return { ...diskSource(open, config), take: (options) => takeStaged(repository, objects, options) };
}
