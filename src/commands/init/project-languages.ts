/** The languages of a project, by the files that their tools have in its folder. Reads files, runs nothing. */

import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { readText } from '../../io/files.js';
import { OWN_PACKAGE } from '../new/schema-reference.js';
import { pythonTests, shellGates } from './language-gates.js';

const MARKS: readonly (readonly [string, RegExp])[] = [
  ['javascript', /^package\.json$/],
  ['python', /^(pyproject\.toml|setup\.cfg|requirements.*\.(txt|in)|Pipfile|tox\.ini|.*\.py)$/],
  ['go', /^go\.(mod|work)$|\.go$/],
  ['rust', /^Cargo\.toml$/],
  ['shell', /\.sh$/],
];

/** In names as `language` of a template has them; empty for a project that has no files of a language. */
export async function projectLanguages(project: string): Promise<ReadonlySet<string>> {
  const [names, scripts] = await Promise.all([namesIn(project), namesIn(join(project, 'scripts'))]);
  names.push(...scripts.filter((name) => name.endsWith('.sh')));
  const found = new Set(
    MARKS.flatMap(([language, mark]) => (names.some((name) => mark.test(name)) ? [language] : [])),
  );
  if ((await pythonTests(project)).length > 0) found.add('python');
  if ((await shellGates(project)).length > 0) found.add('shell');
  // The installation of conductor makes a package.json in a project of another language.
  if (found.size > 1 && (await isOnlyForConductor(project))) found.delete('javascript');
  return found;
}

/** What fits the languages first; the order is otherwise as it was, and all of it where no language is known. */
export function byLanguage<T>(
  items: readonly T[],
  languages: ReadonlySet<string>,
  languageOf: (item: T) => string | undefined,
): T[] {
  const fits = (item: T) => {
    const language = languageOf(item);
    return language === undefined || languages.size === 0 || languages.has(language);
  };
  return [...items.filter(fits), ...items.filter((item) => !fits(item))];
}

async function isOnlyForConductor(project: string): Promise<boolean> {
  try {
    const manifest = JSON.parse((await readText(join(project, 'package.json'))) ?? '') as Record<
      string,
      object
    >;
    const names = Object.keys({ ...manifest.dependencies, ...manifest.devDependencies });
    return names.join() === OWN_PACKAGE && Object.keys(manifest.scripts ?? {}).length === 0;
  } catch {
    return false;
  }
}

function namesIn(folder: string): Promise<string[]> {
  return readdir(folder).catch(() => [] as string[]);
}
