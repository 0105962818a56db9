/**
 * Keeps parcels for builds and workers that share no git repository: an HTTP server over the objects of one worker.
 * `PUT /parcels` takes objects and names; it refuses them while something that they need is missing.
 * `GET /store` gives the id of the store. `POST /missing` says which objects are not here. `GET /parcels/<name>` gives the objects of a commit.
 * `DELETE /parcels` forgets names.
 */

import { createHash, randomUUID, timingSafeEqual } from 'node:crypto';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import type { GitObjects } from '../../io/git/objects.js';
import { isObjectId, type ObjectId } from '../../model/tree.js';
import { forgetRefs, framesOf, MissingObject, reachable, takeFrames } from './object-frames.js';
import { isParcelName, STORE_REFS } from './parcels.js';

export interface ParcelServerOptions {
  readonly objects: GitObjects;
  readonly host: string;
  readonly port: number;
  /** Clients must know it. Absent: only for a loopback address. */
  readonly token: string | undefined;
  readonly maxBytes: number;
}

/** Of HTTP: what is not there, and will not be. */
const GONE = 410;
/** Commits whose objects are remembered: the bases on which others are sent. */
const KEPT_BASES = 32;
/** Of parcels that are in memory beside the disk. */
const RECENT_BYTES = 32_000_000;

export class ParcelServer {
  private readonly options: ParcelServerOptions;
  private readonly server: http.Server;
  /** By this, its own worker recognizes it at any address. */
  readonly id = randomUUID();
  /** Bytes of each parcel that is in memory too, the oldest first: most parcels are fetched soon after they came. */
  private readonly recent = new Map<ObjectId, number>();
  private recentBytes = 0;
  private readonly bases = new Map<ObjectId, Promise<ReadonlySet<ObjectId>>>();

  private constructor(options: ParcelServerOptions) {
    this.options = options;
    this.server = http.createServer((request, response) => {
      this.answer(request, response).catch((error: unknown) => {
        // Not 500: the client would take the store for away, and ask again for ever.
        if (!response.headersSent) response.writeHead(error instanceof MissingObject ? GONE : 500);
        response.end(error instanceof Error ? error.message : '');
      });
    });
  }

  static async open(options: ParcelServerOptions): Promise<ParcelServer> {
    const opened = new ParcelServer(options);
    await new Promise<void>((resolve, reject) => {
      opened.server.once('error', reject);
      opened.server.listen(options.port, options.host, resolve);
    });
    return opened;
  }

  get address(): string {
    const { address, port } = this.server.address() as AddressInfo;
    return `http://${address.includes(':') ? `[${address}]` : address}:${port}`;
  }

  async close(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private async answer(request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
    const end = (status: number, body: Buffer | string = '', headers: http.OutgoingHttpHeaders = {}) => {
      response.writeHead(status, { 'content-length': Buffer.byteLength(body), ...headers });
      response.end(body);
    };
    if (!this.isAllowed(request.headers.authorization)) return end(401, 'the token is missing or wrong');
    const { objects } = this.options;
    const { pathname, searchParams } = new URL(request.url ?? '', 'http://store');
    if (request.method === 'GET' && pathname === '/store') return end(200, this.id);
    if (request.method === 'GET') {
      const name = pathname.replace('/parcels/', '');
      const commit = isParcelName(name) ? await objects.resolve(STORE_REFS + name) : undefined;
      if (commit === undefined) return end(404);
      const known = await this.known(searchParams.getAll('have'));
      const ids = await reachable(objects, commit, known);
      return end(200, await framesOf(objects, ids), { 'x-commit': commit });
    }
    const body = await received(request, this.options.maxBytes);
    if (body === undefined) return end(413, 'it is too large');
    if (request.method === 'POST' && pathname === '/missing')
      return end(200, JSON.stringify(await objects.missing(JSON.parse(body.toString('utf8')) as string[])));
    if (request.method === 'DELETE') {
      const names = JSON.parse(body.toString('utf8')) as string[];
      await forgetRefs(objects, STORE_REFS, names);
      for (const name of names) this.dropRecent(name);
      return end(200);
    }
    if (request.method !== 'PUT') return end(405);
    const [sent = ''] = searchParams.values();
    const taken = await takeFrames(objects, body, { commit: sent });
    if (typeof taken === 'string') return end(400, taken);
    this.keepRecent(sent, body.length);
    for (const [name, commit] of searchParams) {
      if (!isParcelName(name) || (await objects.resolve(commit)) !== commit)
        return end(400, 'its commit is missing');
      await objects.createRef(STORE_REFS + name, commit);
    }
    return end(200);
  }

  private keepRecent(commit: ObjectId, bytes: number): void {
    this.recentBytes += bytes - (this.recent.get(commit) ?? 0);
    this.recent.set(commit, bytes);
    for (const oldest of this.recent.keys()) {
      if (this.recentBytes <= RECENT_BYTES) break;
      this.dropRecent(oldest);
    }
  }

  private dropRecent(commit: ObjectId): void {
    this.options.objects.passing.drop([commit]);
    this.recentBytes -= this.recent.get(commit) ?? 0;
    this.recent.delete(commit);
  }

  private isAllowed(given: string | undefined): boolean {
    const { token } = this.options;
    if (token === undefined) return true;
    const digest = (text: string) => createHash('sha256').update(text).digest();
    return timingSafeEqual(digest(given ?? ''), digest(`Bearer ${token}`));
  }

  /** All objects of commits that the client has. */
  private async known(have: readonly ObjectId[]): Promise<ReadonlySet<ObjectId>> {
    const { objects } = this.options;
    const all = new Set<ObjectId>();
    for (const commit of have) {
      if (!isObjectId(commit) || (await objects.resolve(commit)) === undefined) continue;
      let base = this.bases.get(commit);
      if (!base) {
        base = reachable(objects, commit, new Set());
        this.bases.set(commit, base);
        // What could not be read now is read again for the next one that has it.
        base.catch(() => this.bases.delete(commit));
        const [oldest] = this.bases.keys();
        if (this.bases.size > KEPT_BASES && oldest !== undefined) this.bases.delete(oldest);
      }
      for (const id of await base) all.add(id);
    }
    return all;
  }
}

/** Undefined: it is too large. It is read to its end all the same, since a client that still sends reads no answer. */
async function received(request: http.IncomingMessage, maxBytes: number): Promise<Buffer | undefined> {
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of request) {
    bytes += (part as Buffer).length;
    if (bytes > maxBytes) parts.length = 0;
    else parts.push(part as Buffer);
  }
  return bytes > maxBytes ? undefined : Buffer.concat(parts);
}
