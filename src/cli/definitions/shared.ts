/** What the definitions of commands share: values of options and help. Knows no command. */

import { InvalidArgumentError } from 'commander';

export type SetExitCode = (code: number) => void;

export function examples(...lines: string[]): string {
  return `\nExamples:\n${lines.map((line) => `  ${line}`).join('\n')}`;
}

export function positiveInteger(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new InvalidArgumentError('must be a whole number from 1.');
  return value;
}
