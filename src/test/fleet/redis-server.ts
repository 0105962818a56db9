/** A Redis server of a test's own, with an append-only log, that can be stopped and started again. Knows no queue. */

import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { type AddressInfo, connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Whether there is a `redis-server`. */
export function hasRedis(): boolean {
  try {
    execFileSync('redis-server', ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

export class RedisServer implements AsyncDisposable {
  private readonly dir = mkdtempSync(join(tmpdir(), 'conductor-redis-'));
  private readonly port: number;
  private child: ChildProcess | undefined;

  private constructor(port: number) {
    this.port = port;
  }

  static async start(): Promise<RedisServer> {
    const server = new RedisServer(await freePort());
    await server.up();
    return server;
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  async up(): Promise<void> {
    const settings = ['--appendonly', 'yes', '--appendfsync', 'always', '--save', '', '--bind', '127.0.0.1'];
    this.child = spawn('redis-server', ['--port', String(this.port), '--dir', this.dir, ...settings], {
      stdio: 'ignore',
    });
    const end = performance.now() + 20_000;
    while (!(await this.answers()))
      if (performance.now() > end) throw new Error('redis-server did not start');
  }

  /** As a power cut ends it. */
  async kill(): Promise<void> {
    const { child } = this;
    if (!child || child.exitCode !== null) return;
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGKILL');
    await ended;
    this.child = undefined;
  }

  /** One command over `redis-cli`, and what it prints. */
  cli(...args: string[]): string {
    return execFileSync('redis-cli', ['-p', String(this.port), ...args], { encoding: 'utf8' }).trim();
  }

  /** When the last of the keys that match expires, in milliseconds since 1970. */
  lastExpiry(pattern: string): number {
    const keys = this.cli('--scan', '--pattern', pattern).split('\n');
    return Math.max(...keys.map((key) => Date.now() + Number(this.cli('PTTL', key))));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
    rmSync(this.dir, { recursive: true, force: true });
  }

  private answers(): Promise<boolean> {
    return new Promise((resolve) => {
      const socket = connect(this.port, '127.0.0.1');
      socket.once('data', (data) => {
        socket.destroy();
        resolve(data.toString().startsWith('+PONG'));
      });
      socket.once('error', () => setTimeout(() => resolve(false), 10));
      socket.once('connect', () => socket.write('PING\r\n'));
    });
  }
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
