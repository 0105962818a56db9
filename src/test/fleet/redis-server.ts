/** A Redis server of a test's own, with an append-only log, that can be stopped and started again. Knows no queue. */

import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Party, startedAt } from './network.js';

const HERE: Party = { address: '127.0.0.1', command: [] };

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
  private readonly place: Party;
  private child: ChildProcess | undefined;

  private constructor(port: number, place: Party) {
    this.port = port;
    this.place = place;
  }

  /** `place`: in a network of the test's own. */
  static async start(place: Party = HERE): Promise<RedisServer> {
    const server = new RedisServer(await freePort(), place);
    await server.up();
    return server;
  }

  get url(): string {
    return `redis://${this.place.address}:${this.port}`;
  }

  async up(): Promise<void> {
    const settings = [
      '--appendonly',
      'yes',
      '--appendfsync',
      'always',
      '--save',
      '',
      '--protected-mode',
      'no',
    ];
    const where = ['--bind', this.place.address, '--port', String(this.port), '--dir', this.dir];
    const [program, args] = startedAt(this.place, 'redis-server');
    this.child = spawn(program, [...args, ...where, ...settings], { stdio: 'ignore' });
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
    const [program, front] = startedAt(this.place, 'redis-cli');
    const where = ['-h', this.place.address, '-p', String(this.port)];
    return execFileSync(program, [...front, ...where, ...args], { encoding: 'utf8', stdio: 'pipe' }).trim();
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

  private async answers(): Promise<boolean> {
    try {
      return this.cli('PING') === 'PONG';
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 10));
      return false;
    }
  }
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
