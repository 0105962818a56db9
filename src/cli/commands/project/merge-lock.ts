/** `conductor merge-lock`: called by git when branches are merged that changed a lock file. */

import { mergeLockFiles } from '../../../commands/merge-lock.js';
import { printDiagnostics } from '../../../report/failures/failure-print.js';
import { styleFor } from '../../output.js';

export async function runMergeLock([
  base = '',
  ours = '',
  theirs = '',
  path = '',
]: readonly string[]): Promise<number> {
  const merged = await mergeLockFiles({ base, ours, theirs, path });
  if (!merged.ok) {
    process.stderr.write(`${printDiagnostics([merged.error], styleFor(process.stderr)).join('\n')}\n`);
    return 1;
  }
  if (merged.value.length > 0)
    process.stderr.write(
      `conductor: ${path}: both branches built ${merged.value.join(', ')}; the next build decides which result counts\n`,
    );
  return 0;
}
