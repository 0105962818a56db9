/** What planners are shown of a project: everything but the specs and what the feature itself has made. Knows no request. */

import { patternSet } from '../../model/paths/pattern-set.js';
import type { Entry, ObjectId } from '../../model/tree.js';
import type { Project } from '../../project/project.js';

/**
 * The tree that planners see: hand-written files and the outputs of other features. Without the feature's own outputs
 * and patches, so that building a plan does not make the plan itself out of date; without files that look secret.
 */
export async function plannerTree(project: Project, feature: string): Promise<ObjectId> {
  const files = new Map<string, Entry | undefined>();
  for (const [label, owned] of project.owned) {
    if (project.graph.task(label).feature === feature) continue;
    for (const [path, entry] of owned) files.set(path, entry);
  }
  for (const [path, edited] of project.edited) {
    files.set(path, isPatchedBy(project, feature, path) ? edited.base : edited.onDisk);
  }
  const secrets = patternSet(project.config.secrets);
  for (const path of project.listing.paths) {
    if (secrets.matches(path)) files.set(path, undefined);
  }
  return project.objects.editTree(project.handWrittenTree, files);
}

/** Whether a task of the feature has its patch in the file as it stands, today's tasks and former ones. */
function isPatchedBy(project: Project, feature: string, path: string): boolean {
  const locked = Object.values(project.locks.get(feature)?.tasks ?? {});
  const recorded = project.patched.get(path)?.by ?? [];
  return (
    locked.some((task) => task.edits?.[path] !== undefined) ||
    recorded.some((label) => label.startsWith(`${feature}/`))
  );
}
