/**
 * Tells from the output of a failed gate whether it could not start at all, so that no work on the task could make it pass.
 * Everything that it does not know for sure is a gate that fails as it should.
 */

import { outputLines } from './output-lines.js';

export interface CannotStart {
  readonly why: string;
  /** What a person can do. */
  readonly advice: string;
  /** The part of the output that says so. */
  readonly shown: string;
}

/** What the task itself still writes: a gate that misses it fails as it should. */
export interface ToCome {
  /** A file or folder, as the output names it. */
  path(path: string): boolean;
  /** Any file with this ending. */
  ending(pattern: RegExp): boolean;
}

interface Rule {
  readonly pattern: RegExp;
  readonly exit?: number;
  why(found: RegExpMatchArray): string;
  readonly advice: string;
  /** What has to be there. If the task writes one of these, nothing is wrong. */
  needs?(found: RegExpMatchArray): readonly string[];
  /** Likewise, any file with such an ending. */
  readonly endings?: RegExp;
}

/** Lines of the output that are shown. */
const MAX_LINES = 16;
const INSTALL =
  'install it; in workspaces, `workspace.link` shows the `node_modules` of the project, and `workspace.setup` installs packages';
const NETWORK = `gates have no network unless the task says \`network: true\`: ${INSTALL}`;
const WRITE_FILE = 'write the file, or correct the command of the gate';
const CACHE =
  'let it write below the workspace or in a folder for temporary files (`$TMPDIR`): set the cache folder of the tool';
const PACKAGE = ['package.json'];

/** Programs that run checks: without them no check starts. Other packages may be a part of the task. */
const RUNNERS =
  '(?:vitest|jest|mocha|ava|tap|jasmine|typescript|tsx|ts-node|eslint|prettier|@biomejs/biome|@playwright/test|cypress|uvu|c8|nyc|pytest|tox|nox|mypy|ruff|flake8)';

const missingProgram = ([, name = '']: RegExpMatchArray) => `${name} is not installed`;
const first = ([, path = '']: RegExpMatchArray) => [path];
/** The pattern has the path of a file that the gate needs. */
const missing = (pattern: RegExp): Rule => ({
  pattern,
  why: ([, path]) => `${path} does not exist`,
  advice: WRITE_FILE,
  needs: first,
});
const readOnly = (pattern: RegExp): Rule => ({
  pattern,
  why: ([, path]) => `it may not write ${path}`,
  advice: CACHE,
});

/** The first rule that fits decides. */
const RULES: readonly Rule[] = [
  // Shells.
  {
    exit: 126,
    pattern: /([^\s:]+): (?:Permission denied|cannot execute.*)/,
    why: ([, path]) => `${path} cannot be executed`,
    advice: 'make it executable (`chmod +x`, and commit that), or call it through its interpreter',
    needs: first,
  },
  {
    exit: 127,
    pattern: /(?:^|\n)\S*sh: (?:line )?\d+: ([^\n:]+): (?:command )?not found/,
    why: ([, name = '']) => (name.includes('/') ? `${name} does not exist` : `${name} is not installed`),
    advice: INSTALL,
    // As a script of package.json, which may be the task's to change.
    needs: ({ 1: name = '', input = '' }) => [name, ...(/(?:^|\n)> /.test(input) ? PACKAGE : [])],
  },
  { exit: 127, ...missing(/(?:^|\n)(?:\S*sh: (?:line \d+: )?)?([^\s:]+): No such file or directory/) },
  {
    exit: 127,
    pattern: /([^\s:]+): command not found|command not found: (\S+)/,
    why: ([, name, other]) => `${name ?? other} is not installed`,
    advice: INSTALL,
  },
  missing(/(?:^|\n)\S*sh: 0: (?:cannot|can't) open '?([^\s']+?)'?(?::|\n|$)/i),
  { exit: 127, pattern: /^/, why: () => 'a program of it was not found', advice: INSTALL },
  // What may not be written.
  readOnly(/EROFS: read-only file system, \w+ '([^']+)'/),
  readOnly(/Read-only file system: '([^']+)'/),
  readOnly(/EACCES: permission denied, \w+ '([^']*(?:node_modules|cache)[^']*)'/),
  {
    pattern: /(?:failed to initialize build cache at|build cache is required, but could not be located).*/,
    why: ([line]) => line,
    advice: CACHE,
  },
  // npm, npx, yarn, pnpm.
  {
    pattern: /Missing script: "?([^"\n]+?)"?(?:\n|$)/i,
    why: ([, name]) => `package.json has no script ${name}`,
    advice: 'add the script to package.json, or correct the command of the gate',
    needs: () => PACKAGE,
  },
  {
    pattern:
      /Couldn't find a script named "([^"]+)"|ERR_PNPM_RECURSIVE_EXEC_FIRST_FAIL\s+Command "([^"]+)" not found/,
    why: ([, script, command]) => `${script ?? command} is neither a script of package.json nor installed`,
    advice: INSTALL,
    needs: () => PACKAGE,
  },
  {
    pattern: /Could not read package\.json|ERR_PNPM_NO_IMPORTER_MANIFEST_FOUND|Couldn't find a package\.json/,
    why: () => 'package.json does not exist',
    advice:
      'write it, or name it in `inputs`: a task with `inputs` and its gates see no other hand-written file',
    needs: () => PACKAGE,
  },
  {
    pattern: /npx canceled due to missing packages[^[]*\["([^"]+)"/,
    why: missingProgram,
    advice: INSTALL,
    needs: () => PACKAGE,
  },
  {
    pattern: /could not determine executable to run/,
    why: () => 'npx finds no program to run',
    advice: INSTALL,
    needs: () => PACKAGE,
  },
  {
    pattern: /npm (?:error|ERR!) code (?:ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ETIMEDOUT|ENETUNREACH|ECONNRESET)/,
    why: () => 'npm wants to download a package, and there is no network',
    advice: NETWORK,
  },
  // TypeScript.
  missing(/error TS5058: The specified path does not exist: '([^']+)'/),
  {
    pattern: /error TS5057: Cannot find a tsconfig\.json file at the specified directory: '([^']+)'/,
    why: ([, folder]) => `there is no tsconfig.json in ${folder}`,
    advice: WRITE_FILE,
    needs: ([, folder = '']) => [`${folder}/tsconfig.json`.replace(/^\.\//, '')],
  },
  {
    pattern: /error TS5081|(?:^|\n)tsc: The TypeScript Compiler - Version/,
    why: () => 'there is no tsconfig.json',
    advice:
      'write it, or name it in `inputs`: a task with `inputs` and its gates see no other hand-written file',
    needs: () => ['tsconfig.json'],
  },
  missing(/error TS5083: Cannot read file '([^']+)'/),
  {
    pattern: /error TS18003: No inputs were found in config file '([^']+)'/,
    why: ([, path]) => `${path} names no source file that is there`,
    advice: 'correct `include` and `files` of the config',
    endings: /\.[cm]?[jt]sx?$/,
  },
  {
    pattern: /error TS2688: Cannot find type definition file for '([^']+)'/,
    why: ([, name]) => `the types of ${name} are not installed`,
    advice: INSTALL,
    needs: () => PACKAGE,
  },
  // Test runners and linters of JavaScript.
  {
    pattern: /failed to load config from (\S+)/,
    why: ([, path]) => `${path} cannot be loaded`,
    advice: 'correct the config, and install what it imports',
    needs: ([, path = '']) => [path, ...PACKAGE],
  },
  missing(/resolving a config file path\.\s+Provided path to resolve: (\S+)/),
  {
    pattern: /Validation Error:\s+((?:Preset|Module|Test environment|Directory)\b.*)/,
    why: ([, what = '']) => `jest refuses its config: ${what.replace(/\.$/, '')}`,
    advice: INSTALL,
    needs: () => PACKAGE,
  },
  {
    pattern: /ESLint couldn't find (?:an? )?(?:eslint\.config|configuration)/,
    why: () => 'eslint finds no config',
    advice: 'write eslint.config.js',
    needs: () => ['eslint.config.js', 'eslint.config.mjs', 'eslint.config.ts', ...PACKAGE],
  },
  {
    pattern: new RegExp(`Cannot find (?:package|module) '(${RUNNERS})(?:/[^']*)?'`),
    why: missingProgram,
    advice: INSTALL,
    needs: () => PACKAGE,
  },
  // node.
  missing(/Error: Cannot find module '([^']+)'\n[\s\S]*requireStack: \[\]/),
  missing(/(?:^|\n)Could not find '([^']+)'\s*(?:\n|$)/),
  // Python.
  {
    pattern: /(?:^|\n)\S*python[\d.]*(?:\.exe)?: No module named '?([\w.]+)'?/,
    why: missingProgram,
    advice:
      'install it where gates find it, or run it through the environment of the project (`.venv/bin/python`)',
    needs: ([, name = '']) => [`${name.replaceAll('.', '/')}.py`, `${name.split('.')[0]}/`],
  },
  {
    pattern: new RegExp(`ModuleNotFoundError: No module named '(${RUNNERS})'`),
    why: missingProgram,
    advice: 'install it where gates find it',
  },
  missing(/can't open file '([^']+)': \[Errno 2\]/),
  missing(/ERROR: file or directory not found: ([^\s:]+)/),
  // Rust and Go.
  missing(/could not find `(Cargo\.toml)`/),
  {
    pattern: /error: no such (?:sub)?command: `([^`]+)`/,
    why: ([, name]) => `cargo has no command ${name}`,
    advice: 'install it (`rustup component add`, `cargo install`)',
  },
  {
    pattern: /go\.mod file not found|cannot find main module|does not contain main module/,
    why: () => 'go.mod does not exist',
    advice: 'write it (`go mod init`), or name it in `inputs`',
    needs: () => ['go.mod', 'go.work'],
  },
  {
    pattern: /dial tcp: lookup (\S+)|failed to (?:download|fetch) from `?https?:/,
    why: () => 'it wants to download packages, and there is no network',
    advice: NETWORK,
  },
  // Others.
  {
    pattern: /\*\*\* No targets specified and no makefile found/,
    why: () => 'there is no Makefile',
    advice: WRITE_FILE,
    needs: () => ['Makefile', 'makefile', 'GNUmakefile'],
  },
  {
    pattern: /there is no POM in this directory/,
    why: () => 'pom.xml does not exist',
    advice: WRITE_FILE,
    needs: () => ['pom.xml'],
  },
  {
    pattern: /Could not locate Gemfile/,
    why: () => 'Gemfile does not exist',
    advice: WRITE_FILE,
    needs: () => ['Gemfile'],
  },
  missing(/Could not open input file: (\S+)/),
];

/** Results of tests: the runner has started, and whatever else stands there is said by a test. */
const HAS_RUN =
  /(?:^|\n)\s*(?:(?:not )?ok \d+\b|--- FAIL|Tests?:? +\d+ (?:failed|passed)|\d+ (?:passing|failing)\b|test result: FAILED|=+ (?:.*, )?\d+ (?:failed|passed))/;

/** Where runners of tests write, and no code under test does. */
const OF_A_TOOL = /node_modules|cache/i;

/** `exitCode`: a signal by its name. Undefined: it started, or nothing tells that it did not. */
export function cannotStart(
  exitCode: number | string,
  output: string,
  toCome: ToCome,
): CannotStart | undefined {
  const text = outputLines(output).join('\n');
  const hasRun = HAS_RUN.test(text);
  for (const { pattern, exit, why, advice, needs, endings } of RULES) {
    if (exit === undefined ? hasRun && advice !== CACHE : exit !== exitCode) continue;
    const all = text.matchAll(new RegExp(pattern, `${pattern.flags}g`));
    // What the code under test may not write is for the agent to mend.
    const found = [...all].find(([line]) => exit !== undefined || !hasRun || OF_A_TOOL.test(line));
    if (!found) continue;
    const isToCome =
      (needs?.(found) ?? []).some((path) => toCome.path(path)) ||
      (endings !== undefined && toCome.ending(endings));
    return isToCome ? undefined : { why: why(found).trim(), advice, shown: around(text, found.index) };
  }
  return undefined;
}

/** A program that gets no work may print its whole help. */
function around(text: string, index: number): string {
  const lines = text.split('\n');
  if (lines.length <= MAX_LINES) return text.trim();
  const at = text.slice(0, index).split('\n').length - 1;
  return lines
    .slice(Math.max(0, at - 4), at + MAX_LINES - 4)
    .join('\n')
    .trim();
}
