/** Where a repository's objects are: its own folder, and those of others from which it borrows. Opens no object. */

import { readFileSync } from 'node:fs';
import { isAbsolute, join, resolve } from 'node:path';
import { throwIfNotSeen } from '../../errors.js';

/** The folder itself, and all from which it borrows. Throws if the system does not let this process see which ones these are. */
export function objectFolders(objects: string, seen = new Set<string>()): string[] {
  seen.add(objects);
  const found = [objects];
  for (const line of alternates(objects).split('\n')) {
    if (line === '' || line.startsWith('#')) continue;
    const path = isAbsolute(line) ? line : resolve(objects, line);
    if (!seen.has(path)) found.push(...objectFolders(path, seen));
  }
  return found;
}

function alternates(objects: string): string {
  try {
    return readFileSync(join(objects, 'info', 'alternates'), 'utf8');
  } catch (error) {
    throwIfNotSeen(error);
    return '';
  }
}
