/** Actions and blobs in a bucket: `<prefix>/ac/<key>` and `<prefix>/cas/<sha256>`, each created once. */

import { createHash } from 'node:crypto';
import { ok, type Result } from '../../base/result.js';
import { S3Bucket } from '../../io/network/s3.js';
import { withoutCredentials } from '../../model/address.js';
import type { CacheRemoteConfig } from '../../model/cache-config.js';
import type { ConditionalObjects, MarkedObject, Put } from '../claims/object-claims.js';
import type { RemoteFault } from '../remote-store.js';
import type { BlobPlace } from './blob-place.js';

const ACTION_BYTES = 16_000_000;
const MARKED_BYTES = 64_000;

export class S3Place implements BlobPlace, ConditionalObjects {
  readonly name: string;
  private readonly bucket: S3Bucket;
  private readonly prefix: string;

  constructor({ config, silenceMs }: { readonly config: CacheRemoteConfig; readonly silenceMs: number }) {
    const { host, pathname } = new URL(config.url);
    this.name = withoutCredentials(config.url);
    const folder = pathname.replace(/^\/+|\/+$/g, '');
    this.prefix = folder === '' ? '' : `${folder}/`;
    const { region, endpoint } = config;
    this.bucket = new S3Bucket({ bucket: host, region, endpoint, silenceMs });
  }

  async getAction(key: string, signal: AbortSignal): Promise<Result<Buffer | undefined, RemoteFault>> {
    const got = await this.bucket.get(this.actionKey(key), { maxBytes: ACTION_BYTES }, signal);
    return got.ok ? ok(got.value?.body) : got;
  }

  putAction(
    key: string,
    body: Buffer,
    signal: AbortSignal,
    over = false,
  ): Promise<Result<'put' | 'exists', RemoteFault>> {
    const sha256 = createHash('sha256').update(body).digest('base64');
    return this.bucket.create(this.actionKey(key), { body, type: 'application/json', sha256, over }, signal);
  }

  hasBlob(hash: string, signal: AbortSignal): Promise<Result<boolean, RemoteFault>> {
    return this.bucket.has(this.blobKey(hash), signal);
  }

  async getBlob(
    { hash, size }: { readonly hash: string; readonly size: number },
    file: string,
    signal: AbortSignal,
  ): Promise<Result<'got' | 'missing' | 'wrong', RemoteFault>> {
    const got = await this.bucket.get(this.blobKey(hash), { maxBytes: size + 1, toFile: file }, signal);
    if (!got.ok) return got;
    if (!got.value) return ok('missing');
    return ok(got.value.sha256 === hash && got.value.bytes === size ? 'got' : 'wrong');
  }

  async putBlob(hash: string, body: Buffer, signal: AbortSignal): Promise<Result<undefined, RemoteFault>> {
    const sha256 = Buffer.from(hash, 'hex').toString('base64');
    const object = { body, type: 'application/octet-stream', sha256 };
    const put = await this.bucket.create(this.blobKey(hash), object, signal);
    return put.ok ? ok(undefined) : put;
  }

  getMarked(path: string, signal: AbortSignal): Promise<Result<MarkedObject | undefined, RemoteFault>> {
    return this.bucket.getMarked(this.prefix + path, MARKED_BYTES, signal);
  }

  putMarked(
    path: string,
    object: { readonly body: Buffer; readonly over: string | undefined },
    signal: AbortSignal,
  ): Promise<Result<Put, RemoteFault>> {
    return this.bucket.putMarked(this.prefix + path, object, signal);
  }

  /** Few servers remove on a condition: the object is looked at before. */
  async removeMarked(
    path: string,
    tag: string,
    signal: AbortSignal,
  ): Promise<Result<'removed', RemoteFault>> {
    const found = await this.getMarked(path, signal);
    if (!found.ok) return found;
    return found.value?.tag === tag ? this.bucket.remove(this.prefix + path, signal) : ok('removed');
  }

  close(): Promise<void> {
    return this.bucket.close();
  }

  private actionKey(key: string): string {
    return `${this.prefix}ac/${key}`;
  }

  private blobKey(hash: string): string {
    return `${this.prefix}cas/${hash}`;
  }
}
