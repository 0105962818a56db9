/** Commands that format what a task wrote: as written, as resolved, and with the files in them. */

import { shellWord } from '../../base/shell-word.js';
import { escapeGlob } from '../paths/glob-parser.js';
import { parsePattern } from '../paths/pattern.js';
import { patternSet } from '../paths/pattern-set.js';
import { type Command, commandText } from './command.js';

/** A command, or a command with the files that it formats and the settings that it reads. */
export type FormatConfig =
  | Command
  | {
      readonly run: Command;
      readonly files?: string | readonly string[];
      readonly inputs?: readonly string[];
    };

export interface FormatStep {
  readonly command: Command;
  /** Undefined: all. */
  readonly files?: readonly string[];
  /** Hand-written files that it reads: its settings. */
  readonly inputs: readonly string[];
}

/** Where the place of the files is in a command. */
const FILES = '{files}';
/** Files of one call: the system limits how long a command line may be. */
const MAX_FILES = 500;

/** Files that hold nothing but the settings of formatters. */
const SETTINGS: readonly string[] = [
  '.editorconfig',
  '.prettierignore',
  ...['', '.json', '.yaml', '.yml', '.json5', '.js', '.cjs', '.mjs', '.ts', '.toml'].map(
    (end) => `.prettierrc${end}`,
  ),
  ...['js', 'cjs', 'mjs', 'ts'].map((end) => `prettier.config.${end}`),
  ...['biome.json', 'biome.jsonc', 'dprint.json', '.dprint.json'],
  ...['.clang-format', 'rustfmt.toml', '.rustfmt.toml', 'ruff.toml', '.ruff.toml', '.style.yapf'],
];

export function resolveFormat(format: FormatConfig): FormatStep {
  if (typeof format === 'string' || !('run' in format)) return { command: format, inputs: SETTINGS };
  const { run, files, inputs = SETTINGS } = format;
  if (files === undefined) return { command: run, inputs };
  return { command: run, files: typeof files === 'string' ? [files] : files, inputs };
}

/** Whether it can meet a file that a task with these patterns writes. */
export function formatsFilesOf(
  { files }: FormatStep,
  { outputs, edits }: { readonly outputs: readonly string[]; readonly edits: readonly string[] },
): boolean {
  if (files === undefined) return true;
  const written = patternSet([...outputs, ...edits.map(escapeGlob)]);
  return patternSet(files).includes.some(({ text }) => written.mayMeet(parsePattern(text)));
}

/** The commands that format these files: none where it is for others. */
export function formatCommands({ command, files }: FormatStep, paths: readonly string[]): Command[] {
  const set = files && patternSet(files);
  const own = paths
    .filter((path) => set?.matches(path) ?? true)
    .map((path) => (path.startsWith('-') ? `./${path}` : path));
  const commands: Command[] = [];
  for (let at = 0; at < own.length; at += MAX_FILES)
    commands.push(withFiles(command, own.slice(at, at + MAX_FILES)));
  return commands;
}

export function formatName({ command }: FormatStep): string {
  return `format: ${commandText(command)}`;
}

function withFiles(command: Command, paths: readonly string[]): Command {
  if (typeof command !== 'string') {
    const hasPlace = command.includes(FILES);
    return hasPlace ? command.flatMap((one) => (one === FILES ? paths : [one])) : [...command, ...paths];
  }
  const words = paths.map(shellWord).join(' ');
  return command.includes(FILES) ? command.replaceAll(FILES, () => words) : `${command} ${words}`;
}
