/**
 * Small records of one clone, in conductor's state folder: patched files, what only lock files tell, the last build.
 */

import { newRecord, ownValue } from '../base/records/own-value.js';
import { sha256 } from '../base/sha256.js';
import { areTexts, isObject, isText } from '../io/document/json-object.js';
import { readText, readTextSync, writeAtomic } from '../io/files.js';
import type { ActionKey } from '../model/action.js';
import type { WaitReason } from '../model/event.js';
import type { FeatureLock, LockedTask } from '../model/feature-lock.js';
import type { Label } from '../model/task.js';
import type { ObjectId } from '../model/tree.js';
import type { OutputsMark } from './outputs/clone-outputs.js';

/** Names of environment variables that the config read, with digests of their values (never the values). */
export type EnvironmentDigests = Readonly<Record<string, string>>;

/** The last build that left everything up to date: with the same tree and environment there is nothing to do. */
export interface LastBuild {
  readonly version: string;
  readonly tree: ObjectId;
  readonly environment: EnvironmentDigests;
  /** What the commands of `toolchain` printed, by command. Absent: there are none. */
  readonly toolchain?: Readonly<Record<string, string>>;
  /** How the snapshot was taken: patterns left out, and patterns kept although they look secret. */
  readonly secrets: readonly string[];
  readonly named: readonly string[];
  /** Bytes of an untracked file that a snapshot takes in. */
  readonly maxUntracked?: number;
  /** Files that were larger: paths from the repository's root, sorted. Absent: none. */
  readonly large?: readonly string[];
  /** Of `named` those that the person's index tracked, and that index then (`personIdentity`). */
  readonly shown: readonly string[];
  readonly person: string;
  readonly tasks: number;
  /** Where more may decide the config than the tree and the environment: the digest of its value then. */
  readonly config?: string;
  /** Outputs of this tree that are gone may be written again from records alone: no gate has to judge them once more. */
  readonly restorable?: true;
  /** Some of its outputs: where one of these is gone, probably many are. Absent: not known. */
  readonly samples?: readonly string[];
  /** Files that tasks name exactly and that were nowhere: where git ignores one, no scan finds it when it comes. Absent: none. */
  readonly absent?: readonly string[];
  /** The clone's record of outputs as the build left it. Absent: not known. */
  readonly published?: OutputsMark;
  /** The private index when its tree was last seen to be this one (`fileIdentity`). */
  readonly index?: string;
  /** The rules files in a private index (`IndexRules`), and which one that is. Of another one they say nothing. Absent: not known. */
  readonly rules?: { readonly index: string; readonly attributes: string; readonly ignores: string };
}

/** Whether the environment that the config read is that of the last build. */
export function hasSameEnvironment(
  last: LastBuild,
  env: Readonly<Record<string, string | undefined>>,
): boolean {
  const today = environmentDigests(Object.keys(last.environment), env);
  return Object.entries(last.environment).every(([name, digest]) => today[name] === digest);
}

export function environmentDigests(
  names: Iterable<string>,
  env: Readonly<Record<string, string | undefined>>,
): Record<string, string> {
  const digests = newRecord<string>();
  for (const name of [...names].sort()) {
    const value = ownValue(env, name);
    digests[name] = value === undefined ? 'unset' : sha256(`${name}=${value}`);
  }
  return digests;
}

/** The record of the last build unread: equal texts say the same. */
export function lastBuildText(state: string): string | undefined {
  return readTextSync(`${state}/last.json`);
}

export function readLastBuild(state: string): LastBuild | undefined {
  const last = parseRecord<LastBuild>(lastBuildText(state));
  const { secrets, named, shown, large = [], samples = [], absent = [] } = last ?? {};
  const isSound =
    isText(last?.tree) &&
    [secrets, named, shown, large, samples, absent].every(areTexts) &&
    [last?.environment, last?.published ?? {}].every(isObject) &&
    Object.values(last.rules ?? {}).every(isText);
  return isSound ? last : undefined;
}

export async function writeLastBuild(state: string, last: LastBuild): Promise<void> {
  await writeAtomic(`${state}/last.json`, JSON.stringify(last));
}

/** A file that tasks patched in this working tree. */
export interface PatchedFile {
  /** The file as people wrote it; empty when there was none. */
  readonly base: ObjectId;
  /** The file as conductor left it. */
  readonly merged: ObjectId;
  readonly by: readonly Label[];
}

/** By path: what is known of patches whose feature was removed together with its lock; undefined where no build has ended here. */
export async function readPatched(state: string): Promise<Record<string, PatchedFile> | undefined> {
  const record = await readRecord(`${state}/patched.json`);
  return (
    record &&
    soundOf<PatchedFile>(
      record,
      (one) => isObject(one) && isText(one.base) && isText(one.merged) && areTexts(one.by),
    )
  );
}

export async function writePatched(
  state: string,
  patched: Readonly<Record<string, PatchedFile>>,
): Promise<void> {
  await writeAtomic(`${state}/patched.json`, JSON.stringify(patched));
}

/** What only the lock file of a feature tells: neither the specs nor the keys of today lead to it. */
export interface KeptLock {
  /** The lock file as a whole. */
  readonly blob: ObjectId;
  /** Accepted edits, results under a key of their own, and patches. */
  readonly tasks: Readonly<Record<string, LockedTask>>;
}

/** By lock file, as the last build left it; undefined where no build has left a record. */
export async function readKeptLocks(state: string): Promise<Record<string, KeptLock> | undefined> {
  const record = await readRecord(`${state}/${KEPT_LOCKS}`);
  return record && soundOf<KeptLock>(record, isKeptLock);
}

function isKeptLock(one: unknown): boolean {
  const isTask = (task: unknown) =>
    isObject(task) &&
    isText(task.key) &&
    isText(task.result) &&
    isText(task.recipe) &&
    isObject(task.outputs) &&
    (task.unmerged === undefined ||
      (isObject(task.unmerged) &&
        Array.isArray(task.unmerged.sides) &&
        Array.isArray(task.unmerged.bases))) &&
    Object.values(task.outputs).every(isText) &&
    Object.values(task.edits ?? {}).every(
      (edit) => isObject(edit) && isText(edit.base) && isText(edit.merged),
    );
  return isObject(one) && isText(one.blob) && isObject(one.tasks) && Object.values(one.tasks).every(isTask);
}

export async function writeKeptLocks(state: string, kept: Readonly<Record<string, KeptLock>>): Promise<void> {
  const file = `${state}/${KEPT_LOCKS}`;
  const text = JSON.stringify(kept);
  // Most builds change nothing of it, and each write waits for the disk.
  if ((await readText(file)) !== text) await writeAtomic(file, text);
}

export const KEPT_LOCKS = 'locks.json';

/** What is to be kept of a lock file with this content. */
export function keptLock(lock: FeatureLock, blob: ObjectId): KeptLock {
  const tasks = Object.entries(lock.tasks).filter(([, task]) => isIrreplaceable(task));
  return { blob, tasks: Object.fromEntries(tasks) };
}

export function isIrreplaceable({ recipe, resultKey, edits, unmerged }: LockedTask): boolean {
  return recipe === 'accepted' || resultKey !== undefined || edits !== undefined || unmerged !== undefined;
}

/** A result that is stored and was not published by the last build of its task. */
export interface WaitingResult {
  readonly result: ActionKey;
  readonly because: WaitReason;
  /** Tasks that were not up to date. */
  readonly on: readonly Label[];
}

export async function readWaiting(state: string): Promise<Record<Label, WaitingResult>> {
  const record = await readRecord(`${state}/waiting.json`);
  return soundOf<WaitingResult>(record, (one) => isObject(one) && isText(one.result) && areTexts(one.on));
}

export async function writeWaiting(
  state: string,
  waiting: Readonly<Record<Label, WaitingResult>>,
): Promise<void> {
  await writeAtomic(`${state}/waiting.json`, JSON.stringify(waiting));
}

/** Lock files that are in no commit of a history. */
export interface UncommittedLocks {
  /** HEAD, and what else decides which commits it reaches. */
  readonly history: string;
  readonly lockFiles: readonly string[];
}

export async function readUncommittedLocks(state: string): Promise<UncommittedLocks | undefined> {
  const record = await readRecord<UncommittedLocks>(`${state}/uncommitted-locks.json`);
  return areTexts(record?.lockFiles) ? record : undefined;
}

export async function writeUncommittedLocks(state: string, record: UncommittedLocks): Promise<void> {
  await writeAtomic(`${state}/uncommitted-locks.json`, JSON.stringify(record));
}

/** What a gate did on the files from which an agent starts. */
export type PreflightOutcome = 'passes' | 'fails';

/** By a digest of the gate, these files and what the task writes. */
export async function readPreflight(state: string): Promise<Record<string, PreflightOutcome>> {
  const record = await readRecord(`${state}/preflight.json`);
  return soundOf<PreflightOutcome>(record, (one) => one === 'passes' || one === 'fails');
}

/** The last ones. */
const MAX_PREFLIGHT = 2000;

export async function writePreflight(
  state: string,
  outcomes: Readonly<Record<string, PreflightOutcome>>,
): Promise<void> {
  const kept = Object.fromEntries(Object.entries(outcomes).slice(-MAX_PREFLIGHT));
  await writeAtomic(`${state}/preflight.json`, JSON.stringify(kept));
}

/** The entries of a record that have the right form: others are as good as none. */
function soundOf<T>(record: object | undefined, isSound: (value: unknown) => boolean): Record<string, T> {
  // Nearly always all of them have it. There are as many entries as tasks, so they are not copied then.
  if (record && Object.values(record).every(isSound)) return record as Record<string, T>;
  const entries = Object.entries(record ?? {}).filter(([, value]) => isSound(value));
  return Object.fromEntries(entries) as Record<string, T>;
}

async function readRecord<T extends object>(file: string): Promise<T | undefined> {
  return parseRecord(await readText(file));
}

/** A record that cannot be read is as good as none: all of these can be made again. */
function parseRecord<T extends object>(text: string | undefined): T | undefined {
  if (text === undefined) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? (value as T) : undefined;
  } catch {
    return undefined;
  }
}
