/**
 * Finds out that a plain build has nothing to do, with two git processes and without reading a spec. Usually nothing is
 * written, and then no lock is taken either. Leaves every unusual case to the build itself, which does the same checks
 * in full.
 */

import { existsSync, lstatSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileIdentity, lookSync, readTextSync } from '../io/files.js';
import { locateRepository } from '../io/git/locate.js';
import { type GitAnswer, gitBeside, gitBoth, gitSync } from '../io/git/reading/sync-git.js';
import type { Repository } from '../io/git/repository.js';
import { isStoreCurrent } from '../io/git/store-config.js';
import { hashObject } from '../io/git/writing/object-bytes.js';
import { acquireLock, isOwned } from '../io/process-lock.js';
import {
  hasSameEnvironment,
  type LastBuild,
  lastBuildText,
  readLastBuild,
  writeLastBuild,
} from '../project/clone-records.js';
import type { Host } from '../project/host.js';
import { ownFolderProblem } from '../project/log-files.js';
import { isOutputsFile } from '../project/outputs/clone-outputs.js';
import { stillShown } from '../project/tracked-secrets.js';
import { UnsentEntries } from '../store/unsent.js';
import { isAsRecorded, isExactlyAsRecorded, personIdentity } from '../workspace/index-record.js';
import { areKnownLarge, othersArguments, pathsOf } from '../workspace/large-files.js';
import {
  CHANGED_ARGUMENTS,
  type ChangedFile,
  changedFilesIn,
  indexCall,
  isSameKind,
  pathspecs,
  REFRESH_ARGUMENTS,
  SECRETS_RECORD,
  takenInText,
  writeTreeArguments,
} from '../workspace/private-index.js';
import { COMMIT_JOURNAL, PUBLISH_JOURNAL } from '../workspace/publish-journal.js';
import type { SeenChanges } from '../workspace/reading/seen-changes.js';

/** What a host has to say for it. */
export interface QuickHost extends Pick<Host, 'directory' | 'env' | 'version' | 'pid' | 'now'> {
  /** Evaluates the config, and digests its value. */
  configDigest(project: string): Promise<string>;
  /** Called where a build certainly has more to do, while git still looks at the files. */
  onChanged?(): void;
}

/**
 * The number of tasks, all of them fresh, or which files have changed; undefined when that cannot be said so quickly. `command` is shown
 * to commands that wait for the project meanwhile.
 */
export async function quickCheck(
  host: QuickHost,
  command: string,
): Promise<number | SeenChanges | undefined> {
  const located = locateRepository(host.directory);
  if (!located.ok || !existsSync(located.value.state) || !isStoreCurrent(located.value)) return undefined;
  const repository = located.value;
  const scan = await scanWithoutLock(host, repository);
  if (scan.kind === 'unchanged') return scan.tasks;
  if (scan.kind === 'changed') return scan.seen;
  const startedAt = new Date(host.now()).toISOString();
  const owner = { command, pid: host.pid, startedAt };
  const lock = await acquireLock(repository.state, owner, { wait: false, brief: true });
  if (!lock.ok) return undefined;
  try {
    const last = readLastBuild(repository.state);
    if (!last || !isFor(host, repository, last)) return undefined;
    if (!(await isAsRecorded(repository))) return undefined;
    const person = await stillShown(repository, last);
    const others = scan.kind === 'touched' && scan.seen === seenIn(repository) ? 'known' : 'unknown';
    const index = person === undefined ? undefined : indexOfSameTree(repository, last, others);
    if (person === undefined || index === undefined) return undefined;
    if (person !== last.person || index !== last.index) {
      // No entry of that index has changed.
      const { rules } = last;
      const isOfIndex = others === 'known' && rules?.index === last.index;
      const kept = rules && isOfIndex ? { rules: { ...rules, index } } : {};
      await writeLastBuild(repository.state, { ...last, person, index, ...kept });
    }
    const isSameConfig =
      last.config === undefined || (await host.configDigest(repository.project)) === last.config;
    return isSameConfig ? last.tasks : undefined;
  } finally {
    await lock.value.release();
  }
}

type Scan =
  | { readonly kind: 'unchanged'; readonly tasks: number }
  /** `seen`: what was there when no file was new (`seenIn`). */
  | { readonly kind: 'touched'; readonly seen: string }
  | { readonly kind: 'changed'; readonly seen?: SeenChanges }
  | { readonly kind: 'unknown' };

/**
 * Whether git finds every file as the index has it. It only reads: a build that runs meanwhile, and leaves another record,
 * index or owner of the lock, is not disturbed, and nothing is said then.
 */
async function scanWithoutLock(host: QuickHost, repository: Repository): Promise<Scan> {
  const { state } = repository;
  const at = host.now();
  const unknown = { kind: 'unknown' } as const;
  const seen = seenIn(repository);
  const last = readLastBuild(state);
  if (!last || isOwned(state) || last.index === undefined || last.config !== undefined) return unknown;
  if (fileIdentity(join(state, 'index')) !== last.index) return unknown;
  if (personIdentity(repository) !== last.person || !isFor(host, repository, last)) return unknown;
  if (!isExactlyAsRecorded(repository)) return unknown;
  const [others, changed] = looks(host, repository, last);
  if (!hasKnownOthers(repository, last, await others)) {
    await changed;
    return { kind: 'changed' };
  }
  const { code, stdout } = await changed;
  if (code !== 0 || seenIn(repository) !== seen) return unknown;
  if (stdout.length === 0) return { kind: 'unchanged', tasks: last.tasks };
  // A file that was only touched is named as well: with the lock, the index is brought up to date, and then it is not.
  if (!hasChanged(repository, stdout)) return { kind: 'touched', seen };
  return { kind: 'changed', seen: { at, index: last.index, listed: stdout.toString('utf8') } };
}

/** So many outputs are looked at: a build with nothing to do waits for it. */
const LOOKED_AT = 4;

/** A sign that many outputs are to be restored. */
function isOutputMissing({ project }: Repository, { samples = [] }: LastBuild): boolean {
  return samples.slice(0, LOOKED_AT).some((path) => !lookSync(join(project, path)));
}

/**
 * What `hasKnownOthers` asks git, and which files are not as the index has them. Both only read, so they run side by side; if
 * outputs are missing, the host prepares the build beside them.
 */
function looks(
  host: QuickHost,
  repository: Repository,
  last: LastBuild,
): readonly [others: Answer, changed: Answer] {
  const call = indexCall(repository);
  const others = othersArguments(pathspecs(repository, last.secrets));
  if (!isOutputMissing(repository, last)) return gitBoth([others, CHANGED_ARGUMENTS], call);
  const both = [gitBeside(others, call), gitBeside(CHANGED_ARGUMENTS, call)] as const;
  host.onChanged?.();
  return both;
}

type Answer = GitAnswer | Promise<GitAnswer>;

/** Of so many named files the content is compared, and only of files of so many bytes. */
const FEW = 5;
const SMALL = 1_000_000;
/** Bytes in which the first few files are named. */
const FEW_BYTES = 25_000;

/** Whether one of the first files has certainly changed. One that git converts may count as changed although it has not. */
function hasChanged(repository: Repository, listed: Buffer): boolean {
  let seen = 0;
  for (const change of changedFilesIn(listed.toString('utf8', 0, FEW_BYTES))) {
    if (hasOtherContent(repository, change)) return true;
    if (++seen === FEW) return false;
  }
  return false;
}

function hasOtherContent({ top, objectFormat }: Repository, change: ChangedFile): boolean {
  if (change.status !== 'M' || change.before !== change.after) return true;
  const file = join(top, change.path);
  const found = statSync(file, { throwIfNoEntry: false });
  if (!isSameKind(change) || !found?.isFile() || found.size > SMALL) return false;
  return hashObject('blob', readFileSync(file), objectFormat) !== change.id;
}

/** What another build that ran meanwhile would have changed. */
function seenIn({ state }: Repository): string {
  return JSON.stringify([isOwned(state), lastBuildText(state), fileIdentity(join(state, 'index'))]);
}

/** Whether this build is one like the last one, in a project that needs nothing else first. */
function isFor(host: QuickHost, repository: Repository, last: LastBuild): boolean {
  if (last.version !== host.version || last.named.length > 0) return false;
  // Versions of tools are asked for by the build.
  if (last.toolchain !== undefined || !hasSameEnvironment(last, host.env)) return false;
  return (
    isAsLeft(repository, last) &&
    !isUnusual(repository, last, host.now()) &&
    ownFolderProblem(repository.project) === undefined
  );
}

/** Whether what git does not tell is as the last build left it: the record of outputs, and ignored files that were not there. */
export function isAsLeft({ project, state }: Repository, { published, absent = [] }: LastBuild): boolean {
  return isOutputsFile(state, published?.file) && !absent.some((path) => mayBeFile(join(project, path)));
}

/** Also where the system does not let this process look: the build that reads everything finds out. */
function mayBeFile(path: string): boolean {
  try {
    return lstatSync(path, { throwIfNoEntry: false })?.isDirectory() === false;
  } catch {
    return true;
  }
}

/** Something that a full build looks after first: what a killed one left, an index that takes in other files, results to send. */
function isUnusual({ home, store, state }: Repository, last: LastBuild, now: number): boolean {
  const index = join(state, 'index');
  const left = [PUBLISH_JOURNAL, COMMIT_JOURNAL].some((name) => existsSync(join(state, name)));
  if (!existsSync(index) || existsSync(`${index}.lock`) || left) return true;
  if (readTextSync(join(state, SECRETS_RECORD)) !== takenInText(last)) return true;
  if (new UnsentEntries(home).isAnyDue(now)) return true;
  return [home, store, state].some((folder) =>
    readdirSync(folder).some((name) => name.startsWith('.conductor-tmp-')),
  );
}

/**
 * Takes the snapshot: the private index as it is now, where it has the tree of the last build. An index that git left alone has
 * the tree that it had, so that the tree need not be written.
 */
function indexOfSameTree(
  repository: Repository,
  last: LastBuild,
  others: 'known' | 'unknown',
): string | undefined {
  if (others === 'unknown' && !hasKnownOthers(repository, last)) return undefined;
  const call = indexCall(repository);
  // Nothing is read into the index: a file that has grown may be too large, which the build finds out.
  if (gitSync(REFRESH_ARGUMENTS, call).code !== 0) return undefined;
  const index = fileIdentity(call.indexFile as string);
  if (index !== undefined && index === last.index) return index;
  const written = gitSync(writeTreeArguments(repository), call);
  if (written.code !== 0 || written.stdout.toString('latin1').trim() !== last.tree) return undefined;
  return fileIdentity(call.indexFile as string);
}

/** Whether the files that the index does not have are those that the last build left out for their size. */
function hasKnownOthers(
  repository: Repository,
  { secrets, maxUntracked, large = [] }: LastBuild,
  beside?: GitAnswer,
): boolean {
  if (maxUntracked === undefined) return false;
  const listed = beside ?? gitSync(othersArguments(pathspecs(repository, secrets)), indexCall(repository));
  if (listed.code !== 0) return false;
  return areKnownLarge(repository, pathsOf(listed.stdout), { large, maxUntracked });
}
