/** What `conductor init` did, and the next steps, for people. Knows no disk. */

import { type Style, visible } from './style.js';
import { wordLine, writtenLines } from './written-files.js';

export interface InitFacts {
  readonly start: string;
  /** The configuration that was there before. */
  readonly config: string | undefined;
  readonly toolchain: {
    readonly missing: readonly { readonly gate: { readonly command: string }; readonly program: string }[];
  };
}

export interface InitOutcome {
  readonly written: readonly string[];
  readonly added: readonly { readonly file: string; readonly lines: readonly string[] }[];
  readonly kept: readonly string[];
  readonly example: string | undefined;
  readonly mergeDriver: string | undefined;
}

export function initText(
  { start, config, toolchain }: InitFacts,
  { gates }: { readonly gates: readonly string[] },
  { written, added, kept, example, mergeDriver }: InitOutcome,
  style: Style,
): string {
  const steps = [
    example === undefined
      ? [`${start} new`, 'writes a feature from a template']
      : [`${start} build`, `builds the example, ${example}`],
    [`${start} new --list`, 'describes the templates for your own features'],
    ['git add -A && git commit', 'commits what was built'],
  ] as const;
  const width = Math.max(...steps.map(([command]) => command.length));
  return [
    ...writtenLines(written, style),
    ...added.map(({ file, lines }) => wordLine('added', `${lines.join(', ')} to ${file}`, style)),
    ...(mergeDriver === undefined
      ? []
      : [wordLine('added', 'the merge driver of lock files to the git settings of this repository', style)]),
    ...kept.map((path) => wordLine('kept', `${path}: exists already, left unchanged`, style)),
    ...(config === undefined ? toolchain.missing : []).map(({ gate, program }) =>
      wordLine('no gate', `${gate.command}: ${program} is not on PATH`, style),
    ),
    '',
    ...(config === undefined ? [gatesText(gates), ''] : []),
    'Next:',
    ...steps.map(([command, what]) => `  ${style('bold', visible(command).padEnd(width))}  ${what}`),
  ].join('\n');
}

function gatesText(gates: readonly string[]): string {
  if (gates.length === 0)
    return 'No gates: conductor accepts every result. Add gates in conductor.config.ts.';
  return `These gates must pass before conductor keeps a result: ${gates.map((gate) => `\`${visible(gate)}\``).join(', ')}`;
}
