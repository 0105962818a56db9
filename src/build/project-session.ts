/** Opens a project for one command: repository, lock, recovery of a killed build, config. Computes no verdict. */

import { join } from 'node:path';
import { err, ok, type Result } from '../base/result.js';
import {
  exists,
  makeTemporaryFolder,
  readBytes,
  removeTree,
  sweepTemporary,
  writeAtomic,
} from '../io/files.js';
import { IN_HOOK } from '../io/git/git-process.js';
import { GitObjects } from '../io/git/objects.js';
import { openRepository } from '../io/git/open-repository.js';
import type { Repository } from '../io/git/repository.js';
import { indexPacks } from '../io/git/upkeep/repair.js';
import { removeStaleLocks } from '../io/git/upkeep/stale-lock.js';
import { acquireLock, type LockHandle } from '../io/process-lock.js';
import type { Failure } from '../model/failure.js';
import type { Emit, Host } from '../project/host.js';
import { ownFolderProblem } from '../project/log-files.js';
import type { ProjectMemory } from '../project/project-memory.js';
import { copyIndex } from '../workspace/index-record.js';
import { recoverPublish } from '../workspace/publish.js';
import { COMMIT_JOURNAL } from '../workspace/publish-journal.js';
import { workspacesFolder } from '../workspace/workspace.js';
import { SessionState } from './session-state.js';

export interface Session {
  readonly repository: Repository;
  readonly objects: GitObjects;
  readonly sessionState: SessionState;
  /** That of the session state. */
  readonly memory: ProjectMemory;
  close(): Promise<void>;
}

export interface WritingOptions {
  readonly command: string;
  /** Wait for another build to end; otherwise fail with `locked`. */
  readonly wait: boolean;
  readonly signal: AbortSignal;
  /** Whether this process held the lock before and has swept since. Absent: it did not. */
  readonly isSwept?: boolean;
}

/** A session that may write: it holds the project's lock until it is closed. */
export async function openWritingSession(
  host: Host,
  options: WritingOptions,
  emit: Emit,
): Promise<Result<Session, Failure>> {
  const opened = await openRepository(host.directory);
  if (!opened.ok) return opened;
  const repository = opened.value;
  const objects = new GitObjects(repository);
  const lock = await lockProject(host, { repository, objects }, options, emit);
  if (!lock.ok) {
    await objects.close();
    return lock;
  }
  return ok(closing(host, { repository, objects }, { lock: lock.value }));
}

/** Takes the project lock and completes what a killed build left unfinished. */
export async function lockProject(
  host: Host,
  { repository, objects }: Pick<Session, 'repository' | 'objects'>,
  options: WritingOptions,
  emit: Emit,
): Promise<Result<LockHandle, Failure>> {
  const unsafe = ownFolderProblem(repository.project);
  if (unsafe) return err(unsafe);
  const startedAt = new Date(host.now()).toISOString();
  // A hook of `build --commit` runs below the build that holds the lock: to wait for it would never end.
  const isInHook = host.env[IN_HOOK] !== undefined;
  const lock = await acquireLock(
    repository.state,
    { command: options.command, pid: host.pid, startedAt },
    {
      wait: options.wait && !isInHook,
      signal: options.signal,
      onWaiting: (owner) =>
        emit({ type: 'build.waiting', pid: owner.pid, command: owner.command, since: owner.startedAt }),
    },
  );
  if (!lock.ok) return lock;
  try {
    // Before any workspace is used: what a killed build left may still write into one.
    await host.reapAgents?.();
    if (options.isSwept !== true || lock.value.foundOwner) await sweepProject(repository, host.cacheDir);
    const published = await recoverPublish(repository, objects);
    if (published === 'completed')
      emit({ type: 'build.recovered', what: 'completed the publishing of an interrupted build' });
    if (published === 'damaged') emit({ type: 'warning', message: HALF_PUBLISHED });
    if (await exists(join(repository.state, COMMIT_JOURNAL))) {
      const { recoverCommit } = await import('../workspace/commit/commit-journal.js');
      if ((await recoverCommit(repository)) === 'completed')
        emit({ type: 'build.recovered', what: 'cleaned up after an interrupted commit' });
    }
    return lock;
  } catch (error) {
    await lock.value.release();
    throw error;
  }
}

const HALF_PUBLISHED =
  'A build was interrupted while it wrote files, and what conductor noted of them is damaged: some of them may be incomplete. Compare them with `git diff`.';

/**
 * A session for looking only, beside a running build: it works on a copy of the private index, so that neither
 * waits for the other.
 */
export async function openReadingSession(host: Host): Promise<Result<Session, Failure>> {
  const opened = await openRepository(host.directory);
  if (!opened.ok) return opened;
  const shared = opened.value;
  const state = await makeTemporaryFolder(shared.state);
  await copyRecords(shared.state, state);
  // Where there is none, or a build is writing it, this session reads all files itself.
  await copyIndex(shared.state, state).catch(() => undefined);
  const repository: Repository = { ...shared, state };
  return ok(closing(host, { repository, objects: new GitObjects(repository) }, { scratch: state }));
}

/** What `use` makes of a session, which is closed whatever comes. */
export async function inSession<T, R = Result<T, Failure>>(
  opening: Promise<Result<Session, Failure>>,
  use: (session: Session) => Promise<R>,
): Promise<R | Result<never, Failure>> {
  const opened = await opening;
  if (!opened.ok) return opened;
  try {
    return await use(opened.value);
  } finally {
    await opened.value.close();
  }
}

/** What killed commands left: half-written files and folders, and locks of gits that are dead. The caller holds the lock. */
export async function sweepProject(repository: Repository, cacheDir: string): Promise<void> {
  const { home, store, state, project } = repository;
  const folders = [
    ...[home, join(home, 'claims'), store, state, join(project, '.conductor')],
    workspacesFolder(repository, cacheDir),
  ];
  for (const folder of folders) await sweepTemporary(folder);
  await removeStaleLocks(store);
  await indexPacks(store);
}

const COPIED = ['published.json', 'patched.json', 'locks.json', 'specs.json', 'last.json', 'waiting.json'];

async function copyRecords(from: string, to: string): Promise<void> {
  for (const name of COPIED) {
    const content = await readBytes(`${from}/${name}`);
    if (content) await writeAtomic(`${to}/${name}`, content);
  }
}

function closing(
  { common }: Host,
  { repository, objects }: Pick<Session, 'repository' | 'objects'>,
  { lock, scratch }: { readonly lock?: LockHandle; readonly scratch?: string },
): Session {
  const sessionState = new SessionState(common);
  return {
    repository,
    objects,
    sessionState,
    memory: sessionState.memory,
    async close() {
      await objects.close();
      if (scratch !== undefined) await removeTree(scratch);
      await lock?.release();
    },
  };
}
