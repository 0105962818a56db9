/** Every file below a small tree, read object by object: no process is started for it. Knows nothing of results. */

import type { Entry, ObjectId } from '../../model/tree.js';
import type { GitObjects } from './objects.js';
import { parseRawTree } from './raw-tree.js';

/** For trees of a few folders; `GitObjects.list` is quicker for a whole project. Rejects when a folder is missing. */
export async function walkTree(objects: GitObjects, tree: ObjectId): Promise<Map<string, Entry>> {
  const files = new Map<string, Entry>();
  const walk = async (id: ObjectId, prefix: string): Promise<void> => {
    const raw = await objects.read(id);
    if (!raw) throw new Error(`tree ${id} cannot be read`);
    await Promise.all(
      [...parseRawTree(raw, id.length / 2)].map(async ([name, { mode, id: inner }]) => {
        const path = prefix + Buffer.from(name, 'latin1').toString('utf8');
        if (mode === '40000') await walk(inner, `${path}/`);
        else files.set(path, { mode, id: inner });
      }),
    );
  };
  await walk(tree, '');
  return files;
}
