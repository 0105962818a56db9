/** Holds that builds are followed while their logs grow, each event counted once, and that a killed one is told. */

import { appendFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import type { BuildEventBody } from '../../model/event.js';
import { BuildFollower } from './build-follower.js';

const folders: string[] = [];

afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

function project(pid: number, owner: number) {
  const folder = mkdtempSync(join(tmpdir(), 'conductor-follow-'));
  folders.push(folder);
  const name = `2030-01-01T00-00-00-000Z-${pid}`;
  const logs = join(folder, '.conductor/logs', name);
  mkdirSync(logs, { recursive: true });
  writeFileSync(join(folder, 'lock-owner.json'), `{"command":"x","pid":${owner},"startedAt":""}\n`);
  let seq = 0;
  const text = (body: BuildEventBody) =>
    `${JSON.stringify({ schema: 1, seq: ++seq, at: 1000 + seq, ...body })}\n`;
  const add = (raw: string) => appendFileSync(join(logs, 'events.ndjson'), raw);
  return { follower: new BuildFollower(folder, folder), name, text, add };
}

const STARTED: BuildEventBody = {
  type: 'build.started',
  build: 'b',
  command: 'conductor build',
  version: '1',
};
const GATE: BuildEventBody = { type: 'gate.finished', gate: 'g', task: 'f/T1', ok: true, ms: 1 };

test('what grows is read once, also by two readers at the same time, and half a line waits for its end', async () => {
  const { follower, name, text, add } = project(process.pid, process.pid);
  add(text(STARTED) + text({ type: 'build.planned', tasks: ['f/T1'] }));
  expect(await follower.refresh()).toEqual([name]);
  expect(await follower.refresh()).toEqual([]);
  const gate = text(GATE);
  add(gate.slice(0, 20));
  await follower.refresh();
  expect((await follower.document(name))?.tasks[0]?.gates).toEqual([]);
  add(gate.slice(20));
  await Promise.all([follower.refresh(), follower.refresh(), follower.refresh()]);
  expect((await follower.document(name))?.tasks[0]?.gates).toHaveLength(1);
  expect(follower.live()).toEqual([name]);
});

test('a build whose process does not hold the lock is killed, after a few looks', async () => {
  const { follower, name, text, add } = project(process.pid, 1);
  add(text(STARTED));
  for (let look = 0; look < 3; look++) {
    expect(follower.rows().every(({ outcome }) => outcome === 'running')).toBe(true);
    await follower.refresh();
  }
  expect(follower.rows()).toMatchObject([{ build: name, outcome: 'killed' }]);
});

test('of a long log that has ended, the list reads the ends, and the document everything', async () => {
  const { follower, name, text, add } = project(1, 1);
  const counts = {
    fresh: 0,
    cached: 0,
    verified: 0,
    built: 900,
    accepted: 0,
    drifted: 0,
    failed: 0,
    skipped: 0,
  };
  const tasks = Array.from({ length: 900 }, (_, i) => `f/T${i}`);
  add(text(STARTED) + text({ type: 'build.planned', tasks }));
  add(tasks.map((task) => text({ type: 'task.finished', task, outcome: 'built', ms: 1 })).join(''));
  const summary = {
    outcome: 'built',
    exitCode: 0,
    counts,
    ms: 5,
    usage: { costUsd: 2 },
    published: 3,
  } as const;
  add(text({ type: 'build.finished', summary }));
  await follower.refresh();
  expect(follower.rows()).toMatchObject([{ outcome: 'built', total: 900, counts, usage: { costUsd: 2 } }]);
  expect((await follower.document(name))?.tasks).toHaveLength(900);
  expect(await follower.document('../../etc')).toBeUndefined();
});
