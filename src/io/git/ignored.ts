/** Which ignore rule of a repository applies to a path. */

import { git } from './git-process.js';

/**
 * Whether a `.gitignore` of the repository ignores the path (relative to `dir`; a folder ends with `/`). What only this
 * machine ignores (`.git/info/exclude`, the person's own rules) does not count: nobody else has it.
 */
export async function isIgnored(dir: string, path: string): Promise<boolean> {
  const { code, stdout } = await git(['check-ignore', '--no-index', '-v', '-z', '--stdin'], {
    dir,
    input: `${path}\0`,
  });
  const [source = '', , pattern = ''] = stdout.toString('utf8').split('\0');
  return (
    code === 0 && /(?:^|\/)\.gitignore$/.test(source) && !source.startsWith('/') && !pattern.startsWith('!')
  );
}
