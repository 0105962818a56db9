/**
 * A network that is cut between two of four parties while an agent works: nothing that was finished is lost, and nothing of
 * it is paid twice. Each party is a real process with an address of its own.
 */

import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { until } from '../rig/command-line.js';
import { hasNamespaces, Network } from './network.js';
import { hasRedis, RedisServer } from './redis-server.js';
import { Fleet } from './worker-process.js';

const PARTIES = ['redis', 'store', 'worker', 'builder'] as const;
const STORE_PORT = 7077;

test.skipIf(!hasRedis() || !hasNamespaces()).each([
  ['builder', 'redis'],
  ['worker', 'redis'],
  ['worker', 'store'],
  ['builder', 'store'],
] as const)(
  'the way between %s and %s is cut for longer than a lock holds, while an agent finishes (redis-server, ip netns)',
  async (one, other) => {
    using network = new Network(PARTIES);
    await using redis = await RedisServer.start(network.party('redis'));
    const address = `${network.party('store').address}:${STORE_PORT}`;
    await using fleet = new Fleet(redis, ['T1', 'T2'], {
      remote: `http://${address}`,
      tokenEnv: 'STORE_TOKEN',
      // A machine under load renews late.
      lockSeconds: 5,
    });
    const env = { STORE_TOKEN: 'word' };
    writeFileSync(`${fleet.calls}.hold`, '');
    // A worker without an agent: it serves the store and takes no task.
    const keeper = fleet.clone('keeper');
    const execution = {
      queueEnv: 'QUEUE',
      remote: `http://${address}`,
      tokenEnv: 'STORE_TOKEN',
      name: 'drill',
    };
    writeFileSync(
      join(keeper, 'conductor.config.mjs'),
      `export default ${JSON.stringify({ sandbox: 'off', execution })};\n`,
    );
    const store = fleet.start(keeper, ['worker', '--store', address], env, network.party('store'));
    await until('the store to be there', () => store.output.includes('serves a store'), 60_000);
    const worker = fleet.start(
      fleet.clone('worker'),
      ['worker', '--concurrency', '1'],
      env,
      network.party('worker'),
    );
    const build = fleet.start(fleet.dir, ['build', '--json'], env, network.party('builder'));
    await until('an agent to be called', () => fleet.called().some((id) => id !== ''), 60_000);
    const locks = redis.lastExpiry('*:lock');
    network.cut(one, other);
    rmSync(`${fleet.calls}.hold`);
    await until('a lock that is not renewed to be over', () => Date.now() > locks, 60_000);
    network.heal(one, other);
    const code = await build.ended;
    expect(build.output).toContain(code === 0 ? '' : 'the build to succeed');
    expect(fleet.called()).toEqual(['T1', 'T2']);
    expect([fleet.read('T1.txt'), fleet.read('T2.txt')]).toEqual(['T1 is made\n', 'T2 is made\n']);
    worker.signal('SIGTERM');
    expect(await worker.ended).toBe(0);
  },
);
