/** The refs of a repository, each with the id that it names. Does not know whether there is such an object. */

import type { ObjectId } from '../../../model/tree.js';
import { type GitCall, gitOk } from '../git-process.js';

/** Those below `prefix`, in the order of their names. Names that are no UTF-8 may come out alike. */
export async function listRefs(
  call: GitCall,
  prefix = 'refs/',
): Promise<(readonly [name: string, id: ObjectId])[]> {
  const said = await gitOk(['for-each-ref', '--format=%(objectname) %(refname)', prefix], call);
  const lines = said.toString('utf8').split('\n').filter(Boolean);
  return lines.map((line) => {
    const at = line.indexOf(' ');
    return [line.slice(at + 1), line.slice(0, at)];
  });
}
