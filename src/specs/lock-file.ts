/** Reads and writes the text of a feature's lock file, `.metadata.json`. Does not know its purpose. */

import { conflictSides } from '../base/conflict-markers.js';
import { compareBytes } from '../base/order.js';
import { err, ok, type Result } from '../base/result.js';
import { shellWord } from '../base/shell-word.js';
import { areTexts, isObject } from '../io/document/json-object.js';
import { schemaReference } from '../io/document/schemas.js';
import { isDigest } from '../model/digest.js';
import type { Diagnostic } from '../model/failure.js';
import { type FeatureLock, LOCK_SCHEMA, type LockedTask, type TaskRecord } from '../model/feature-lock.js';
import { RESULT_RECIPES } from '../model/task.js';
import { isObjectId } from '../model/tree.js';
import { mergeLocks } from './merge-locks.js';

const restore = (file: string) => `restore it from git (\`git restore ${shellWord(file)}\`), then build`;
const MARKED = 'has conflict markers between which there is no lock file';
const mergeAgain = (file: string) =>
  `let git write both sides again (\`git checkout -m -- ${shellWord(file)}\`), then build`;

/**
 * The lock that the text holds; one with the conflict markers of a merge is read as the merge of its sides. When it is
 * damaged, of another form or from a newer conductor: why.
 */
export function parseLock(text: string, file: string): Result<FeatureLock, Diagnostic> {
  const sides = conflictSides(text);
  if (!sides) return parsePlain(text, file);
  const ours = parsePlain(sides.ours, file);
  const theirs = parsePlain(sides.theirs, file);
  if (!ours.ok || !theirs.ok) {
    return err({ file, ...placeAt(text, text.search(/^<{7}/m)), message: MARKED, hint: mergeAgain(file) });
  }
  const base = sides.base === undefined ? undefined : parsePlain(sides.base, file);
  const merged = { ours: ours.value, theirs: theirs.value, base: base?.ok ? base.value : undefined };
  return ok({ ...mergeLocks(merged), hasMarkers: true });
}

function parsePlain(text: string, file: string): Result<FeatureLock, Diagnostic> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    const { message } = error as Error;
    const marker = /^(?:<{7} |>{7} )/m.exec(text);
    if (marker) return err({ file, ...placeAt(text, marker.index), message: MARKED, hint: mergeAgain(file) });
    const at = Number(/at position (\d+)/.exec(message)?.[1] ?? text.length);
    return err({ file, ...placeAt(text, at), message: `is damaged: ${message}`, hint: restore(file) });
  }
  const refuse = (message: string, hint = restore(file)) => err({ file, message, hint });
  if (!isObject(value)) return refuse('is damaged: it is not an object');
  if (typeof value.schema === 'number' && value.schema > LOCK_SCHEMA) {
    return refuse(
      `was written by a newer conductor (schema ${value.schema}; this one reads ${LOCK_SCHEMA})`,
      'update conductor',
    );
  }
  const wrong = lockProblem(value);
  if (wrong !== undefined) return refuse(`is damaged: ${wrong}`);
  const { feature, formerly, version, tasks } = value as unknown as FeatureLock;
  const names = formerly === undefined ? {} : { formerly };
  return ok({
    feature,
    ...names,
    ...(version === undefined ? {} : { version }),
    tasks: isAsWritten(tasks) ? tasks : mapSorted(tasks, withoutSums),
  });
}

/** Nearly always. Of a hundred thousand tasks no copies are made then. */
function isAsWritten(tasks: FeatureLock['tasks']): boolean {
  let before = '';
  for (const [id, task] of Object.entries(tasks)) {
    if (compareBytes(before, id) > 0 || hasSums(task)) return false;
    before = id;
  }
  return true;
}

function hasSums(task: LockedTask): boolean {
  return 'attempts' in task || 'costUsd' in task || 'tokens' in task;
}

/** Format 1 repeated what the provenance of a result says: how much it took to make it. */
function withoutSums(task: LockedTask): LockedTask {
  if (!hasSums(task)) return task;
  const { attempts: _, costUsd: __, tokens: ___, ...kept } = task as LockedTask & Record<string, unknown>;
  return kept;
}

const TASK_KEYS = [
  'key',
  'resultKey',
  'result',
  'outputs',
  'interface',
  'gates',
  'edits',
  'recipe',
  'adopted',
  'handWork',
  'unformatted',
  'formerly',
  'agent',
  'model',
  'variant',
  'arm',
];
const EDIT_KEYS = ['base', 'after', 'merged'];

/**
 * The lock as the text of `file` (its path in the project), always in the newest format: one block a task in the order of
 * ids, one value a line, so that git merges it block by block. `$schema` tells editors what it is; a lock without it, or
 * with another, reads the same.
 */
export function formatLock(
  lock: FeatureLock,
  file: string,
  $schema = schemaReference('metadata', file),
): string {
  const tasks = mapSorted(lock.tasks, ({ unmerged, ...task }) => ({
    ...formRecord(task),
    ...(unmerged && {
      unmerged: { sides: unmerged.sides.map(formRecord), bases: unmerged.bases.map(formRecord) },
    }),
  }));
  const { feature, formerly } = lock;
  const names = formerly === undefined ? { feature } : { feature, formerly };
  const json = JSON.stringify({ $schema, schema: LOCK_SCHEMA, ...names, tasks }, null, 2);
  return `${shortLists(json)}\n`;
}

function formRecord(task: TaskRecord): object {
  return {
    ...inOrder(TASK_KEYS, task),
    outputs: mapSorted(task.outputs, (word) => word),
    ...(task.observed && { observed: mapSorted(task.observed, (word) => word) }),
    ...(task.edits && { edits: mapSorted(task.edits, (edit) => inOrder(EDIT_KEYS, edit)) }),
  };
}

/** Lists of texts on one line where they fit, as formatters write them: a project's linter reads these files, too. */
function shortLists(json: string): string {
  return json.replace(/^(.*)\[\n((?: +"(?:[^"\\\n]|\\.)*",?\n)+) *\](,?)$/gm, (all, head, entries, comma) => {
    const line = `${head}[${entries.trim().replace(/,\n +/g, ', ')}]${comma}`;
    return line.length <= 80 ? line : all;
  });
}

/** The same object with these keys first and the others after them in byte order. */
function inOrder(keys: readonly string[], value: object): Record<string, unknown> {
  const place = (key: string) => (keys.includes(key) ? keys.indexOf(key) : keys.length);
  const entries = Object.entries(value).sort(([a], [b]) => place(a) - place(b) || compareBytes(a, b));
  return Object.fromEntries(entries);
}

/** The same entries in byte order of their keys. A key named `__proto__` stays a key. */
function mapSorted<T, U>(record: Readonly<Record<string, T>>, form: (value: T) => U): Record<string, U> {
  const sorted = Object.entries(record).sort(([a], [b]) => compareBytes(a, b));
  return Object.fromEntries(sorted.map(([key, value]) => [key, form(value)]));
}

function lockProblem(lock: Readonly<Record<string, unknown>>): string | undefined {
  if (lock.schema !== LOCK_SCHEMA && lock.schema !== 1) return '`schema` is not a format of lock files';
  if (typeof lock.feature !== 'string') return '`feature` is not a string';
  const isVersion = typeof lock.version === 'string' && /^\d+\.\d+\.\d+$/.test(lock.version);
  if (lock.schema === 1 && !isVersion) return '`version` is not a version';
  if (!isNames(lock.formerly)) return '`formerly` is not a list of strings';
  if (!isObject(lock.tasks)) return '`tasks` is not an object';
  for (const [id, task] of Object.entries(lock.tasks)) {
    const wrong = isObject(task) ? (taskProblem(task) ?? unmergedProblem(task.unmerged)) : 'is no object';
    if (wrong !== undefined) return `task \`${id}\`: ${wrong}`;
  }
  return undefined;
}

const ENTRY_OR_NONE = /^(?:(?:1[0-7]{5}:)?(?:[0-9a-f]{40}|[0-9a-f]{64}))?$/;
const ENTRY = /^(?:1[0-7]{5}:)?(?:[0-9a-f]{40}|[0-9a-f]{64})$/;

function taskProblem(task: Readonly<Record<string, unknown>>): string | undefined {
  for (const key of ['key', 'interface']) if (!isDigest(task[key])) return `\`${key}\` is not a digest`;
  for (const key of ['resultKey', 'gates', 'handWork', 'unformatted']) {
    if (task[key] !== undefined && !isDigest(task[key])) return `\`${key}\` is not a digest`;
  }
  if (!isObjectId(task.result)) return '`result` is not an object id';
  if (!isObject(task.outputs) || !Object.values(task.outputs).every((word) => matches(ENTRY, word))) {
    return '`outputs` is not a map of files';
  }
  if (task.observed !== undefined) {
    const words = isObject(task.observed) ? Object.values(task.observed) : [undefined];
    if (!words.every((word) => matches(ENTRY, word))) return '`observed` is not a map of files';
  }
  if (task.edits !== undefined) {
    const edits = isObject(task.edits) ? Object.values(task.edits) : [undefined];
    // An empty text: there is no such file.
    const isEdit = (edit: unknown) =>
      isObject(edit) && EDIT_KEYS.every((key) => matches(ENTRY_OR_NONE, edit[key]));
    if (!edits.every(isEdit)) return '`edits` is not a map of files';
  }
  if (!RESULT_RECIPES.includes(task.recipe as string)) return '`recipe` is unknown';
  for (const key of ['agent', 'model', 'variant', 'arm']) {
    if (task[key] !== undefined && typeof task[key] !== 'string') return `\`${key}\` is not a string`;
  }
  if (task.adopted !== undefined && task.adopted !== true) return '`adopted` is not `true`';
  if (!isNames(task.formerly)) return '`formerly` is not a list of strings';
  if (!areTexts(task.acceptance)) return '`acceptance` is not a list of strings';
  return undefined;
}

function isNames(value: unknown): boolean {
  return value === undefined || areTexts(value);
}

function unmergedProblem(unmerged: unknown): string | undefined {
  if (unmerged === undefined) return undefined;
  const lists = isObject(unmerged) ? [unmerged.sides, unmerged.bases] : [undefined];
  const isSound = (one: unknown) => isObject(one) && one.unmerged === undefined && !taskProblem(one);
  return lists.every((list) => Array.isArray(list) && list.every(isSound))
    ? undefined
    : '`unmerged` is not lists of records';
}

function matches(form: RegExp, value: unknown): boolean {
  return typeof value === 'string' && form.test(value);
}

function placeAt(
  text: string,
  offset: number,
): Pick<Diagnostic, 'line' | 'column' | 'sourceLine' | 'length'> {
  const above = text.slice(0, offset);
  const start = above.lastIndexOf('\n') + 1;
  const sourceLine = (text.slice(start).split('\n', 1)[0] ?? '').replace(/\r$/, '');
  return { line: above.split('\n').length, column: offset - start + 1, sourceLine, length: 1 };
}
