/**
 * Servers that results are shared through, for tests: a strict one in this process that answers as bazel-remote does and
 * fails on demand, nginx with DAV, and git's own HTTP backend. Knows nothing of results.
 */

import { execFileSync, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { until } from './command-line.js';

/** What a test lets the server do with a request instead of answering it properly. */
export type Mischief = (
  request: http.IncomingMessage,
  response: http.ServerResponse,
) => 'done' | 'pass' | Promise<'done' | 'pass'>;

/** Validates as bazel-remote does: keys, lengths, digests, actions; an action whose blobs are missing does not exist. */
export class StrictCache implements AsyncDisposable {
  readonly blobs = new Map<string, Buffer>();
  readonly actions = new Map<string, Buffer>();
  /** `GET /ac/…` and so on, in order, keys shortened. */
  readonly seen: string[] = [];
  /** Authorization headers as they came. */
  readonly credentials = new Set<string>();
  mischief: Mischief = () => 'pass';
  /** Actions are answered whose blobs are gone, as a store without such a check does. */
  servesBroken = false;
  /** Objects at `/claims/…`, written on conditions only; absent: the server knows no such path, as bazel-remote. */
  marked: Map<string, Buffer> | undefined;
  private readonly server = http.createServer((request, response) => {
    this.answer(request, response).catch((error: unknown) => response.destroy(error as Error));
  });

  static async start(): Promise<StrictCache> {
    const cache = new StrictCache();
    await new Promise<void>((resolve) => cache.server.listen(0, '127.0.0.1', resolve));
    return cache;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private async answer(request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
    const path = /^\/(?:[^/]+\/)?(ac|cas)\/([a-f0-9]{64})$/.exec(request.url ?? '');
    this.seen.push(`${request.method} ${path?.[1]}`);
    if (request.headers.authorization) this.credentials.add(request.headers.authorization);
    if ((await this.mischief(request, response)) === 'done') return;
    const end = (status: number, body: Buffer | string = '') => {
      response.writeHead(status, { 'content-length': Buffer.byteLength(body) });
      response.end(request.method === 'HEAD' ? undefined : body);
    };
    const { marked } = this;
    if (marked && request.url?.startsWith('/claims/')) return answerMarked(marked, request, response);
    if (!path) return end(400, 'resource name must be a SHA256 hash in hex');
    const [, kind, key] = path as unknown as [string, 'ac' | 'cas', string];
    if (request.method === 'PUT') {
      if (request.headers['content-length'] === undefined) return end(400, 'PUT without Content-Length');
      const body = await bodyOf(request);
      if (kind === 'cas') {
        if (sha256(body) !== key) return end(500, 'checksums do not match');
        this.blobs.set(key, body);
        return end(200);
      }
      if (request.headers['content-type'] !== 'application/json' || !isAction(body))
        return end(400, 'invalid ActionResult');
      this.actions.set(key, body);
      return end(200);
    }
    if (request.method !== 'GET' && request.method !== 'HEAD') return end(405);
    const found = kind === 'cas' ? this.blobs.get(key) : this.wholeAction(key);
    return found ? end(200, found) : end(404, 'Not found');
  }

  private wholeAction(key: string): Buffer | undefined {
    const body = this.actions.get(key);
    const hashes = body ? digestsOf(JSON.parse(body.toString('utf8'))) : [];
    return this.servesBroken || hashes.every((hash) => this.blobs.has(hash)) ? body : undefined;
  }
}

/** As WebDAV servers that keep to RFC 9110 do. */
async function answerMarked(
  marked: Map<string, Buffer>,
  request: http.IncomingMessage,
  response: http.ServerResponse,
): Promise<void> {
  const url = request.url as string;
  const found = marked.get(url);
  const tag = found && `"${sha256(found).slice(0, 16)}"`;
  const { 'if-match': match, 'if-none-match': noneMatch } = request.headers;
  if ((match !== undefined && match !== tag) || (noneMatch === '*' && found)) {
    request.resume();
    return void response.writeHead(412).end();
  }
  if (request.method === 'PUT') {
    const body = await bodyOf(request);
    marked.set(url, body);
    return void response.writeHead(201, { etag: `"${sha256(body).slice(0, 16)}"` }).end();
  }
  if (!found) return void response.writeHead(404).end();
  if (request.method === 'DELETE') marked.delete(url);
  response.writeHead(200, { etag: tag }).end(request.method === 'DELETE' ? undefined : found);
}

export function sha256(body: Buffer | string): string {
  return createHash('sha256').update(body).digest('hex');
}

async function bodyOf(request: http.IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

interface ActionJson {
  readonly outputFiles?: readonly { path: string; digest: { hash: string; sizeBytes: string } }[];
  readonly outputSymlinks?: readonly { path: string; target: string }[];
}

function digestsOf(action: ActionJson): string[] {
  return (action.outputFiles ?? []).map(({ digest }) => digest.hash);
}

/** The fields that conductor uses, with the types that the JSON mapping of protocol buffers demands; no others. */
function isAction(body: Buffer): boolean {
  const action = JSON.parse(body.toString('utf8')) as ActionJson & Record<string, unknown>;
  const known = ['outputFiles', 'outputSymlinks', 'exitCode', 'executionMetadata'];
  return (
    Object.keys(action).every((name) => known.includes(name)) &&
    (action.outputFiles ?? []).every(
      ({ path, digest }) =>
        path !== '' &&
        !path.startsWith('/') &&
        /^[0-9a-f]{64}$/.test(digest.hash) &&
        /^\d+$/.test(digest.sizeBytes),
    ) &&
    (action.outputSymlinks ?? []).every(({ path, target }) => path !== '' && target !== '')
  );
}

function program(name: string, debian: string): string {
  for (const folder of [...(process.env.PATH ?? '').split(':'), '/usr/sbin']) {
    try {
      execFileSync('test', ['-x', join(folder, name)]);
      return join(folder, name);
    } catch {
      // The next folder.
    }
  }
  throw new Error(`this test needs ${name}: apt-get install ${debian}`);
}

export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

export interface Nginx extends AsyncDisposable {
  readonly url: string;
  /** Where it keeps what was put. */
  readonly root: string;
}

/** A real nginx that takes any PUT below its root, as people set one up for Bazel. */
export async function startNginx(extra = ''): Promise<Nginx> {
  const binary = program('nginx', 'nginx');
  const dir = mkdtempSync(join(tmpdir(), 'conductor-nginx-'));
  const root = join(dir, 'root');
  mkdirSync(root);
  const port = await freePort();
  writeFileSync(
    join(dir, 'nginx.conf'),
    `daemon off;\npid ${dir}/pid;\nerror_log ${dir}/error.log;\n${process.getuid?.() === 0 ? 'user root;\n' : ''}worker_processes 1;\nevents {}\nhttp {\n  access_log off;\n  ${['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((one) => `${one}_temp_path ${dir}/tmp_${one};`).join('\n  ')}\n  server {\n    listen 127.0.0.1:${port};\n    root ${root};\n    client_max_body_size 100m;\n    location / { dav_methods PUT; create_full_put_path on; ${extra} }\n  }\n}\n`,
  );
  const child = spawn(binary, ['-p', dir, '-c', join(dir, 'nginx.conf')], { stdio: 'ignore' });
  const url = `http://127.0.0.1:${port}`;
  let up = false;
  const look = () => {
    http
      .get(url, (response) => {
        response.resume();
        up = true;
      })
      .on('error', () => {});
    return up;
  };
  await until('nginx to listen', look);
  return {
    url,
    root,
    async [Symbol.asyncDispose]() {
      const ended = new Promise((resolve) => child.once('close', resolve));
      child.kill('SIGTERM');
      await ended;
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

export interface GitServer extends AsyncDisposable {
  readonly url: string;
  /** Requests that came, by path. */
  readonly seen: string[];
  /** Bytes of all bodies, in both directions. */
  readonly traffic: { bytes: number };
}

/** `git http-backend` over the repositories below a folder, with the user and password that it asks for. */
export async function startGitServer(root: string, login?: string): Promise<GitServer> {
  const seen: string[] = [];
  const traffic = { bytes: 0 };
  const server = http.createServer((request, response) => {
    const url = new URL(request.url ?? '/', 'http://localhost');
    seen.push(`${request.method} ${url.pathname}${url.search}`);
    const expected = login && `Basic ${Buffer.from(login).toString('base64')}`;
    if (expected && request.headers.authorization !== expected) {
      response.writeHead(401, { 'www-authenticate': 'Basic realm="git"' }).end();
      return;
    }
    const cgi = spawn('git', ['http-backend'], {
      env: {
        PATH: process.env.PATH,
        GIT_PROJECT_ROOT: root,
        GIT_HTTP_EXPORT_ALL: '1',
        PATH_INFO: url.pathname,
        QUERY_STRING: url.search.slice(1),
        REQUEST_METHOD: request.method,
        CONTENT_TYPE: request.headers['content-type'] ?? '',
        ...(request.headers['content-encoding']
          ? { HTTP_CONTENT_ENCODING: request.headers['content-encoding'] }
          : {}),
        ...(request.headers['git-protocol'] ? { GIT_PROTOCOL: String(request.headers['git-protocol']) } : {}),
        ...(login ? { REMOTE_USER: login.split(':')[0] } : {}),
      },
      stdio: ['pipe', 'pipe', 'ignore'],
    });
    request.pipe(cgi.stdin);
    for (const part of [request, cgi.stdout]) {
      part.on('data', (chunk: Buffer) => {
        traffic.bytes += chunk.length;
      });
    }
    cgi.stdin.on('error', () => {});
    let head: Buffer | undefined = Buffer.alloc(0);
    cgi.stdout.on('data', (chunk: Buffer) => {
      if (!head) return void response.write(chunk);
      head = Buffer.concat([head, chunk]);
      const end = head.indexOf('\r\n\r\n');
      if (end < 0) return;
      const lines = head.toString('latin1', 0, end).split('\r\n');
      let status = 200;
      for (const line of lines) {
        const colon = line.indexOf(': ');
        const [name, value] = [line.slice(0, colon), line.slice(colon + 2)];
        if (name === 'Status') status = Number.parseInt(value, 10);
        else response.setHeader(name, value);
      }
      response.writeHead(status);
      response.write(head.subarray(end + 4));
      head = undefined;
    });
    cgi.on('close', () => response.end());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    seen,
    traffic,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
