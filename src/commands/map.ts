/** The map of the repository as planners get it, and the owner and the patchers of each file. Builds nothing. */

import { suggestions } from '../base/nearest.js';
import { err, ok, type Result } from '../base/result.js';
import { inspectProject } from '../build/dry-run.js';
import type { Failure } from '../model/failure.js';
import type { RepositoryView } from '../model/repository-view.js';
import type { Label } from '../model/task.js';
import type { Host } from '../project/host.js';
import type { Project } from '../project/project.js';
import { plannerTree, repositoryMap } from './plan/project-map.js';

/** For the planners of `feature`; without one for those of a new feature. Fails with `unknown-target`. */
export async function viewRepository(
  host: Host,
  feature: string | undefined,
): Promise<Result<RepositoryView, Failure>> {
  const done = await inspectProject(host, [], async ({ project }) => {
    const name = feature ?? '';
    if (feature !== undefined && !isFeature(project, feature)) {
      const known = [...project.features.keys()];
      return err<Failure>({ kind: 'unknown-target', target: feature, nearest: suggestions(feature, known) });
    }
    const tree = await plannerTree(project, name);
    const map = await repositoryMap(project, name, tree);
    const listing = await project.objects.list(tree);
    const patchers = patchersOf(project);
    const files = listing.paths.map((path) => {
      const owner = project.claimed.has(path) ? undefined : project.ownership.ownerOf(path);
      const patchedBy = [...(patchers.get(path) ?? [])].sort();
      return { path, ...(owner === undefined ? {} : { owner }), patchedBy };
    });
    return ok({ ...(feature === undefined ? {} : { feature }), map, bytes: Buffer.byteLength(map), files });
  });
  return done.ok ? done.value : done;
}

/** A feature may have a request and no tasks yet. */
function isFeature({ features, listing, config }: Project, name: string): boolean {
  const folder = `${config.specs}/${name}/`;
  return features.has(name) || listing.paths.some((path) => path.startsWith(folder));
}

/** Tasks whose `edits` name a file, and tasks whose patch is in it although no spec says so any more. */
function patchersOf(project: Project): Map<string, Set<Label>> {
  const patchers = new Map<string, Set<Label>>();
  const add = (path: string, label: Label) =>
    patchers.set(path, (patchers.get(path) ?? new Set<Label>()).add(label));
  for (const task of project.graph.tasks.values()) for (const path of task.edits) add(path, task.label);
  for (const [path, { by }] of project.patched) for (const label of by) add(path, label);
  return patchers;
}
