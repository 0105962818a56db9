/**
 * Accepts a task's files as they are on disk as its result, gates included, or keeps the result of a renamed task. Writes no
 * file.
 */

import type { DependencyOutputs } from '../../analysis/dependency-outputs.js';
import type { Check } from '../../analysis/verdict.js';
import { err, ok, type Result } from '../../base/result.js';
import type { Failure } from '../../model/failure.js';
import type { Label } from '../../model/task.js';
import type { CarriedTask } from '../options.js';
import { carryResult } from './carry-result.js';
import { filesOnDisk, isSameWork } from './files-on-disk.js';
import { type RecordedTask, type RecordParts, recordByHand } from './record-edits.js';
import { builtKey } from './recorded-files.js';

/** Undefined where the files are those of the result that would be restored anyway. */
export async function acceptFiles(
  parts: RecordParts & { readonly options: { readonly carried?: ReadonlyMap<Label, CarriedTask> } },
  check: Check,
  dependencyOutputs: ReadonlyMap<Label, DependencyOutputs>,
): Promise<Result<RecordedTask, Failure> | undefined> {
  const { carried } = parts.options;
  if (carried) return carryResult(parts, check, carried, dependencyOutputs);
  const files = await filesOnDisk(parts.prepared, check.task, dependencyOutputs);
  if (!files.ok) return err(files.error);
  if (check.candidate && isSameWork(files.value, check.candidate)) return undefined;
  const over = await builtKey(parts.prepared, check.task);
  const recorded = await recordByHand({ ...parts, over }, check, files.value, dependencyOutputs);
  return recorded.ok ? ok({ check, result: recorded.value }) : recorded;
}
