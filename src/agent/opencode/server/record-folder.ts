/**
 * The folder in which running servers are recorded. A separate file, because a build with nothing to do looks there
 * and loads no more.
 */

import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { codeOf } from '../../../io/files.js';

export function recordFolder(stateDir: string): string {
  return join(stateDir, 'opencode');
}

/** The names in the folder, sorted; none where it was never made. */
export function recordNames(stateDir: string): string[] {
  try {
    return readdirSync(recordFolder(stateDir)).sort();
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return [];
    throw error;
  }
}
