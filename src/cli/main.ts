/** The command line: arguments to one command, its outcome to an exit code, and the only catch-all. */

import { type Command, CommanderError } from 'commander';
import { createProgram } from './program.js';

/** Runs the command line of this process and sets its exit code. */
export async function main(argv: readonly string[] = process.argv): Promise<void> {
  let program: Command | undefined;
  try {
    program = createProgram((code) => {
      process.exitCode = code;
    });
    await program.parseAsync([...argv]);
  } catch (error) {
    process.exitCode = await report(error);
  }
}

/** Usage errors were printed by the parser; anything else that is thrown is a bug of conductor's. */
async function report(error: unknown): Promise<number> {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
  const { asFailure } = await import('../io/files.js');
  const failure = asFailure(error);
  if (failure) {
    const { printFailure } = await import('./output.js');
    printFailure(failure);
    return 2;
  }
  const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
  process.stderr.write(`conductor: this is a bug in conductor, please report it\n${stack}\n`);
  return 2;
}
