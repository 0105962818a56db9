/**
 * `conductor cache gc --remote`: removes old results from a git remote that no lock file of any branch names. Removes a ref
 * only if it still is what was looked at, and looks for new branches again before it removes anything.
 */

import { err, ok, type Result } from '../base/result.js';
import { inSession, openReadingSession, type Session } from '../build/project-session.js';
import {
  type Away,
  listRemoteRefs,
  localTips,
  openAway,
  pushRefChanges,
  remoteNames,
  type TransferFault,
} from '../io/git/transfer.js';
import { mentionedIds } from '../io/git/upkeep/mentions.js';
import { withoutCredentials } from '../model/address.js';
import type { CacheRemoteConfig } from '../model/cache-config.js';
import type { RemoteCollectReport } from '../model/cache-report.js';
import type { Failure } from '../model/failure.js';
import type { ObjectId } from '../model/tree.js';
import type { Host } from '../project/host.js';
import { keyOf, nameOf } from '../store/encoded-entry.js';
import type { RemoteFault } from '../store/remote-fault.js';
import { type Fetcher, fetchIncoming } from '../store/remotes/incoming.js';
import { LOCKS, madeAt, recordedKeys } from './gc.js';

export interface RemoteCollectOptions {
  /** As the config names it: `git:origin`. */
  readonly remote: string;
  readonly dryRun: boolean;
  /** Entries that are younger stay, named or not. */
  readonly keepDays: number;
  readonly signal: AbortSignal;
}

const DAY_MS = 24 * 60 * 60 * 1000;
/** Entries whose age is read at once. */
const AT_ONCE = 500;
const SILENCE_MS = 60_000;

/** An entry of the remote, in either scope. */
interface RemoteEntry {
  readonly ref: string;
  readonly key: string;
  readonly commit: ObjectId;
}

export async function collectRemote(
  host: Host,
  options: RemoteCollectOptions,
): Promise<Result<RemoteCollectReport, Failure>> {
  return inSession(openReadingSession(host), async (session) => {
    const loaded = await host.loadConfig(session.repository.project);
    if (!loaded.ok) return loaded;
    const { cache, specs } = loaded.value.config;
    const remote = gitRemoteOf(cache.remotes, options.remote);
    if (!remote.ok) return remote;
    const open = opening(session, options.signal);
    const away = await open(remote.value, 'fetch');
    if ('kind' in away) return faultOf(options.remote, away);
    const listed = await listRemoteRefs(away, 'refs/conductor/*');
    if ('kind' in listed) return faultOf(options.remote, listed);
    const judge = () => namedKeys(session, open, { remote: remote.value, specs });
    const mentioned = await judge();
    if (!mentioned.ok) return mentioned;
    const entries = entriesOf(listed);
    const unnamed = entries.filter(({ key }) => !mentioned.value.has(key));
    const fetcher = { objects: session.objects, pid: host.pid };
    const aged = await oldOf(fetcher, away, unnamed, host.now() - options.keepDays * DAY_MS);
    if (!aged.ok) return faultOf(options.remote, aged.error);
    // To read their age took a while, in which somebody may have pushed or fetched a branch that names them.
    const still = aged.value.length === 0 ? mentioned : await judge();
    if (!still.ok) return still;
    const old = aged.value.filter(({ key }) => !still.value.has(key));
    const named = entries.filter(({ key }) => still.value.has(key)).length;
    const report = { dryRun: options.dryRun, remote: options.remote, named };
    const counted = (removed: number) => ok({ ...report, kept: entries.length - removed, removed });
    if (options.dryRun || old.length === 0) return counted(old.length);
    const there = await open(remote.value, 'push');
    if ('kind' in there) return faultOf(options.remote, there);
    const changes = old.map(({ ref, commit }) => [ref, { from: commit, to: undefined }] as const);
    const { pushed, fault } = await pushRefChanges(there, new Map(changes));
    const denied = [...pushed.values()].find(({ outcome }) => outcome === 'denied');
    if (denied) return faultOf(options.remote, { kind: 'denied', detail: denied.detail });
    if (fault) return faultOf(options.remote, fault);
    return counted([...pushed.values()].filter(({ outcome }) => outcome === 'stored').length);
  });
}

type Open = (remote: string, direction: 'fetch' | 'push') => Promise<Away | TransferFault>;

function opening({ repository, objects }: Session, signal: AbortSignal): Open {
  const rest = { store: objects.store, dir: repository.project, signal, silenceMs: SILENCE_MS };
  return (remote, direction) => openAway({ remote, ...rest }, direction);
}

/** The remote as git names it. Only what the config names, and only by its whole name, is cleaned. */
function gitRemoteOf(remotes: readonly CacheRemoteConfig[], asked: string): Result<string, Failure> {
  const found = remotes.find(({ url }) => url === asked);
  if (found === undefined) {
    const names = remotes.map(({ url }) => url).join(', ') || 'none';
    return usage(`\`cache.remotes\` of the config has no ${asked}`, `the config names: ${names}`);
  }
  if (!asked.startsWith('git:'))
    return usage(`${asked} is no git remote`, 'set a rule for old objects on the server or bucket itself');
  if (found.write === false)
    return usage(`the config does not write to ${asked}`, 'allow it with `write: true`');
  return ok(asked.slice('git:'.length));
}

/** Keys that lock files name, once all branches are here that may hold one. */
async function namedKeys(
  session: Session,
  open: Open,
  { remote, specs }: { readonly remote: string; readonly specs: string },
): Promise<Result<ReadonlySet<string>, Failure>> {
  const complete = await allBranchesAreHere(session, open, remote);
  if (!complete.ok) return complete;
  const { repository } = session;
  const mentioned = new Set(await mentionedIds(repository, LOCKS, repository.prefix + specs));
  for (const key of await recordedKeys(repository)) mentioned.add(key);
  return ok(mentioned);
}

/**
 * A branch that is not here may name results: without all branches of all remotes nothing can be judged. `cleaned` may be an
 * address that is none of git's named remotes.
 */
async function allBranchesAreHere(
  { repository, objects }: Session,
  open: Open,
  cleaned: string,
): Promise<Result<undefined, Failure>> {
  const here = await localTips(repository.commonDir);
  const named = await remoteNames(objects.store);
  for (const remote of new Set([...named, cleaned])) {
    const away = await open(remote, 'fetch');
    const listed = 'kind' in away ? away : await listRemoteRefs(away, 'refs/heads/*', 'refs/tags/*');
    if ('kind' in listed) return faultOf(remote, listed);
    const missing = [...listed].filter(([, id]) => !here.has(id)).map(([ref]) => ref);
    if (missing.length === 0) continue;
    const some = missing.slice(0, 3).join(', ') + (missing.length > 3 ? ', …' : '');
    const message = `${withoutCredentials(remote)} has branches or tags that are not here (${some}), and their lock files may name results`;
    const first = named.includes(remote) ? '' : 'give this address a name with `git remote add`, ';
    return usage(message, `${first}run \`git fetch --all --tags\`, then this command again`);
  }
  return ok(undefined);
}

function entriesOf(refs: ReadonlyMap<string, ObjectId>): RemoteEntry[] {
  return [...refs].flatMap(([ref, commit]) => {
    const name = nameOf(plainRef(ref));
    return name === undefined ? [] : [{ ref, key: keyOf(name), commit }];
  });
}

/** As it would stand in conductor's own repository. */
function plainRef(ref: string): string {
  return ref.replace(/^refs\/conductor\/pull-request\//, 'refs/conductor/');
}

/** Those that were made before; one that does not say when stays. */
async function oldOf(
  fetcher: Fetcher,
  away: Away,
  entries: readonly RemoteEntry[],
  before: number,
): Promise<Result<RemoteEntry[], RemoteFault>> {
  const old: RemoteEntry[] = [];
  for (let from = 0; from < entries.length; from += AT_ONCE) {
    const part = entries.slice(from, from + AT_ONCE);
    const there = part.map(({ ref }) => ref);
    const { refs, fault } = await fetchIncoming(fetcher, away, there);
    if (fault) return err(fault);
    for (const entry of part) {
      const name = nameOf(plainRef(entry.ref));
      if (name === undefined || refs.get(entry.ref) !== entry.commit) continue;
      const at = await madeAt(fetcher.objects, name, entry.commit);
      if (at > 0 && at < before) old.push(entry);
    }
  }
  return ok(old);
}

function usage(message: string, hint: string): Result<never, Failure> {
  return err({ kind: 'usage', message, hint });
}

function faultOf(remote: string, { detail }: TransferFault): Result<never, Failure> {
  return err({ kind: 'git-failed', command: `access to ${withoutCredentials(remote)}`, detail });
}
