/**
 * The part of a program's output that says why it failed, in 2 to 4 KB: whole differences, names of failing tests, the
 * first errors of a compiler with their source lines. Where nothing is recognised, the beginning and the end.
 */

import { type FailureBlock, failureBlocks, namedPlaces, type SourceLine } from './failure-blocks.js';
import { byteLength, outputLines } from './output-lines.js';

/** Bytes of what is returned. */
export const MAX_DECISIVE_BYTES = 4096;
/** An output of this size is shown as it is. */
const SHORT_BYTES = 1024;
/** The end of the output beside the failures: counts, and what no failure names (a threshold that was missed). */
const END_BYTES = 500;
/** Failures of which only the names are told. */
const MAX_NAMED = 8;

const LOOKS_LIKE_ERROR =
  /error|fail|expected|received|assert|cannot|not found|undefined|unexpected|missing|✗|✘|×|not ok|panic|exception/i;
/** Summaries of what did not happen: `# fail 0`, `0 errors`. */
const NOTHING_FAILED = /\b(?:fail(?:ed|ures)?|errors?)[:\s]+0\b|\b0 (?:fail(?:ed|ures)?|errors?)\b/i;

/** `source`: lines of the files that the output may name. */
export function decisiveOutput(text: string, source: SourceLine = () => undefined): string {
  const lines = outputLines(text);
  const whole = lines.join('\n').trim();
  const blocks = failureBlocks(lines, source);
  const shown = blocks.some((block) => !block.isMinor) ? blocks.filter((block) => !block.isMinor) : blocks;
  const isSourced = shown.some(({ at, lines: [, next] }) => next !== undefined && lines[at + 1] !== next);
  if (byteLength(whole) <= SHORT_BYTES && !isSourced) return whole;
  return shown.length === 0 ? endsOf(lines) : failuresOf(lines, shown);
}

/** The source lines that would help to read the output. */
export function sourcePlaces(text: string): readonly { readonly path: string; readonly line: number }[] {
  return namedPlaces(outputLines(text));
}

function failuresOf(lines: readonly string[], blocks: readonly FailureBlock[]): string {
  const end = lastOf(lines, END_BYTES);
  const parts: string[] = [];
  let left = MAX_DECISIVE_BYTES - END_BYTES - 200;
  const first = blocks.length === 1 ? left : 1800;
  let at = 0;
  for (; at < blocks.length; at++) {
    const block = blocks[at] as FailureBlock;
    const part = fitted(block.lines, Math.min(left, at === 0 ? first : 1200));
    const size = byteLength(part) + 2;
    // A failure that is cut to a few lines says less than its name.
    if (at > 0 && (size > left || left < 200)) break;
    parts.push(part);
    left -= size;
  }
  const names = blocks.slice(at).map(({ lines: [name = ''] }) => name.trim());
  if (names.length > 0) {
    const named = names.slice(0, MAX_NAMED).map((name) => cutTo(name, 60));
    parts.push(`${names.length} more, not shown here: ${cutTo(named.join('; '), 180)}`);
  }
  const shown = new Set(parts.join('\n').split('\n'));
  const rest = end.filter((line) => line.trim() !== '' && !shown.has(line));
  return [...parts, ...(rest.length === 0 ? [] : [`…\n${rest.join('\n')}`])].join('\n\n');
}

/** A failure in a number of bytes: unchanged lines of its difference are left out first, then its middle. */
function fitted(lines: readonly string[], max: number): string {
  const whole = lines.join('\n');
  if (byteLength(whole) <= max) return whole;
  const changed = withoutContext(lines);
  const text = changed.join('\n');
  if (byteLength(text) <= max) return text;
  return headAndTail(changed, max, 0.7);
}

/** Of runs of lines that a difference does not change, the first and the last stay. */
function withoutContext(lines: readonly string[]): string[] {
  const from = lines.findIndex((line) =>
    /^\s*(?:[-+] (?:Expected|Received|expected|actual)\b|\+ (?:actual|expected) - )/.test(line),
  );
  if (from < 0) return [...lines];
  const kept = lines.slice(0, from + 1);
  let run: string[] = [];
  const flush = () => {
    kept.push(...(run.length <= 3 ? run : [run[0] as string, '  …', run.at(-1) as string]));
    run = [];
  };
  for (const line of lines.slice(from + 1)) {
    if (!/^\s*[-+]/.test(line) && line.trim() !== '') {
      run.push(line);
      continue;
    }
    flush();
    kept.push(line);
  }
  flush();
  return kept;
}

/** Where no failure is recognised: the beginning, lines that look like errors with their neighbours, and the end. */
function endsOf(lines: readonly string[]): string {
  const whole = lines.join('\n').trim();
  if (byteLength(whole) <= MAX_DECISIVE_BYTES) return whole;
  const head = firstOf(lines, 600);
  const tail = lastOf(lines, 1800);
  const middle = lines.slice(head.length, lines.length - tail.length);
  const telling: string[] = [];
  let last = -1;
  let left = 1400;
  for (const [at, line] of middle.entries()) {
    if (!LOOKS_LIKE_ERROR.test(line) || NOTHING_FAILED.test(line)) continue;
    const part = middle.slice(Math.max(last + 1, at - 1), at + 3);
    left -= byteLength(part.join('\n')) + 2;
    if (left < 0) break;
    telling.push(...(last >= 0 && at - 1 <= last + 1 ? [] : ['…']), ...part);
    last = at + 2;
  }
  return [...head, ...telling, '…', ...tail].join('\n');
}

function headAndTail(lines: readonly string[], max: number, share: number): string {
  const head = firstOf(lines, Math.floor(max * share));
  const rest = lines.slice(head.length);
  const tail = lastOf(rest, max - byteLength(head.join('\n')) - 8);
  return [...head, '…', ...tail].join('\n');
}

function firstOf(lines: readonly string[], max: number): string[] {
  const kept: string[] = [];
  let left = max;
  for (const line of lines) {
    left -= byteLength(line) + 1;
    if (left < 0) break;
    kept.push(line);
  }
  return kept;
}

function lastOf(lines: readonly string[], max: number): string[] {
  return firstOf([...lines].reverse(), max).reverse();
}

function cutTo(text: string, length: number): string {
  return text.length > length ? `${text.slice(0, length)}…` : text;
}
