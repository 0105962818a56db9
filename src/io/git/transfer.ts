/**
 * Fetches refs from other repositories and pushes to them. Never prompts, and puts no password into a message. Knows
 * no results.
 */

import { withoutCredentials } from '../../model/address.js';
import type { ObjectId } from '../../model/tree.js';
import { type GitCall, type GitExit, git, gitOk } from './git-process.js';
import { listRefs } from './reading/refs.js';
import { requestLine } from './request-lines.js';

export interface Away {
  readonly store: string;
  /** Relative addresses count from here. */
  readonly dir: string;
  readonly url: string;
  readonly signal: AbortSignal;
  readonly silenceMs: number;
}

export interface TransferFault {
  /** `denied`: the other side does not let us, and will not the next time. */
  readonly kind: 'stopped' | 'silent' | 'denied' | 'failed';
  readonly detail: string;
  /** Of `denied`: there is no such place. It may be a disk or server that is away, or an address with a mistake. */
  readonly missing?: true;
  readonly refused?: Refusal;
}

/** What is not taken: `content` that git's own checks reject, now and later, or what a hook's `rule` rejects. */
export type Refusal = 'content' | 'rule';

export interface PushedRef {
  readonly outcome: 'stored' | 'taken' | 'denied';
  readonly detail: string;
  /** Of `denied`. */
  readonly refused?: Refusal;
}

/** What of the person's session concerns the way to other machines; the rest of `GIT_*` stays out. */
const SESSION = /^GIT_(SSH|SSH_COMMAND|SSH_VARIANT|ASKPASS|SSL_.+|PROXY_.+|CONFIG_(COUNT|(KEY|VALUE)_\d+))$/;

/** Refs of one push: they stand on its command line, which has a limit. */
const PUSHED_AT_ONCE = 200;

/**
 * Fetches every remote ref that a pattern names (`<prefix>*`, so that one which does not exist is no error) in one
 * conversation, below `into`. Every object is hashed and checked before it is kept. The refs that exist now, by name.
 * `have`: commits of this repository whose objects need not be sent; absent: the other side is told of none.
 */
export async function fetchRefs(
  away: Away,
  patterns: readonly string[],
  into: string,
  have: readonly ObjectId[] = [],
): Promise<{ refs: Map<string, ObjectId>; fault?: TransferFault }> {
  const fault = await fetchInto(away, patterns, into, have);
  const listed = await listRefs({ gitDir: away.store }, into);
  const refs = new Map(listed.map(([name, id]) => [name.slice(into.length), id]));
  return fault ? { refs, fault } : { refs };
}

/** As `fetchRefs`, for those that know the names which they ask for. */
export async function fetchInto(
  away: Away,
  patterns: readonly string[],
  into: string,
  have: readonly ObjectId[],
): Promise<TransferFault | undefined> {
  const input = patterns.map((pattern) => requestLine(`${pattern}:${into}${pattern}`)).join('');
  const exit = await git(
    [
      // Before this version, a server names all of its refs, however few are asked for.
      ...['-c', 'protocol.version=2', '-c', 'fetch.fsckObjects=true'],
      ...(have.length === 0 ? ['-c', 'fetch.negotiationAlgorithm=noop'] : []),
      ...['-c', 'fetch.writeCommitGraph=false', '-c', 'fetch.unpackLimit=100'],
      ...['fetch', '--progress', '--no-tags', '--no-prune', '--no-write-fetch-head', '--no-auto-maintenance'],
      ...have.map((id) => `--negotiation-tip=${id}`),
      ...['--no-recurse-submodules', '--refmap=', '--stdin', '--', away.url],
    ],
    { ...callOf(away), input },
  );
  return exit.code === 0 ? undefined : faultOf(exit);
}

/** Pushes refs that must not exist there yet; one that does stays as it is, and is `taken` when it is another commit. */
export async function pushNewRefs(
  away: Away,
  refs: ReadonlyMap<string, ObjectId>,
): Promise<{ pushed: Map<string, PushedRef>; fault?: TransferFault }> {
  const changes = [...refs].map(([ref, to]) => [ref, { from: undefined, to }] as const);
  return pushRefChanges(away, new Map(changes));
}

/** A ref that is to be made, moved or removed; absent ids: there is none, or there is to be none. */
export interface RefChange {
  readonly from: ObjectId | undefined;
  readonly to: ObjectId | undefined;
}

/** Changes each ref that still is what it is said to be (`stored`); one that is not stays as it is (`taken`). */
export async function pushRefChanges(
  away: Away,
  changes: ReadonlyMap<string, RefChange>,
): Promise<{ pushed: Map<string, PushedRef>; fault?: TransferFault }> {
  const pushed = new Map<string, PushedRef>();
  const all = [...changes];
  for (let from = 0; from < all.length; from += PUSHED_AT_ONCE) {
    const fault = await pushOnce(away, new Map(all.slice(from, from + PUSHED_AT_ONCE)), pushed);
    if (fault) return { pushed, fault };
  }
  return { pushed };
}

async function pushOnce(
  away: Away,
  part: ReadonlyMap<string, RefChange>,
  pushed: Map<string, PushedRef>,
): Promise<TransferFault | undefined> {
  const exit = await git(
    [
      ...['-c', 'push.negotiate=false'],
      ...['push', '--porcelain', '--progress', '--no-verify', '--no-signed', '--no-follow-tags'],
      '--recurse-submodules=no',
      ...[...part].map(([ref, { from }]) => `--force-with-lease=${ref}:${from ?? ''}`),
      ...['--', away.url, ...[...part].map(([ref, { to }]) => `${to ?? ''}:${ref}`)],
    ],
    callOf(away),
  );
  let told = 0;
  for (const line of exit.stdout.toString('utf8').split('\n')) {
    const [flag, names, summary = ''] = line.split('\t');
    const ref = names?.slice(names.indexOf(':') + 1);
    if (flag === undefined || ref === undefined || !part.has(ref)) continue;
    told++;
    pushed.set(ref, judge(flag, summary, exit.stderr));
  }
  return exit.code !== 0 && told < part.size ? faultOf(exit) : undefined;
}

/** Refs of the other side that match one of the patterns, by name. */
export async function listRemoteRefs(
  away: Away,
  ...patterns: readonly string[]
): Promise<Map<string, ObjectId> | TransferFault> {
  const exit = await git(['ls-remote', '--refs', '--', away.url, ...patterns], callOf(away));
  if (exit.code !== 0) return faultOf(exit);
  const lines = exit.stdout.toString('utf8').split('\n').filter(Boolean);
  return new Map(
    lines.map((line) => [line.slice(line.indexOf('\t') + 1), line.slice(0, line.indexOf('\t'))]),
  );
}

/** Names of the remotes of the person's repository. */
export async function remoteNames(store: string): Promise<string[]> {
  const exit = await git(['config', '--name-only', '--get-regexp', '^remote\\..*\\.url$'], { gitDir: store });
  const keys = exit.stdout.toString('utf8').split('\n').filter(Boolean);
  return [...new Set(keys.map((key) => key.slice('remote.'.length, -'.url'.length)))];
}

/** What the refs of a repository name. */
export async function localTips(gitDir: string): Promise<ReadonlySet<ObjectId>> {
  const listed = await gitOk(['for-each-ref', '--format=%(objectname)'], { gitDir });
  return new Set(listed.toString('latin1').split('\n').filter(Boolean));
}

/** Removes refs of the other side; those that are gone already are no fault. */
export async function deleteRemoteRefs(
  away: Away,
  refs: readonly string[],
): Promise<TransferFault | undefined> {
  for (let from = 0; from < refs.length; from += PUSHED_AT_ONCE) {
    const part = refs.slice(from, from + PUSHED_AT_ONCE);
    const exit = await git(
      ['push', '--porcelain', '--no-verify', '--', away.url, ...part.map((ref) => `:${ref}`)],
      callOf(away),
    );
    if (exit.code !== 0 && exit.stdout.length === 0) return faultOf(exit);
  }
  return undefined;
}

/** A remote by its name or address: a name of the person's remotes goes before an address that looks the same. */
export async function openAway(
  { remote, ...rest }: Omit<Away, 'url'> & { readonly remote: string },
  direction: 'fetch' | 'push',
): Promise<Away | TransferFault> {
  const named = /^[^/:]+$/.test(remote) ? await remoteUrl(rest.store, remote, direction) : undefined;
  if (named === undefined && /^[^/:.]+$/.test(remote)) {
    const detail = `git has no remote of this name (\`git remote add ${remote} …\`)`;
    return { kind: 'denied', detail, missing: true };
  }
  return { ...rest, url: named ?? remote };
}

/** The address behind the name of a remote in the person's configuration; undefined when there is no such remote. */
export async function remoteUrl(
  store: string,
  name: string,
  direction: 'fetch' | 'push',
): Promise<string | undefined> {
  const keys = direction === 'push' ? ['pushurl', 'url'] : ['url'];
  for (const key of keys) {
    const exit = await git(['config', '--get-all', `remote.${name}.${key}`], { gitDir: store });
    const url = exit.stdout.toString('utf8').split('\n')[0];
    if (exit.code === 0 && url) return url;
  }
  return undefined;
}

export async function deleteRefs(store: string, refs: Iterable<string>): Promise<void> {
  const input = [...refs].map((ref) => requestLine('delete', ref)).join('');
  if (input !== '') await gitOk(['update-ref', '--stdin'], { gitDir: store, input });
}

function callOf(away: Away): GitCall {
  const env = Object.fromEntries(
    Object.entries(process.env).filter(
      (entry): entry is [string, string] => SESSION.test(entry[0]) && entry[1] !== undefined,
    ),
  );
  const { signal, silenceMs } = away;
  return { gitDir: away.store, dir: away.dir, env, away: { signal, silenceMs } };
}

/** A line of `push --porcelain`: ` `, `+` and `*` were stored, `=` was there already, `!` was refused. */
export function judge(flag: string, summary: string, said: string): PushedRef {
  if (flag !== '!') return { outcome: 'stored', detail: summary };
  const rejected = /unpacker error/.test(summary) ? rejectedContent(said) : undefined;
  if (rejected !== undefined) return { outcome: 'denied', detail: rejected, refused: 'content' };
  if (/hook declined/.test(summary)) {
    const lines = said.split(/[\r\n]+/).filter((line) => /^remote: \S/.test(line));
    const words = lines.map((line) => line.slice('remote: '.length).trim()).slice(-3);
    const detail = withoutCredentials([summary, ...words].join(': ').slice(0, 500));
    return { outcome: 'denied', detail, refused: 'rule' };
  }
  const taken =
    /stale info|non-fast-forward|fetch first|already exists|incorrect old value|failed to update ref|cannot lock ref|failed to lock/;
  return { outcome: taken.test(summary) ? 'taken' : 'denied', detail: withoutCredentials(summary) };
}

/** What git's checks found in objects that arrived, on this side or the other; undefined when they found nothing. */
function rejectedContent(said: string): string | undefined {
  if (!/fsck error/.test(said)) return undefined;
  // The line may stand behind one of the progress.
  return /object [0-9a-f]{40,64}: [^\r\n]+/.exec(said)?.[0].trim().slice(0, 300) ?? 'fsck error';
}

export function faultOf(exit: GitExit): TransferFault {
  if (exit.stopped === 'aborted') return { kind: 'stopped', detail: 'it was stopped' };
  if (exit.stopped === 'silent') return { kind: 'silent', detail: 'it sent no data' };
  const rejected = rejectedContent(exit.stderr);
  if (rejected !== undefined) return { kind: 'failed', detail: rejected, refused: 'content' };
  const said = exit.stderr
    .split(/[\r\n]+/)
    .filter((line) => /^(remote: |)(fatal|error|ERROR)[: ]/.test(line));
  const detail = withoutCredentials((said.at(-1) ?? exit.stderr.trim()).slice(0, 500)).trim();
  const denied =
    /Authentication failed|could not read (Username|Password)|Permission (to .*)?denied|access denied|returned error: 40[13]|protected|not allowed|service not enabled/;
  const missing = /does not appear to be a git repository|[Rr]epository .*not found|does not exist/;
  const told = said.join('\n');
  if (denied.test(told)) return { kind: 'denied', detail };
  return missing.test(told) ? { kind: 'denied', detail, missing: true } : { kind: 'failed', detail };
}
