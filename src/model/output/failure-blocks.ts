/**
 * Finds the single failures in the output of test runners, compilers and linters. Knows what each program prints, and
 * nothing of limits.
 */

import { indentOf } from './output-lines.js';

/** One failure: a failing test with its difference, or an error of a compiler with its source line. */
export interface FailureBlock {
  /** The line of the output where it begins. */
  readonly at: number;
  readonly lines: readonly string[];
  /** Warnings and layout: they count only when there is nothing else. */
  readonly isMinor?: boolean;
}

/** A line of a source file, as it stands in the tree that was checked; undefined: unknown. */
export type SourceLine = (path: string, line: number) => string | undefined;

type Format = (lines: readonly string[], source: SourceLine) => FailureBlock[];

export function failureBlocks(lines: readonly string[], source: SourceLine): FailureBlock[] {
  const seen = new Set<string>();
  const blocks = FORMATS.flatMap((format) => format(lines, source))
    .map((block) => ({ ...block, lines: trimmed(block.lines) }))
    .filter((block) => block.lines.length > 0)
    .sort((a, b) => a.at - b.at || b.lines.length - a.lines.length);
  let end = -1;
  return blocks.filter((block) => {
    const text = block.lines.join('\n');
    // Runners repeat failures at their end; formats that resemble each other find the same.
    if (seen.has(text) || block.at < end) return false;
    seen.add(text);
    end = block.at + block.lines.length;
    return true;
  });
}

/** Places that an output names without showing the source: `src/a.ts` and the line. */
export function namedPlaces(lines: readonly string[]): { path: string; line: number }[] {
  const places: { path: string; line: number }[] = [];
  failureBlocks(lines, (path, line) => {
    places.push({ path, line });
    return undefined;
  });
  return places;
}

/** From each line that begins a block to the line before its end, or before the next begin. */
function sections(
  lines: readonly string[],
  isStart: (line: string, at: number) => boolean,
  isEnd: (line: string, at: number, start: number) => boolean,
): FailureBlock[] {
  const blocks: FailureBlock[] = [];
  for (let at = 0; at < lines.length; at++) {
    if (!isStart(lines[at] ?? '', at)) continue;
    let end = at + 1;
    while (end < lines.length && !isStart(lines[end] ?? '', end) && !isEnd(lines[end] ?? '', end, at)) end++;
    blocks.push({ at, lines: lines.slice(at, end) });
    at = end - 1;
  }
  return blocks;
}

const vitest: Format = (lines) => [
  ...sections(
    lines,
    (line) => /^ FAIL {2}\S/.test(line),
    (line) => /^⎯{3,}/.test(line),
  ),
  ...sections(
    lines,
    (line) => /^⎯+ Unhandled /.test(line),
    (line) => /^⎯{3,}/.test(line),
  ),
];

const jest: Format = (lines) =>
  sections(
    lines,
    (line) => /^ {2}● (?!Console$)\S/.test(line),
    (line) => /^(?:Test Suites:|PASS |FAIL |Summary of all failing)/.test(line) || line === '  ● Console',
  );

const nodeSpec: Format = (lines) => {
  const from = lines.lastIndexOf('✖ failing tests:');
  if (from < 0) return failingLines(lines);
  return sections(
    lines,
    (line, at) => at > from && line.startsWith('test at '),
    (line) => line !== '' && indentOf(line) === 0 && !line.startsWith('✖ '),
  );
};

/** A failing test of a reporter that prints it where it happened, with what is indented below it. */
function failingLines(lines: readonly string[]): FailureBlock[] {
  return sections(
    lines,
    (line, at) => /^\s*✖ .*\(\d[\d.]*m?s\)$/.test(line) && indentOf(lines[at + 1] ?? '') > indentOf(line),
    (line, _at, start) => line !== '' && indentOf(line) <= indentOf(lines[start] ?? ''),
  );
}

const tap: Format = (lines) =>
  sections(
    lines,
    (line) => /^\s*not ok\b(?!.*# (?:TODO|SKIP))/i.test(line),
    (line, at, start) =>
      lines[at - 1]?.trim() === '...' ||
      (line !== '' && indentOf(line) <= indentOf(lines[start] ?? '') && !/^\s*# (?!Subtest)/.test(line)),
  ).filter(({ lines: block }) => !block.some((line) => line.includes("'subtestsFailed'")));

const mocha: Format = (lines) => {
  const from = lines.findIndex((line) => /^\s+\d+ failing$/.test(line));
  if (from < 0) return [];
  return sections(
    lines,
    (line, at) => at > from && /^ {2}\d+\) \S/.test(line),
    (line) => /^(?:npm |\S+ ERR!|> )/.test(line),
  );
};

const TSC = /^(\S.*?)\((\d+),\d+\): error TS\d+: /;
const typescript: Format = (lines, source) => [
  ...sections(
    lines,
    (line) => TSC.test(line) || /^error TS\d+: /.test(line),
    (line) => indentOf(line) === 0,
  ).map(({ at, lines: block }) => ({ at, lines: withSource(block, TSC.exec(block[0] ?? ''), source) })),
  ...sections(
    lines,
    (line) => /^\S.*:\d+:\d+ - error TS\d+: /.test(line),
    (line) => /^(?:Found \d+ errors?|Errors {2}Files)/.test(line),
  ),
];

/** A file's name on a line of its own, then its problems; warnings are left out. */
const eslint: Format = (lines, source) => {
  const PROBLEM = /^\s+(\d+):\d+\s+error\s/;
  return lines.flatMap((file, at) => {
    if (file === '' || indentOf(file) > 0 || !/^\s+\d+:\d+\s+(?:error|warning)\s/.test(lines[at + 1] ?? ''))
      return [];
    const end = lines.findIndex((line, after) => after > at && indentOf(line) === 0);
    const found = lines.slice(at + 1, end < 0 ? lines.length : end).filter((line) => PROBLEM.test(line));
    const shown = found.flatMap((line) => {
      const number = Number(PROBLEM.exec(line)?.[1]);
      const text = source(file, number);
      return text === undefined ? [line] : [line, numbered(number, text)];
    });
    return found.length === 0 ? [] : [{ at, lines: [file, ...shown] }];
  });
};

const biome: Format = (lines) =>
  sections(
    lines,
    (line) => /^\S+ .*━{5,}$/.test(line),
    (line) => /^(?:Checked \d|Found \d|The number of diagnostics)/.test(line),
  )
    .filter(({ lines: block }) => !/^(?:check|lint|format|ci) ━/.test(block[0] ?? ''))
    .map((block) => {
      const head = (block.lines[0] ?? '').replace(/ *━+$/, '');
      const isMinor = / format$| assist\//.test(head) || !block.lines.some((line) => /^ {2}× /.test(line));
      return { at: block.at, lines: [head, ...block.lines.slice(1)], ...(isMinor ? { isMinor } : {}) };
    });

const pytest: Format = (lines) => {
  const RULE = /^=+ (.+?) =+$/;
  let title = '';
  const failing = new Set<number>();
  for (const [at, line] of lines.entries()) {
    title = RULE.exec(line)?.[1] ?? title;
    if (title === 'FAILURES' || title === 'ERRORS') failing.add(at);
  }
  return sections(
    lines,
    (line, at) => failing.has(at) && /^_{3,} .+ _{3,}$/.test(line),
    (line) => RULE.test(line),
  );
};

const GO_ERROR = /^(?:vet: )?(\S+\.go):(\d+):\d+: /;
const go: Format = (lines, source) => [
  ...sections(
    lines,
    (line) => line.startsWith('--- FAIL: '),
    (line) => line !== '' && indentOf(line) === 0,
  ),
  ...sections(
    lines,
    (line) => /^(?:panic|fatal error): /.test(line),
    (line) => /^(?:FAIL|ok|exit status)\b/.test(line),
  ),
  ...sections(
    lines,
    (line) => GO_ERROR.test(line),
    (line) => indentOf(line) === 0,
  ).map(({ at, lines: block }) => ({ at, lines: withSource(block, GO_ERROR.exec(block[0] ?? ''), source) })),
];

const cargo: Format = (lines) => [
  ...sections(
    lines,
    (line) => /^error(?:\[E\d+\])?: (?!could not compile|test failed|aborting due)/.test(line),
    (line) => line === '',
  ),
  ...sections(
    lines,
    (line) => /^---- .+ stdout ----$/.test(line),
    (line) => line === 'failures:' || line.startsWith('stack backtrace:') || line.startsWith('note: '),
  ),
];

/** `file:line:column: error: text`, as compilers of C and many others print it. */
const compiler: Format = (lines) =>
  sections(
    lines,
    (line) => /^\S.*:\d+:\d+: (?:fatal )?error: /.test(line),
    (line) => indentOf(line) === 0,
  );

/** An exception that ended a program. */
const exception: Format = (lines) => [
  ...sections(
    lines,
    (line) => line.startsWith('Traceback (most recent call last):'),
    (_line, at) => /^\S/.test(lines[at - 1] ?? '') && !(lines[at - 1] ?? '').startsWith('Traceback'),
  ),
  ...lines.flatMap((line, at) => {
    if (!/^\s*at .+:\d+:\d+\)?$/.test(line) || /^\s*at /.test(lines[at - 1] ?? '')) return [];
    let from = at;
    while (from > 0 && at - from < 8 && !/^(?:\w*Error|Uncaught)\b/.test(lines[from] ?? '')) from--;
    if (!/^(?:\w*Error|Uncaught)\b/.test(lines[from] ?? '')) return [];
    // Node prints the place, the source line and a mark before the error.
    const mark = lines.slice(Math.max(0, from - 3), from).findIndex((one) => /^\s*\^+$/.test(one));
    const start = mark < 0 ? from : Math.max(0, from - 3 + mark - 2);
    let end = at;
    while (/^\s*at /.test(lines[end] ?? '')) end++;
    return [{ at: start, lines: lines.slice(start, end) }];
  }),
];

const FORMATS: readonly Format[] = [
  vitest,
  jest,
  nodeSpec,
  tap,
  mocha,
  typescript,
  eslint,
  biome,
  pytest,
  go,
  cargo,
  compiler,
  exception,
];

function withSource(
  block: readonly string[],
  place: RegExpExecArray | null,
  source: SourceLine,
): readonly string[] {
  const [, path, line] = place ?? [];
  const text = path === undefined ? undefined : source(path, Number(line));
  return text === undefined ? block : [...block, numbered(Number(line), text)];
}

function numbered(line: number, text: string): string {
  return `    ${line} | ${text.trimEnd().slice(0, 200)}`;
}

function trimmed(lines: readonly string[]): readonly string[] {
  let end = lines.length;
  while (end > 0 && (lines[end - 1] ?? '').trim() === '') end--;
  return lines.slice(0, end);
}
