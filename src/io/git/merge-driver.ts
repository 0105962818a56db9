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

/** `start`: how conductor is started here. Undefined when there is one already, or when git cannot write its settings. */
export async function installMergeDriver(
  repository: Repository,
  start: string,
): Promise<{ readonly command: string; undo(): Promise<void> } | undefined> {
  if ((await mergeDriver(repository)) !== undefined) return undefined;
  const command = `${start} merge-lock %O %A %B %P`;
  const call = callOf(repository);
  const set = async (name: string, value: string) =>
    (await git(['config', '--local', `${KEY}.${name}`, value], call)).code === 0;
  const isSet =
    (await set('name', 'lock files of conductor, task by task')) && (await set('driver', command));
  if (!isSet) return undefined;
  return {
    command,
    undo: async () => {
      await git(['config', '--local', '--remove-section', KEY], call);
    },
  };
}

function callOf(repository: Repository): { gitDir: string; dir: string } {
  return { gitDir: repository.gitDir, dir: repository.top };
}
