/** One side of a comparison: the specs, lock files and files of one commit, or of the files on disk. Only reads. */

import { ok, type Result } from '../../base/result.js';
import type { Diagnostic } from '../../model/failure.js';
import { isLockFile, type LockedTask } from '../../model/feature-lock.js';
import type { Feature, Label, Task } from '../../model/task.js';
import type { Listing, ObjectId } from '../../model/tree.js';
import { openParseCache } from '../../project/parse-cache.js';
import { type Project, textIn } from '../../project/project.js';
import { type LoadedSpecs, loadSpecs } from '../../specs/load.js';
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
  const { objects, config } = project;
  const listing = await objects.list(tree);
  const loaded = await specsOf(project, tree, listing);
  const problems: string[] = [];
  if (!loaded.ok) {
    const [first] = loaded.error;
    const place = first ? `${first.file}${first.line === undefined ? '' : `:${first.line}`}: ` : '';
    problems.push(`the specs of ${name} are not valid: ${place}${first?.message ?? ''}`);
  }
  const text = (file: string) => textIn({ listing, objects }, file);
  const files = listing.paths.flatMap((path) => {
    const entry = isLock(path, config.specs) ? listing.get(path) : undefined;
    return entry ? [{ path, id: entry.id }] : [];
  });
  const texts = await objects.readMany(files.map(({ id }) => id));
  const locked = new Map<Label, LockedTask>();
  for (const { path, id } of files) {
    const lock = parseLock(texts.get(id)?.toString('utf8') ?? '', path);
    if (!lock.ok) {
      problems.push(`${path} of ${name} cannot be read: ${lock.error.message}`);
      continue;
    }
    for (const [own, task] of Object.entries(lock.value.tasks))
      locked.set(`${lock.value.feature}/${own}`, task);
  }
  const lockFiles = new Set(files.map(({ path }) => path));
  const tasks = loaded.ok ? loaded.value.graph.tasks : new Map<Label, Task>();
  const features = new Map((loaded.ok ? loaded.value.features : []).map((one) => [one.name, one]));
  return { tree, listing, features, tasks, locked, lockFiles, text, problems };
}

/** Those of the project itself were loaded with it. */
async function specsOf(
  { snapshot, features, graph, objects, config, repository }: Project,
  tree: ObjectId,
  listing: Listing,
): Promise<Result<Pick<LoadedSpecs, 'features' | 'graph'>, readonly Diagnostic[]>> {
  if (tree === snapshot) return ok({ features: [...features.values()], graph });
  const cache = await openParseCache(repository.state);
  return loadSpecs({ listing, read: (ids) => objects.readMany(ids), cache }, config);
}

function isLock(path: string, specs: string): boolean {
  return path.startsWith(`${specs}/`) && isLockFile(path);
}

/** The project's own folder at a commit. */
export async function projectTree({ objects, repository }: Project, commit: ObjectId): Promise<ObjectId> {
  const tree = await objects.resolve(`${commit}^{tree}`);
  const own = tree && (await objects.subtree(tree, repository.prefix));
  return own ?? (await objects.empty());
}
