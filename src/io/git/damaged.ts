/** Objects that are not what their id says: how that is found, and the error of it, at which a build drops them and starts again. */

import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { ObjectId } from '../../model/tree.js';
import { throwIfNotSeen } from '../errors.js';
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

/** git ends at a folder that has the name of a pack or of its index, and does not say which one it is. */
export async function throwIfPackIsFolder(gitDir: string): Promise<void> {
  const folder = join(gitDir, 'objects', 'pack');
  const entries = (await readdir(folder, { withFileTypes: true }).catch(throwIfNotSeen)) ?? [];
  const found = entries.find((entry) => entry.isDirectory() && /^pack-.+\.(pack|idx)$/.test(entry.name));
  if (found) throw new ObjectDamaged('pack', found.name, 'is a folder');
}
