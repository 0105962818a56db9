/** Ties a server's life to conductor's: the kernel kills the server when conductor ends. Linux with `setpriv`. */

import { type Environment, findProgram } from '../../../io/process/environment.js';
import { runProgram } from '../../../io/process/process.js';

/**
 * Words to put before a program's own, so that it dies with conductor even when that is killed: a server that lives
 * on works on, and is paid for. Empty where the system has nothing of the kind; then the next build ends it.
 */
export async function findLifeline(env: Environment): Promise<readonly string[]> {
  const setpriv = process.platform === 'linux' ? findProgram('setpriv', env) : undefined;
  if (setpriv === undefined) return [];
  const words = [setpriv, '--pdeathsig', 'KILL'];
  // A smaller `setpriv` than that of util-linux does not know the option.
  const exit = await runProgram({ command: [...words, 'true'], cwd: '/', env, timeoutMs: 5000 });
  return exit.kind === 'exited' && exit.code === 0 ? words : [];
}
