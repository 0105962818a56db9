/** The folders of listed projects: those with a git address are cloned, and conductor's own clones are brought up to date. */

import { rename } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { err, ok, type Result } from '../../base/result.js';
import { inSession, openWritingSession } from '../../build/project-session.js';
import { exists, makeTemporaryFolder, realFolder, removeTree, sweepTemporary } from '../../io/files.js';
import { type CloneOptions, cloneRepository, moveForward } from '../../io/git/upkeep/checkout.js';
import { withoutCredentials } from '../../model/address.js';
import type { Failure } from '../../model/failure.js';
import type { ListedProject } from '../../model/projects/project-list.js';
import type { Emit, Host } from '../../project/host.js';

export interface CheckOutParts {
  readonly host: Host;
  readonly command: string;
  /** Wait for another build of the project to end; otherwise fail with `locked`. */
  readonly wait: boolean;
  readonly signal: AbortSignal;
  readonly emit: Emit;
  /** Is told what was done. */
  say(what: string): void;
}

/**
 * Makes the folder of a project ready to be built. Fails with `git-failed` where it cannot be cloned, and with `usage` where
 * there is no folder, or something that is no clone.
 */
export async function checkOut(
  project: ListedProject,
  { host, command, wait, signal, emit, say }: CheckOutParts,
): Promise<Result<undefined, Failure>> {
  const { folder, git } = project;
  if (!git) {
    const absent = await absence(project);
    return absent ? err(absent) : ok(undefined);
  }
  const options = { url: git.url, branch: git.branch, folder, signal };
  if (!(await exists(folder))) {
    const failed = await cloneWhole(options);
    if (signal.aborted) return err({ kind: 'cancelled' });
    if (failed !== undefined) return err({ kind: 'git-failed', command: 'clone', detail: failed });
    say(`cloned ${withoutCredentials(git.url)}`);
    return ok(undefined);
  }
  // A folder that the list names is a person's: it is theirs to bring up to date.
  if (!project.isOwnCheckout) return ok(undefined);
  // Without its own repository, git would move the one around it.
  if (!(await exists(join(folder, '.git')))) return err(noClone(project));
  const session = openWritingSession(host, { command, wait, signal }, emit);
  const moved = await inSession(session, async () => ok(await moveForward(options)));
  if (signal.aborted) return err({ kind: 'cancelled' });
  if (!moved.ok) return moved;
  if (moved.value === 'moved') say('moved the clone forward to what its branch has');
  else if (typeof moved.value === 'object' && 'stays' in moved.value)
    say(`the clone stays as it is, because it cannot be moved forward: ${moved.value.stays}`);
  else if (typeof moved.value === 'object')
    say(`the clone stays as it is, because its repository cannot be reached: ${moved.value.failed}`);
  return ok(undefined);
}

/** Under another name until it is whole: a clone that was killed is never taken for one. */
async function cloneWhole(options: CloneOptions): Promise<string | undefined> {
  const { folder } = options;
  await sweepTemporary(dirname(folder));
  const temporary = await makeTemporaryFolder(dirname(folder));
  try {
    const clone = join(temporary, 'clone');
    const failed = await cloneRepository({ ...options, folder: clone });
    if (failed !== undefined) return failed;
    // Another process may have cloned it meanwhile: that one stays.
    if (!(await exists(folder))) await rename(clone, folder);
    return undefined;
  } finally {
    await removeTree(temporary);
  }
}

/** Why a project cannot be looked at; undefined if it can. */
export async function absence(project: ListedProject): Promise<Failure | undefined> {
  const { name, folder, isOwnCheckout } = project;
  if (await exists(folder)) {
    if ((await realFolder(folder)) === undefined) {
      const message = `${name} is no folder: ${folder}`;
      return { kind: 'usage', message, hint: 'correct `path` in the list of projects' };
    }
    const isClone = !isOwnCheckout || (await exists(join(folder, '.git')));
    return isClone ? undefined : noClone(project);
  }
  if (!project.git) return noFolder(project);
  const message = `${name} is not cloned yet`;
  return { kind: 'usage', message, hint: '`conductor projects build` clones it' };
}

function noFolder({ name, folder }: ListedProject): Failure {
  return {
    kind: 'usage',
    message: `the folder of ${name} does not exist: ${folder}`,
    hint: 'correct `path` in the list of projects, or name its repository in `git`',
  };
}

function noClone({ name, folder }: ListedProject): Failure {
  return {
    kind: 'usage',
    message: `the folder of ${name} is no clone of its repository: ${folder}`,
    hint: 'move the folder away; the next `conductor projects build` clones it again',
  };
}
