/**
 * `conductor gc`: removes results that no lock file names and that are old or do not fit. Changes only conductor's
 * own repository.
 */

import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { readHead } from '../analysis/range/index-file.js';
import { ok, type Result } from '../base/result.js';
import { inSession, openWritingSession, type Session } from '../build/project-session.js';
import { codeOf, exists, makeTemporaryFolder, readText, removeTree } from '../io/files.js';
import { folderBytes } from '../io/folder-size.js';
import type { GitObjects } from '../io/git/objects.js';
import { openRepository } from '../io/git/open-repository.js';
import type { TreeEntry } from '../io/git/raw-tree.js';
import type { Repository } from '../io/git/repository.js';
import { deleteRefs } from '../io/git/transfer.js';
import {
  compactableBytes,
  compactStore,
  indexTree,
  newObjects,
  objectKinds,
  removeGitFolders,
} from '../io/git/upkeep/compact.js';
import { DurableRefs } from '../io/git/upkeep/durable.js';
import { mentionedIds } from '../io/git/upkeep/mentions.js';
import { acquireLock, type LockHandle, type LockOwner } from '../io/process-lock.js';
import type { CollectReport } from '../model/cache-report.js';
import type { Failure } from '../model/failure.js';
import { LOCK_ENDING, recordsOf, resultKeyOf } from '../model/feature-lock.js';
import type { ObjectId } from '../model/tree.js';
import { KEPT_LOCKS, readKeptLocks, readWaiting } from '../project/clone-records.js';
import type { Host } from '../project/host.js';
import { type EntryName, isResult, keyOf, refOf } from '../store/encoded-entry.js';
import { GATES_FILE, GitResults } from '../store/git-results.js';
import { isOnlyParcel } from '../store/parcels/parcels.js';
import { RESULT_FILE } from '../store/provenance-record.js';
import { sweepIncoming } from '../store/remotes/incoming.js';
import { removeUnusedSetups } from '../workspace/tools/setup-folder.js';

export interface CollectOptions {
  readonly dryRun: boolean;
  /** Entries that are younger stay, named or not. */
  readonly keepDays: number;
  /** The newest stay as long as all that is kept has at most so many bytes; what locks name stays in any case. */
  readonly maxBytes: number | undefined;
  readonly wait: boolean;
  readonly signal: AbortSignal;
  /** Called with the command that is waited for. */
  onWaiting?(command: string, pid: number): void;
}

/** Endings: the lock of `specs/x.spec.md` is `specs/x.spec.metadata.json`. */
export const LOCKS = [LOCK_ENDING, '.plan.json'];
const KEPT_REF = 'refs/conductor/kept/objects';
/** Records of a clone that name objects which no ref may reach: texts that people wrote, a publish under way. */
const RECORDS = ['patched.json', 'publish.json', 'last.json', 'published.json', KEPT_LOCKS];
const DAY_MS = 24 * 60 * 60 * 1000;

export async function collect(host: Host, options: CollectOptions): Promise<Result<CollectReport, Failure>> {
  const found = await openRepository(host.directory);
  if (!found.ok) return found;
  // Two of them would each hold the lock that the other one waits for: one after the other.
  const turn = await acquireLock(found.value.home, ownerOf(host), lockOptions(options));
  if (!turn.ok) return turn;
  try {
    return await collectAlone(host, options);
  } finally {
    await turn.value.release();
  }
}

async function collectAlone(host: Host, options: CollectOptions): Promise<Result<CollectReport, Failure>> {
  const { wait, signal } = options;
  const opening = openWritingSession(host, { command: 'conductor gc', wait, signal }, (event) => {
    if (event.type === 'build.waiting') options.onWaiting?.(event.command, event.pid);
  });
  return inSession(opening, async ({ repository, objects }) => {
    const locks: LockHandle[] = [];
    try {
      return await inLocked(host, options, { repository, objects }, locks);
    } finally {
      for (const lock of locks) await lock.release();
    }
  });
}

async function inLocked(
  host: Host,
  options: CollectOptions,
  { repository, objects }: Pick<Session, 'repository' | 'objects'>,
  locks: LockHandle[],
): Promise<Result<CollectReport, Failure>> {
  const others = await lockOthers(host, repository, options, locks);
  if (!others.ok) return others;
  const loaded = await host.loadConfig(repository.project);
  if (!loaded.ok) return loaded;
  const specs = repository.prefix + loaded.value.config.specs;
  const mentioned = new Set(await mentionedIds(repository, LOCKS, specs));
  for (const key of await recordedKeys(repository)) mentioned.add(key);
  const entries = await new GitResults(objects).entries();
  const fates = await judge(objects, { entries, mentioned }, { ...options, now: host.now() });
  const report = {
    dryRun: options.dryRun,
    kept: fates.kept.length,
    named: fates.named,
    removed: fates.removed.length,
  };
  const idsOf = (names: readonly EntryName[]) => names.map((name) => entries.get(name) as ObjectId);
  if (options.dryRun) {
    const bytes = await compactableBytes(objects.store, idsOf(fates.removed), idsOf(fates.kept));
    return ok({ ...report, bytes });
  }
  await removeUnusedSetups(repository, host.cacheDir);
  const folder = join(objects.store, 'objects');
  const before = await folderBytes(folder);
  // Stays when this is killed or fails: then the next build looks for locks of git before it says that nothing is to do.
  const mark = await makeTemporaryFolder(objects.store);
  const borrowed = await keepObjects(repository, objects, mentioned);
  await removeGitFolders(objects.store);
  const beside = await refsBeside(objects, entries);
  await deleteRefs(objects.store, [...fates.removed.map(refOf), ...beside.parcels]);
  await compactStore(objects.store, [...idsOf(fates.kept), ...beside.kept], [borrowed]);
  // No build runs, so those that are left are of killed ones.
  await removeTree(join(repository.home, 'claims'));
  await removeTree(mark);
  return ok({ ...report, bytes: Math.max(0, before - (await folderBytes(folder))) });
}

/** Builds of other projects and worktrees of this clone use the same store: none may run. */
async function lockOthers(
  host: Host,
  repository: Repository,
  options: CollectOptions,
  locks: LockHandle[],
): Promise<Result<undefined, Failure>> {
  for (const state of await stateFolders(repository)) {
    if (state === repository.state) continue;
    const lock = await acquireLock(state, ownerOf(host), lockOptions(options));
    if (!lock.ok) return lock;
    locks.push(lock.value);
  }
  return ok(undefined);
}

const ownerOf = ({ pid, now }: Host) => ({
  command: 'conductor gc',
  pid,
  startedAt: new Date(now()).toISOString(),
});

const lockOptions = ({ wait, signal, onWaiting }: CollectOptions) => ({
  wait,
  signal,
  onWaiting: (owner: LockOwner) => onWaiting?.(owner.command, owner.pid),
});

interface Fates {
  readonly kept: readonly EntryName[];
  readonly removed: readonly EntryName[];
  readonly named: number;
}

/** The entries of the store, and the ids that locks name. */
interface Found {
  readonly entries: ReadonlyMap<EntryName, ObjectId>;
  readonly mentioned: ReadonlySet<string>;
}

async function judge(
  objects: GitObjects,
  { entries, mentioned }: Found,
  { keepDays, maxBytes, now }: CollectOptions & { readonly now: number },
): Promise<Fates> {
  const kept: EntryName[] = [];
  const removed: EntryName[] = [];
  const open: { name: EntryName; at: number }[] = [];
  for (const [name, commit] of entries) {
    if (mentioned.has(keyOf(name))) kept.push(name);
    else open.push({ name, at: await madeAt(objects, name, commit) });
  }
  const named = kept.length;
  const idOf = (name: EntryName) => entries.get(name) as ObjectId;
  const counted = new Set<ObjectId>();
  let bytes = 0;
  if (maxBytes !== undefined) {
    const all = await newObjects(objects.store, kept.map(idOf), counted);
    bytes = all.bytes;
    for (const id of all.ids) counted.add(id);
  }
  // What a wrong clock has dated into the future counts as new.
  for (const { name, at } of open.sort((a, b) => b.at - a.at)) {
    const young = now - at <= keepDays * DAY_MS;
    const own = young && maxBytes !== undefined && (await newObjects(objects.store, [idOf(name)], counted));
    if (young && (maxBytes === undefined || bytes + (own ? own.bytes : 0) <= maxBytes)) {
      if (own) {
        bytes += own.bytes;
        for (const id of own.ids) counted.add(id);
      }
      kept.push(name);
    } else removed.push(name);
  }
  return { kept, removed, named };
}

/** Milliseconds since 1970; 0 for an entry that does not say, or cannot be read. */
export async function madeAt(objects: GitObjects, name: EntryName, commit: ObjectId): Promise<number> {
  const file = isResult(name) ? RESULT_FILE : GATES_FILE;
  const text = (await objects.read(`${commit}:${file}`))?.toString('utf8') ?? '';
  try {
    const { startedAt, at } = JSON.parse(text) as { startedAt?: string; at?: string };
    return Date.parse(startedAt ?? at ?? '') || 0;
  } catch {
    return 0;
  }
}

/** Refs that are no results: what only travels is not needed while nothing runs, and all else is kept whole. */
async function refsBeside(
  objects: GitObjects,
  entries: Found['entries'],
): Promise<{ parcels: string[]; kept: ObjectId[] }> {
  await sweepIncoming(objects);
  const results = new Set([...entries.keys()].map(refOf));
  const all = [...(await objects.refs('refs/'))].filter(([ref]) => ref !== KEPT_REF && !results.has(ref));
  return {
    parcels: all.flatMap(([ref]) => (isOnlyParcel(ref) ? [ref] : [])),
    kept: all.flatMap(([ref, id]) => (isOnlyParcel(ref) ? [] : [id])),
  };
}

/** A commit that holds what locks and records of this clone name beside results, and what private indexes know. */
async function keepObjects(
  repository: Repository,
  objects: GitObjects,
  mentioned: ReadonlySet<string>,
): Promise<ObjectId> {
  const ids = new Set(mentioned);
  for (const state of await stateFolders(repository)) {
    for (const record of RECORDS) {
      const text = (await readText(join(state, record))) ?? '';
      for (const [id] of text.matchAll(/[0-9a-f]{40,64}/g)) ids.add(id);
    }
    const analysed = await readHead(state);
    if (analysed) ids.add(analysed.tree).add(analysed.hand.tree);
    const index = join(state, 'index');
    const tree = (await exists(index)) ? await indexTree(objects.store, index) : undefined;
    if (tree !== undefined) ids.add(tree);
  }
  const kinds = await objectKinds(objects.store, ids);
  const entries = new Map<string, TreeEntry>();
  for (const [id, kind] of kinds) {
    if (kind === 'commit') continue;
    entries.set(id, { mode: kind === 'tree' ? '40000' : '100644', id });
  }
  const tree = await objects.writeTree([...entries].sort());
  const commit = await objects.writeCommit({ tree, message: 'what records name\n' });
  // What the tree names is on disk since the records name it.
  await new DurableRefs(objects).sync(new Set([tree, commit]));
  await objects.setRef(KEPT_REF, commit);
  return commit;
}

/** Results that wait to be published, and those that a lost lock file may have named: no lock file names them. */
export async function recordedKeys(repository: Repository): Promise<string[]> {
  const keys: string[] = [];
  for (const state of await stateFolders(repository)) {
    for (const { result } of Object.values(await readWaiting(state))) keys.push(result);
    for (const { tasks } of Object.values((await readKeptLocks(state)) ?? {}))
      for (const task of Object.values(tasks))
        keys.push(...recordsOf(task).flatMap((one) => [one.key, resultKeyOf(one)]));
  }
  return keys;
}

async function stateFolders({ home }: Repository): Promise<string[]> {
  const folder = join(home, 'projects');
  const names = await readdir(folder, { withFileTypes: true }).catch((error: unknown) => {
    // Without the state of each project, gc could remove what one of them needs.
    if (codeOf(error) !== 'ENOENT') throw error;
    return [];
  });
  return names.flatMap((one) =>
    one.isDirectory() && /^[0-9a-f]{16}$/.test(one.name) ? [join(folder, one.name)] : [],
  );
}
