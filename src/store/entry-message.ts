/** What the commits of entries hold: equal files give equal commits on every machine. */

import type { GitObjects } from '../io/git/objects.js';
import { walkTree } from '../io/git/walk.js';
import type { Digest } from '../model/digest.js';
import type { Files, ObjectId } from '../model/tree.js';
import { type EntryName, isResult, keyOf } from './encoded-entry.js';
import { parseRecord, RESULT_FILE } from './provenance-record.js';

export const resultMessage = (label: string) => `result of ${label}\n`;
export const gatesMessage = (key: Digest) => `gates passed ${key}\n`;

/** As it follows from the files. */
export async function entryMessage(objects: GitObjects, name: EntryName, files: Files): Promise<string> {
  if (!isResult(name)) return gatesMessage(keyOf(name));
  const entry = files.get(RESULT_FILE);
  const text = entry && (await objects.read(entry.id))?.toString('utf8');
  return resultMessage(parseRecord(text ?? '')?.label ?? 'no task');
}

/** Every file of an entry; undefined when it cannot be read. */
export async function entryFiles(objects: GitObjects, commit: ObjectId): Promise<Files | undefined> {
  const tree = await objects.resolve(`${commit}^{tree}`);
  return tree === undefined ? undefined : walkTree(objects, tree).catch(() => undefined);
}
