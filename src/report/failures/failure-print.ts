/** Prints failures: headline, aligned facts, one hint; errors in files with their line and a marker. */

import type { Diagnostic, Failure } from '../../model/failure.js';
import { asCalled } from '../../model/output/called-as.js';
import type { Label } from '../../model/task.js';
import { plural, type Style, visible, visibleBlock } from '../style.js';
import { padTo, textWidth } from '../width.js';
import { describeFailure } from './failure.js';

/** Facts beyond this number are counted, not listed. */
const MAX_FACTS = 30;

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
  const lines = diagnostics.flatMap((diagnostic) => diagnosticLines(diagnostic, style));
  const files = new Set(diagnostics.map((diagnostic) => diagnostic.file)).size;
  lines.push(`${plural(diagnostics.length, noun)} in ${plural(files, 'file')}`);
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
    const before = expanded(sourceLine.slice(0, Math.max(0, (column ?? 1) - 1)));
    lines.push(`    ${expanded(sourceLine)}`);
    if (column !== undefined) {
      const marked = sourceLine.slice(column - 1, column - 1 + (diagnostic.length ?? 1));
      const width = Math.max(1, textWidth(expanded(marked)));
      lines.push(`    ${' '.repeat(textWidth(before))}${style('red', `^${'~'.repeat(width - 1)}`)}`);
    }
  }
  if (hint !== undefined) lines.push(`    ${style('cyan', 'hint')}: ${hintText(hint, style)}`);
  return lines;
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
