/** A revised task as data: the changed text, and the spec with it. Writes nothing. */

import type { Prepared } from '../../analysis/prepare.js';
import { err, ok, type Result } from '../../base/result.js';
import { parseYaml } from '../../io/document/document.js';
import type { YamlChange } from '../../io/document/yaml-edit.js';
import type { Failure } from '../../model/failure.js';
import type { Task } from '../../model/task.js';
import { textIn } from '../../project/project.js';
import { splitFrontMatter } from '../../specs/front-matter.js';
import { readFeature } from '../../specs/read-tasks.js';
import { editSpec } from '../../specs/spec-edit.js';
import { type SpecWords, withWords, wordsOf } from '../../specs/task-text.js';

const WORDS = ['id', 'title', 'description', 'acceptance'];
/** Where a list that the task does not have yet is put: behind the last of these keys. */
const KEYS_BEFORE = { inputs: WORDS, outputs: [...WORDS, 'inputs'], edits: [...WORDS, 'inputs', 'outputs'] };

export interface RevisedTask {
  /** The original task. */
  readonly task: Task;
  readonly words: Partial<SpecWords>;
  /** Additional inputs: paths and globs. */
  readonly inputs: readonly string[];
  /** Additional paths that a person has granted. Absent: none. */
  readonly outputs?: readonly string[];
  readonly edits?: readonly string[];
}

/** The spec as the build's snapshot has it. */
export async function specText({ project }: Pick<Prepared, 'project'>, { source }: Task): Promise<string> {
  return (await textIn(project, source.file)) ?? '';
}

/** The text of the spec with the revised task; other lines and comments stay. Fails with `invalid-specs`. */
export async function improvedSpec(
  text: string,
  { task, words, inputs, outputs = [], edits = [] }: RevisedTask,
): Promise<Result<string, Failure>> {
  const before = await wordsOf(text, task);
  if (!before.ok) return before;
  const worded = await withWords(text, task, before.value, words);
  if (!worded.ok) return worded;
  let spec: Result<string, Failure> = worded;
  for (const [key, more] of [
    ['outputs', outputs],
    ['inputs', inputs],
    ['edits', edits],
  ] as const) {
    if (spec.ok && more.length > 0) spec = await withEntries(spec.value, task, key, more);
  }
  return spec;
}

/** The spec with more entries at the end of one of the task's lists. */
async function withEntries(
  text: string,
  task: Task,
  key: 'inputs' | 'outputs' | 'edits',
  more: readonly string[],
): Promise<Result<string, Failure>> {
  const { file, path } = task.source;
  const own = await ownEntries(text, task, key);
  const changes: YamlChange[] =
    own === undefined
      ? [{ path: [...path, key], value: more, after: KEYS_BEFORE[key] }]
      : more.map((value, i) => ({ path: [...path, key, own + i], value }));
  return editSpec(file, text, changes);
}

/** The task as the given text of its spec defines it. */
export async function taskIn(text: string, { source, feature, label }: Task): Promise<Result<Task, Failure>> {
  const { file } = source;
  const single = file.endsWith('.spec.md');
  const { front, prose } = single ? splitFrontMatter(text) : { front: text, prose: '' };
  const parsed = await parseYaml(front ?? '', file);
  if (!parsed.ok) return err({ kind: 'invalid-specs', diagnostics: parsed.error });
  const kind = single ? 'spec-front-matter' : 'backlog';
  const spec = { kind, feature, file, folder: '', lockFile: '', id: '' } as const;
  const read = readFeature({ spec, value: parsed.value, prose, diagnostics: [], broken: [] });
  const found = read.tasks.find(({ task }) => task.label === label);
  if (found) return ok(found.task);
  return err({ kind: 'invalid-specs', diagnostics: [{ file, message: `${label} is missing in it` }] });
}

/** The number of entries in the task's own list; undefined if it has none (the file's defaults may have one). */
async function ownEntries(
  text: string,
  { source }: Task,
  key: 'inputs' | 'outputs' | 'edits',
): Promise<number | undefined> {
  const front = source.file.endsWith('.spec.md') ? splitFrontMatter(text).front : text;
  const parsed = await parseYaml(front ?? '', source.file);
  const raw = source.path.reduce<unknown>(
    (inside, key) => (inside as Record<string | number, unknown> | undefined)?.[key],
    parsed.ok ? parsed.value : undefined,
  );
  const list = (raw as Record<string, unknown> | undefined)?.[key];
  return Array.isArray(list) && list.length > 0 ? list.length : undefined;
}
