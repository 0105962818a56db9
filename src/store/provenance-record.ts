/** How a result came to be, as `result.json` beside its files says it. Knows no keys of today. */

import type { GitObjects } from '../io/git/objects.js';
import type { Provenance } from '../model/action.js';
import type { ObjectId } from '../model/tree.js';

export const RESULT_FILE = 'result.json';

/** Of a result by its commit; undefined where conductor's store does not have it. Asks no remote. */
export async function recordedProvenance(
  objects: Pick<GitObjects, 'read'>,
  result: ObjectId,
): Promise<Provenance | undefined> {
  const text = await objects.read(`${result}:${RESULT_FILE}`);
  return text && parseRecord(text.toString('utf8'));
}

/** ISO 8601, UTC: when the result was ready. */
export function readyAt({ startedAt, ms }: Pick<Provenance, 'startedAt' | 'ms'>): string {
  const at = Date.parse(startedAt) + ms;
  return Number.isFinite(at) ? new Date(at).toISOString() : startedAt;
}

/** A record written by conductor, or undefined: data in the store is not trusted to have the right form. */
export function parseRecord(text: string): (Provenance & { edited: string[] }) | undefined {
  try {
    const value = JSON.parse(text) as Partial<Provenance & { edited: string[] }>;
    const sound =
      value.schema === 1 &&
      typeof value.key === 'string' &&
      typeof value.label === 'string' &&
      typeof value.attempts === 'number' &&
      Array.isArray(value.manifest) &&
      Array.isArray(value.edited) &&
      typeof value.usage === 'object';
    return sound ? (value as Provenance & { edited: string[] }) : undefined;
  } catch {
    return undefined;
  }
}
