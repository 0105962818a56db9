/** TEMPORARY. */

import type { Config } from '../model/config.js';
import type { Diagnostic } from '../model/failure.js';
import type { Feature } from '../model/task.js';

export function missingPrograms(
  _f: readonly Feature[],
  _c: Config,
  _p: (program: string) => boolean,
): Diagnostic[] {
  return [];
}
