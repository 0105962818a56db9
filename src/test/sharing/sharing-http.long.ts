/** Results shared over HTTP: Bazel's cache protocol against a strict server and a real nginx, and git's smart protocol. */

import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { StrictCache, sha256, startGitServer, startNginx } from '../rig/cache-servers.js';
import {
  cloneProject,
  createBare,
  createSharedProject,
  holdsThePromise,
  refsIn,
} from '../rig/shared-project.js';

test('a fresh clone is built from a cache that answers as bazel-remote does, with a token', async () => {
  await using cache = await StrictCache.start();
  await using rig = await createSharedProject({
    remotes: [{ url: `${cache.url}/main/`, tokenEnv: 'CACHE_TOKEN' }],
  });
  rig.env.CACHE_TOKEN = 'hidden-token';
  await holdsThePromise(rig);
  expect([...cache.credentials]).toEqual(['Bearer hidden-token']);
  expect(rig.log()).not.toContain('hidden-token');
  // Looked, sent, looked again: never an action before its blobs.
  expect(cache.seen.indexOf('PUT cas')).toBeLessThan(cache.seen.indexOf('PUT ac'));
  expect(cache.actions.size).toBe(8);
});

test('a fresh clone is built from a real nginx with DAV', async () => {
  await using nginx = await startNginx();
  await using rig = await createSharedProject({ remotes: [nginx.url] });
  await holdsThePromise(rig);
  expect(readdirSync(join(nginx.root, 'ac')).length).toBe(8);
});

test("a fresh clone is built over git's smart HTTP, with the person's own credentials, in one fetch", async () => {
  await using rig = await createSharedProject({ remotes: ['git:results'] });
  const bare = createBare(rig);
  rig.git('--git-dir', bare, 'config', 'http.receivepack', 'true');
  await using server = await startGitServer(rig.temporary.root, 'ada:wonder');
  const remote = `${server.url.replace('//', '//ada:wonder@')}/shared.git`;
  rig.git('remote', 'add', 'results', remote);
  const first = await rig.build();
  expect(first.warnings()).toEqual([]);
  rig.commit();
  cloneProject(rig, 'clone');
  rig.config = { ...rig.config, cache: { remotes: [`git:${remote}`] } };
  server.seen.length = 0;
  const again = await rig.buildWithoutAgent();
  expect(again.ran()).toEqual([]);
  expect(again.summary.exitCode).toBe(0);
  // All four results: the refs, and one pack.
  expect(server.seen.filter((line) => line === 'POST /shared.git/git-upload-pack').length).toBe(2);
  expect(rig.log()).not.toContain('wonder');
  expect(refsIn(bare, 'refs/conductor/results').length).toBe(4);
});

test('blobs that do not match their digests are refused, reported, and nothing of them is restored', async () => {
  await using nginx = await startNginx();
  await using rig = await createSharedProject({ remotes: [nginx.url] });
  await rig.build();
  rig.commit();
  // nginx hashes nothing: a person with write access puts other bytes under a digest.
  const evil = join(nginx.root, 'cas', sha256('kind\n'));
  writeFileSync(evil, 'evil\n');
  cloneProject(rig, 'clone');
  rig.config = { ...rig.config, publish: 'task' };
  const story = await rig.buildWithoutAgent();
  expect(story.failure('f/T3')?.kind).toBe('pinned-result-missing');
  expect(story.warnings()).toEqual([
    expect.stringContaining('outputs/out/agent.txt does not match its digest'),
  ]);
  expect(rig.read('out/agent.txt')).toBeUndefined();
  expect(rig.read('out/model.ts')).toBe('export const x = 1;\n');
});

test('an action without its blobs is as good as none', async () => {
  await using cache = await StrictCache.start();
  await using rig = await createSharedProject({ remotes: [cache.url] });
  await rig.build();
  cache.blobs.clear();
  cloneProject(rig, 'clone');
  const story = await rig.build();
  expect(story.summary.counts.built).toBe(4);
  expect(story.warnings()).toEqual([]);
});

test('what a hostile server says is refused: paths that leave, sizes that lie, actions that are none', async () => {
  await using cache = await StrictCache.start();
  await using rig = await createSharedProject({ remotes: [cache.url] });
  await rig.build();
  const saved = new Map(cache.actions);
  const twist = [
    (text: string) => text.replaceAll('outputs/out/', 'outputs/../'),
    (text: string) => text.replaceAll('outputs/out/', 'outputs/.git/'),
    (text: string) => text.replaceAll('outputs/out/', 'outputs/src/'),
    (text: string) => text.replaceAll(/"sizeBytes":"\d+"/g, '"sizeBytes":"999999999999"'),
    () => '{"outputFiles":[]}',
    () => '[]',
  ];
  // Whatever is asked for, it is twisted in one of the ways: each result in another one.
  const results = [...saved].filter(([, body]) => body.includes('result.json'));
  expect(results.length).toBe(4);
  for (const from of [0, 2]) {
    cache.actions.clear();
    for (const [i, [key, body]] of results.entries()) {
      const change = twist[from + i] as (text: string) => string;
      cache.actions.set(key, Buffer.from(change(body.toString('utf8'))));
    }
    rig.dir = rig.temporary.dir;
    cloneProject(rig, `clone${from}`);
    const story = await rig.build();
    // Made here, whatever the server says; nothing of its words is in the tree.
    expect(story.ran()).toEqual(['f/T1', 'f/T2', 'f/T3', 'f/T4']);
    expect(story.warnings().length).toBeGreaterThan(0);
    expect(rig.read('src/agent.txt')).toBeUndefined();
    expect(story.summary.exitCode).toBe(0);
  }
});

test('a server that errs is tried again, then left alone for the rest of the build, with one warning', async () => {
  await using cache = await StrictCache.start();
  await using rig = await createSharedProject({ remotes: [{ url: cache.url, write: false }] });
  cache.mischief = (_request, response) => {
    response.writeHead(500).end('no');
    return 'done';
  };
  const story = await rig.build();
  expect(story.summary.exitCode).toBe(0);
  expect(story.warnings()).toEqual([expect.stringMatching(/GET returned 500/)]);
  // Three tries for each of three questions, then none; one question more is that of the first look in a new clone.
  expect(cache.seen.length).toBe(12);
});

test('a passing error is overcome without a word', async () => {
  await using cache = await StrictCache.start();
  await using rig = await createSharedProject({ remotes: [cache.url] });
  // Each thing that is asked for fails once, in one way or the other.
  const seen = new Set<string>();
  cache.mischief = (request, response) => {
    const what = `${request.method} ${request.url}`;
    if (seen.has(what)) return 'pass';
    seen.add(what);
    if (seen.size % 4 === 1) {
      response.writeHead(503, { 'retry-after': '0' }).end();
      return 'done';
    }
    if (seen.size % 4 === 3) {
      request.socket.destroy();
      return 'done';
    }
    return 'pass';
  };
  await holdsThePromise(rig);
});

test('a download that is cut, or that never comes, is given up; the task is made', async () => {
  await using cache = await StrictCache.start();
  await using rig = await createSharedProject({
    remotes: [{ url: cache.url, timeoutSeconds: 0.2, write: false }],
  });
  const told = new Set<string>();
  for (const way of ['cut', 'silent'] as const) {
    cache.mischief = (_request, response) => {
      response.writeHead(200, { 'content-length': '1000' });
      response.write('{"outputFiles":');
      if (way === 'cut') response.destroy();
      return 'done';
    };
    cloneProject(rig, way);
    const story = await rig.build();
    expect(story.summary.exitCode).toBe(0);
    for (const line of story.warnings()) told.add(line.replace(cache.url, '').slice(0, 60));
  }
  expect([...told].length).toBe(2);
});

test('a cache that is full or read-only is one warning; reading goes on', async () => {
  await using cache = await StrictCache.start();
  await using rig = await createSharedProject({ remotes: [cache.url] });
  await rig.build();
  rig.commit();
  for (const [status, words] of [
    [507, 'it is full'],
    [405, 'it is read-only'],
  ] as const) {
    cache.mischief = (request, response) => {
      if (request.method !== 'PUT') return 'pass';
      request.resume();
      response.writeHead(status).end();
      return 'done';
    };
    rig.dir = rig.temporary.dir;
    cloneProject(rig, `clone${status}`);
    rig.backlog('g', { T1: { inputs: [], outputs: ['out/g.txt'], run: 'echo g > out/g.txt' } });
    const story = await rig.buildWithoutAgent();
    expect(story.ran()).toEqual(['g/T1']);
    expect(story.summary.exitCode).toBe(0);
    expect(story.warnings()).toEqual([expect.stringContaining(words)]);
  }
});

test('a cache that may be written and not read gets what is made', async () => {
  await using cache = await StrictCache.start();
  await using rig = await createSharedProject({ remotes: [{ url: cache.url, read: false }] });
  cache.mischief = (request, response) => {
    if (request.method === 'PUT') return 'pass';
    response.writeHead(403).end();
    return 'done';
  };
  const story = await rig.build();
  expect(story.warnings()).toEqual([]);
  expect(cache.actions.size).toBe(8);
});

test('of two builds over HTTP the first one stands', async () => {
  await using cache = await StrictCache.start();
  await using rig = await createSharedProject({ remotes: [cache.url] });
  const here = rig.dir;
  const held = rig.start();
  const second = await held.agent.next('f/T3');
  cloneProject(rig, 'clone');
  const winner = await rig.build();
  const stands = rig.files();
  rig.dir = here;
  await second.write('out/agent.txt', 'the second\n');
  second.finish();
  const loser = await held.done;
  expect(loser.warnings()).toEqual([
    'f/T3: the first remote already has another result for this key; conductor uses that one',
  ]);
  expect(loser.ran()).not.toContain('f/T4');
  expect(winner.summary.exitCode + loser.summary.exitCode).toBe(0);
  expect(rig.read('out/agent.txt')).toBe(stands['out/agent.txt']?.slice(2));
});

test('credentials do not follow a redirect to another place, and a redirect itself is followed', async () => {
  await using other = await StrictCache.start();
  await using cache = await StrictCache.start();
  await using rig = await createSharedProject({
    remotes: [{ url: cache.url, userEnv: 'U', passwordEnv: 'P' }],
  });
  Object.assign(rig.env, { U: 'ada', P: 'wonder' });
  cache.mischief = (request, response) => {
    request.resume();
    response.writeHead(307, { location: other.url + request.url }).end();
    return 'done';
  };
  await holdsThePromise(rig);
  expect([...cache.credentials]).toEqual([`Basic ${Buffer.from('ada:wonder').toString('base64')}`]);
  expect([...other.credentials]).toEqual([]);
});
