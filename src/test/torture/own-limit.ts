/** Lowers a limit of the system for this process for a while. */

import { execFileSync } from 'node:child_process';

/** Linux with `prlimit`. */
export const canLimit = (() => {
  try {
    execFileSync('prlimit', ['--version'], { stdio: 'ignore' });
    return process.platform === 'linux';
  } catch {
    return false;
  }
})();

/** Sets a soft limit; what it returns sets the limit of before. */
export function limitOwn(name: 'fsize' | 'nofile', value: number): () => void {
  const pid = ['--pid', String(process.pid)];
  const show = ['--raw', '--noheadings', '--output', 'SOFT', `--${name}`];
  const before = execFileSync('prlimit', [...pid, ...show], { encoding: 'utf8' }).trim();
  const set = (soft: string) => execFileSync('prlimit', [...pid, `--${name}=${soft}:`]);
  set(String(value));
  return () => set(before);
}
