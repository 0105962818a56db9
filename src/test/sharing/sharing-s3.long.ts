/** Results shared through buckets: an S3 server from npm, and a strict one in this process that honours conditional writes. */

import { expect, test } from 'vitest';
import { cloneProject, createSharedProject, holdsThePromise } from '../rig/shared-project.js';
import { StrictBucket, startS3rver, withBucketCredentials } from './buckets.js';

withBucketCredentials();

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
    [...bucket.objects.keys()].every((key) => /^\/results\/team\/(ac|cas|claims)\/[0-9a-f]{64}$/.test(key)),
  ).toBe(true);
  expect(
    bucket.seen.filter((line) => line.startsWith('PUT')).every((line) => line.endsWith(' if none')),
  ).toBe(true);
});

test('of two builds that write at the same time the bucket keeps the first, and the second adopts it', async () => {
  await using bucket = await StrictBucket.start();
  await using rig = await createSharedProject({
    claims: 'off',
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
