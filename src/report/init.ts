/** What `conductor init` did and what comes next, for people. Knows no disk. */

import { type Style, visible } from './style.js';

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
}

export function initText(
  { start, config, toolchain }: InitFacts,
  { gates }: { readonly gates: readonly string[] },
  { written, added, kept, example }: InitOutcome,
  style: Style,
): string {
  const line = (colour: 'green' | 'yellow', word: string, text: string) =>
    `${style(colour, word.padEnd(7))} ${visible(text)}`;
  const steps = [
    example === undefined
      ? [`${start} new`, 'writes a first feature from a template']
      : [`${start} build`, `builds the example, ${example}`],
    [`${start} new --list`, 'describes the templates for your own features'],
    ['git add -A && git commit', 'keeps what was made'],
  ] as const;
  const width = Math.max(...steps.map(([command]) => command.length));
  return [
    ...written.map((path) => line('green', 'wrote', path)),
    ...added.map(({ file, lines }) => line('green', 'added', `${lines.join(', ')} to ${file}`)),
    ...kept.map((path) => line('yellow', 'kept', `${path}: it was there already`)),
    ...toolchain.missing.map(({ gate, program }) =>
      line('yellow', 'no gate', `${gate.command}: ${program} is not on PATH`),
    ),
    '',
    ...(config === undefined ? [gatesText(gates), ''] : []),
    'Next:',
    ...steps.map(([command, what]) => `  ${style('bold', visible(command).padEnd(width))}  ${what}`),
  ].join('\n');
}

function gatesText(gates: readonly string[]): string {
  if (gates.length === 0) return 'No gates: what is built is kept as it is. Add some in conductor.config.ts.';
  return `Before anything is kept, these must pass: ${gates.map((gate) => `\`${visible(gate)}\``).join(', ')}`;
}
