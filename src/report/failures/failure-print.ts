/** Prints failures: headline, aligned facts, one hint; errors in files with their line and a marker. */

import type { Diagnostic, Failure } from '../../model/failure.js';
import { asCalled } from '../../model/output/called-as.js';
import type { Label } from '../../model/task.js';
import { plural, type Style, visible, visibleBlock } from '../style.js';
import { padTo, textWidth } from '../width.js';
import { describeFailure } from './failure.js';

/** Facts beyond this number are counted, not listed. */
const MAX_FACTS = 30;
/** The same for the problems of one file: one mistake can make a hundred. JSON has all of them. */
const MAX_PROBLEMS = 30;
/** Characters of a source line that are shown: a generated file may be one line. */
const MAX_EXCERPT = 160;

/** A failure as lines of text, ending with a line break. */
export function printFailure(failure: Failure, style: Style, task?: Label): string {
  const text = describeFailure(failure, task);
  const lines: string[] = [];
  const name = task === undefined ? '' : `${style('bold', visible(task))}: `;
  if (text.diagnostics) {
    lines.push(...printDiagnostics(text.diagnostics, style), '');
  }
  lines.push(`${style('red', 'error')}: ${name}${visible(asCalled(text.headline, style.calledAs))}`);
  const shown = text.facts.slice(0, MAX_FACTS);
  const width = Math.max(0, ...shown.map(([label]) => textWidth(visible(label))));
  for (const [label, value] of shown) {
    const lead = `  ${style('dim', padTo(visible(label), width))}  `;
    const [first = '', ...rest] = visibleBlock(value).split('\n');
    lines.push(lead + first, ...rest.map((line) => `${' '.repeat(width + 4)}${line}`));
  }
  const more = text.facts.length - shown.length;
  if (more > 0) lines.push(`  ${' '.repeat(width)}  and ${more} more`);
  if (text.block !== undefined) {
    const block = visibleBlock(text.block).replace(/\n+$/, '').split('\n');
    lines.push(...block.map((line) => `  ${style('dim', '|')} ${line}`));
  }
  if (text.hint !== undefined) lines.push(`  ${style('cyan', 'hint')}: ${hintText(text.hint, style)}`);
  return `${lines.join('\n')}\n`;
}

/** Every mistake as `path:line:column: message` with its source line and a marker, then their number. */
export function printDiagnostics(
  diagnostics: readonly Diagnostic[],
  style: Style,
  noun: 'problem' | 'warning' = 'problem',
): string[] {
  const files = new Map<string, number>();
  for (const { file } of diagnostics) files.set(file, (files.get(file) ?? 0) + 1);
  const seen = new Map<string, number>();
  const lines = diagnostics.flatMap((diagnostic) => {
    const { file } = diagnostic;
    const count = (seen.get(file) ?? 0) + 1;
    seen.set(file, count);
    if (count > MAX_PROBLEMS) return [];
    const left = count < MAX_PROBLEMS ? 0 : (files.get(file) ?? 0) - count;
    const more = left > 0 ? [`${style('bold', visible(file))}: and ${left} more`] : [];
    return [...diagnosticLines(diagnostic, style), ...more];
  });
  lines.push(`${plural(diagnostics.length, noun)} in ${plural(files.size, 'file')}`);
  return lines;
}

function diagnosticLines(diagnostic: Diagnostic, style: Style): string[] {
  const { file, line, column, sourceLine, message, hint } = diagnostic;
  const place = [visible(file), line, line === undefined ? undefined : column]
    .filter((part) => part !== undefined)
    .join(':');
  const [first = '', ...more] = visibleBlock(message).split('\n');
  const lines = [`${style('bold', place)}: ${first}`, ...more.map((text) => `  ${text}`)];
  if (sourceLine !== undefined) {
    const { text, before, marked } = excerpt(sourceLine, (column ?? 1) - 1, diagnostic.length ?? 1);
    lines.push(`    ${text}`);
    if (column !== undefined) {
      const width = Math.max(1, textWidth(marked));
      lines.push(`    ${' '.repeat(textWidth(before))}${style('red', `^${'~'.repeat(width - 1)}`)}`);
    }
  }
  if (hint !== undefined) lines.push(`    ${style('cyan', 'hint')}: ${hintText(hint, style)}`);
  return lines;
}

/** A line, or of a long one what stands around its marked part, with what comes before the marker. */
function excerpt(line: string, at: number, length: number) {
  const lead = expanded(line.slice(0, Math.max(0, at)));
  const text = expanded(line);
  const size = expanded(line.slice(at, at + length)).length;
  if (text.length <= MAX_EXCERPT)
    return { text, before: lead, marked: text.slice(lead.length, lead.length + size) };
  const room = MAX_EXCERPT - 2;
  const from = wholeFrom(text, Math.max(0, Math.min(lead.length - MAX_EXCERPT / 4, text.length - room)));
  const to = wholeFrom(text, Math.min(text.length, from + room));
  const cut = from > 0 ? '…' : '';
  return {
    text: `${cut}${text.slice(from, to)}${to < text.length ? '…' : ''}`,
    before: cut + text.slice(from, lead.length),
    marked: text.slice(lead.length, Math.min(to, lead.length + size)),
  };
}

/** The same place, or the one before it where it is within one character. */
function wholeFrom(text: string, at: number): number {
  return /[\udc00-\udfff]/.test(text.charAt(at)) ? at - 1 : at;
}

function hintText(hint: string, style: Style): string {
  return visible(asCalled(hint, style.calledAs));
}

/** A tab as two columns, wherever it stands, so that the marker below counts the same. */
function expanded(text: string): string {
  return text
    .replace(/\r?\n?$/, '')
    .split('\t')
    .map(visible)
    .join('  ');
}
