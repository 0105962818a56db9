/** Whether a path that comes from outside stays in a folder, by its name and on disk. Writes nothing. */

import { lstat } from 'node:fs/promises';
import { join } from 'node:path';

/**
 * Why conductor does not write a file, outside of any sandbox, at this path below `root`: it leaves the folder by its
 * name or by a link, belongs to git, or something that is not a file is there. Undefined when all is well.
 */
export async function unsafePath(root: string, path: string): Promise<string | undefined> {
  const parts = path.split('/');
  if (path.includes('\\') || path.includes('\0')) return 'it has a backslash or a null character';
  if (parts.some((part) => part === '' || part === '.' || part === '..')) {
    return 'it is not a plain relative path';
  }
  if (parts.some((part) => part.toLowerCase() === '.git')) return 'it belongs to git';
  for (let depth = 1; depth <= parts.length; depth++) {
    const place = parts.slice(0, depth).join('/');
    const found = await lstat(join(root, place)).catch(() => undefined);
    if (!found) return undefined;
    if (found.isSymbolicLink()) return `${place} is a link`;
    if (depth < parts.length && !found.isDirectory()) return `${place} is not a folder`;
    if (depth === parts.length && !found.isFile()) return 'there is something that is not a file';
  }
  return undefined;
}
