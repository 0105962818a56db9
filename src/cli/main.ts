/** The command line: runs one command, turns its outcome into an exit code, and catches everything else. */

import { type Command, CommanderError } from 'commander';
import { createProgram } from './program.js';

/** Runs the command line of this process and sets its exit code. */
export async function main(argv: readonly string[] = process.argv): Promise<void> {
  let program: Command | undefined;
  // Whoever reads the output may stop (`| head`): the build goes on without a reader.
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') throw error;
    });
  }
  try {
    program = createProgram((code) => {
      process.exitCode = code;
    });
    await program.parseAsync([...argv]);
  } catch (error) {
    process.exitCode = await report(error);
  }
  // A config may have left timers or sockets behind; they do not keep a build that has ended.
  await Promise.all([flushed(process.stdout), flushed(process.stderr)]);
  process.exit();
}

function flushed(stream: NodeJS.WriteStream): Promise<void> {
  return new Promise((resolve) => {
    if (stream.destroyed || stream.errored) resolve();
    else stream.write('', () => resolve());
  });
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
