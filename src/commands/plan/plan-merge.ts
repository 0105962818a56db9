/**
 * Merges a new plan into the user's files: what to write, what to merge with their changes, and which conflicts they
 * must decide. Writes nothing.
 */

import { ownValue } from '../../base/records/own-value.js';
import { err, ok, type Result } from '../../base/result.js';
import { editYaml } from '../../io/document/yaml-edit.js';
import { unifiedDiff } from '../../io/text-diff.js';
import type { ObjectId } from '../../model/tree.js';
import { mergeBacklogs } from '../../plan/merged-backlog.js';
import { type Project, textIn } from '../../project/project.js';
import { applyPatch } from '../../workspace/patches/patch.js';
import { BACKLOG, type PlanLock, readBacklog } from './plan-files.js';

export interface PlanConflict {
  readonly path: string;
  /** What both have changed: ids of tasks; empty: the file as a whole. */
  readonly entries: readonly string[];
}

export interface PlanFiles {
  /** By path; only what differs from the project as it is. */
  readonly changed: ReadonlyMap<string, string>;
  readonly conflicts: readonly PlanConflict[];
}

/** A plan on its way into a feature's folder. */
export interface PlanArrival {
  readonly project: Project;
  /** `specs/<feature>/`. */
  readonly folder: string;
  /** The planned texts, by name. */
  readonly planned: ReadonlyMap<string, string>;
  /** What the plan said last. */
  readonly lock: PlanLock | undefined;
}

/**
 * The files of a plan against the person's: theirs stay where the plan has not changed, the plan's are taken where they
 * have not, and both are merged where they do not touch the same. With `overwrite` the plan's stand.
 */
export async function mergePlan(
  { project, folder, planned, lock }: PlanArrival,
  overwrite: boolean,
): Promise<PlanFiles> {
  const changed = new Map<string, string>();
  const conflicts: PlanConflict[] = [];
  for (const [name, text] of planned) {
    const path = folder + name;
    const own = await textIn(project, path);
    const sides = { own, planned: text, base: ownValue(lock?.files, name) };
    const merged = overwrite ? ok(text) : await mergePlanFile(project, name, sides);
    if (!merged.ok) conflicts.push({ path, entries: merged.error });
    else if (merged.value !== own) changed.set(path, merged.value);
  }
  return { changed, conflicts };
}

/** The diff from the files as they are to those that are proposed. */
export async function planDiff(
  { project, folder, planned }: PlanArrival,
  conflicts: readonly PlanConflict[],
): Promise<string> {
  const parts: string[] = [];
  for (const { path } of conflicts) {
    const own = (await textIn(project, path)) ?? '';
    const proposed = planned.get(path.slice(folder.length)) ?? '';
    parts.push(`--- ${path}`, `+++ ${path} (proposed)`, ...unifiedDiff(own, proposed));
  }
  return parts.join('\n');
}

interface FileSides {
  /** As the person has it. */
  readonly own: string | undefined;
  readonly planned: string;
  /** As the plan had it last. */
  readonly base: ObjectId | undefined;
}

async function mergePlanFile(
  project: Project,
  name: string,
  { own, planned, base }: FileSides,
): Promise<Result<string, readonly string[]>> {
  if (own === undefined || own === planned) return ok(planned);
  const former = base === undefined ? undefined : (await project.objects.read(base))?.toString('utf8');
  if (own === former) return ok(planned);
  if (former === undefined) return err([]);
  if (former === planned) return ok(own);
  return name === BACKLOG
    ? mergeBacklogTexts(former, own, planned)
    : mergeTexts(project, former, own, planned);
}

async function mergeBacklogTexts(
  former: string,
  own: string,
  planned: string,
): Promise<Result<string, readonly string[]>> {
  const [base, mine, theirs] = await Promise.all([former, own, planned].map((text) => readBacklog(text, '')));
  if (!base || !mine || !theirs) return err([]);
  const { edits, conflicts } = mergeBacklogs(base, mine, theirs);
  return conflicts.length > 0 ? err(conflicts) : ok(await editYaml(own, edits));
}

async function mergeTexts(
  { objects }: Project,
  former: string,
  own: string,
  planned: string,
): Promise<Result<string, readonly string[]>> {
  const entry = async (text: string) => ({
    mode: '100644' as const,
    id: await objects.writeBlob(Buffer.from(text)),
  });
  const change = { path: 'PLAN.md', before: await entry(former), after: await entry(planned) };
  const merged = await applyPatch(objects, await entry(own), change);
  if (!merged.ok || !merged.value) return err([]);
  return ok(((await objects.read(merged.value.id)) ?? Buffer.alloc(0)).toString('utf8'));
}
