/**
 * Reads the rules that the repository gives git for the project's files: those that people wrote in the project, and those of
 * the folders above it. What only this machine has (`.git/info`, the person's settings) does not count.
 */

import { basename, join } from 'node:path';
import { mapBounded } from '../base/bounded.js';
import { readText } from '../io/files.js';
import type { GitObjects } from '../io/git/objects.js';
import { foldersAbove, type Repository } from '../io/git/repository.js';
import {
  type ConversionOf,
  conversions,
  NO_RULES,
  type RulesFile,
  type RulesFiles,
  type RulesText,
  rulesFor,
} from '../model/git-rules/git-rules.js';
import type { Entry, Listing } from '../model/tree.js';

export interface ProjectRules {
  readonly text: RulesText;
  /** Rules of folders above the project: in no tree of it. */
  readonly above: RulesText;
  /** Undefined where git writes every file to disk as it has it. */
  readonly conversionOf: ConversionOf | undefined;
}

const ATTRIBUTES = '.gitattributes';
const IGNORES = '.gitignore';

export async function readRules(
  { top, prefix }: Repository,
  objects: GitObjects,
  handWritten: Listing,
): Promise<ProjectRules> {
  const inside = handWritten.paths.filter(
    (path) => path.endsWith('.gitattributes') || path.endsWith('.gitignore'),
  );
  const named = inside.filter((path) => [ATTRIBUTES, IGNORES].includes(basename(path)));
  const texts = await objects.readMany(named.map((path) => (handWritten.get(path) as Entry).id));
  const own = named.map((path) => ({
    path: `${prefix}${path}`,
    text: texts.get((handWritten.get(path) as Entry).id)?.toString('utf8') ?? '',
  }));
  const outer = (
    await mapBounded(
      foldersAbove(prefix).flatMap((folder) => [`${folder}${ATTRIBUTES}`, `${folder}${IGNORES}`]),
      async (path) => ({ path, text: (await readText(join(top, path))) ?? '' }),
    )
  ).filter(({ text }) => text !== '');
  if (own.length === 0 && outer.length === 0)
    return { text: NO_RULES, above: NO_RULES, conversionOf: undefined };
  const text = rulesFor(filesOf([...outer, ...own]), prefix);
  return { text, above: rulesFor(filesOf(outer), prefix), conversionOf: conversions(text) };
}

function filesOf(files: readonly { readonly path: string; readonly text: string }[]): RulesFiles {
  const of = (name: string): RulesFile[] =>
    files
      .filter(({ path }) => basename(path) === name)
      .map(({ path, text }) => ({ folder: path.slice(0, -name.length), text }));
  return { attributes: of(ATTRIBUTES), ignores: of(IGNORES) };
}
