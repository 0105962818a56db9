/**
 * Where names and paths stand that conductor does not rewrite, because they are in programs: settings of tools, and commands
 * of specs. Reads the project; changes nothing.
 */

import type { KeyPath } from '../../io/document/document.js';
import type { Command } from '../../model/task.js';
import { type Project, textIn } from '../../project/project.js';
import { placeProblems, type SpecProblem } from '../../specs/problem.js';
import type { RawBacklog, RawDefaults, RawTask } from '../../specs/raw.js';
import { readSpec } from './rewritten-specs.js';

const SETTINGS = /^(?:conductor\.config\.\w+|package\.json|\.github\/workflows\/[^/]+|\.gitlab-ci\.yml)$/;

/** Beside the code, what names paths: settings of tools in the folder of the project. */
const TOOL_SETTINGS =
  /^(?:[^/]+\.(?:toml|cfg|ini|json|ya?ml|mk)|[^/]+\.config\.[cm]?[jt]s|\.[^/]+rc(?:\.\w+)?|Makefile|GNUmakefile|Dockerfile|justfile|setup\.py|CODEOWNERS)$/;
const LOCK_FILE = /(?:^|[-.])lock(?:file)?\b/i;

/** Lines of settings (`<file>:<line>`) that name a feature, a task or a path, by file in byte order. */
export async function mentionsOf(
  { listing, objects, ownership }: Project,
  name: string,
  kind: 'path' | 'feature' | 'task' = 'feature',
): Promise<readonly string[]> {
  const found: string[] = [];
  for (const path of listing.paths) {
    const isTool = kind === 'path' && TOOL_SETTINGS.test(path) && !LOCK_FILE.test(path);
    if (!isTool && !SETTINGS.test(path)) continue;
    const entry = ownership.ownerOf(path) === undefined ? listing.get(path) : undefined;
    const text = entry?.mode.startsWith('100') ? await objects.read(entry.id) : undefined;
    const lines = text?.toString('utf8').split('\n') ?? [];
    for (const [at, line] of lines.entries()) if (names(line, name)) found.push(`${path}:${at + 1}`);
  }
  return found;
}

/** The lines of specs (`<file>:<line>`) whose `run`, `verify` or `format` names a path. */
export async function commandsNaming(project: Project, path: string): Promise<readonly string[]> {
  const found: SpecProblem[] = [];
  for (const feature of project.features.values()) {
    const read = await readSpec(project, feature);
    if (!read.ok) continue;
    const { value, isSingle } = read.value;
    const commands = isSingle ? commandsOf((value ?? {}) as RawTask, []) : allCommands(value as RawBacklog);
    for (const [at, text] of commands)
      if (names(text, path)) found.push({ file: feature.file, path: at, message: 'command' });
  }
  const placed = await placeProblems(found, (file) => textIn(project, file));
  return [...new Set(placed.map(({ file, line }) => (line === undefined ? file : `${file}:${line}`)))];
}

type FoundCommand = readonly [path: KeyPath, text: string];

function allCommands({ defaults = {}, tasks }: RawBacklog): readonly FoundCommand[] {
  return [
    ...commandsOf(defaults, ['defaults']),
    ...tasks.flatMap((task, i) => commandsOf(task, ['tasks', i])),
  ];
}

function commandsOf(task: RawDefaults & Pick<RawTask, 'run'>, path: KeyPath): readonly FoundCommand[] {
  const { run, verify = [], format = [] } = task;
  return [
    ...wordsOf(run, [...path, 'run']),
    ...(['verify', 'format'] as const).flatMap((key) =>
      (key === 'verify' ? verify : format).flatMap((step, i) => {
        const at = [...path, key, i];
        return typeof step === 'object' && 'run' in step
          ? wordsOf(step.run, [...at, 'run'])
          : wordsOf(step, at);
      }),
    ),
  ];
}

function wordsOf(command: Command | undefined, path: KeyPath): readonly FoundCommand[] {
  if (command === undefined) return [];
  if (typeof command === 'string') return [[path, command]];
  return command.map((word, i) => [[...path, i], word] as const);
}

/** Whether a text has the name as whole parts of a path: `out` stands in `build/out/a`, and not in `without` or `out.txt`. */
function names(text: string, name: string): boolean {
  const plain = name.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&');
  return new RegExp(`(?<![\\p{L}\\p{N}_.-])${plain}(?![\\p{L}\\p{N}_-]|\\.[\\p{L}\\p{N}_])`, 'u').test(text);
}
