/** Asks an agent's program for its version. Does not interpret the answer. */

import { tmpdir } from 'node:os';
import { makeTemporaryFolder, removeTree } from '../io/files.js';
import type { Environment } from '../io/process/environment.js';
import { runProgram } from '../io/process/process.js';

/** A cold read of the program takes seconds. */
const VERSION_MS = 30_000;

/** Its words; undefined when it does not answer. Asked in a home of its own: even for this some make folders. */
export async function answeredVersion(program: string, env: Environment): Promise<string | undefined> {
  const home = await makeTemporaryFolder(tmpdir());
  try {
    const exit = await runProgram({
      command: [program, '--version'],
      cwd: home,
      env: { PATH: env.PATH, HOME: home, TMPDIR: home },
      timeoutMs: VERSION_MS,
    });
    return exit.kind === 'exited' && exit.code === 0 ? exit.tail : undefined;
  } finally {
    await removeTree(home);
  }
}
