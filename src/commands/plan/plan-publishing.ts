/** Writes a plan into the project's files, or reports what a person must decide first. Asks no agent. */

import { err, ok, type Result } from '../../base/result.js';
import { writeAtomic } from '../../io/files.js';
import type { Failure } from '../../model/failure.js';
import type { Entry } from '../../model/tree.js';
import { compareBacklogs } from '../../plan/merged-backlog.js';
import type { Emit } from '../../project/host.js';
import type { Project } from '../../project/project.js';
import { publishTree } from '../../workspace/publish.js';
import { type CheckParts, checkFiles } from './backlog-check.js';
import {
  BACKLOG,
  backlogIn,
  PLAN_LOCK,
  type PlanLock,
  planLockText,
  proposals,
  readBacklog,
  type WrittenPlan,
} from './plan-files.js';
import { mergePlan, type PlanArrival, planDiff } from './plan-merge.js';

/** The number of files written. Fails with `plan-conflict`, `invalid-plan` (after a merge) or `publish-refused`. */
export async function publishPlan(
  parts: CheckParts,
  plan: WrittenPlan,
  { lock, overwrite }: { readonly lock: PlanLock | undefined; readonly overwrite: boolean },
  emit: Emit,
): Promise<Result<number, Failure>> {
  const { project, feature } = parts;
  const { folder } = feature;
  const arrival = { project, folder, planned: plan.files, lock };
  const { changed, conflicts } = await mergePlan(arrival, overwrite);
  if (conflicts.length > 0) {
    for (const [name, text] of plan.files) await keepProposal(project, feature.name, name, text);
    return err({
      kind: 'plan-conflict',
      feature: feature.name,
      files: conflicts,
      kept: `${proposals(feature.name)}/`,
      diff: await planDiff(arrival, conflicts),
    });
  }
  const backlog = changed.get(folder + BACKLOG);
  if (changed.size > 0) {
    // Merged with a person's changes they are others than those that were checked.
    const problems = await checkFiles(parts, changed);
    const [first] = problems;
    if (first) {
      for (const [path, text] of changed) {
        await keepProposal(project, feature.name, path.slice(folder.length), text);
      }
      const kept = `${proposals(feature.name)}/`;
      return err({ kind: 'invalid-plan', file: first.file, diagnostics: problems, kept });
    }
  }
  const written = await writeFiles(arrival, plan, changed);
  if (!written.ok) return written;
  if (written.value.length > 0) emit({ type: 'build.published', written: written.value, removed: [] });
  const before = await backlogIn(project, folder);
  const after = backlog === undefined ? before : await readBacklog(backlog, folder + BACKLOG);
  const change = compareBacklogs(before, after ?? { tasks: [] });
  emit({ type: 'plan.ready', feature: feature.name, published: written.value, ...change });
  return ok(written.value.length);
}

/** Writes a file for a person to read; returns its path, relative to the project. */
export async function keepProposal(
  project: Project,
  feature: string,
  name: string,
  text: string,
): Promise<string> {
  const file = `${proposals(feature)}/${name}`;
  await writeAtomic(`${project.repository.project}/${file}`, text);
  return file;
}

/** The changed files and the lock file in one step: a change by a person in the meantime refuses all of it. */
async function writeFiles(
  { project, folder, lock: former }: PlanArrival,
  plan: WrittenPlan,
  changed: ReadonlyMap<string, string>,
): Promise<Result<readonly string[], Failure>> {
  const { objects, repository, snapshot } = project;
  const blob = async (text: string): Promise<Entry> => ({
    mode: '100644',
    id: await objects.writeBlob(Buffer.from(text)),
  });
  const files: Record<string, string> = {};
  for (const [name, text] of plan.files) files[name] = (await blob(text)).id;
  // What the plan said last of a file that it does not hold now (a request from elsewhere) still stands.
  const { documents, drafts } = plan;
  const lock = planLockText({ documents, drafts, files: { ...former?.files, ...files } });
  const entries = new Map<string, Entry>();
  for (const [path, text] of new Map([...changed, [folder + PLAN_LOCK, lock]])) {
    const entry = await blob(text);
    if (project.listing.get(path)?.id !== entry.id) entries.set(path, entry);
  }
  if (entries.size === 0) return ok([]);
  const to = await objects.editTree(snapshot, entries);
  const published = await publishTree(repository, objects, { from: snapshot, to });
  return published.ok ? ok(published.value.written) : published;
}
