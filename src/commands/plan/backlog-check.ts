/** Whether a planned backlog is valid in the project: every rule of `validate`, and the rules for plans. */

import { err, ok, type Result } from '../../base/result.js';
import type { Session } from '../../build/project-session.js';
import { editYaml } from '../../io/document/yaml-edit.js';
import type { Diagnostic } from '../../model/failure.js';
import { type Entry, Listing } from '../../model/tree.js';
import { keepIds, type PlannedBacklog } from '../../plan/merged-backlog.js';
import type { Host } from '../../project/host.js';
import { textIn } from '../../project/project.js';
import { placeProblems, sortDiagnostics } from '../../specs/problem.js';
import { checkSpecs } from '../validate.js';
import { changedSpecs, changesIn } from './feature-changes.js';
import { BACKLOG, readBacklog } from './plan-files.js';
import { type RuleParts, ruleProblems } from './plan-rules.js';

export interface CheckParts extends RuleParts {
  readonly host: Host;
  readonly session: Session;
}

/**
 * The backlog under the ids of the former one (`former`: its text), checked with `files` (texts by path) in the place
 * of the project's own; or everything that is wrong with it.
 */
export async function checkBacklog(
  parts: CheckParts,
  text: string,
  former: PlannedBacklog | undefined,
  files: ReadonlyMap<string, string>,
): Promise<Result<string, readonly Diagnostic[]>> {
  const path = parts.feature.folder + BACKLOG;
  const problems = await checkFiles(parts, new Map([...files, [path, text]]));
  if (problems.length > 0) return err(problems);
  const planned = await readBacklog(text, path);
  return ok(former && planned ? await underFormerIds(text, former, planned) : text);
}

/** Everything that is wrong with the project when these files (texts by path) stand in it, by all rules at once. */
export async function checkFiles(
  parts: CheckParts,
  files: ReadonlyMap<string, string>,
): Promise<readonly Diagnostic[]> {
  const { project, host, session, feature } = parts;
  const entries = new Map<string, Entry>(project.listing.files);
  for (const [path, text] of files) {
    entries.set(path, { mode: '100644', id: await project.objects.writeBlob(Buffer.from(text)) });
  }
  // Whether the plan holds is judged with the changes that it needs elsewhere.
  const file = feature.folder + BACKLOG;
  const backlog = await readBacklog(files.get(file) ?? (await textIn(project, file)) ?? '', file);
  const changed = await changedSpecs(project, changesIn(backlog), { feature: feature.name, file });
  for (const [path, text] of changed.texts)
    entries.set(path, { mode: '100644', id: await project.objects.writeBlob(Buffer.from(text)) });
  const { features, diagnostics } = await checkSpecs(host, session, project.config, new Listing(entries));
  const planned = features.find(({ name }) => name === feature.name);
  if (!planned || planned.tasks.length === 0) {
    const empty = { file: planned?.file ?? feature.folder + BACKLOG, message: 'contains no task' };
    return diagnostics.length > 0 ? diagnostics : [empty];
  }
  const problems = await ruleProblems(parts, planned, features);
  const placed = await placeProblems([...changed.problems, ...problems], async (file) => files.get(file));
  return sortDiagnostics([...diagnostics, ...placed]);
}

async function underFormerIds(text: string, former: PlannedBacklog, planned: PlannedBacklog) {
  const ids = keepIds(former, planned);
  if (ids.size === 0) return text;
  const changes = planned.tasks.flatMap((task, at) => {
    const needs = Array.isArray(task.depends_on) ? task.depends_on.map(String) : [];
    const renamed = needs.flatMap((need, i) => {
      const to = ids.get(need);
      return to === undefined ? [] : [{ path: ['tasks', at, 'depends_on', i], value: to }];
    });
    const to = ids.get(task.id);
    return to === undefined ? renamed : [{ path: ['tasks', at, 'id'], value: to }, ...renamed];
  });
  return editYaml(text, changes);
}
