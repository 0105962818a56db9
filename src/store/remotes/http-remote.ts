/**
 * Bazel's HTTP cache protocol (bazel-remote, BuildBuddy, nginx with DAV, bucket gateways): `/ac/<key>` and
 * `/cas/<sha256>`. Repeats requests that may succeed later.
 */

import { setTimeout as delay } from 'node:timers/promises';
import { ownValue } from '../../base/records/own-value.js';
import { err, ok, type Result } from '../../base/result.js';
import { type HttpAnswer, HttpConnections, type HttpFault, type HttpRequest } from '../../io/network/http.js';
import { withoutCredentials } from '../../model/address.js';
import type { CacheRemoteConfig } from '../../model/cache-config.js';
import type { ConditionalObjects, MarkedObject, Put } from '../claims/object-claims.js';
import type { RemoteFault } from '../remote-store.js';
import type { BlobPlace } from './blob-place.js';

export interface HttpPlaceOptions {
  readonly config: CacheRemoteConfig;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly silenceMs: number;
  /** A pause between tries, in milliseconds; tests pass without one. */
  pause?(ms: number, signal: AbortSignal): Promise<void>;
}

const TRIES = 3;
const FIRST_PAUSE_MS = 250;
/** A server may ask for a longer pause, but not for any. */
const LONGEST_PAUSE_MS = 5000;
const ACTION_BYTES = 16_000_000;
const ERROR_BYTES = 64_000;
/** Answers to a conditional write by servers that know neither the path nor the condition. */
const UNSUPPORTED = new Set([400, 404, 405, 410, 415, 422, 501]);
const MOVED = new Set([409, 412]);

export class HttpPlace implements BlobPlace, ConditionalObjects {
  readonly name: string;
  private readonly base: string;
  private readonly options: HttpPlaceOptions;
  private readonly connections = new HttpConnections();
  private readonly authorization: Readonly<Record<string, string>>;

  constructor(options: HttpPlaceOptions) {
    this.options = options;
    const { config, env } = options;
    this.name = withoutCredentials(config.url);
    this.base = this.name.replace(/\/+$/, '');
    this.authorization = authorizationOf(config, env);
  }

  async getAction(key: string, signal: AbortSignal): Promise<Result<Buffer | undefined, RemoteFault>> {
    const headers = { accept: 'application/json' };
    const got = await this.call({
      method: 'GET',
      url: `${this.base}/ac/${key}`,
      headers,
      signal,
      maxBytes: ACTION_BYTES,
    });
    if (!got.ok) return got;
    return ok(isMissing(got.value) ? undefined : got.value.body);
  }

  async putAction(key: string, body: Buffer, signal: AbortSignal): Promise<Result<'put', RemoteFault>> {
    const headers = { 'content-type': 'application/json' };
    const put = await this.call({
      method: 'PUT',
      url: `${this.base}/ac/${key}`,
      headers,
      body,
      signal,
      maxBytes: ERROR_BYTES,
    });
    return put.ok ? ok('put') : put;
  }

  async hasBlob(hash: string, signal: AbortSignal): Promise<Result<boolean, RemoteFault>> {
    const asked = await this.call({
      method: 'HEAD',
      url: this.blobUrl(hash),
      headers: {},
      signal,
      maxBytes: ERROR_BYTES,
    });
    return asked.ok ? ok(!isMissing(asked.value)) : asked;
  }

  async getBlob(
    { hash, size }: { readonly hash: string; readonly size: number },
    file: string,
    signal: AbortSignal,
  ): Promise<Result<'got' | 'missing' | 'wrong', RemoteFault>> {
    const got = await this.call({
      method: 'GET',
      url: this.blobUrl(hash),
      headers: { accept: 'application/octet-stream' },
      signal,
      // One byte more is enough to know that it is not the blob.
      maxBytes: Math.max(size + 1, ERROR_BYTES),
      toFile: file,
    });
    if (!got.ok) return got;
    if (isMissing(got.value)) return ok('missing');
    return ok(got.value.sha256 === hash && got.value.bytes === size ? 'got' : 'wrong');
  }

  async putBlob(hash: string, content: Buffer, signal: AbortSignal): Promise<Result<undefined, RemoteFault>> {
    const headers = { 'content-type': 'application/octet-stream' };
    const put = await this.call({
      method: 'PUT',
      url: this.blobUrl(hash),
      headers,
      body: content,
      signal,
      maxBytes: ERROR_BYTES,
    });
    return put.ok ? ok(undefined) : put;
  }

  async getMarked(path: string, signal: AbortSignal): Promise<Result<MarkedObject | undefined, RemoteFault>> {
    const url = `${this.base}/${path}`;
    const got = await this.call({ method: 'GET', url, headers: {}, signal, maxBytes: ERROR_BYTES });
    if (!got.ok) return got;
    if (isMissing(got.value)) return ok(undefined);
    return ok({ body: got.value.body, tag: got.value.headers.etag ?? '' });
  }

  async putMarked(
    path: string,
    { body, over }: { readonly body: Buffer; readonly over: string | undefined },
    signal: AbortSignal,
  ): Promise<Result<Put, RemoteFault>> {
    const condition = over === undefined ? { 'if-none-match': '*' } : { 'if-match': over };
    const headers = { 'content-type': 'application/json', ...condition };
    const url = `${this.base}/${path}`;
    const put = await this.call(
      { method: 'PUT', url, headers, body, signal, maxBytes: ERROR_BYTES },
      ({ status }) => UNSUPPORTED.has(status) || MOVED.has(status),
    );
    if (!put.ok) return put;
    const { status } = put.value;
    const isGone = over !== undefined && isMissing(put.value);
    if (MOVED.has(status) || isGone) return ok('moved');
    return ok(UNSUPPORTED.has(status) ? 'unsupported' : { tag: put.value.headers.etag });
  }

  async removeMarked(
    path: string,
    tag: string,
    signal: AbortSignal,
  ): Promise<Result<'removed', RemoteFault>> {
    const url = `${this.base}/${path}`;
    const headers = { 'if-match': tag };
    const removed = await this.call(
      { method: 'DELETE', url, headers, signal, maxBytes: ERROR_BYTES },
      ({ status }) => MOVED.has(status),
    );
    return removed.ok ? ok('removed') : removed;
  }

  async close(): Promise<void> {
    this.connections.close();
  }

  private blobUrl(hash: string): string {
    return `${this.base}/cas/${hash}`;
  }

  /** A 2xx answer, or for reading a 404; anything else is a fault, after as many tries as make sense. */
  private async call(
    request: Omit<HttpRequest, 'silenceMs'>,
    isAnswer: (answer: HttpAnswer) => boolean = () => false,
  ): Promise<Result<HttpAnswer, RemoteFault>> {
    const { silenceMs, pause = pauseFor } = this.options;
    for (let tried = 1; ; tried++) {
      const headers = { ...request.headers, ...this.authorization };
      const answer = await this.connections.request({ ...request, headers, silenceMs });
      if (answer.ok && (isGood(answer.value, request.method) || isAnswer(answer.value))) return answer;
      const again = answer.ok ? mayWorkAgain(answer.value.status) : isPassing(answer.error);
      if (!again || tried === TRIES || request.signal.aborted) return err(faultOf(answer, request));
      const asked = answer.ok ? Number(answer.value.headers['retry-after'] ?? 0) * 1000 : 0;
      const wanted = Math.max(FIRST_PAUSE_MS * 2 ** (tried - 1), Number.isFinite(asked) ? asked : 0);
      await pause(Math.min(wanted, LONGEST_PAUSE_MS), request.signal);
    }
  }
}

/** The variables' values never get further than this header. */
function authorizationOf(
  { tokenEnv, userEnv, passwordEnv, url }: CacheRemoteConfig,
  env: Readonly<Record<string, string | undefined>>,
): Record<string, string> {
  const token = ownValue(env, tokenEnv);
  if (token) return { authorization: `Bearer ${token}` };
  const given = new URL(url);
  const user = ownValue(env, userEnv) ?? decodeURIComponent(given.username);
  const password = ownValue(env, passwordEnv) ?? decodeURIComponent(given.password);
  if (user === '' && password === '') return {};
  return { authorization: `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}` };
}

function isGood({ status }: HttpAnswer, method: HttpRequest['method']): boolean {
  return (status >= 200 && status < 300) || (method !== 'PUT' && (status === 404 || status === 410));
}

function isMissing({ status }: HttpAnswer): boolean {
  return status === 404 || status === 410;
}

function mayWorkAgain(status: number): boolean {
  return (
    status === 408 || status === 429 || (status >= 500 && status !== 501 && status !== 505 && status !== 507)
  );
}

function isPassing({ kind }: HttpFault): boolean {
  return kind === 'unreachable' || kind === 'silent' || kind === 'cut';
}

function faultOf(
  answer: Result<HttpAnswer, HttpFault>,
  { method }: Pick<HttpRequest, 'method'>,
): RemoteFault {
  if (!answer.ok) {
    return { kind: answer.error.kind === 'stopped' ? 'stopped' : 'failed', detail: answer.error.detail };
  }
  const { status } = answer.value;
  const why = {
    401: 'it rejects the credentials',
    403: 'it denies access',
    405: 'it is read-only',
    413: 'it rejects the entry as too large',
    507: 'it is full',
  };
  const detail = `${method} returned ${status}`;
  const known = why[status as keyof typeof why];
  const denied = known !== undefined && status !== 413;
  return { kind: denied ? 'denied' : 'failed', detail: known === undefined ? detail : `${detail}: ${known}` };
}

async function pauseFor(ms: number, signal: AbortSignal): Promise<void> {
  await delay(ms, undefined, { signal }).catch(() => undefined);
}
