/**
 * Checks what arrives from a remote before a ref names it: bytes, form, origin, signature, and what a lock file pins.
 * Only decides; fetches nothing.
 */

import { err } from '../base/result.js';
import { codeOf } from '../io/files.js';
import type { GitObjects } from '../io/git/objects.js';
import type { ActionKey, Origin, StoredResult } from '../model/action.js';
import type { Digest } from '../model/digest.js';
import type { Failure } from '../model/failure.js';
import type { ObjectId } from '../model/tree.js';
import { type AdmissionPolicy, admissionProblem, shapeProblem } from './admission.js';
import { type EntryName, gatesName, isResult, keyOf, resultName } from './encoded-entry.js';
import { entryFiles } from './entry-message.js';
import { GATES_FILE, type GitResults } from './git-results.js';
import { interfaceDigest } from './manifest.js';
import { RESULT_FILE } from './provenance-record.js';

export type Arrived =
  | { readonly ok: true; readonly result: StoredResult }
  | { readonly ok: false; readonly problem: string };

/** By key what lock files say that its result holds; several contents where merged branches have recorded several. */
export type Pins = ReadonlyMap<ActionKey, ReadonlySet<Digest>>;

export interface ArrivalRules {
  readonly policy: AdmissionPolicy;
  /** What lock files say the result of a key holds, as `contentDigest` has it. */
  readonly pins: Pins;
  /** Why a result cannot be that of the task which it names; undefined when it can. */
  fits(result: StoredResult): Promise<string | undefined>;
}

/** One digest for everything that a result puts into a project. */
export function contentDigest(result: Pick<StoredResult, 'outputs' | 'edits'>): Digest {
  const patches = result.edits.map(
    (edit) => [edit.path, edit.after ? `${edit.after.mode}:${edit.after.id}` : ''] as const,
  );
  return interfaceDigest(result.outputs, patches);
}

export async function arrivedResult(
  local: GitResults,
  objects: GitObjects,
  rules: ArrivalRules,
  { key, commit }: { readonly key: ActionKey; readonly commit: ObjectId },
): Promise<Arrived> {
  const loaded = await local.load(key, commit).catch((error: unknown) => {
    if (codeOf(error) !== 'ENAMENOTTEXT') throw error;
    return err<Failure>({ kind: 'result-damaged', key, detail: (error as Error).message });
  });
  if (!loaded.ok) {
    return refuse(loaded.error.kind === 'result-damaged' ? loaded.error.detail : loaded.error.kind);
  }
  const { result, files } = loaded.value;
  const shape = shapeProblem(files);
  if (shape !== undefined) return refuse(shape);
  const pin = rules.pins.get(key);
  if (pin !== undefined && !pin.has(contentDigest(result))) {
    return refuse('it is not the result that the lock file records');
  }
  const misfit = await rules.fits(result);
  if (misfit !== undefined) return refuse(misfit);
  const { origin } = result.provenance;
  const isRecorded = pin !== undefined;
  const entry = { name: resultName(key), files, origin, isRecorded };
  const problem = await admissionProblem(rules.policy, objects, entry);
  return problem === undefined ? { ok: true, result } : refuse(problem);
}

/** Why a pass of gates is not believed; undefined when it is. */
async function arrivedGatesProblem(
  objects: GitObjects,
  rules: ArrivalRules,
  name: EntryName,
  commit: ObjectId,
): Promise<string | undefined> {
  const files = await entryFiles(objects, commit);
  const entry = files?.get(GATES_FILE);
  const record = entry && parse((await objects.read(entry.id))?.toString('utf8'));
  if (!files || record?.key !== keyOf(name)) return 'it is not a record of these gates';
  return (
    shapeProblem(files) ??
    admissionProblem(rules.policy, objects, { name: gatesName(record.key), files, origin: record.origin })
  );
}

/** Why an entry of either kind may not be used here; undefined when it may. */
export async function arrivedProblem(
  local: GitResults,
  objects: GitObjects,
  rules: ArrivalRules,
  { name, commit }: { readonly name: EntryName; readonly commit: ObjectId },
): Promise<string | undefined> {
  if (!isResult(name)) return arrivedGatesProblem(objects, rules, name, commit);
  const arrived = await arrivedResult(local, objects, rules, { key: keyOf(name), commit });
  return arrived.ok ? undefined : arrived.problem;
}

/** Who made an entry, by its own word; undefined when it does not say. */
export async function originOf(
  objects: GitObjects,
  name: EntryName,
  commit: ObjectId,
): Promise<Origin | undefined> {
  const file = isResult(name) ? RESULT_FILE : GATES_FILE;
  return parse((await objects.read(`${commit}:${file}`))?.toString('utf8'))?.origin;
}

function refuse(problem: string): Arrived {
  return { ok: false, problem };
}

function parse(text: string | undefined): { key: Digest; origin?: Origin } | undefined {
  try {
    const value = JSON.parse(text ?? '') as { key?: unknown; origin?: Origin } | null;
    return typeof value?.key === 'string'
      ? { key: value.key, ...(value.origin ? { origin: value.origin } : {}) }
      : undefined;
  } catch {
    return undefined;
  }
}
