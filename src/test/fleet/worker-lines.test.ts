/** What `conductor worker` prints, for people and for programs. */

import { expect, test } from 'vitest';
import { hasRedis, RedisServer } from './redis-server.js';
import { Fleet } from './worker-process.js';

test.skipIf(!hasRedis())(
  'a worker prints sentences, and with --json one object a line (redis-server)',
  async () => {
    await using redis = await RedisServer.start();
    await using fleet = new Fleet(redis, ['A']);
    const dir = fleet.clone('worker');
    const flags = ['--drain', '--concurrency'];
    const [text, json] = [
      fleet.start(dir, ['worker', ...flags, '1']),
      fleet.start(dir, ['worker', ...flags, '2', '--json']),
    ];
    expect([await text.ended, await json.ended]).toEqual([0, 0]);
    expect(text.output).toMatch(
      / takes 1 task at a time from the queue of .*\n0 tasks were run to the end\n$/,
    );
    const lines = json.output.trim().split('\n');
    expect(lines.map((line) => JSON.parse(line))).toMatchObject([{ type: 'worker.ready', concurrency: 2 }]);
  },
);
