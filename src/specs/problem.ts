/** Problems of specs before and after they have a position. Positions are computed only when there is a problem. */

import { type KeyPath, locator, parseYaml } from '../io/document/document.js';
import type { Diagnostic } from '../model/failure.js';
import { splitFrontMatter } from './front-matter.js';

/** A mistake at a path of keys. A diagnostic of the file as a whole until `placeProblems` has seen it. */
export interface SpecProblem {
  readonly file: string;
  readonly path: KeyPath;
  /** The key itself is meant, not its value. */
  readonly key?: boolean;
  /** The entry of the list at `path` (or of the same key in `defaults`) that is this command. */
  readonly entry?: string;
  readonly message: string;
  readonly hint?: string;
}

/** The problems as diagnostics, each once, in the order of files and lines. `read` gives the text of a spec file. */
export async function placeProblems(
  problems: readonly SpecProblem[],
  read: (file: string) => Promise<string | undefined>,
): Promise<Diagnostic[]> {
  const byFile = new Map<string, SpecProblem[]>();
  for (const problem of problems) {
    const others = byFile.get(problem.file);
    if (others) others.push(problem);
    else byFile.set(problem.file, [problem]);
  }
  const placed: Diagnostic[] = [];
  for (const [file, ofFile] of byFile) {
    const text = await read(file);
    if (text === undefined) placed.push(...ofFile.map(unplaced));
    else placed.push(...(await placeInFile(file, text, ofFile)));
  }
  return sortDiagnostics(placed);
}

/** Each once, by file, line and column. */
export function sortDiagnostics(diagnostics: readonly Diagnostic[]): Diagnostic[] {
  const once = new Map(
    diagnostics.map((one) => [JSON.stringify([one.file, one.line, one.column, one.message]), one]),
  );
  return [...once.values()].sort(
    (a, b) =>
      (a.file < b.file ? -1 : a.file > b.file ? 1 : 0) ||
      (a.line ?? 0) - (b.line ?? 0) ||
      (a.column ?? 0) - (b.column ?? 0),
  );
}

function unplaced({ file, message, hint }: SpecProblem): Diagnostic {
  return { file, message, ...(hint === undefined ? {} : { hint }) };
}

async function placeInFile(
  file: string,
  text: string,
  problems: readonly SpecProblem[],
): Promise<Diagnostic[]> {
  const split = file.endsWith('.spec.md') ? splitFrontMatter(text) : undefined;
  const yaml = split ? (split.front ?? '') : text;
  const place = await locator(yaml, split ? split.lineOffset : 0);
  let value: unknown;
  if (problems.some(({ entry }) => entry !== undefined)) {
    const parsed = await parseYaml(yaml, file);
    if (parsed.ok) value = parsed.value;
  }
  return problems.map((problem) => {
    const path = problem.entry === undefined ? problem.path : entryPath(value, problem.path, problem.entry);
    return { ...unplaced(problem), ...place(path, problem.key) };
  });
}

/** The path of the list's entry that is the command, looked for in the defaults when the list does not have it. */
function entryPath(value: unknown, path: KeyPath, command: string): KeyPath {
  for (const list of [path, ['defaults', path.at(-1) ?? '']]) {
    const entries = list.reduce<unknown>(
      (inner, key) => (inner as Record<string, unknown> | undefined)?.[key],
      value,
    );
    if (!Array.isArray(entries)) continue;
    const at = entries.findIndex((entry: unknown) => {
      const run = typeof entry === 'string' ? entry : (entry as { run?: unknown } | null)?.run;
      return (Array.isArray(run) ? run.join(' ') : run) === command;
    });
    if (at >= 0) return [...list, at];
  }
  return path;
}
