/** Finds installed packages as Node does. Opens none of them. */

import { dirname, join } from 'node:path';
import { exists } from './files.js';

/** The package's folder in the nearest `node_modules` of a folder or one above it, not resolved if it is a link. */
export async function findPackage(from: string, name: string): Promise<string | undefined> {
  for (let folder = from; ; folder = dirname(folder)) {
    const installed = join(folder, 'node_modules', name);
    if (await exists(installed)) return installed;
    if (dirname(folder) === folder) return undefined;
  }
}
