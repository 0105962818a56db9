/** Which ignore rule of a repository applies to a path. */

import { git } from './git-process.js';

/**
 * The paths that a `.gitignore` of the repository ignores (relative to `dir`; a folder ends with `/`). What only this
 * machine ignores (`.git/info/exclude`, the person's own rules) does not count: nobody else has it.
 */
export async function ignoredPaths(dir: string, paths: readonly string[]): Promise<Set<string>> {
  const found = new Set<string>();
  if (paths.length === 0) return found;
  const { stdout } = await git(['check-ignore', '--no-index', '-v', '-z', '--stdin'], {
    dir,
    input: paths.map((path) => `${path}\0`).join(''),
  });
  const words = stdout.toString('utf8').split('\0');
  for (let at = 0; at + 3 < words.length; at += 4) {
    const [source = '', , pattern = '', path = ''] = words.slice(at, at + 4);
    const isShared = /(?:^|\/)\.gitignore$/.test(source) && !source.startsWith('/');
    if (isShared && !pattern.startsWith('!')) found.add(path);
  }
  return found;
}

export async function isIgnored(dir: string, path: string): Promise<boolean> {
  return (await ignoredPaths(dir, [path])).has(path);
}
