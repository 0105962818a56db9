/**
 * The adapter of the AWS SDK, which users install beside conductor when they name a bucket: objects by key, created
 * once.
 */

import { createHash } from 'node:crypto';
import { setMaxListeners } from 'node:events';
import type { Readable } from 'node:stream';
import type { S3Client } from '@aws-sdk/client-s3';
import { err, ok, type Result } from '../../base/result.js';
import { codeOf } from '../files.js';
import { type ReceivedBody, receiveBody } from './received-body.js';

export interface S3BucketOptions {
  readonly bucket: string;
  readonly region: string | undefined;
  /** A server that is not Amazon's. */
  readonly endpoint: string | undefined;
  readonly silenceMs: number;
}

export interface S3Fault {
  /** `denied`: asking again is of no use. */
  readonly kind: 'denied' | 'failed' | 'stopped';
  readonly detail: string;
}

type Sdk = typeof import('@aws-sdk/client-s3');

const DENIED =
  /AccessDenied|InvalidAccessKeyId|SignatureDoesNotMatch|NoSuchBucket|CredentialsProviderError|ExpiredToken|AuthorizationHeaderMalformed|PermanentRedirect/;

export class S3Bucket {
  private readonly options: S3BucketOptions;
  private opened: Promise<Result<{ sdk: Sdk; client: S3Client }, S3Fault>> | undefined;
  /** Once a server has said that it knows no conditional writes, it is not asked for them again. */
  private conditional = true;

  constructor(options: S3BucketOptions) {
    this.options = options;
  }

  /** Undefined when there is no such object. */
  async get(
    key: string,
    limits: { readonly maxBytes: number; readonly toFile?: string },
    signal: AbortSignal,
  ): Promise<Result<ReceivedBody | undefined, S3Fault>> {
    return this.call(signal, async ({ sdk, client }) => {
      const command = new sdk.GetObjectCommand({ Bucket: this.options.bucket, Key: key });
      const answer = await client.send(command, { abortSignal: signal });
      return receiveBody(answer.Body as Readable, limits);
    });
  }

  async has(key: string, signal: AbortSignal): Promise<Result<boolean, S3Fault>> {
    const found = await this.call(signal, async ({ sdk, client }) => {
      const command = new sdk.HeadObjectCommand({ Bucket: this.options.bucket, Key: key });
      await client.send(command, { abortSignal: signal });
      return true;
    });
    return found.ok ? ok(found.value === true) : found;
  }

  /** `sha256`: base64, which the server holds against what it gets. `exists`: it was there, and stays as it is. */
  async create(
    key: string,
    object: {
      readonly body: Buffer;
      readonly type: string;
      readonly sha256: string;
      /** Whether it may take the place of another one. */
      readonly over?: boolean;
    },
    signal: AbortSignal,
  ): Promise<Result<'put' | 'exists', S3Fault>> {
    const put = (conditional: boolean) =>
      this.call(signal, async ({ sdk, client }) => {
        const command = new sdk.PutObjectCommand({
          Bucket: this.options.bucket,
          Key: key,
          Body: object.body,
          ContentType: object.type,
          ChecksumSHA256: object.sha256,
          ...(conditional ? { IfNoneMatch: '*' } : {}),
        });
        try {
          await client.send(command, { abortSignal: signal });
          return 'put' as const;
        } catch (error) {
          const status = statusOf(error);
          // 409: another writer is writing the same object.
          if (conditional && (status === 412 || status === 409)) return 'exists' as const;
          if (conditional && status === 501) return 'unknown' as const;
          throw error;
        }
      });
    let done = await put(this.conditional && object.over !== true);
    if (done.ok && done.value === 'unknown') {
      this.conditional = false;
      done = await put(false);
    }
    if (!done.ok) return done;
    return done.value === 'exists' ? ok('exists') : ok('put');
  }

  /** A small object with its ETag; undefined when there is none. */
  async getMarked(
    key: string,
    maxBytes: number,
    signal: AbortSignal,
  ): Promise<Result<{ body: Buffer; tag: string } | undefined, S3Fault>> {
    return this.call(signal, async ({ sdk, client }) => {
      const command = new sdk.GetObjectCommand({ Bucket: this.options.bucket, Key: key });
      const answer = await client.send(command, { abortSignal: signal });
      const { body } = await receiveBody(answer.Body as Readable, { maxBytes });
      return { body, tag: answer.ETag ?? '' };
    });
  }

  /** Only over the object with this ETag; undefined: only where there is none. */
  async putMarked(
    key: string,
    { body, over }: { readonly body: Buffer; readonly over: string | undefined },
    signal: AbortSignal,
  ): Promise<Result<{ tag: string | undefined } | 'moved' | 'unsupported', S3Fault>> {
    const put = await this.call(signal, async ({ sdk, client }) => {
      const command = new sdk.PutObjectCommand({
        Bucket: this.options.bucket,
        Key: key,
        Body: body,
        ContentType: 'application/json',
        ChecksumSHA256: createHash('sha256').update(body).digest('base64'),
        ...(over === undefined ? { IfNoneMatch: '*' } : { IfMatch: over }),
      });
      try {
        const { ETag } = await client.send(command, { abortSignal: signal });
        return { tag: ETag };
      } catch (error) {
        const status = statusOf(error);
        if (status === 412 || status === 409) return 'moved' as const;
        if (status === 501) return 'unsupported' as const;
        throw error;
      }
    });
    // What was to be replaced is gone.
    return put.ok ? ok(put.value ?? 'moved') : put;
  }

  async remove(key: string, signal: AbortSignal): Promise<Result<'removed', S3Fault>> {
    const removed = await this.call(signal, async ({ sdk, client }) => {
      const command = new sdk.DeleteObjectCommand({ Bucket: this.options.bucket, Key: key });
      await client.send(command, { abortSignal: signal });
      return true;
    });
    return removed.ok ? ok('removed') : removed;
  }

  async close(): Promise<void> {
    const opened = await this.opened;
    if (opened?.ok) opened.value.client.destroy();
  }

  /** Undefined for an object that is not there. */
  private async call<T>(
    signal: AbortSignal,
    work: (opened: { sdk: Sdk; client: S3Client }) => Promise<T>,
  ): Promise<Result<T | undefined, S3Fault>> {
    this.opened ??= this.open();
    const opened = await this.opened;
    if (!opened.ok) return opened;
    // Every request listens; their number is no sign of a leak.
    setMaxListeners(0, signal);
    try {
      return ok(await work(opened.value));
    } catch (error) {
      if (signal.aborted) return err({ kind: 'stopped', detail: 'it was stopped' });
      const { name, message } = error as Error;
      if (statusOf(error) === 404 && name !== 'NoSuchBucket') return ok(undefined);
      const detail = `${name}: ${message}`.slice(0, 300);
      const status = statusOf(error);
      const denied = DENIED.test(name) || status === 401 || status === 403;
      return err({ kind: denied ? 'denied' : 'failed', detail });
    }
  }

  private async open(): Promise<Result<{ sdk: Sdk; client: S3Client }, S3Fault>> {
    const { region, endpoint, silenceMs } = this.options;
    let sdk: Sdk;
    try {
      sdk = await import('@aws-sdk/client-s3');
    } catch (error) {
      const missing = codeOf(error) === 'ERR_MODULE_NOT_FOUND';
      const detail = missing
        ? 'the package @aws-sdk/client-s3 is not installed (`npm install --save-dev @aws-sdk/client-s3`)'
        : `@aws-sdk/client-s3 cannot be loaded (${(error as Error).message})`;
      return err({ kind: 'denied', detail });
    }
    const elsewhere = endpoint === undefined ? {} : { endpoint, forcePathStyle: true, region: 'us-east-1' };
    const client = new sdk.S3Client({
      ...elsewhere,
      ...(region === undefined ? {} : { region }),
      maxAttempts: 3,
      requestHandler: { connectionTimeout: silenceMs, requestTimeout: silenceMs, socketTimeout: silenceMs },
      requestChecksumCalculation: 'WHEN_REQUIRED',
      responseChecksumValidation: 'WHEN_REQUIRED',
    });
    return ok({ sdk, client });
  }
}

function statusOf(error: unknown): number | undefined {
  return (error as { $metadata?: { httpStatusCode?: number } }).$metadata?.httpStatusCode;
}
