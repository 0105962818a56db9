/** Results shared through buckets: an S3 server from npm, and a strict one in this process that honours conditional writes. */

import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { cloneProject, createSharedProject, holdsThePromise } from '../rig/shared-project.js';

beforeAll(() => {
  // The SDK takes its credentials from the environment of the process, as people give them.
  Object.assign(process.env, {
    AWS_ACCESS_KEY_ID: 'S3RVER',
    AWS_SECRET_ACCESS_KEY: 'S3RVER',
    AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true',
  });
});
afterAll(() => {
  for (const name of ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY']) delete process.env[name];
});

async function startS3rver(): Promise<{ endpoint: string } & AsyncDisposable> {
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
class StrictBucket implements AsyncDisposable {
  readonly objects = new Map<string, Buffer>();
  readonly seen: string[] = [];
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
      if (condition !== '*') return fail(403, 'AccessDenied');
      this.objects.set(key, body);
      return void response.writeHead(200).end();
    }
    const found = this.objects.get(key);
    if (!found) return fail(404, 'NoSuchKey');
    response.writeHead(200, { 'content-length': found.length });
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

test('a fresh clone is built from a bucket of an S3 server', async () => {
  await using server = await startS3rver();
  await using rig = await createSharedProject({
    remotes: [{ url: 's3://results/team/main', endpoint: server.endpoint }],
  });
  await holdsThePromise(rig);
});

test('a fresh clone is built from a bucket that only lets objects be created', async () => {
  await using bucket = await StrictBucket.start();
  await using rig = await createSharedProject({
    remotes: [{ url: 's3://results/team', endpoint: bucket.endpoint }],
  });
  await holdsThePromise(rig);
  expect(
    [...bucket.objects.keys()].every((key) => /^\/results\/team\/(ac|cas)\/[0-9a-f]{64}$/.test(key)),
  ).toBe(true);
  expect(
    bucket.seen.filter((line) => line.startsWith('PUT')).every((line) => line.endsWith(' if none')),
  ).toBe(true);
});

test('of two builds that write at the same time the bucket keeps the first, and the second adopts it', async () => {
  await using bucket = await StrictBucket.start();
  await using rig = await createSharedProject({
    remotes: [{ url: 's3://results', endpoint: bucket.endpoint }],
  });
  const here = rig.dir;
  const held = rig.start();
  const second = await held.agent.next('f/T3');
  cloneProject(rig, 'clone');
  await rig.build();
  const stands = rig.read('out/agent.txt');
  rig.dir = here;
  await second.write('out/agent.txt', 'the second\n');
  second.finish();
  const loser = await held.done;
  expect(loser.warnings()).toEqual([
    'f/T3: the first remote already has another result for this key; conductor uses that one',
  ]);
  expect(rig.read('out/agent.txt')).toBe(stands);
});

test('a bucket that may not be written, or a server without conditional writes, is told apart', async () => {
  await using bucket = await StrictBucket.start();
  await using rig = await createSharedProject({
    remotes: [{ url: 's3://results', endpoint: bucket.endpoint }],
  });
  bucket.refuses = 403;
  const denied = await rig.build({ targets: ['f/T1'] });
  expect(denied.summary.exitCode).toBe(0);
  expect(denied.warnings()).toEqual([
    expect.stringMatching(/^s3:\/\/results: AccessDenied.*conductor does not write to it any more/),
  ]);
  bucket.refuses = 501;
  bucket.seen.length = 0;
  cloneProject(rig, 'clone');
  await rig.build({ targets: ['f/T1'] });
  // Asked once with the condition, then without.
  expect(bucket.seen.filter((line) => line.endsWith('if none')).length).toBeGreaterThan(0);
  expect(bucket.seen.some((line) => line.startsWith('PUT') && !line.endsWith('if none'))).toBe(true);
});
