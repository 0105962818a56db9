/** Every output that conductor is known to have made here, by lock files and by the clone's own record. Decides nothing. */

import type { FeatureLock } from '../model/feature-lock.js';
import { parsePublished, publishedText } from './clone-records.js';

/** Path to the entry words that the output may have. */
export type RecordedOutputs = ReadonlyMap<string, ReadonlySet<string>>;

export interface OutputRecords {
  readonly published: string | undefined;
  readonly locks: readonly FeatureLock[];
  readonly recorded: RecordedOutputs;
}

/**
 * Outputs as lock files have them, and as this clone published them last: the two differ when git has brought another
 * lock file while ignored outputs stayed, and when a feature was removed together with its lock. The very records of
 * `before` when nothing differs from them.
 */
export async function outputRecords(
  state: string,
  locks: readonly FeatureLock[],
  before?: OutputRecords,
): Promise<OutputRecords> {
  const published = await publishedText(state);
  const isSame =
    before !== undefined &&
    before.locks.length === locks.length &&
    before.locks.every((lock, i) => lock === locks[i]) &&
    before.published === published;
  if (isSame) return before;
  const recorded = new Map<string, Set<string>>();
  const add = (outputs: Readonly<Record<string, string>>) => {
    for (const [path, word] of Object.entries(outputs)) {
      const words = recorded.get(path) ?? new Set();
      recorded.set(path, words.add(word));
    }
  };
  add(parsePublished(published));
  for (const lock of locks) for (const task of Object.values(lock.tasks)) add(task.outputs);
  return { published, locks, recorded };
}
