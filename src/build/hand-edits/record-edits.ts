/**
 * Records files that people edited as a result of a task, with the same checks and gates as for any result. Writes no
 * file of the project.
 */

import type { DependencyOutputs } from '../../analysis/dependency-outputs.js';
import { recordedWords } from '../../analysis/former/changed-items.js';
import type { Check } from '../../analysis/verdict.js';
import { conflictSides } from '../../base/conflict-markers.js';
import { err, ok, type Result } from '../../base/result.js';
import type { GitObjects } from '../../io/git/objects.js';
import { type ActionKey, type GateRun, nextKey } from '../../model/action.js';
import { digestFields } from '../../model/digest.js';
import type { Failure } from '../../model/failure.js';
import type { Label } from '../../model/task.js';
import { digestFiles, encodeEntry, type Files } from '../../model/tree.js';
import type { KeptResult, NewResult } from '../../store/result-store.js';
import { contentProblem } from '../../workspace/capture.js';
import type { CheckedResult } from '../publishing/publish-plan.js';
import { type VerifyParts, verifyResult } from '../verify.js';
import { isSameWork, type TaskFiles } from './files-on-disk.js';

export interface RecordParts extends VerifyParts {
  /** Of conductor. */
  readonly version: string;
  /** The key of what conductor had built where the edit was made; absent: nothing. */
  readonly over?: ActionKey | undefined;
  /** Milliseconds since 1970, UTC. */
  now(): number;
}

/** A task with the result that its files were recorded as. */
export interface RecordedTask extends CheckedResult {
  readonly result: KeptResult;
}

/**
 * The files as a result with the provenance "accepted". It gets the key of today's spec when nothing has that one yet;
 * otherwise one of its own, which follows from that key and the files: who accepts the same finds the same, and who
 * accepts another gets another. Nothing is recorded when a gate fails or the files could not be a task's.
 */
export async function recordByHand(
  parts: RecordParts,
  check: Check,
  files: TaskFiles,
  dependencyOutputs: ReadonlyMap<Label, DependencyOutputs>,
): Promise<Result<KeptResult, Failure>> {
  const { objects, config } = parts.prepared.project;
  const { store } = parts.prepared;
  const startedAt = parts.now();
  const changed = new Map(files.outputs);
  for (const edit of files.edits) if (edit.after) changed.set(edit.path, edit.after);
  const problem =
    (await contentProblem(objects, changed, config.maxOutputBytes)) ??
    (await markersProblem(objects, changed));
  if (problem) return err(problem);
  const words = recordedWords(check.facts);
  const draft = (key: ActionKey, gates: readonly GateRun[]): NewResult => ({
    ...files,
    key,
    provenance: {
      schema: 1,
      label: check.task.label,
      key,
      manifest: check.facts.manifest,
      recipe: 'accepted',
      attempts: 0,
      usage: {},
      gates,
      startedAt: new Date(startedAt).toISOString(),
      ms: parts.now() - startedAt,
      conductor: parts.version,
      ...(parts.over === undefined ? {} : { over: parts.over }),
      ...words,
    },
  });
  const judged =
    check.gates.length === 0
      ? ok([])
      : await verifyResult(
          parts,
          { ...check, candidate: { commit: '', ...draft(check.storeKey, []) } },
          dependencyOutputs,
        );
  if (!judged.ok) return judged;

  const taken = await store.find(check.storeKey);
  if (taken.ok && !taken.value) {
    const kept = await store.keep(draft(check.storeKey, judged.value));
    // Somebody else may have filled the key meanwhile: then that result stands, and this one gets its own.
    if (!kept.ok || isSameWork(files, kept.value)) return kept;
  }
  return store.keep(draft(acceptedKey(check.facts.key, files), judged.value));
}

/** The first of the files that a merge of git left in conflict; binary files have no lines. */
export async function markersProblem(
  objects: Pick<GitObjects, 'read'>,
  files: Files,
): Promise<Failure | undefined> {
  for (const [path, entry] of files) {
    const content = entry.mode.startsWith('100') ? await objects.read(entry.id) : undefined;
    if (!content?.includes('<<<<<<<')) continue;
    const found = conflictSides(content.toString('latin1'));
    if (found) return { kind: 'conflict-markers', path, line: found.line };
  }
  return undefined;
}

function acceptedKey(key: ActionKey, { outputs, edits }: TaskFiles): ActionKey {
  const patches = edits.flatMap(({ path, before, after }) => [
    path,
    before ? encodeEntry(before) : '',
    after ? encodeEntry(after) : '',
  ]);
  return nextKey(key, 'accepted', digestFields('files and patches', [digestFiles(outputs), ...patches]));
}
