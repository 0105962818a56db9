/** Buckets that results are shared through, for tests: an S3 server from npm, and a strict one in this process. */

import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll } from 'vitest';

/** The SDK takes its credentials from the environment of the process, as people give them. For all tests of a file. */
export function withBucketCredentials(): void {
  beforeAll(() => {
    Object.assign(process.env, {
      AWS_ACCESS_KEY_ID: 'S3RVER',
      AWS_SECRET_ACCESS_KEY: 'S3RVER',
      AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true',
    });
  });
  afterAll(() => {
    for (const name of ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY']) delete process.env[name];
  });
}

export async function startS3rver(): Promise<{ endpoint: string } & AsyncDisposable> {
  interface Server {
    run(): Promise<AddressInfo>;
    close(): Promise<void>;
  }
  // The package has no types.
  const module = (await import('s3rver' as string)) as { default: new (options: object) => Server };
  const directory = mkdtempSync(join(tmpdir(), 'conductor-s3-'));
  const server = new module.default({
    port: 0,
    address: '127.0.0.1',
    silent: true,
    directory,
    configureBuckets: [{ name: 'results' }],
  });
  const { port } = await server.run();
  return {
    endpoint: `http://127.0.0.1:${port}`,
    async [Symbol.asyncDispose]() {
      await server.close();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

/** Objects by path, created once where that is asked for, with their checksums held against what came. */
export class StrictBucket implements AsyncDisposable {
  readonly objects = new Map<string, Buffer>();
  readonly seen: string[] = [];
  /** Objects are only created: nothing is removed, and nothing written over. */
  onlyCreates = true;
  /** Answers every write with this status. */
  refuses: number | undefined;
  private readonly server = http.createServer(async (request, response) => {
    const key = decodeURIComponent(new URL(request.url ?? '/', 'http://x').pathname);
    const condition = request.headers['if-none-match'];
    this.seen.push(`${request.method} ${key.split('/')[3]}${condition ? ' if none' : ''}`);
    const fail = (status: number, code: string) => {
      response.writeHead(status, { 'content-type': 'application/xml' });
      response.end(
        request.method === 'HEAD'
          ? undefined
          : `<Error><Code>${code}</Code><Message>${code}</Message></Error>`,
      );
    };
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks);
    if (!request.headers.authorization?.startsWith('AWS4-HMAC-SHA256')) return fail(403, 'AccessDenied');
    if (request.method === 'PUT') {
      if (this.refuses) return fail(this.refuses, this.refuses === 501 ? 'NotImplemented' : 'AccessDenied');
      const sum = createHash('sha256').update(body).digest('base64');
      if (request.headers['x-amz-checksum-sha256'] !== sum) return fail(400, 'BadDigest');
      if (condition === '*' && this.objects.has(key)) return fail(412, 'PreconditionFailed');
      if (condition !== '*' && this.onlyCreates) return fail(403, 'AccessDenied');
      const over = request.headers['if-match'];
      if (over !== undefined && over !== tagOf(this.objects.get(key))) return fail(412, 'PreconditionFailed');
      this.objects.set(key, body);
      return void response.writeHead(200, { etag: tagOf(body) }).end();
    }
    const found = this.objects.get(key);
    if (request.method === 'DELETE') {
      if (this.onlyCreates) return fail(403, 'AccessDenied');
      this.objects.delete(key);
      return void response.writeHead(204).end();
    }
    if (!found) return fail(404, 'NoSuchKey');
    response.writeHead(200, { 'content-length': found.length, etag: tagOf(found) });
    response.end(request.method === 'HEAD' ? undefined : found);
  });

  static async start(): Promise<StrictBucket> {
    const bucket = new StrictBucket();
    await new Promise<void>((resolve) => bucket.server.listen(0, '127.0.0.1', resolve));
    return bucket;
  }

  get endpoint(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }
}

function tagOf(body: Buffer | undefined): string {
  return body === undefined ? '' : `"${createHash('md5').update(body).digest('hex')}"`;
}
