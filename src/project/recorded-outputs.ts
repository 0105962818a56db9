/** Every output that is known here, by lock files and by the clone's own record, and which of it conductor built. Decides nothing. */

import { type FeatureLock, recordsOf } from '../model/feature-lock.js';
import { parsePublished, publishedText } from './clone-records.js';

/** Path to the encoded entries that the output may have. */
export type RecordedOutputs = ReadonlyMap<string, ReadonlySet<string>>;

export interface OutputRecords {
  readonly published: string | undefined;
  readonly locks: readonly FeatureLock[];
  readonly recorded: RecordedOutputs;
  /** The part of it that a recipe built: accepted content is a person's, and so is every file of an adopted task. */
  readonly built: RecordedOutputs;
}

/** How the clone's own record marks content that a person wrote and conductor only recorded. */
const ACCEPTED = 'accepted ';

export function acceptedWord(word: string): string {
  return ACCEPTED + word;
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
  const built = new Map<string, Set<string>>();
  for (const [path, word] of Object.entries(parsePublished(published))) {
    const isAccepted = word.startsWith(ACCEPTED);
    add(recorded, path, isAccepted ? word.slice(ACCEPTED.length) : word);
    if (!isAccepted) add(built, path, word);
  }
  addLocked({ recorded, built }, locks);
  return { published, locks, recorded, built };
}

interface Records {
  readonly recorded: Map<string, Set<string>>;
  readonly built: Map<string, Set<string>>;
}

/**
 * The same from these locks alone, without the record of the clone. The locks must include those of the last complete build: the
 * record says nothing else of their tasks.
 */
export function lockedRecords(locks: Iterable<FeatureLock>): Pick<OutputRecords, 'recorded' | 'built'> {
  const records: Records = { recorded: new Map(), built: new Map() };
  addLocked(records, locks);
  return records;
}

function addLocked({ recorded, built }: Records, locks: Iterable<FeatureLock>): void {
  for (const lock of locks) {
    for (const task of Object.values(lock.tasks).flatMap(recordsOf)) {
      for (const [path, word] of Object.entries(task.outputs)) {
        add(recorded, path, word);
        if (task.recipe !== 'accepted' && !task.adopted) add(built, path, word);
      }
    }
  }
}

function add(records: Map<string, Set<string>>, path: string, word: string): void {
  const words = records.get(path);
  if (words) words.add(word);
  else records.set(path, new Set([word]));
}
