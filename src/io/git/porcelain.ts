/** The adapter of simple-git: information about a checkout, where exit codes and speed do not matter. */

import { gitEnvironment } from './git-process.js';

/** Files with staged changes, relative to the root of the work tree. */
export async function stagedFiles(top: string): Promise<Set<string>> {
  const { simpleGit } = await import('simple-git');
  const { PATH = '', HOME = '', LC_ALL = 'C' } = gitEnvironment({});
  const git = simpleGit({
    baseDir: top,
    config: ['core.hooksPath=/dev/null', 'core.fsmonitor=false'],
    // These two settings are unsafe when they name programs; here they name none.
    unsafe: { allowUnsafeHooksPath: true, allowUnsafeFsMonitor: true },
  });
  // A small environment of our own: simple-git refuses to pass on what could make git run programs.
  const status = await git.env({ PATH, HOME, LC_ALL }).status(['--no-renames']);
  return new Set(status.staged);
}
