/** `conductor cache`: results sent, brought, checked and counted without a build. */

import { execFileSync } from 'node:child_process';
import { readdirSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ScriptedAgent } from '../../agent/scripted-agent.js';
import { cacheStats, pullResults, pushResults, verifyResults } from '../../commands/cache.js';
import type { Rig } from '../rig/rig.js';
import { cloneProject, createBare, createSharedProject, refsIn } from '../rig/shared-project.js';

const host = (rig: Rig) => rig.host(new ScriptedAgent({ tripwire: true }));

async function given<T>(work: Promise<{ ok: true; value: T } | { ok: false; error: unknown }>): Promise<T> {
  const done = await work;
  if (!done.ok) throw new Error(JSON.stringify(done.error));
  return done.value;
}

test('push and pull carry what lock files record, each in one conversation', async () => {
  await using rig = await createSharedProject({});
  const bare = createBare(rig);
  await rig.build();
  rig.commit();
  const told: string[] = [];
  const options = {
    all: false,
    signal: new AbortController().signal,
    warn: (line: string) => told.push(line),
  };
  const none = await pushResults(host(rig), options);
  expect(none.ok ? undefined : none.error.kind).toBe('usage');

  rig.config = { ...rig.config, cache: { remotes: ['git:../shared.git'] } };
  expect(await given(pushResults(host(rig), options))).toEqual({
    stored: 8,
    taken: [],
    absent: [],
    unsent: 0,
  });
  expect(refsIn(bare).length).toBe(8);
  expect((await given(pushResults(host(rig), { ...options, all: true }))).stored).toBe(8);

  cloneProject(rig, 'clone');
  expect(await given(pullResults(host(rig), options))).toEqual({
    present: 0,
    brought: 8,
    missing: [],
    unreached: [],
  });
  expect(await given(pullResults(host(rig), options))).toEqual({
    present: 8,
    brought: 0,
    missing: [],
    unreached: [],
  });
  expect(told).toEqual([]);
  // From here on no remote is needed.
  rig.config = { ...rig.config, cache: {} };
  const story = await rig.buildWithoutAgent();
  expect(story.ran()).toEqual([]);
  expect(story.summary.exitCode).toBe(0);
});

test('pull names what is nowhere, and push what another build has stored differently', async () => {
  await using rig = await createSharedProject({});
  const bare = createBare(rig);
  await rig.build();
  rig.commit();
  rig.config = { ...rig.config, cache: { remotes: ['git:../shared.git'] } };
  const told: string[] = [];
  const options = {
    all: false,
    signal: new AbortController().signal,
    warn: (line: string) => told.push(line),
  };
  await given(pushResults(host(rig), options));
  const [taken, gone] = refsIn(bare, 'refs/conductor/results');
  execFileSync('git', ['update-ref', '-d', gone as string], { cwd: bare });
  cloneProject(rig, 'clone');
  expect((await given(pullResults(host(rig), options))).missing.length).toBe(1);

  const other = execFileSync(
    'git',
    [
      '-c',
      'user.name=x',
      '-c',
      'user.email=x@y',
      'commit-tree',
      '-m',
      'x',
      '4b825dc642cb6eb9a060e54bf8d69288fbee4904',
    ],
    { cwd: bare, encoding: 'utf8' },
  ).trim();
  execFileSync('git', ['hash-object', '-w', '-t', 'tree', '/dev/null'], { cwd: bare });
  execFileSync('git', ['update-ref', taken as string, other], { cwd: bare });
  rig.dir = rig.temporary.dir;
  const pushed = await given(pushResults(host(rig), options));
  expect(pushed.taken.length).toBe(1);
  expect(pushed.stored).toBe(7);
});

test('verify finds a damaged object, and what was removed is brought again', async () => {
  await using rig = await createSharedProject({ remotes: ['git:../shared.git'] });
  createBare(rig);
  await rig.build();
  expect(await given(verifyResults(host(rig), { remove: false }))).toMatchObject({
    results: 4,
    damaged: [],
  });
  const packs = join(rig.dir, '.git/conductor/repo/objects/pack');
  for (const name of readdirSync(packs).filter((one) => one.endsWith('.pack'))) {
    execFileSync('chmod', ['u+w', join(packs, name)]);
    truncateSync(join(packs, name), 40);
  }
  const found = await given(verifyResults(host(rig), { remove: true }));
  expect(found.damaged.length).toBe(8);
  rig.remove('out');
  const story = await rig.buildWithoutAgent();
  expect(story.ran()).toEqual([]);
  expect(story.summary.exitCode).toBe(0);
  expect(rig.read('out/agent.txt')).toBe('kind\n');
});

test('stats count results by recipe, their cost and their size', async () => {
  await using rig = await createSharedProject({});
  await rig.build({}, { usage: { costUsd: 0.25 } });
  rig.config = {
    ...rig.config,
    cache: { remotes: [{ url: 'git:https://ada:pw@example.org/x.git', write: false }] },
  };
  const stats = await given(cacheStats(host(rig)));
  expect(stats).toMatchObject({
    results: 4,
    gates: 4,
    recipes: { agent: 2, render: 1, run: 1 },
    costUsd: 0.5,
    recorded: 4,
    absent: 0,
    remotes: [{ url: 'git:https://example.org/x.git', read: true, write: false }],
  });
  expect(stats.bytes).toBeGreaterThan(1000);
});
