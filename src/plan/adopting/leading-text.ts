/** What a source file says of itself: the comment or docstring at its beginning. Pure; reads no disk. */

import { sourceKind } from './source-imports.js';

/** More of it is not taken over. */
const MAX_LENGTH = 600;
/** Comments that are for tools and lawyers. */
const NO_DESCRIPTION =
  /copyright|\blicen[cs]e|SPDX|all rights reserved|eslint|prettier|biome|@ts-|istanbul|c8 ignore|use strict|^!|coding[:=]|@jest|@vitest|<reference|go:build|\+build|sourceMappingURL|@flow/i;

/** Plain text in one paragraph; undefined where the file does not begin with such words. */
export function leadingText(path: string, text: string): string | undefined {
  const kind = sourceKind(path);
  const comments = kind === 'python' ? pythonTexts(text) : slashTexts(text);
  for (const comment of comments) {
    const plain = plainText(comment);
    if (plain !== '' && !NO_DESCRIPTION.test(plain)) return plain;
  }
  return undefined;
}

/** The comments before the first line of code, one text for each block. */
function* slashTexts(text: string): Iterable<string> {
  let rest = text.replace(/^\uFEFF/, '').replace(/^#![^\n]*\n/, '');
  for (;;) {
    rest = rest.trimStart();
    const block = /^\/\*([\s\S]*?)\*\/|^<!--([\s\S]*?)-->/.exec(rest);
    const lines = block ? undefined : /^(?:\/\/[^\n]*(?:\n[ \t]*|$))+/.exec(rest);
    const directive = /^(['"])use [a-z]+\1;?/.exec(rest);
    const match = block ?? lines ?? directive;
    if (!match) return;
    if (block) yield block[1] ?? block[2] ?? '';
    if (lines) yield lines[0].replace(/^[ \t]*\/\/+/gm, '');
    rest = rest.slice(match[0].length);
  }
}

function* pythonTexts(text: string): Iterable<string> {
  const rest = text.replace(/^\uFEFF/, '').replace(/^(?:[ \t]*(?:#[^\n]*)?\n)*/, '');
  const docstring = /^[rRuU]?("""|''')([\s\S]*?)\1/.exec(rest) ?? /^[rRuU]?(["'])([^\n]*?)\1/.exec(rest);
  if (docstring) yield docstring[2] ?? '';
  const comment = /^(?:#![^\n]*\n)?((?:[ \t]*#[^\n]*\n)+)/.exec(text);
  if (comment) yield (comment[1] ?? '').replace(/^[ \t]*#+/gm, '');
}

/** The first paragraphs up to tags (`@param`), on one line each. */
function plainText(comment: string): string {
  const lines = comment.split('\n').map((line) => line.replace(/^\s*\*?\s?/, '').trim());
  const tag = lines.findIndex((line) =>
    /^@(?!fileoverview|file\b|module|description|packageDocumentation)/.test(line),
  );
  const words = (tag < 0 ? lines : lines.slice(0, tag))
    .map((line) => line.replace(/^@\w+\s*/, ''))
    .join('\n')
    .replace(/\n{2,}/g, '\n\n')
    .replace(/(?<!\n)\n(?!\n)/g, ' ')
    .replace(/\p{Cc}(?<!\n)/gu, '')
    .trim();
  if (words.length <= MAX_LENGTH) return words;
  const cut = words.slice(0, MAX_LENGTH);
  return `${cut.slice(0, Math.max(cut.lastIndexOf(' '), MAX_LENGTH / 2))} …`;
}
