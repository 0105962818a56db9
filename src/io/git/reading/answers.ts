/** What `git cat-file --batch` answers: one object or many at once, hashed again where that is asked for. */

import { isObjectId, type ObjectId } from '../../../model/tree.js';
import { type Coprocess, CoprocessEnded, type Frame } from '../coprocess.js';
import { type GitCall, git } from '../git-process.js';
import { type HashName, hashObject } from '../writing/object-bytes.js';

export interface NamedObject {
  readonly id: ObjectId;
  readonly type: string;
  readonly content: Buffer;
}

/** Objects in one request: when git ends at a damaged one, those behind it are asked for one by one. */
const TOGETHER = 1000;

/** `<id> <type> <size>\n<content>\n`, or one line that ends with `missing` or `ambiguous`. */
export const objectFrame: Frame = (buffer) => {
  const end = buffer.indexOf(0x0a);
  if (end < 0) return 0;
  const header = buffer.toString('latin1', 0, end);
  const size = /^[0-9a-f]+ [a-z]+ (\d+)$/.exec(header)?.[1];
  if (size === undefined) return end + 1;
  const length = end + 1 + Number(size) + 1;
  return buffer.length >= length ? length : -length;
};

/** The content is a part of the answer, which stays in memory with it. */
export function parseObject(answer: Buffer): NamedObject | undefined {
  const end = answer.indexOf(0x0a);
  const [id, type, size] = answer.toString('latin1', 0, end).split(' ');
  if (id === undefined || type === undefined || size === undefined || !/^\d+$/.test(size)) return undefined;
  return { id, type, content: answer.subarray(end + 1, answer.length - 1) };
}

/**
 * Of objects by their full ids, without one twice: those that are missing or not what their id says, and those of which git
 * could not say it. Thousands of single requests would cost more than git's work.
 */
export async function unsoundObjects(
  reader: Coprocess,
  ids: readonly ObjectId[],
  hash: HashName,
  call: GitCall,
): Promise<{ bad: ObjectId[]; unknown: ObjectId[] }> {
  if (await areAllSound(call, ids)) return { bad: [], unknown: [] };
  // What comes from elsewhere may hold a line break, which would make two requests of it.
  const bad: ObjectId[] = ids.filter((id) => !isObjectId(id));
  const sound = ids.filter((id) => isObjectId(id));
  const unknown: ObjectId[] = [];
  for (let begin = 0; begin < sound.length; begin += TOGETHER) {
    const group = sound.slice(begin, begin + TOGETHER);
    let seen = 0;
    const look = (answer: Buffer) => {
      const id = group[seen++] as ObjectId;
      const object = parseObject(answer);
      if (!object || hashObject(object.type, object.content, hash) !== id) bad.push(id);
    };
    const request = group.map((id) => `${id}\n`).join('');
    try {
      await reader.askMany({ request, frame: objectFrame, count: group.length }, look);
    } catch (error) {
      if (!(error instanceof CoprocessEnded)) throw error;
      unknown.push(...group.slice(seen));
    }
  }
  return { bad, unknown };
}

/** For fewer objects a process of its own takes longer than answers from one that runs. */
const MANY = 500;

/**
 * Whether each of these objects is what its id says; false also where git could not tell, or where they are few. git reads back what it
 * verifies: nothing of it comes here, so this takes a sixth of the time in which they are read and hashed here.
 */
async function areAllSound(call: GitCall, ids: readonly ObjectId[]): Promise<boolean> {
  // What comes from elsewhere may look like an argument.
  if (ids.length < MANY || !ids.every(isObjectId)) return false;
  const input = `${ids.join('\n')}\n`;
  const { code } = await git(['rev-list', '--no-walk', '--verify-objects', '--quiet', '--stdin'], {
    ...call,
    input,
  });
  return code === 0;
}
