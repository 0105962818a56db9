/** The merge driver of lock files in the settings of the person's repository. Written only when the person asked for it. */

import { git } from './git-process.js';
import type { Repository } from './repository.js';

/** What `.gitattributes` calls it. */
const MERGE_DRIVER = 'conductor-lock';

/** git merges lock files by the driver where it is set, else as text; reviews fold them. */
export const LOCK_ATTRIBUTES: readonly string[] = [
  '# Lock files of conductor: merged task by task, and folded in reviews.',
  ...['specs/**/.metadata.json', 'specs/**/*.spec.metadata.json'].map(
    (pattern) => `${pattern} merge=${MERGE_DRIVER} linguist-generated`,
  ),
];

const KEY = `merge.${MERGE_DRIVER}`;

/** Its command; undefined when none is set. */
export async function mergeDriver(repository: Repository): Promise<string | undefined> {
  const exit = await git(['config', '--get', `${KEY}.driver`], callOf(repository));
  return exit.code === 0 ? exit.stdout.toString('utf8').trim() : undefined;
}

/** False when git could not write its settings. `undefined` removes it. */
export async function setMergeDriver(repository: Repository, command: string | undefined): Promise<boolean> {
  const call = callOf(repository);
  if (command === undefined)
    return (await git(['config', '--local', '--remove-section', KEY], call)).code === 0;
  const name = await git(['config', '--local', `${KEY}.name`, 'lock files of conductor, task by task'], call);
  const driver = await git(['config', '--local', `${KEY}.driver`, command], call);
  return name.code === 0 && driver.code === 0;
}

function callOf(repository: Repository): { gitDir: string; dir: string } {
  return { gitDir: repository.gitDir, dir: repository.top };
}
