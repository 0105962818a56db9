/** TEMPORARY. */

import { ok, type Result } from '../base/result.js';
import type { Diagnostic } from '../model/failure.js';
import type { FeatureLock } from '../model/lock.js';

export function parseLock(text: string, _file: string): Result<FeatureLock, Diagnostic> {
  return ok(JSON.parse(text) as FeatureLock);
}
export function formatLock(lock: FeatureLock): string {
  return `${JSON.stringify(lock, null, 2)}\n`;
}
