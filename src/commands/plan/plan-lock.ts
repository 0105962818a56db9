/** `.plan.json`: which documents the files of a planned feature came from, committed beside them. Decides nothing. */

import type { Digest } from '../../model/digest.js';
import type { ObjectId } from '../../model/tree.js';
import { PLANNERS, type Planner } from '../../plan/merged-plan.js';

export const PLAN_LOCK = '.plan.json';
const SCHEMA = 1;

export type DocumentName = Planner | 'backlog';
export const DOCUMENTS: readonly DocumentName[] = [...PLANNERS, 'backlog'];

export interface PlanLock {
  readonly schema: typeof SCHEMA;
  /** Keys under which the store holds the documents. */
  readonly documents: Readonly<Record<DocumentName, Digest>>;
  /** Blob ids of the files as the plan has them, by name (`PLAN.md`); a person may have changed them since. */
  readonly files: Readonly<Record<string, ObjectId>>;
}

export function planLockText(lock: Omit<PlanLock, 'schema'>): string {
  return `${JSON.stringify({ schema: SCHEMA, ...lock }, null, 2)}\n`;
}

/** One that cannot be read is as good as none: what it tells is then not known. */
export function parsePlanLock(text: string | undefined): PlanLock | undefined {
  try {
    const value = JSON.parse(text ?? '') as Partial<PlanLock>;
    // They are asked for as objects and keys: nothing but those may stand here.
    const isDigest = (one: unknown) => typeof one === 'string' && /^[0-9a-f]{40,64}$/.test(one);
    const holdsDigests = (map: unknown) =>
      map !== null && typeof map === 'object' && Object.values(map).every(isDigest);
    const sound =
      value.schema === SCHEMA &&
      holdsDigests(value.files) &&
      holdsDigests(value.documents) &&
      DOCUMENTS.every((name) => value.documents?.[name] !== undefined);
    return sound ? (value as PlanLock) : undefined;
  } catch {
    return undefined;
  }
}
