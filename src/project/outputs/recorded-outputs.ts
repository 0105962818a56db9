/** Every output that is known here, by lock files and by the clone's own record, and which of it conductor built. Decides nothing. */

import { fileIdentity } from '../../io/files.js';
import { type FeatureLock, recordsOf } from '../../model/feature-lock.js';
import { type MarkedOutputs, publishedFile, readOutputs } from './clone-outputs.js';

/** Path to the encoded entries that the output may have. */
export type RecordedOutputs = ReadonlyMap<string, ReadonlySet<string>>;

export interface OutputRecords {
  /** The clone's own record (`fileIdentity`). */
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
  const isSame =
    before !== undefined &&
    before.locks.length === locks.length &&
    before.locks.every((lock, i) => lock === locks[i]) &&
    before.published === fileIdentity(publishedFile(state));
  if (isSame) return before;
  const outputs = await readOutputs(state);
  const records: Records = { recorded: new Map(), built: new Map() };
  for (const [path, word] of outputs.all()) addPublished(records, path, word);
  addLocked(records, locks);
  return { published: outputs.file, locks, ...records };
}

interface Records {
  readonly recorded: Map<string, Set<string>>;
  readonly built: Map<string, Set<string>>;
}

/**
 * The same of the paths that these locks name, and of those that the clone's record says something else of than it did after the last
 * complete build. If the locks include those of that build, the record has no other path of their tasks.
 */
export function someRecords(
  locks: Iterable<FeatureLock>,
  { outputs, changed }: MarkedOutputs,
): Pick<OutputRecords, 'recorded' | 'built'> {
  const records: Records = { recorded: new Map(), built: new Map() };
  addLocked(records, locks);
  for (const path of new Set([...records.recorded.keys(), ...changed])) {
    const word = outputs.get(path);
    if (word !== undefined) addPublished(records, path, word);
  }
  return records;
}

function addPublished({ recorded, built }: Records, path: string, word: string): void {
  const isAccepted = word.startsWith(ACCEPTED);
  add(recorded, path, isAccepted ? word.slice(ACCEPTED.length) : word);
  if (!isAccepted) add(built, path, word);
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
