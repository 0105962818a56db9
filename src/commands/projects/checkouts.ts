/** The folders of listed projects: those with a git address are cloned, and conductor's own clones are brought up to date. */

import { dirname } from 'node:path';
import { err, ok, type Result } from '../../base/result.js';
import { exists, makeDir } from '../../io/files.js';
import { cloneRepository, moveForward } from '../../io/git/upkeep/checkout.js';
import { withoutCredentials } from '../../model/address.js';
import type { Failure } from '../../model/failure.js';
import type { ListedProject } from '../../model/projects/project-list.js';

/**
 * Makes the folder of a project ready to be built. `say` is told what was done. Fails with `git-failed` where it cannot be
 * cloned, and with `usage` where there is no folder.
 */
export async function checkOut(
  project: ListedProject,
  { say, signal }: { say(what: string): void; readonly signal: AbortSignal },
): Promise<Result<undefined, Failure>> {
  const { folder, git } = project;
  if (!git) return (await exists(folder)) ? ok(undefined) : err(noFolder(project));
  const options = { url: git.url, branch: git.branch, folder, signal };
  if (!(await exists(folder))) {
    await makeDir(dirname(folder));
    const failed = await cloneRepository(options);
    if (signal.aborted) return err({ kind: 'cancelled' });
    if (failed !== undefined) return err({ kind: 'git-failed', command: 'clone', detail: failed });
    say(`cloned ${withoutCredentials(git.url)}`);
    return ok(undefined);
  }
  // A folder that the list names is a person's: it is theirs to bring up to date.
  if (!project.isOwnCheckout) return ok(undefined);
  const moved = await moveForward(options);
  if (signal.aborted) return err({ kind: 'cancelled' });
  if (moved === 'moved') say('moved the clone forward to what its branch has');
  else if (typeof moved === 'object' && 'stays' in moved)
    say(`the clone stays as it is, because it cannot be moved forward: ${moved.stays}`);
  else if (typeof moved === 'object')
    say(`the clone stays as it is, because its repository cannot be reached: ${moved.failed}`);
  return ok(undefined);
}

/** Why a project cannot be looked at; undefined if it can. */
export async function absence(project: ListedProject): Promise<Failure | undefined> {
  if (await exists(project.folder)) return undefined;
  if (!project.git) return noFolder(project);
  const message = `${project.name} is not cloned yet`;
  return { kind: 'usage', message, hint: '`conductor projects build` clones it' };
}

function noFolder({ name, folder }: ListedProject): Failure {
  return {
    kind: 'usage',
    message: `the folder of ${name} does not exist: ${folder}`,
    hint: 'correct `path` in the list of projects, or name its repository in `git`',
  };
}
