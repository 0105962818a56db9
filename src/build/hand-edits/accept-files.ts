/** Accepts a task's files as they are on disk as its result, gates included. Writes no file. */

import type { DependencyOutputs } from '../../analysis/dependency-outputs.js';
import type { Check } from '../../analysis/verdict.js';
import { err, type Result } from '../../base/result.js';
import type { StoredResult } from '../../model/action.js';
import type { Failure } from '../../model/failure.js';
import type { Label } from '../../model/task.js';
import { filesOnDisk, isSameWork } from './files-on-disk.js';
import { builtKey } from './merge-edits.js';
import { type RecordParts, recordByHand } from './record-edits.js';

/** Undefined where the files are those of the result that would be restored anyway. */
export async function acceptFiles(
  parts: RecordParts,
  check: Check,
  dependencyOutputs: ReadonlyMap<Label, DependencyOutputs>,
): Promise<Result<StoredResult, Failure> | undefined> {
  const files = await filesOnDisk(parts.prepared, check.task, dependencyOutputs);
  if (!files.ok) return err(files.error);
  if (check.candidate && isSameWork(files.value, check.candidate)) return undefined;
  const over = await builtKey(parts.prepared, check.task);
  return recordByHand({ ...parts, over }, check, files.value, dependencyOutputs);
}
