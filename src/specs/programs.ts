/** Checks that the programs of gates exist. Reads shell lines only roughly; knows no PATH and runs nothing. */

import type { Config } from '../model/config.js';
import { type Command, commandText, type Feature, type GateSpec } from '../model/task.js';
import type { SpecProblem } from './problem.js';

/** Words that a shell understands by itself, and that stand where a program would. */
const BUILT_IN = new Set(
  (
    '! . : [ [[ { ( alias bg break case cd command continue do done echo elif else esac eval exec exit export false ' +
    'fg fi for function getopts hash if in jobs kill local printf pwd read readonly return select set shift source ' +
    'test then time times trap true type ulimit umask unalias unset until wait while'
  ).split(' '),
);

/**
 * The gates of tasks and of the config whose program is not on PATH; `placeProblems` gives them their places. Only
 * the first program of a shell line is looked at; paths (`./check`) are not, a task may make them.
 */
export function missingPrograms(
  features: readonly Pick<Feature, 'tasks'>[],
  config: Pick<Config, 'gates'>,
  onPath: (program: string) => boolean,
): SpecProblem[] {
  const known = new Map<string, boolean>();
  const missing = (gate: GateSpec): string | undefined => {
    const program = firstProgram(gate.command);
    if (program === undefined) return undefined;
    const there = known.get(program) ?? onPath(program);
    known.set(program, there);
    return there ? undefined : program;
  };
  const problems: SpecProblem[] = [];
  for (const { tasks } of features) {
    for (const { verify, source } of tasks) {
      for (const gate of verify) {
        const program = missing(gate);
        if (program === undefined) continue;
        const entry = commandText(gate.command);
        problems.push({ file: source.file, path: [...source.path, 'verify'], entry, ...sentence(program) });
      }
    }
  }
  for (const kind of ['task', 'build'] as const) {
    for (const gate of config.gates[kind]) {
      const program = missing(gate);
      if (program === undefined) continue;
      const { message, hint } = sentence(program);
      problems.push({
        file: 'conductor.config.ts',
        path: ['gates', kind],
        message: `${message} (gates.${kind}: ${gate.name})`,
        hint,
      });
    }
  }
  return problems;
}

function sentence(program: string): { message: string; hint: string } {
  return {
    message: `the gate's program \`${program}\` is not where a gate looks for it`,
    hint: 'install it, link it (`workspace.link`, `workspace.read`), or correct the command of the gate',
  };
}

/** The program that a command starts first; undefined when that is the shell's own business or a path. */
export function firstProgram(command: Command): string | undefined {
  if (typeof command !== 'string') return asProgram(command[0] ?? '');
  // A `(` opens a sub-shell; what is in it comes first.
  let rest = command.replace(/^(?:\s+|[({!](?=[\s({!]|\w))+/, '');
  for (;;) {
    const { word, after, isPlain } = firstWord(rest);
    if (word === '' && after === '') return undefined;
    if (isPlain && /^[A-Za-z_][A-Za-z0-9_]*\+?=/.test(word)) rest = after;
    else if (isPlain && word === 'env') rest = after.replace(/^\s*-\S*/, '');
    else return BUILT_IN.has(word) || /[$`*?]/.test(word) ? undefined : asProgram(word);
  }
}

function asProgram(word: string): string | undefined {
  return word === '' || word.includes('/') ? undefined : word;
}

/** The first word of a shell line without its quotes. `isPlain`: it does not begin with a quote. */
function firstWord(line: string): { word: string; after: string; isPlain: boolean } {
  const text = line.trimStart();
  let word = '';
  let quote = '';
  let i = 0;
  for (; i < text.length; i++) {
    const sign = text[i] as string;
    if (quote !== '') {
      if (sign === quote) quote = '';
      else if (sign === '\\' && quote === '"') word += text[++i] ?? '';
      else word += sign;
    } else if (sign === '"' || sign === "'") quote = sign;
    else if (sign === '\\') word += text[++i] ?? '';
    else if (/[\s;&|<>()]/.test(sign)) break;
    else word += sign;
  }
  return { word, after: text.slice(Math.max(i, 1)), isPlain: text[0] !== '"' && text[0] !== "'" };
}
