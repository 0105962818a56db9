/** The version of the installed git, and whether it is new enough. Opens no repository. */

import { err, ok, type Result } from '../../base/result.js';
import type { Failure } from '../../model/failure.js';
import { GitMissing, git } from './git-process.js';

export const NEEDED_GIT = '2.39';

/** The version in git's own words. Fails with `git-missing` or `git-too-old`. */
export async function gitVersion(): Promise<Result<string, Failure>> {
  try {
    const said = (await git(['version'])).stdout.toString('utf8').trim();
    const name = said.replace(/^git version /, '');
    const [major, minor] = NEEDED_GIT.split('.').map(Number) as [number, number];
    const version = /(\d+)\.(\d+)/.exec(said);
    const isNewEnough =
      version !== null && Number(version[1]) * 1000 + Number(version[2]) >= major * 1000 + minor;
    return isNewEnough ? ok(name) : err({ kind: 'git-too-old', version: name, needed: NEEDED_GIT });
  } catch (error) {
    if (error instanceof GitMissing) return err({ kind: 'git-missing', detail: error.message });
    throw error;
  }
}
