/**
 * `conductor projects build` over a real Redis queue that is interrupted or killed while workers are at work for two projects:
 * what was paid is taken by the next build, and nothing is left.
 */

import { readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { hasRedis, RedisServer } from '../fleet/redis-server.js';
import { Fleet, type FleetProcess } from '../fleet/worker-process.js';
import { until } from '../rig/command-line.js';

const test_ = test.skipIf(!hasRedis());

/** Two projects with a worker each. `T1` of both is done and published, `T2` of both is at work and stays so until `release`. */
class Stopped implements AsyncDisposable {
  readonly fleets: Readonly<Record<'api' | 'web', Fleet>>;
  workers: FleetProcess[] = [];
  private readonly redis: RedisServer;

  constructor(redis: RedisServer) {
    this.redis = redis;
    const fleet = (name: string) => new Fleet(redis, ['T1', 'T2'], { ms: 0, name });
    this.fleets = { api: fleet('api'), web: fleet('web') };
    const { api, web } = this.fleets;
    const list = `projects:\n  api: { path: ${api.dir} }\n  web: { path: ${web.dir} }\n`;
    writeFileSync(join(api.root, 'conductor.projects.yaml'), list);
  }

  get all(): Fleet[] {
    return Object.values(this.fleets);
  }

  build(...flags: readonly string[]): FleetProcess {
    const { api } = this.fleets;
    return api.start(api.root, ['projects', 'build', ...flags]);
  }

  /** A build in the midst: what it has finished, it has said. */
  async inTheMidst(...flags: readonly string[]): Promise<FleetProcess> {
    for (const fleet of this.all) writeFileSync(`${fleet.calls}.hold.T2`, '');
    this.workers = await Promise.all(this.all.map((fleet) => fleet.worker('--concurrency', '2')));
    const build = this.build(...flags);
    const isHeld = () =>
      this.all.every((fleet) => fleet.called().join() === 'T1,T2') &&
      ['api', 'web'].every((name) => new RegExp(`${name} +built +f/T1`).test(build.output));
    await until('both tasks to be at work, and the others to be done', isHeld, 60_000);
    return build;
  }

  release(): void {
    for (const fleet of this.all) rmSync(`${fleet.calls}.hold.T2`);
  }

  /** The next build does the rest, the one after it has nothing to do, and nobody holds or keeps anything. */
  async goesOn(): Promise<void> {
    const next = this.build();
    expect(await next.ended, next.output).toBe(0);
    for (const fleet of this.all)
      expect([fleet.read('T1.txt'), fleet.read('T2.txt')]).toEqual(['T1 is made\n', 'T2 is made\n']);
    const frozen = this.build('--frozen');
    expect(await frozen.ended, frozen.output).toBe(0);
    expect(frozen.output).toContain('2 projects: 2 up to date');
    for (const worker of this.workers) worker.signal('SIGTERM');
    expect(await Promise.all(this.workers.map(({ ended }) => ended))).toEqual([0, 0]);
    // Who waits for a job is kept for a day at most, where a killed build could not take itself out.
    const waiting = this.redis.cli('--scan', '--pattern', '*:job:*:waiting').split('\n');
    for (const key of waiting.filter((one) => one !== ''))
      expect(Number(this.redis.cli('TTL', key)), key).toBeGreaterThan(0);
    for (const fleet of this.all) {
      const names = (folder: string) => readdirSync(folder, { recursive: true, encoding: 'utf8' });
      const locks = names(join(fleet.dir, '.git')).filter((name) =>
        /\.lock$|\.tmp$|publish\.json$/.test(name),
      );
      expect(locks).toEqual([]);
      // A worker keeps as many workspaces as it has tasks at a time; the builder has none.
      const workspaces = names(join(fleet.root, 'cache')).filter((name) => /-w\d+$/.test(name));
      expect(workspaces.length).toBe(2);
      expect(workspaces.filter((name) => !name.startsWith('conductor/worker-'))).toEqual([]);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const fleet of this.all) await fleet[Symbol.asyncDispose]();
  }
}

test_(
  'Ctrl-C cancels the jobs of both projects; what was done stays, and the rest is asked for once more (redis-server)',
  async () => {
    await using redis = await RedisServer.start();
    await using stopped = new Stopped(redis);
    const build = await stopped.inTheMidst();
    build.signal('SIGINT');
    expect(await build.ended).toBe(130);
    expect(build.output).toContain('2 projects: 2 interrupted');
    await until(
      'both workers to be told',
      () => stopped.workers.every(({ output }) => output.includes('cancelled f/T2')),
      60_000,
    );
    stopped.release();
    await stopped.goesOn();
    for (const fleet of stopped.all) expect(fleet.called()).toEqual(['T1', 'T2', 'T2']);
  },
);

test_(
  'a build that is killed leaves the jobs of both projects to finish, and the next build pays for nothing again (redis-server)',
  async () => {
    await using redis = await RedisServer.start();
    await using stopped = new Stopped(redis);
    const build = await stopped.inTheMidst();
    await build.kill();
    stopped.release();
    await stopped.goesOn();
    for (const fleet of stopped.all) expect(fleet.called()).toEqual(['T1', 'T2']);
  },
);

test_(
  'interrupted with --detach, the jobs of both projects go on, and the next build takes their results (redis-server)',
  async () => {
    await using redis = await RedisServer.start();
    await using stopped = new Stopped(redis);
    const build = await stopped.inTheMidst('--detach');
    build.signal('SIGINT');
    expect(await build.ended).toBe(130);
    stopped.release();
    await stopped.goesOn();
    for (const fleet of stopped.all) expect(fleet.called()).toEqual(['T1', 'T2']);
  },
);
