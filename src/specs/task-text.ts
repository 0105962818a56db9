/** The text of one task in its spec, and the spec with a changed text. */

import { err, ok, type Result } from '../base/result.js';
import { type KeyPath, parseYaml } from '../io/document/document.js';
import type { YamlChange } from '../io/document/yaml-edit.js';
import type { Failure } from '../model/failure.js';
import type { Task } from '../model/task.js';
import { splitFrontMatter } from './front-matter.js';
import { editSpec } from './spec-edit.js';

export const LISTS = ['acceptance', 'constraints', 'patterns', 'gotchas'] as const;

/** Keys of a task that say what is wanted; new ones stand behind them. */
const WORD_KEYS = ['id', 'title', 'description', 'acceptance'];

/** What may be proposed: words. Outputs, gates and dependencies are for people to change. */
export interface SpecWords {
  readonly description: string;
  readonly acceptance: readonly string[];
  readonly constraints: readonly string[];
  readonly patterns: readonly string[];
  readonly gotchas: readonly string[];
}

interface WrittenWords extends SpecWords {
  readonly hasContext: boolean;
}

/** The task's own words, without what the defaults of its file add. */
export async function wordsOf(text: string, task: Task): Promise<Result<WrittenWords, Failure>> {
  const { file, path } = task.source;
  const single = file.endsWith('.spec.md');
  const { front, prose } = single ? splitFrontMatter(text) : { front: text, prose: '' };
  const parsed = await parseYaml(front ?? '', file);
  if (!parsed.ok) return err({ kind: 'invalid-specs', diagnostics: parsed.error });
  const raw = at(parsed.value, path);
  const context = at(raw, ['context']);
  const description = at(raw, ['description']);
  return ok({
    description: single ? prose : typeof description === 'string' ? description : '',
    acceptance: words(at(raw, ['acceptance'])),
    constraints: words(at(context, ['constraints'])),
    patterns: words(at(context, ['patterns'])),
    gotchas: words(at(context, ['gotchas'])),
    hasContext: context !== undefined,
  });
}

/** The spec with the proposed words, all other lines and comments as they are. */
export async function withWords(
  text: string,
  task: Task,
  before: WrittenWords,
  proposed: Partial<SpecWords>,
): Promise<Result<string, Failure>> {
  const { file, path } = task.source;
  const changes: YamlChange[] = [];
  let prose: string | undefined;
  if (proposed.description !== undefined && proposed.description.trim() !== before.description.trim()) {
    if (file.endsWith('.spec.md')) prose = proposed.description.trim();
    else
      changes.push({
        path: [...path, 'description'],
        value: ending(proposed.description, before.description),
        after: WORD_KEYS,
      });
  }
  if (proposed.acceptance)
    changes.push(...listChanges([...path, 'acceptance'], before.acceptance, proposed.acceptance));
  const context = Object.fromEntries(
    LISTS.slice(1).flatMap((key) =>
      proposed[key] && proposed[key].length > 0 ? [[key, proposed[key]]] : [],
    ),
  );
  if (!before.hasContext && Object.keys(context).length > 0) {
    changes.push({ path: [...path, 'context'], value: context, after: WORD_KEYS });
  } else {
    for (const key of LISTS.slice(1)) {
      const list = proposed[key];
      if (list) changes.push(...listChanges([...path, 'context', key], before[key], list));
    }
  }
  const edited = changes.length === 0 ? ok(text) : await editSpec(file, text, changes);
  if (!edited.ok || prose === undefined) return edited;
  const start =
    before.description === '' ? edited.value.length : edited.value.lastIndexOf(before.description);
  const rest = edited.value.slice(start + before.description.length);
  return ok(`${edited.value.slice(0, start)}${prose}${rest === '' ? '\n' : rest}`);
}

/** Entry by entry, so that what stays keeps its line and its comment. */
function listChanges(path: KeyPath, before: readonly string[], after: readonly string[]): YamlChange[] {
  if (before.length === 0) return after.length === 0 ? [] : [{ path, value: after, after: WORD_KEYS }];
  if (after.length === 0) return [{ path, value: undefined }];
  const changes: YamlChange[] = [];
  // Entries that went are cut out where they stood, so that those behind them do not change.
  let kept = [...before];
  for (let i = before.length - 1; i >= 0; i--) {
    if (kept.length <= after.length || after.includes(before[i] as string)) continue;
    changes.push({ path: [...path, i], value: undefined });
    kept = kept.filter((_, at) => at !== i);
  }
  after.forEach((value, i) => {
    if (kept[i] !== value) changes.push({ path: [...path, i], value });
  });
  for (let i = kept.length - 1; i >= after.length; i--)
    changes.push({ path: [...path, i], value: undefined });
  return changes;
}

/** Block texts end with a line break, others do not: as the person had it. */
function ending(text: string, like: string): string {
  const plain = text.trim();
  return like.endsWith('\n') || plain.includes('\n') ? `${plain}\n` : plain;
}

function at(value: unknown, path: KeyPath): unknown {
  return path.reduce<unknown>(
    (inside, key) => (inside as Record<string | number, unknown> | null | undefined)?.[key],
    value,
  );
}

function words(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((one): one is string => typeof one === 'string') : [];
}
