/**
 * Files that people wrote, that git tracks, and that the outputs of a task name all the same: they stay hand-written
 * until a person accepts or adopts them. Decides nothing else.
 */

import { git } from '../io/git/git-process.js';
import type { Repository } from '../io/git/repository.js';
import type { Label } from '../model/task.js';
import type { Files } from '../model/tree.js';
import type { RecordedOutputs } from './outputs/recorded-outputs.js';

/** Names in one call of git: a command line has a limit. */
const BATCH = 200;

/** Path to the task whose outputs name it. Files that git does not track may be left over from any tool. */
export async function claimedFiles(
  repository: Repository,
  owned: ReadonlyMap<Label, Files>,
  recorded: RecordedOutputs,
): Promise<ReadonlyMap<string, Label>> {
  const unknown = new Map<string, Label>();
  for (const [label, files] of owned)
    for (const path of files.keys()) if (!recorded.has(path)) unknown.set(path, label);
  const tracked = await trackedOf(repository, [...unknown.keys()]);
  return new Map([...unknown].filter(([path]) => tracked.has(path)));
}

/** Those of the paths that are in the person's index. */
async function trackedOf(repository: Repository, paths: readonly string[]): Promise<Set<string>> {
  const tracked = new Set<string>();
  const call = { gitDir: repository.gitDir, workTree: repository.top, dir: repository.project };
  for (let from = 0; from < paths.length; from += BATCH) {
    const names = paths.slice(from, from + BATCH).map((path) => `:(literal)${path}`);
    const listed = await git(['ls-files', '-z', '--cached', '--', ...names], call);
    for (const path of listed.stdout.toString('utf8').split('\0')) if (path !== '') tracked.add(path);
  }
  return tracked;
}
