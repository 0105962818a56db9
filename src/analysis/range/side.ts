/** One side of a comparison: the specs, lock files and files of one commit, or of the files on disk. Only reads. */

import type { LockedTask } from '../../model/feature-lock.js';
import type { Feature, Label, Task } from '../../model/task.js';
import type { Listing, ObjectId } from '../../model/tree.js';
import { openParseCache } from '../../project/parse-cache.js';
import type { Project } from '../../project/project.js';
import { loadSpecs } from '../../specs/load.js';
import { parseLock } from '../../specs/lock-file.js';

export interface ProjectSide {
  /** The project's tree. */
  readonly tree: ObjectId;
  readonly listing: Listing;
  readonly features: ReadonlyMap<string, Feature>;
  readonly tasks: ReadonlyMap<Label, Task>;
  readonly locked: ReadonlyMap<Label, LockedTask>;
  readonly lockFiles: ReadonlySet<string>;
  /** Texts of spec files by path. */
  text(file: string): Promise<string | undefined>;
  /** Why its specs, or some lock files, could not be read. */
  readonly problems: readonly string[];
}

/** `tree` is the project's own folder at that commit. Specs that are not valid count as none, with the reason. */
export async function openSide(project: Project, tree: ObjectId, name: string): Promise<ProjectSide> {
  const { objects, config, repository } = project;
  const listing = await objects.list(tree);
  const cache = await openParseCache(repository.state);
  const loaded = await loadSpecs({ listing, read: (ids) => objects.readMany(ids), cache }, config);
  const problems: string[] = [];
  if (!loaded.ok) {
    const [first] = loaded.error;
    const place = first ? `${first.file}${first.line === undefined ? '' : `:${first.line}`}: ` : '';
    problems.push(`the specs of ${name} are not valid: ${place}${first?.message ?? ''}`);
  }
  const text = async (file: string) => {
    const entry = listing.get(file);
    return entry && (await objects.read(entry.id))?.toString('utf8');
  };
  const locked = new Map<Label, LockedTask>();
  const lockFiles = new Set<string>();
  for (const path of listing.paths.filter((one) => isLock(one, config.specs))) {
    lockFiles.add(path);
    const lock = parseLock((await text(path)) ?? '', path);
    if (!lock.ok) {
      problems.push(`${path} of ${name} cannot be read: ${lock.error.message}`);
      continue;
    }
    for (const [id, task] of Object.entries(lock.value.tasks))
      locked.set(`${lock.value.feature}/${id}`, task);
  }
  const tasks = loaded.ok ? loaded.value.graph.tasks : new Map<Label, Task>();
  const features = new Map((loaded.ok ? loaded.value.features : []).map((one) => [one.name, one]));
  return { tree, listing, features, tasks, locked, lockFiles, text, problems };
}

function isLock(path: string, specs: string): boolean {
  return path.startsWith(`${specs}/`) && path.endsWith('.metadata.json');
}

/** The project's own folder at a commit. */
export async function projectTree({ objects, repository }: Project, commit: ObjectId): Promise<ObjectId> {
  const tree = await objects.resolve(`${commit}^{tree}`);
  const own = tree && (await objects.subtree(tree, repository.prefix));
  return own ?? (await objects.empty());
}
