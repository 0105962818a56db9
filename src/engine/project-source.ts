/** What a project is loaded from. Reads nothing by itself. */

import type { Result } from '../base/result.js';
import type { GitObjects } from '../io/git/objects.js';
import type { Repository } from '../io/git/repository.js';
import type { Config } from '../model/config.js';
import type { Failure } from '../model/failure.js';
import type { ObjectId } from '../model/tree.js';
import { type SnapshotOptions, takeSnapshot } from '../workspace/snapshot.js';
import type { ProjectMemory } from './project-memory.js';

export type TakeSnapshot = (options: SnapshotOptions) => Promise<Result<{ tree: ObjectId }, Failure>>;

export interface ProjectSource {
  readonly repository: Repository;
  readonly objects: GitObjects;
  readonly config: Config;
  readonly memory: ProjectMemory;
  readonly take: TakeSnapshot;
}

/** The source of a project as it is on disk now. The caller holds the project's lock, or has an index of its own. */
export function diskSource(
  { repository, objects }: Pick<ProjectSource, 'repository' | 'objects'>,
  config: Config,
  memory: ProjectMemory,
): ProjectSource {
  return {
    repository,
    objects,
    config,
    memory,
    take: (options) => takeSnapshot(repository, objects, options),
  };
}
