/** Claims between several clones, over every kind of remote that can hold them. */

import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { StrictCache, startGitServer, startNginx } from '../rig/cache-servers.js';
import { createBare, refsIn } from '../rig/shared-project.js';
import { StrictBucket, startS3rver, withBucketCredentials } from './buckets.js';
import { buildTogether, calls, createTasks, expectPaidOnce, threeClones } from './claiming.js';

withBucketCredentials();

test('three clones with 18 stale tasks make 18 agent calls together, over a bare git repository', async () => {
  await using rig = await createTasks(18, { cache: { remotes: ['git:../shared.git'] } });
  const bare = createBare(rig);
  expectPaidOnce(await buildTogether(rig, threeClones(rig)), 18);
  expect(refsIn(bare, 'refs/conductor/claims')).toEqual([]);
});

test('over smart HTTP, each of two clones waits for what the other makes', async () => {
  await using rig = await createTasks(6, { workers: 2 });
  const bare = createBare(rig);
  execFileSync('git', ['config', 'http.receivepack', 'true'], { cwd: bare });
  await using server = await startGitServer(rig.temporary.root);
  rig.config = { ...rig.config, cache: { remotes: [`git:${server.url}/shared.git`] } };
  const folders = threeClones(rig).slice(0, 2);
  const stories = await buildTogether(rig, folders);
  expect(stories.map(({ summary }) => summary.exitCode)).toEqual([0, 0]);
  expect(calls(stories).length).toBe(6);
  expect(refsIn(bare, 'refs/conductor/claims')).toEqual([]);
});

test('a bucket and an HTTP server with conditional writes hold claims, and nothing of them stays', async () => {
  await using bucket = await StrictBucket.start();
  bucket.onlyCreates = false;
  await using cache = await StrictCache.start();
  cache.marked = new Map();
  for (const remote of [{ url: 's3://results/team', endpoint: bucket.endpoint }, cache.url]) {
    await using rig = await createTasks(4, { workers: 2, cache: { remotes: [remote] } });
    const stories = await buildTogether(rig, threeClones(rig).slice(0, 2));
    expect(stories.flatMap((story) => story.warnings())).toEqual([]);
    expect(stories.map(({ summary }) => summary.exitCode)).toEqual([0, 0]);
    expect(calls(stories)).toEqual(['f/T01', 'f/T02', 'f/T03', 'f/T04']);
  }
  expect([...bucket.objects.keys()].filter((key) => key.includes('/claims/'))).toEqual([]);
  expect([...cache.marked.keys()]).toEqual([]);
});

test('servers without conditional writes hold no claims, and builds say nothing of it', async () => {
  await using nginx = await startNginx();
  await using bucket = await startS3rver();
  await using cache = await StrictCache.start();
  const s3 = { url: 's3://results/team', endpoint: bucket.endpoint };
  for (const remote of [nginx.url, s3, cache.url]) {
    await using rig = await createTasks(2, { cache: { remotes: [remote] } });
    const story = await rig.build();
    expect(story.warnings()).toEqual([]);
    expect(story.summary.counts.built).toBe(2);
  }
  // It takes no DELETE: the one object that showed what it can do stays, and stands in nobody's way.
  expect(existsSync(join(nginx.root, 'claims'))).toBe(true);
});
