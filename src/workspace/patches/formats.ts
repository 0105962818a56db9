/** Which files are merged by more than their lines, and how. Reads no disk. */

import { isUtf8 } from 'node:buffer';
import { isYaml } from '../../io/document/document.js';
import { isScript } from '../../io/typescript.js';
import { addsOrdered, hasDoubleImports, isPython, mergeImports } from './import-merge.js';
import { type DepthOf, headingDepthOf, indentOf, sectionDepthOf } from './insertions.js';
import { mergeJson } from './json-merge.js';
import { type MergedLines, mergeLines, type Sides } from './line-merge.js';
import { type ListKind, withoutDoubles } from './list-entries.js';

type Format = 'json' | 'yaml' | 'script' | 'python' | 'sections' | 'headings' | 'lines';

const LISTS: readonly (readonly [RegExp, ListKind])[] = [
  [/\.toml$/, 'toml'],
  [/(^|\/)go\.mod$/, 'go-mod'],
  [/\.go$/, 'go'],
  [/(^|\/)[^/]*requirements[^/]*\.(txt|in)$/, 'requirements'],
  [/(^|\/)\.[^/]*ignore$/, 'ignore'],
];

/** Files with headers of sections, and keys below them that are not indented. */
const SECTIONS =
  /\.(toml|ini|cfg|conf|properties)$|(^|\/)\.(editorconfig|gitconfig|gitmodules|npmrc|pylintrc|coveragerc)$/;

/** What of a path decides how the file is merged. */
export function formatOf(path: string): string {
  return listKindOf(path) ?? kindOf(path);
}

const DEPTHS: { readonly [format in Format]?: DepthOf } = {
  sections: sectionDepthOf,
  headings: headingDepthOf,
};

function kindOf(path: string): Format {
  if (/\.(json|jsonc|json5|webmanifest)$|(^|\/)\.(babel|eslint|prettier)rc$/.test(path)) return 'json';
  if (/\.ya?ml$/.test(path)) return 'yaml';
  if (SECTIONS.test(path)) return 'sections';
  if (/\.(md|mdx|markdown)$/.test(path)) return 'headings';
  if (isScript(path)) return 'script';
  return isPython(path) ? 'python' : 'lines';
}

function listKindOf(path: string): ListKind | undefined {
  return LISTS.find(([pattern]) => pattern.test(path))?.[1];
}

/** The merged text; undefined where the sides do not fit. Never a text that its format does not allow if the sides did. */
export async function mergeByFormat(path: string, sides: Sides): Promise<Buffer | undefined> {
  const lines = await mergeLines(sides, DEPTHS[kindOf(path)] ?? indentOf);
  const list = listKindOf(path);
  if (list) return lines && withoutDoubles(list, sides, lines.text);
  switch (kindOf(path)) {
    case 'json':
      return jsonMerged(sides, lines);
    case 'yaml':
      return lines && (await isValidYaml(sides, lines.text)) ? lines.text : undefined;
    case 'script':
      return importsMerged('script', sides, lines);
    case 'python':
      return importsMerged('python', sides, lines);
    default:
      return lines?.text;
  }
}

async function jsonMerged(sides: Sides, lines: MergedLines | undefined): Promise<Buffer | undefined> {
  if (![sides.current, sides.before, sides.after].every((text) => isUtf8(text))) return lines?.text;
  const texts = {
    current: sides.current.toString('utf8'),
    before: sides.before.toString('utf8'),
    after: sides.after.toString('utf8'),
  };
  const merged = await mergeJson(
    texts,
    lines && { text: lines.text.toString('utf8'), isClean: lines.isClean },
  );
  if (merged === 'no-json') return lines?.text;
  return merged === undefined ? undefined : Buffer.from(merged);
}

/** Two keys of one name, say, are an error of the merged text alone. */
async function isValidYaml({ current, after }: Sides, merged: Buffer): Promise<boolean> {
  const isValid = (text: Buffer) => isYaml(text.toString('utf8'));
  return (await isValid(merged)) || !(await isValid(current)) || !(await isValid(after));
}

async function importsMerged(
  language: 'script' | 'python',
  sides: Sides,
  lines: MergedLines | undefined,
): Promise<Buffer | undefined> {
  // Latin-1 keeps every byte as one character, whatever the encoding of the file is.
  const texts = {
    current: sides.current.toString('latin1'),
    before: sides.before.toString('latin1'),
    after: sides.after.toString('latin1'),
  };
  // Of two insertions at one place the current one is first, which may be wrong for such an import.
  const isInOrder = lines?.isClean || !addsOrdered(language, texts);
  if (lines && isInOrder && !hasDoubleImports(language, texts, lines.text.toString('latin1')))
    return lines.text;
  const merged = await mergeImports(language, texts);
  return merged === undefined ? undefined : Buffer.from(merged, 'latin1');
}
