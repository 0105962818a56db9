/**
 * Sends commits to other machines and fetches theirs, through a git repository that all of them reach: each is a ref
 * that is named by its commit. Does not know what is in them.
 */

import { randomBytes } from 'node:crypto';
import { Batch } from '../../base/batch.js';
import { err, ok, type Result } from '../../base/result.js';
import type { GitObjects } from '../../io/git/objects.js';
import {
  type Away,
  deleteRefs,
  deleteRemoteRefs,
  fetchInto,
  openAway,
  pushNewRefs,
  type TransferFault,
} from '../../io/git/transfer.js';
import { withoutCredentials } from '../../model/address.js';
import { isObjectId, type ObjectId } from '../../model/tree.js';
import { DirectWay, type Pushed } from './direct-parcels.js';
import { forgetRefs } from './object-frames.js';
import {
  ARRIVING_REFS,
  isParcelName,
  PARCEL_REFS,
  type ParcelFault,
  type Parcels,
  parcelRef,
} from './parcels.js';

export interface ParcelOptions {
  readonly objects: GitObjects;
  /** The name of a remote of the person's repository, or an address. */
  readonly remote: string;
  /** Relative addresses count from here. */
  readonly dir: string;
}

/** Names of fetches that are removed in one step. */
const REMOVED_AT_ONCE = 50;
const SILENCE_MS = 60_000;
/**
 * Milliseconds in which commits are gathered into one transfer, since each transfer starts git several times. A fetch waits for
 * less time than a send: it may hold a place of a worker.
 */
const GATHER_SENT_MS = 20;
const GATHER_FETCHED_MS = 8;
type Sent = Map<ObjectId, 'sent' | TransferFault>;
const NOT_THERE: TransferFault = { kind: 'failed', detail: 'it is not there' };

export class GitParcels implements Parcels {
  private readonly options: ParcelOptions;
  private readonly sends: Batch<ObjectId, 'sent' | TransferFault>;
  private readonly fetches: Batch<ObjectId, 'here' | TransferFault>;
  private readonly stop = new AbortController();
  /** Commits whose objects are here and on the other side. */
  private readonly shared = new Set<ObjectId>();
  private readonly known = new Map<ObjectId, readonly ObjectId[]>();
  private readonly names = new Map<ObjectId, string>();
  /** Names that fetches have left. */
  private readonly arrived: string[] = [];
  /** Commits that are here and there with all that they are made of, of which parcels are differences. */
  private readonly bases = new Set<ObjectId>();
  private readonly direct: DirectWay;

  constructor(options: ParcelOptions) {
    this.options = options;
    this.direct = new DirectWay(options.objects);
    this.sends = new Batch((commits) => this.sendAll(commits), GATHER_SENT_MS);
    this.fetches = new Batch((commits) => this.fetchAll(commits), GATHER_FETCHED_MS);
  }

  /** `as`: another name under which it is found by those that do not know the commit. */
  async send(commit: ObjectId, as?: string): Promise<Result<void, ParcelFault>> {
    if (as !== undefined) this.names.set(commit, as);
    // A name is asked for by another build: the one before may have removed the commit.
    const isThere = as === undefined && this.shared.has(commit);
    const sent = isThere ? 'sent' : ((await this.sends.ask(commit)) ?? NOT_THERE);
    return sent === 'sent' ? ok(undefined) : err(this.faultOf('push', sent));
  }

  async find(name: string): Promise<Result<ObjectId | undefined, ParcelFault>> {
    if (!isParcelName(name)) return ok(undefined);
    const { refs, fault } = await this.fetched([parcelRef(name)], []);
    const commit = refs.get(parcelRef(name));
    if (commit !== undefined) await this.options.objects.createRef(parcelRef(commit), commit);
    return commit === undefined && fault ? err(this.faultOf('fetch', fault)) : ok(commit);
  }

  /** `have`: commits that are here and on the other side, and hold most of what it is made of. */
  async fetch(commit: ObjectId, have: readonly ObjectId[] = []): Promise<Result<void, ParcelFault>> {
    if (!isObjectId(commit)) return err(this.faultOf('fetch', NOT_THERE));
    if (this.shared.has(commit) || (await this.isHere(commit))) return ok(undefined);
    this.known.set(commit, have);
    const found = (await this.fetches.ask(commit)) ?? NOT_THERE;
    this.known.delete(commit);
    return found === 'here' ? ok(undefined) : err(this.faultOf('fetch', found));
  }

  async remove(all: readonly (ObjectId | string)[]): Promise<void> {
    const names = all.filter(isParcelName);
    if (names.length === 0) return;
    const away = await this.away('push');
    if (!('kind' in away)) await deleteRemoteRefs(away, names.map(parcelRef));
    await this.forget(names);
  }

  async hold(commit: ObjectId): Promise<void> {
    this.bases.add(commit);
    await this.nameHere(commit);
  }

  async forget(all: readonly (ObjectId | string)[]): Promise<void> {
    await this.removeArrived();
    await forgetRefs(this.options.objects, PARCEL_REFS, all.filter(isParcelName));
    this.drop(all.filter((name) => isObjectId(name)));
    for (const name of all) for (const known of [this.shared, this.bases]) known.delete(name);
  }

  drop(commits: readonly ObjectId[]): void {
    const { passing } = this.options.objects;
    for (const one of commits) if (passing.of(one).size > 0) this.shared.delete(one);
    passing.drop(commits);
  }

  end(): void {
    this.stop.abort();
    this.direct.end();
  }

  private async nameHere(commit: ObjectId): Promise<void> {
    if (!(await this.isHere(commit))) await this.options.objects.createRef(parcelRef(commit), commit);
  }

  private async removeArrived(): Promise<void> {
    // Those that stay are removed by `gc`.
    await deleteRefs(this.options.objects.store, this.arrived.splice(0)).catch(() => undefined);
  }

  private async sendAll(asked: readonly ObjectId[]): Promise<Sent> {
    const away = await this.away('push');
    const direct = 'kind' in away ? undefined : this.direct.to(away);
    const commits: ObjectId[] = [];
    const others: ObjectId[] = [];
    for (const commit of asked) {
      // A task that has ended meanwhile has dropped its own: those beside it are sent.
      if ((await this.options.objects.sizeOf(commit)) === undefined) this.names.delete(commit);
      // What has all of a build's files is sent by git, which asks what is there.
      else if (direct && this.options.objects.passing.of(commit).size > 0) commits.push(commit);
      else others.push(commit);
    }
    const sent: Sent = new Map();
    if (direct && !('kind' in away) && commits.length > 0) {
      const pushed = await direct.push(away, commits, { refs: this.refsOf(commits), bases: this.bases });
      if (pushed) await this.heed(commits, pushed, sent);
      else others.push(...commits);
    }
    if (others.length > 0) await this.sendByGit(away, others, sent);
    return sent;
  }

  private async sendByGit(
    away: Away | TransferFault,
    commits: readonly ObjectId[],
    sent: Sent,
  ): Promise<void> {
    const { objects } = this.options;
    const whole = commits.filter((one) => objects.passing.of(one).size === 0);
    for (const commit of commits) {
      // What is pushed is made whole for git: nothing may only be in this process.
      await objects.writePassing(commit);
      objects.passing.drop([commit]);
      await this.nameHere(commit);
    }
    if ('kind' in away) for (const one of commits) sent.set(one, away);
    else await this.heed(commits, await pushNewRefs(away, this.refsOf(commits)), sent);
    for (const one of whole) if (sent.get(one) === 'sent') this.bases.add(one);
  }

  /** Of each commit: the one that it has as a parcel, and the other one under which it is to be found. */
  private refsOf(commits: readonly ObjectId[]): Map<string, ObjectId> {
    const refs = new Map(commits.map((one) => [parcelRef(one), one]));
    for (const one of commits) {
      const name = this.names.get(one);
      if (name !== undefined) refs.set(parcelRef(name), one);
    }
    return refs;
  }

  private async heed(
    commits: readonly ObjectId[],
    { pushed, fault = NOT_THERE }: Pushed,
    sent: Sent,
  ): Promise<void> {
    for (const commit of commits) {
      const ref = pushed.get(parcelRef(commit));
      // A ref that is there already has this commit, as its name says, and counts as stored. With `taken` and `denied` the
      // other side does not have it.
      if (ref?.outcome === 'stored') {
        sent.set(commit, 'sent');
        this.shared.add(commit);
      } else if (ref?.refused) {
        // One that is refused keeps those beside it out: each is sent alone.
        const alone = commits.length > 1 ? await this.sendAll([commit]) : undefined;
        const { detail, refused } = ref;
        sent.set(commit, alone?.get(commit) ?? { kind: 'denied', detail, refused });
      } else sent.set(commit, ref ? { kind: 'denied', detail: ref.detail } : fault);
      this.names.delete(commit);
    }
  }

  private async fetchAll(commits: readonly ObjectId[]): Promise<Map<ObjectId, 'here' | TransferFault>> {
    const { objects } = this.options;
    const have = [...new Set(commits.flatMap((one) => this.known.get(one) ?? []))];
    const here: ObjectId[] = [];
    for (const one of have) if (this.shared.has(one) || (await this.isHere(one))) here.push(one);
    const found = new Map<ObjectId, 'here' | TransferFault>();
    const away = await this.away('fetch');
    const direct = 'kind' in away ? undefined : this.direct.to(away);
    // The first one has all of a build's files: git reads it from the disk to the disk.
    if (direct && !('kind' in away) && here.length > 0) {
      const fault = await direct.fetch(away, commits, here);
      // One that is refused or missing keeps those beside it out: each is fetched alone.
      if (fault !== undefined && fault !== 'other' && commits.length > 1) {
        for (const one of commits) for (const entry of await this.fetchAll([one])) found.set(...entry);
        return found;
      }
      if (fault === undefined) for (const one of commits) this.shared.add(one);
      const end = fault === undefined ? 'here' : fault === 'missing' ? NOT_THERE : fault;
      if (end !== 'other') return new Map(commits.map((one) => [one, end]));
    }
    // Git finds only what has a name here: what is in memory is nothing to it.
    const named: ObjectId[] = [];
    for (const one of here) if (await this.isHere(one)) named.push(one);
    const { refs, fault = NOT_THERE } = await this.fetched(commits.map(parcelRef), named);
    for (const commit of commits) {
      // The name is the commit: another one under it is not what was asked for.
      if (refs.get(parcelRef(commit)) !== commit) {
        // One that is refused keeps those beside it out: each is fetched alone.
        const alone = fault.refused && commits.length > 1 ? await this.fetchAll([commit]) : undefined;
        found.set(commit, alone?.get(commit) ?? fault);
        continue;
      }
      await objects.createRef(parcelRef(commit), commit);
      found.set(commit, 'here');
      this.shared.add(commit);
    }
    return found;
  }

  private async fetched(
    refs: readonly string[],
    have: readonly ObjectId[],
  ): Promise<{ refs: Map<string, ObjectId>; fault?: TransferFault }> {
    const { objects } = this.options;
    const away = await this.away('fetch');
    if ('kind' in away) return { refs: new Map(), fault: away };
    const into = `${ARRIVING_REFS}${randomBytes(6).toString('hex')}/`;
    const patterns = refs.map((ref) => `${ref}*`);
    const fault = await fetchInto(away, patterns, into, have);
    const got = new Map<string, ObjectId>();
    for (const ref of refs) {
      const commit = await objects.resolve(into + ref);
      if (commit === undefined) continue;
      got.set(ref, commit);
      this.arrived.push(into + ref);
    }
    // A process for each fetch would cost more than the few names that stay until then.
    if (this.arrived.length >= REMOVED_AT_ONCE) await this.removeArrived();
    return fault ? { refs: got, fault } : { refs: got };
  }

  private faultOf(what: 'push' | 'fetch', fault: TransferFault): ParcelFault {
    const { detail, refused } = fault;
    const place = withoutCredentials(this.options.remote);
    if (refused) {
      const by = what === 'push' ? `${place} refuses what is sent` : `git refuses what comes from ${place}`;
      return { failure: { kind: 'job-failed', reason: `${by}: ${detail}` }, isAway: false, refused };
    }
    // A place that is missing may be a disk or a server that is away. What is not let in now may be let in later.
    const isAway =
      what === 'push' || (fault !== NOT_THERE && (fault.kind !== 'denied' || fault.missing === true));
    return { failure: { kind: 'git-failed', command: `${what} ${place}`, detail }, isAway };
  }

  private async isHere(commit: ObjectId): Promise<boolean> {
    return (await this.options.objects.resolve(parcelRef(commit))) === commit;
  }

  private away(direction: 'fetch' | 'push') {
    const { objects, remote, dir } = this.options;
    return openAway(
      { remote, store: objects.store, dir, signal: this.stop.signal, silenceMs: SILENCE_MS },
      direction,
    );
  }
}
