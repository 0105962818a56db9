/** Objects that are not what their id says: how that is found, and the error of it, at which a build drops them and starts again. */

import { join } from 'node:path';
import type { ObjectId } from '../../model/tree.js';
import type { GitError } from './git-process.js';

export class ObjectDamaged extends Error {
  readonly code = 'EDAMAGED';
  /** For `asFailure`. */
  readonly fault: GitError['fault'];

  constructor(what: string, id: ObjectId, why = 'cannot be read') {
    super(`${what} ${id} ${why}`);
    this.name = 'ObjectDamaged';
    this.fault = { command: 'cat-file', said: `fatal: ${this.message}` };
  }
}

/** Where an object of its own lies. */
export function loosePath(gitDir: string, id: ObjectId): string {
  return join(gitDir, 'objects', id.slice(0, 2), id.slice(2));
}
