/** The files of a plan: their names, their texts, the backlog that stands. Knows no planner. */

import type { Digest } from '../../model/digest.js';
import type { Project } from '../../project/project.js';
import { BACKLOG, readBacklog } from './backlog-check.js';
import type { DocumentName } from './plan-lock.js';
import { type PlannedFeature, REQUEST, textIn } from './planned-feature.js';

export const PLAN = 'PLAN.md';

export interface WrittenPlan {
  /** Texts by name (`PLAN.md`). */
  readonly files: ReadonlyMap<string, string>;
  /** Keys under which the store has its documents. */
  readonly documents: Readonly<Record<DocumentName, Digest>>;
}

/** A request from elsewhere is one of them. */
export function planFiles(
  { request, isForeign }: PlannedFeature,
  plan: string,
  backlog?: string,
): ReadonlyMap<string, string> {
  return new Map([
    ...(isForeign ? [[REQUEST, request] as const] : []),
    [PLAN, plan] as const,
    ...(backlog === undefined ? [] : [[BACKLOG, backlog] as const]),
  ]);
}

/** The same by their paths in the project. */
export function filesInPlace({ folder }: PlannedFeature, files: ReadonlyMap<string, string>) {
  return new Map([...files].map(([name, text]) => [folder + name, text]));
}

/** The feature's backlog as it stands; undefined when there is none. */
export async function backlogIn(project: Project, folder: string) {
  const text = await textIn(project, folder + BACKLOG);
  return text === undefined ? undefined : readBacklog(text, folder + BACKLOG);
}
