/** Runs a command line in the process of the tests, in a folder, and says what it printed. Knows no project and no command. */

import { vi } from 'vitest';
import { runCommandLine } from '../../cli/main.js';

export interface Answer {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** The folder may be a function, for a process that cannot tell where it is. */
export async function runHere(folder: string | (() => string), args: readonly string[]): Promise<Answer> {
  const printed = { out: '', err: '' };
  const into = (name: keyof typeof printed) => (text: unknown) => {
    printed[name] += String(text);
    return true;
  };
  const spies = [
    vi.spyOn(process, 'cwd').mockImplementation(typeof folder === 'string' ? () => folder : folder),
    vi.spyOn(process.stdout, 'write').mockImplementation(into('out')),
    vi.spyOn(process.stderr, 'write').mockImplementation(into('err')),
  ];
  try {
    return { code: await runCommandLine(['node', 'conductor', ...args]), ...printed };
  } finally {
    for (const spy of spies) spy.mockRestore();
  }
}
