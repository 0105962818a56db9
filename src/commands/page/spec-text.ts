/** The lines of a spec file that describe one task. Knows no project: texts in, lines out. */

import { locator } from '../../io/document/document.js';
import type { SpecView } from '../../model/page.js';
import type { Task } from '../../model/task.js';

const MAX_LINES = 400;

/** Places in spec files by their text. */
export type SpecPlaces = Map<string, ReturnType<typeof locator>>;

/** A task's entry in a backlog; the whole text of a spec that is one task. Undefined when the text is not there. */
export async function specText(
  task: Task,
  text: string | undefined,
  known: SpecPlaces = new Map(),
): Promise<SpecView | undefined> {
  if (text === undefined) return undefined;
  const { file, path } = task.source;
  if (file.endsWith('.spec.md')) return { file, line: 1, text: bounded(text.split('\n')) };
  const places = known.get(text) ?? locator(text);
  known.set(text, places);
  const { line } = (await places)(path);
  const lines = text.split('\n');
  const start = line - 1;
  const indent = indentOf(lines[start] ?? '');
  let end = start + 1;
  // The entry ends where a line stands at its own indentation or left of it; blank lines and comments belong to it.
  while (end < lines.length && (isBlank(lines[end] ?? '') || indentOf(lines[end] ?? '') > indent)) end++;
  const own = lines.slice(start, end);
  while (own.length > 1 && isBlank(own.at(-1) ?? '')) own.pop();
  return { file, line, text: bounded(own.map((one) => one.slice(Math.min(indent, indentOf(one))))) };
}

/** A list's entry begins at its hyphen: keys on the following lines stand further right. */
function indentOf(line: string): number {
  return line.length - line.trimStart().length;
}

function isBlank(line: string): boolean {
  return line.trim() === '';
}

function bounded(lines: readonly string[]): string {
  const shown = lines.slice(0, MAX_LINES);
  const more = lines.length - shown.length;
  return shown.join('\n') + (more > 0 ? `\n… ${more} more lines` : '');
}
