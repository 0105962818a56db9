/**
 * Places in files that the output of compilers, linters and test runners names, with what is said there. Knows what
 * each program prints, no project and no annotation.
 */

import { outputLines } from './output-lines.js';

export interface ProblemPlace {
  /** As the program wrote it: relative to where it ran, or absolute. */
  readonly path: string;
  /** From 1. */
  readonly line: number;
  /** From 1; undefined where the program does not say. */
  readonly column: number | undefined;
  /** What the program says about the place; empty where only the place is known. */
  readonly message: string;
}

/** Places of one output: a compiler may name thousands. */
const MAX_PLACES = 50;
const MAX_MESSAGE = 500;

/** A place in one line: the groups `path`, `line`, `column` and `message`. The first format that fits counts. */
const IN_ONE_LINE: readonly RegExp[] = [
  // tsc, C#: src/a.ts(12,5): error TS2322: text
  /^(?<path>[^\s(][^(]*)\((?<line>\d+),(?<column>\d+)\): (?<message>(?:fatal )?error\b.*)$/,
  // tsc with colours: src/a.ts:12:5 - error TS2322: text
  /^(?<path>\S.*?):(?<line>\d+):(?<column>\d+) - (?<message>error .*)$/,
  // ESLint's compact format: src/a.js: line 12, col 5, Error - text
  /^(?<path>\S.*?): line (?<line>\d+), col (?<column>\d+), Error - (?<message>.*)$/,
  // Maven: [ERROR] /src/A.java:[12,5] text
  /^\[ERROR\] (?<path>\S.*?):\[(?<line>\d+),(?<column>\d+)\] (?<message>.*)$/,
  // PHP: PHP Parse error: text in src/a.php on line 12
  /^(?:PHP )?(?<message>(?:Parse|Fatal) error: .*?) in (?<path>\S.*?) on line (?<line>\d+)$/,
  // sh: scripts/check.sh: line 12: text; scripts/check.sh: 12: text
  /^(?<path>\S+\.\w+): (?:line )?(?<line>\d+): (?<message>\S.*)$/,
  // Compilers of C, Go, Java and Rust, ruff, mypy, flake8, shellcheck, rubocop, pytest: path:12:5: text
  /^(?:vet: )?(?<path>[^\s:][^:]*?\.\w+):(?<line>\d+)(?::(?<column>\d+))?: (?<message>\S.*)$/,
];

/** What is about a line but is no problem there. */
const NO_PROBLEM = /^(?:note|warning|info|help|hint|remark|debug)\b/i;
const ESLINT_FILE = /^(?:\/|\.{0,2}[\w@-]|[A-Za-z]:\\)[^:]*\.\w+$/;
const ESLINT_PROBLEM = /^\s+(?<line>\d+):(?<column>\d+)\s+error\s+(?<message>.*?)(?:\s{2,}\S+)?$/;
const BIOME = /^(?<path>\S+\.\w+):(?<line>\d+):(?<column>\d+) (?<rule>[\w/-]+)(?: +[A-Z]+)* *━{3,}/;
const RUST_PLACE = /^\s*--> (?<path>\S.*?):(?<line>\d+):(?<column>\d+)$/;
const RUST_ERROR = /^(?<message>error(?:\[E\d+\])?: .*)$/;
const RUST_PANIC = /panicked at (?<path>\S+?):(?<line>\d+):(?<column>\d+):?$/;
const PYTHON_FRAME = /^\s+File "(?<path>[^"<]+)", line (?<line>\d+)/;
const PYTHON_ERROR = /^(?<message>[\w.]*(?:Error|Exception|Warning|Interrupt|Exit)\b.*)$/;
/** Stack frames of JavaScript, of vitest (`❯ a.test.ts:4:5`) and of node's test runner (`at …`). */
const FRAME =
  /^\s*(?:at|❯) (?:.*[( ])?(?:file:\/\/)?(?<path>[^\s()]+\.\w+):(?<line>\d+):(?<column>\d+)\)?(?: \{)?$/;
const THROWN = /^\s*(?:Uncaught )?(?<message>(?:[A-Z]\w*)?Error\b.*)$/;
/** Jest names the test above what was expected. */
const JEST_TEST = /^ {2}● (?<message>\S.*)$/;
/** TAP of node's test runner: the test, then what was expected, then where it stands. */
const TAP_TEST = /^\s*not ok \d+ - (?<message>.*)$/;
const TAP_PLACE = /^\s*location: '(?<path>.+?):(?<line>\d+):(?<column>\d+)'$/;
const GO_TEST = /^\s+(?<path>[\w./-]+\.go):(?<line>\d+): (?<message>\S.*)$/;

/** Each place once, in the order of the output. Warnings and notes count as nothing. */
export function problemPlaces(text: string): ProblemPlace[] {
  const places = new Map<string, ProblemPlace>();
  for (const place of allPlaces(outputLines(text))) {
    const key = `${place.path}:${place.line}`;
    if (!places.has(key)) places.set(key, place);
    if (places.size === MAX_PLACES) break;
  }
  return [...places.values()];
}

function* allPlaces(lines: readonly string[]): Generator<ProblemPlace> {
  /** The file that ESLint lists problems of. */
  let file: string | undefined;
  /** The error that the next place belongs to. */
  let error = '';
  /** The last frame of a Python traceback: the error follows it. */
  let frame: ProblemPlace | undefined;
  let hasFrame = false;
  for (const [at, line] of lines.entries()) {
    const whole = firstMatch(line, IN_ONE_LINE);
    if (whole !== undefined && !NO_PROBLEM.test(whole.message)) {
      yield whole;
      continue;
    }
    if (ESLINT_FILE.test(line)) file = line;
    const ofFile = match(line, ESLINT_PROBLEM);
    if (ofFile && file !== undefined) yield place({ ...ofFile, path: file });
    const lint = match(line, BIOME);
    if (lint) yield place({ ...lint, message: biomeMessage(lines, at) ?? lint.rule });
    error = match(line, RUST_ERROR)?.message ?? error;
    const rust = match(line, RUST_PLACE);
    if (rust && error !== '') {
      yield place({ ...rust, message: error });
      error = '';
    }
    const panic = match(line, RUST_PANIC);
    if (panic) yield place({ ...panic, message: lines[at + 1] ?? '' });
    const python = match(line, PYTHON_FRAME);
    if (python && (frame === undefined || !isInPackage(python.path ?? ''))) frame = place(python);
    const raised = frame && match(line, PYTHON_ERROR);
    if (frame && raised) {
      yield { ...frame, message: bounded(raised.message ?? '') };
      frame = undefined;
    }
    const thrown = firstMatch(line, [THROWN, JEST_TEST, TAP_TEST])?.message;
    if (thrown !== undefined) [error, hasFrame] = [thrown, false];
    const called = match(line, FRAME) ?? match(line, TAP_PLACE);
    // What a package throws is about what called it.
    if (called?.path !== undefined && isInPackage(called.path)) continue;
    // The first frame of an error is where it was thrown: those below it only called.
    if (called && !hasFrame && error !== '') yield place({ ...called, message: error });
    hasFrame = called !== undefined;
    if (called) error = '';
    const go = match(line, GO_TEST);
    if (go) yield place(go);
  }
}

/** Packages of Node and Python lie below such folders, and Python's own library in a folder of its version. */
export function isInPackage(path: string): boolean {
  return /(?:^|[\\/])(?:node_modules|(?:site|dist)-packages|lib[\\/]python[\d.]+)[\\/]/.test(path);
}

/** Biome says on a line of its own what is wrong. */
function biomeMessage(lines: readonly string[], at: number): string | undefined {
  const said = lines.slice(at + 1, at + 4).find((line) => /^ {2}[×!i✖] /.test(line));
  return said?.slice(4);
}

type Groups = Readonly<Record<string, string | undefined>>;

function match(line: string, pattern: RegExp): Groups | undefined {
  return pattern.exec(line)?.groups;
}

function firstMatch(line: string, patterns: readonly RegExp[]): ProblemPlace | undefined {
  for (const pattern of patterns) {
    const groups = match(line, pattern);
    if (groups) return place(groups);
  }
  return undefined;
}

function place({ path = '', line, column, message = '' }: Groups): ProblemPlace {
  return {
    path: path.replace(/^\.\//, ''),
    line: Math.max(1, Number(line)),
    column: column === undefined ? undefined : Math.max(1, Number(column)),
    message: bounded(message.trim()),
  };
}

function bounded(text: string): string {
  return text.length > MAX_MESSAGE ? `${text.slice(0, MAX_MESSAGE)}…` : text;
}
