/** The entries for which a `foreach` makes tasks, each with its variables and its name. Renders no task. */

import { parsePattern, patternProblem } from '../../model/paths/pattern.js';
import { excludedText, patternSet } from '../../model/paths/pattern-set.js';
import type { Json } from '../../model/task.js';
import type { Listing } from '../../model/tree.js';
import type { RawForeach } from '../raw.js';
import { type Scope, type ValueProblem, ValueRendering, wholeVariable } from './render-values.js';

export interface ForeachEntry {
  /** The part of the label behind the id. */
  readonly name: string;
  readonly scope: Scope;
  /** The file of the project that a glob matched. */
  readonly file?: string;
}

export interface ForeachEntries {
  readonly entries: readonly ForeachEntry[];
  readonly globs: readonly string[];
  readonly problems: readonly ValueProblem[];
}

/** What a glob's match gives beside `item`. */
export const FILE_VARIABLES = ['item', 'dir', 'file', 'name', 'ext'];

/** The globs of a `foreach`; undefined where it has entries of its own. */
export function globsOf(foreach: RawForeach): readonly string[] | undefined {
  if (typeof foreach === 'string') return foreach.includes('{{') ? undefined : [foreach];
  if (Array.isArray(foreach)) return undefined;
  const { glob } = foreach as Exclude<RawForeach, string | readonly Json[]>;
  return typeof glob === 'string' ? [glob] : glob;
}

/** `specs`: the folder of the specs, whose files are no entries. Problems are placed within the task. */
export async function foreachEntries(
  foreach: RawForeach,
  scope: Scope,
  { listing, specs }: { readonly listing: Listing; readonly specs: string },
): Promise<ForeachEntries> {
  const globs = globsOf(foreach);
  const label = isObject(foreach) ? foreach.label : undefined;
  const problems: ValueProblem[] = [];
  let found: { readonly scope: Scope; readonly name: string | undefined; readonly file?: string }[] = [];
  if (globs) {
    for (const [i, glob] of globs.entries()) {
      const wrong = patternProblem(excludedText(glob));
      if (wrong === undefined) continue;
      const path = isObject(foreach)
        ? ['foreach', 'glob', ...(Array.isArray(foreach.glob) ? [i] : [])]
        : ['foreach'];
      problems.push({
        path,
        message: `\`${glob}\` ${wrong}`,
        hint: 'write it relative to the root of the project',
      });
    }
    if (problems.length === 0)
      found = matchingPaths(globs, listing, specs).map((file) => fileEntry(file, globs, scope));
  } else {
    const items = itemsOf(foreach, scope);
    if (!items) {
      const hint = 'write a list, a glob, or `{{name}}` for a list in `vars`';
      problems.push({ path: ['foreach'], message: 'names no list in `vars`', hint });
    }
    found = (items ?? []).map((item) => ({ scope: { ...scope, item }, name: nameIn(item) }));
  }
  const entries: ForeachEntry[] = [];
  const first = new Map<string, string>();
  for (const one of found) {
    const shown = one.file ?? textOf(one.scope.item ?? null);
    const rendering = new ValueRendering(one.scope);
    const text = label === undefined ? one.name : await rendering.text(label, ['foreach', 'label']);
    problems.push(...rendering.problems);
    if (rendering.problems.length > 0) continue;
    const name = (text ?? '').replace(/[^A-Za-z0-9._-]+/g, '-').replace(/^[.-]+|-+$/g, '');
    const before = first.get(name.toLowerCase());
    if (name === '' || before !== undefined) {
      problems.push({
        path: ['foreach'],
        message:
          name === ''
            ? `the entry ${shown} has no name for its task`
            : `the entries ${before} and ${shown} both name their task \`${name}\``,
        hint: 'give the tasks names with `label`, for instance `foreach: { glob: "src/*", label: "{{file}}" }`',
      });
      continue;
    }
    first.set(name.toLowerCase(), shown);
    entries.push({ name, scope: one.scope, ...(one.file === undefined ? {} : { file: one.file }) });
  }
  return { entries, globs: globs ?? [], problems };
}

function isObject(foreach: RawForeach): foreach is Exclude<RawForeach, string | readonly Json[]> {
  return typeof foreach === 'object' && !Array.isArray(foreach);
}

function itemsOf(foreach: RawForeach, scope: Scope): readonly Json[] | undefined {
  const items = isObject(foreach) ? foreach.items : foreach;
  const list = typeof items === 'string' ? wholeVariable(items, scope) : items;
  return Array.isArray(list) ? (list as readonly Json[]) : undefined;
}

/** The files that the globs match, in order, without those of the specs. */
export function matchingPaths(globs: readonly string[], listing: Listing, specs: string): string[] {
  const set = patternSet(globs);
  const paths = set.includes.flatMap((pattern) =>
    pattern.isGlob ? set.selectBy(pattern, listing) : listing.get(pattern.prefix) ? [pattern.prefix] : [],
  );
  return [...new Set(paths)].filter((path) => !path.startsWith(`${specs}/`)).sort();
}

function fileEntry(path: string, globs: readonly string[], scope: Scope) {
  const slash = path.lastIndexOf('/');
  const file = path.slice(slash + 1);
  const dot = file.lastIndexOf('.');
  const name = dot > 0 ? file.slice(0, dot) : file;
  const dir = slash < 0 ? '.' : path.slice(0, slash);
  const parts = { item: path, dir, file, name, ext: dot > 0 ? file.slice(dot + 1) : '' };
  // What tells the matches of one glob apart begins behind its fixed folders.
  const glob = globs.map((one) => parsePattern(excludedText(one))).find((one) => one.matches(path));
  const fixed = glob?.isGlob ? glob.prefix.slice(0, glob.prefix.lastIndexOf('/') + 1) : `${dir}/`;
  const inside = path.startsWith(fixed) ? path.slice(fixed.length) : path;
  return {
    scope: { ...scope, ...parts },
    name: inside.slice(0, inside.length - file.length) + name,
    file: path,
  };
}

/** An entry's own text, or what a mapping calls itself. */
function nameIn(item: Json): string | undefined {
  if (item === null) return undefined;
  if (typeof item !== 'object') return String(item);
  const named = item as Scope;
  const name = Array.isArray(item) ? undefined : (named.name ?? named.id);
  return typeof name === 'string' || typeof name === 'number' ? String(name) : undefined;
}

function textOf(item: Json): string {
  return typeof item === 'string' ? item : JSON.stringify(item);
}
