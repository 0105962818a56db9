/** Parcels through the store that `conductor worker --store` serves: one request for each, on connections that stay open. */

import { setMaxListeners } from 'node:events';
import http from 'node:http';
import https from 'node:https';
import { Limiter } from '../../base/limiter.js';
import { err, ok, type Result } from '../../base/result.js';
import type { GitObjects } from '../../io/git/objects.js';
import { withoutCredentials } from '../../model/address.js';
import type { Failure } from '../../model/failure.js';
import { isObjectId, type ObjectId } from '../../model/tree.js';
import { framesOf, MOST_IDS, reachable, takeFrames } from './object-frames.js';
import { isParcelName, type ParcelFault, type Parcels } from './parcels.js';

export interface HttpParcelOptions {
  readonly objects: GitObjects;
  readonly url: string;
  readonly token: string | undefined;
  /** Of one answer. */
  readonly maxBytes: number;
  /** Ids that are kept of what the store has. Default `MOST_IDS`. */
  readonly mostIds?: number;
}

interface Answer {
  readonly status: number;
  readonly body: Buffer;
  readonly commit: string | undefined;
}

const SILENCE_MS = 60_000;
/** Of HTTP: what is too large is so at the next try, too. */
const TOO_LARGE = 413;
/** Of HTTP: what the store found wrong with a parcel. */
const UNSOUND = 400;
/** Objects of a parcel above which the store is asked which of them it has. */
const ASKED = 200;
const SENT_AT_ONCE = 4;

export class HttpParcels implements Parcels {
  private readonly options: HttpParcelOptions;
  private readonly agent: http.Agent;
  /** Objects that the store has, as far as this process knows. */
  private readonly shared = new Set<ObjectId>();
  /** Parcels that are whole here. No ref names them: they are kept as long as this process holds its lock against `gc`. */
  private readonly here = new Set<ObjectId>();
  /** A build may hand in a thousand tasks at once: the store must also answer the workers that fetch the first ones. */
  private readonly sends = new Limiter(SENT_AT_ONCE);
  private readonly stop = new AbortController();

  constructor(options: HttpParcelOptions) {
    this.options = options;
    const module = options.url.startsWith('https:') ? https : http;
    this.agent = new module.Agent({ keepAlive: true });
    // Every request listens; their number is no sign of a leak.
    setMaxListeners(0, this.stop.signal);
  }

  send(commit: ObjectId, as?: string): Promise<Result<void, ParcelFault>> {
    return this.sends.run(() => this.sendNow(commit, as));
  }

  private async sendNow(commit: ObjectId, as: string | undefined): Promise<Result<void, ParcelFault>> {
    if (this.shared.size > (this.options.mostIds ?? MOST_IDS)) this.shared.clear();
    // Before the try: another send that is refused beside this one empties it meanwhile.
    const wasPart = this.shared.size > 0;
    const first = await this.put(commit, as);
    if (first.ok || first.error.isAway || !wasPart) return first;
    // The store may have lost objects that it had: everything is sent.
    this.shared.clear();
    return this.put(commit, as);
  }

  async fetch(commit: ObjectId, have: readonly ObjectId[] = []): Promise<Result<void, ParcelFault>> {
    const other = { failure: this.failure('fetch', undefined), isAway: false };
    if (!isObjectId(commit)) return err(other);
    if (this.here.has(commit)) return ok(undefined);
    const got = await this.get(commit, have);
    if (!got.ok) return got;
    return got.value === commit ? ok(undefined) : err(other);
  }

  async find(name: string): Promise<Result<ObjectId | undefined, ParcelFault>> {
    if (!isParcelName(name)) return ok(undefined);
    const got = await this.get(name, []);
    return got.ok || got.error.isAway || got.error.refused ? got : ok(undefined);
  }

  async remove(all: readonly (ObjectId | string)[]): Promise<void> {
    const names = all.filter(isParcelName);
    if (names.length > 0) await this.ask('DELETE', '/parcels', Buffer.from(JSON.stringify(names)));
    await this.forget(names);
  }

  async hold(): Promise<void> {}

  async forget(all: readonly (ObjectId | string)[]): Promise<void> {
    this.drop(all);
  }

  drop(commits: readonly ObjectId[]): void {
    for (const one of commits) this.here.delete(one);
    this.options.objects.passing.drop(commits);
  }

  /** Which store it is, whatever address it has; undefined when it does not say so. */
  async storeId(): Promise<string | undefined> {
    const answer = await this.ask('GET', '/store', undefined);
    return answer.ok && answer.value.status === 200 ? answer.value.body.toString('utf8') : undefined;
  }

  end(): void {
    this.stop.abort();
    this.agent.destroy();
  }

  private async put(commit: ObjectId, as: string | undefined): Promise<Result<void, ParcelFault>> {
    const { objects } = this.options;
    let ids = [...(await reachable(objects, commit, this.shared))];
    if (ids.length > ASKED) {
      const asked = await this.ask('POST', '/missing', Buffer.from(JSON.stringify(ids)));
      if (!asked.ok) return err({ failure: asked.error, isAway: true });
      if (asked.value.status !== 200) return err(this.unsent(asked.value));
      const missing = idsIn(asked.value.body);
      if (!missing) return err(this.unsent({ ...asked.value, body: Buffer.from('it is no list') }));
      ids = ids.filter((id) => missing.has(id));
    }
    const names = new URLSearchParams({ [commit]: commit, ...(as === undefined ? {} : { [as]: commit }) });
    const sent = await this.ask('PUT', `/parcels?${names}`, await framesOf(objects, ids));
    if (!sent.ok) return err({ failure: sent.error, isAway: true });
    if (sent.value.status !== 200) return err(this.unsent(sent.value));
    for (const id of ids) this.shared.add(id);
    return ok(undefined);
  }

  /** A store takes what is whole and sound: what it refuses twice it refuses for ever. A token may be set right. */
  private unsent(answer: Answer): ParcelFault {
    if (answer.status !== UNSOUND && answer.status !== TOO_LARGE)
      return { failure: this.failure('send', answer), isAway: true };
    return this.refused((place) => `${place} refuses what is sent: ${textOf(answer)}`);
  }

  /** What is so at the next try, too, and at that of another machine. */
  private refused(reason: (place: string) => string): ParcelFault {
    const failure = { kind: 'job-failed', reason: reason(withoutCredentials(this.options.url)) } as const;
    return { failure, isAway: false, refused: 'content' };
  }

  /**
   * As with a send, a parcel that is refused is asked for once more, as a whole: it may have been damaged on its way, or the base
   * that it is made on may not be whole here.
   */
  private async get(name: string, have: readonly ObjectId[]): Promise<Result<ObjectId, ParcelFault>> {
    const first = await this.getOnce(name, have);
    return first.ok || first.error.refused === undefined ? first : this.getOnce(name, []);
  }

  private async getOnce(name: string, have: readonly ObjectId[]): Promise<Result<ObjectId, ParcelFault>> {
    const { objects } = this.options;
    const query = have.map((one) => `have=${one}`).join('&');
    const got = await this.ask('GET', `/parcels/${name}?${query}`, undefined);
    if (!got.ok) return err({ failure: got.error, isAway: true });
    const { status, body, commit } = got.value;
    const unfit = (why: string) =>
      err(this.refused((place) => `what comes from ${place} is refused: ${why}`));
    if (status === TOO_LARGE) return unfit(textOf(got.value));
    if (status !== 200 || !isObjectId(commit))
      return err({ failure: this.failure('fetch', got.value), isAway: status >= 500 });
    const taken = await takeFrames(objects, body, { commit, isPassing: true });
    if (typeof taken === 'string') return unfit(taken);
    for (const id of taken) this.shared.add(id);
    this.here.add(commit);
    return ok(commit);
  }

  private failure(what: string, answer: Answer | undefined): Failure {
    const said = (answer && textOf(answer)) || 'it is not there';
    return { kind: 'git-failed', command: `${what} ${withoutCredentials(this.options.url)}`, detail: said };
  }

  private ask(method: string, path: string, body: Buffer | undefined): Promise<Result<Answer, Failure>> {
    const { url, token, maxBytes } = this.options;
    const module = url.startsWith('https:') ? https : http;
    const headers = {
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      'content-length': body?.length ?? 0,
    };
    return new Promise((resolve) => {
      const fail = (error: Error) =>
        resolve(
          err({ kind: 'git-failed', command: `${method} ${withoutCredentials(url)}`, detail: error.message }),
        );
      const request = module.request(
        url.replace(/\/$/, '') + path,
        { method, headers, agent: this.agent, timeout: SILENCE_MS, signal: this.stop.signal },
        (response) => {
          const parts: Buffer[] = [];
          let bytes = 0;
          response.on('data', (part: Buffer) => {
            bytes += part.length;
            if (bytes <= maxBytes) parts.push(part);
            else {
              const body = Buffer.from(`its answer is larger than ${maxBytes} bytes`);
              resolve(ok({ status: TOO_LARGE, body, commit: undefined }));
              response.destroy();
            }
          });
          response.on('error', fail);
          response.on('end', () => {
            const commit = response.headers['x-commit'];
            const single = typeof commit === 'string' ? commit : undefined;
            resolve(ok({ status: response.statusCode ?? 0, body: Buffer.concat(parts), commit: single }));
          });
        },
      );
      request.on('timeout', () => request.destroy(new Error('it does not answer')));
      request.on('error', fail);
      request.end(body);
    });
  }
}

function textOf({ body }: Answer): string {
  return body.toString('utf8').slice(0, 200);
}

function idsIn(body: Buffer): Set<unknown> | undefined {
  try {
    const ids: unknown = JSON.parse(body.toString('utf8'));
    return Array.isArray(ids) ? new Set(ids) : undefined;
  } catch {
    return undefined;
  }
}
