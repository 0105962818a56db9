/** Parcels between two clones, through both places: what is removed, forgotten and sent once more. */

import { execFileSync, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { outcomeCommit, readOutcome } from '../../execution/queue/parcel.js';
import { GitObjects } from '../../io/git/objects.js';
import { openRepository } from '../../io/git/open-repository.js';
import { hashObject } from '../../io/git/writing/object-bytes.js';
import type { ObjectId } from '../../model/tree.js';
import { GitParcels } from '../../store/parcels/git-parcels.js';
import { HttpParcels } from '../../store/parcels/http-parcels.js';
import { framesOf } from '../../store/parcels/object-frames.js';
import { openParcels } from '../../store/parcels/open-parcels.js';
import { OwnParcels } from '../../store/parcels/own-parcels.js';
import { ParcelServer } from '../../store/parcels/parcel-server.js';
import {
  ARRIVING_REFS,
  type Parcels,
  parcelRef,
  STORE_REFS,
  worthAgain,
} from '../../store/parcels/parcels.js';
import { TemporaryProject } from '../rig/command-line.js';

/** `git-url`: a git that is asked for each transfer, as for a repository on another machine. */
const KINDS = ['git', 'git-url', 'http'] as const;
const endings: (() => unknown)[] = [];
let place: { readonly remote: string; readonly server: ParcelServer };

beforeEach(async () => {
  const { objects, project } = await opened();
  const remote = join(project.root, 'shared.git');
  execFileSync('git', ['init', '-q', '--bare', remote]);
  const options = { host: '127.0.0.1', port: 0, token: undefined, maxBytes: 100_000 };
  const server = await ParcelServer.open({ ...options, objects });
  endings.push(() => server.close());
  place = { remote, server };
});
afterEach(async () => {
  for (const end of endings.splice(0).reverse()) await end();
});

async function opened() {
  const project = new TemporaryProject();
  endings.push(() => project.dispose());
  const found = await openRepository(project.dir);
  if (!found.ok) throw new Error(found.error.kind);
  const objects = new GitObjects(found.value);
  endings.push(() => objects.close());
  return { project, objects };
}

async function clone(kind: (typeof KINDS)[number]): Promise<{ parcels: Parcels; objects: GitObjects }> {
  const { project, objects } = await opened();
  const { remote, server } = place;
  const parcels =
    kind === 'http'
      ? new HttpParcels({ objects, url: server.address, token: undefined, maxBytes: 100_000 })
      : new GitParcels({ objects, remote: kind === 'git' ? remote : `file://${remote}`, dir: project.dir });
  endings.push(() => parcels.end());
  return { parcels, objects };
}

const sent = { ok: true, value: undefined };

test.each(KINDS)(
  'what a build has removed arrives again when its worker sends it under another name (%s)',
  async (kind) => {
    const worker = await clone(kind);
    const commit = await worker.objects.writeCommit({
      tree: await worker.objects.empty(),
      message: 'result\n',
    });
    expect(await worker.parcels.send(commit, 'done-1')).toEqual(sent);
    const first = await clone(kind);
    expect(await first.parcels.fetch(commit)).toEqual(sent);
    await first.parcels.remove([commit, 'done-1']);
    const second = await clone(kind);
    expect(await second.parcels.fetch(commit)).toMatchObject({ ok: false });
    expect(await worker.parcels.send(commit, 'done-2')).toEqual(sent);
    expect(await second.parcels.fetch(commit)).toEqual(sent);
    expect(await second.parcels.find('done-2')).toEqual({ ok: true, value: commit });
  },
);

test.each(KINDS)('a worker forgets what it has sent, and the place keeps it (%s)', async (kind) => {
  const worker = await clone(kind);
  const commit = await worker.objects.writeCommit({
    tree: await worker.objects.empty(),
    message: 'result\n',
  });
  expect(await worker.parcels.send(commit, 'done-1')).toEqual(sent);
  await worker.parcels.forget([commit, 'done-1', '../x']);
  expect([...(await worker.objects.refs('refs/conductor/jobs'))]).toEqual([]);
  const build = await clone(kind);
  expect(await build.parcels.fetch(commit)).toEqual(sent);
  await build.parcels.remove([commit, 'done-1']);
  expect(await worker.parcels.send(commit)).toEqual(sent);
  expect(await (await clone(kind)).parcels.fetch(commit)).toEqual(sent);
});

test.each(KINDS)('a place that is away is not one where nothing is found (%s)', async (kind) => {
  const { parcels } = await clone(kind);
  expect(await parcels.find('done-1')).toEqual({ ok: true, value: undefined });
  if (kind !== 'http') renameSync(place.remote, `${place.remote}.away`);
  else await place.server.close();
  expect(await parcels.find('done-1')).toMatchObject({ ok: false, error: { isAway: true } });
});

test('git: what the place could not write is not sent, and names that stay here fail nothing', async () => {
  const { parcels, objects } = await clone('git');
  const commit = await objects.writeCommit({ tree: await objects.empty(), message: 'result\n' });
  const lock = join(place.remote, `${parcelRef(commit)}.lock`);
  mkdirSync(dirname(lock), { recursive: true });
  writeFileSync(lock, '');
  expect(await parcels.send(commit)).toMatchObject({
    ok: false,
    error: { failure: { kind: 'git-failed' }, isAway: true },
  });
  rmSync(lock);
  expect(await parcels.send(commit)).toEqual(sent);
  const other = await clone('git');
  expect(await other.parcels.fetch(commit)).toEqual(sent);
  const [arrived] = [...(await other.objects.refs(ARRIVING_REFS)).keys()];
  // A lock that nobody removes.
  mkdirSync(join(other.objects.store, `${arrived}.lock`));
  await other.parcels.forget([commit]);
  expect([...(await other.objects.refs(ARRIVING_REFS)).keys()]).toEqual([arrived]);
});

/** A commit that git's checks reject: its only file is called like a repository. */
async function rejected(objects: GitObjects): Promise<ObjectId> {
  const blob = await objects.writeBlob(Buffer.from('text\n'));
  const raw = Buffer.concat([Buffer.from('100644 .git\0'), Buffer.from(blob, 'hex')]);
  return objects.writeCommit({ tree: await objects.write('tree', raw), message: 'rejected\n' });
}

test('git: a place that refuses one parcel takes those beside it, and is not away', async () => {
  const { parcels, objects } = await clone('git');
  const sound = await objects.writeCommit({ tree: await objects.empty(), message: 'sound\n' });
  const other = await objects.writeCommit({ tree: await objects.empty(), message: 'other\n' });
  const unsound = await rejected(objects);
  execFileSync('git', ['-C', place.remote, 'config', 'receive.fsckObjects', 'true']);
  const reason = expect.stringMatching(/^\/.*shared\.git refuses what is sent: .*hasDotgit/);
  const refused = { failure: { kind: 'job-failed', reason }, isAway: false, refused: 'content' };
  expect(await Promise.all([sound, unsound].map((one) => parcels.send(one)))).toMatchObject([
    sent,
    { ok: false, error: refused },
  ]);
  // A hook may refuse it for a moment: it is tried again, and not for ever.
  const hook = join(place.remote, 'hooks', 'pre-receive');
  writeFileSync(hook, '#!/bin/sh\necho not on Sundays >&2\nexit 1\n', { mode: 0o755 });
  const byHook = await parcels.send(other);
  expect(byHook).toMatchObject({ ok: false, error: { isAway: false, refused: 'rule' } });
  expect(JSON.stringify(byHook)).toContain('not on Sundays');
  if (byHook.ok) throw new Error('it was sent');
  const isWorth = worthAgain();
  // While it was away, no hook had refused it.
  for (let i = 0; i < 10; i++) expect(isWorth({ ...byHook.error, isAway: true })).toBe(true);
  const again = Array.from({ length: 6 }, () => isWorth(byHook.error));
  expect(again).toEqual([true, true, true, true, true, false]);
});

/** Three outcomes that nobody has on a disk, and the commit on which they stand. */
async function outcomesOn(objects: GitObjects) {
  const base = await objects.writeCommit({ tree: await objects.empty(), message: 'base\n' });
  const done = { ok: true, result: base, attempts: 1, usage: {} } as const;
  const all = [1, 2, 3].map((ms) => outcomeCommit(objects, { ...done, ms }, base));
  return { base, done, all: (await Promise.all(all)) as [ObjectId, ObjectId, ObjectId] };
}

test('git: what was sent from memory is nothing that a git here could start from', async () => {
  const here = await opened();
  const git = (...args: string[]) => execFileSync('git', ['-C', here.project.dir, ...args]);
  git('remote', 'add', 'place', `file://${place.remote}`);
  git('remote', 'set-url', '--push', 'place', place.remote);
  const { objects } = here;
  const parcels = new GitParcels({ objects, remote: 'place', dir: here.project.dir });
  endings.push(() => parcels.end());
  const { base, done, all } = await outcomesOn(objects);
  expect(await parcels.send(base)).toEqual(sent);
  expect(await parcels.send(all[0])).toEqual(sent);
  const there = await clone('git');
  expect(await there.parcels.fetch(all[0])).toEqual(sent);
  const answer = await outcomeCommit(there.objects, { ...done, ms: 4 }, all[0]);
  expect(await there.parcels.send(answer)).toEqual(sent);
  expect(await parcels.fetch(answer, [all[0]])).toEqual(sent);
  expect(await readOutcome(objects, answer)).toEqual({ ok: true, value: { ...done, ms: 4 } });
});

test.each(['true', 'false'])(
  'git: a place that has lost objects gets all of them (checks: %s)',
  async (checks) => {
    const { parcels, objects } = await clone('git');
    const { base, all } = await outcomesOn(objects);
    expect(await parcels.send(base)).toEqual(sent);
    expect(await parcels.send(all[0])).toEqual(sent);
    rmSync(place.remote, { recursive: true });
    execFileSync('git', ['init', '-q', '--bare', place.remote]);
    execFileSync('git', ['-C', place.remote, 'config', 'receive.fsckObjects', checks]);
    expect(await parcels.send(all[1])).toEqual(sent);
    expect(await parcels.send(all[2])).toEqual(sent);
    const other = await clone('git');
    for (const one of all.slice(1)) expect(await other.parcels.fetch(one)).toEqual(sent);
  },
);

test('git: a parcel that was dropped before it was sent fails alone', async () => {
  const { parcels, objects } = await clone('git');
  const base = await objects.writeCommit({ tree: await objects.empty(), message: 'base\n' });
  const done = { ok: true, result: base, attempts: 1, usage: {} } as const;
  const commits = await Promise.all([1, 2].map((ms) => outcomeCommit(objects, { ...done, ms }, base)));
  const both = Promise.all(commits.map((one) => parcels.send(one)));
  parcels.drop(commits.slice(0, 1));
  expect(await both).toMatchObject([{ ok: false }, sent]);
});

test('http: what is too large is refused for good, by the place and by the clone that fetches it', async () => {
  const { parcels, objects } = await clone('http');
  const tooLarge = {
    ok: false,
    error: { failure: { kind: 'job-failed' }, isAway: false, refused: 'content' },
  };
  const blob = await objects.writeBlob(randomBytes(1_000_000));
  const tree = await objects.writeTree([['a.bin', { mode: '100644', id: blob }]]);
  expect(await parcels.send(await objects.writeCommit({ tree, message: 'large\n' }))).toMatchObject(tooLarge);
  const commit = await objects.writeCommit({ tree: await objects.empty(), message: 'small\n' });
  expect(await parcels.send(commit, 'done-1')).toEqual(sent);
  const other = await opened();
  const options = { url: place.server.address, token: undefined, maxBytes: 10 };
  const narrow = new HttpParcels({ objects: other.objects, ...options });
  expect(await narrow.fetch(commit)).toMatchObject(tooLarge);
  // A worker that took it for missing would run the task again, and pay again.
  expect(await narrow.find('done-1')).toMatchObject(tooLarge);
});

test('http: what is known of the store has a bound, beyond which objects are sent again', async () => {
  const { objects } = await opened();
  const url = place.server.address;
  const parcels = new HttpParcels({ objects, url, token: undefined, maxBytes: 100_000, mostIds: 6 });
  endings.push(() => parcels.end());
  const blob = await objects.writeBlob(Buffer.from('in all of them'));
  const tree = await objects.editTree(await objects.empty(), new Map([['a', { mode: '100644', id: blob }]]));
  const read = vi.spyOn(objects, 'readVerified');
  const timesSent = () => read.mock.calls.filter(([id]) => id === blob).length;
  const times: number[] = [];
  for (const message of ['1', '2', '3', '4', '5', '6']) {
    const commit = await objects.writeCommit({ tree, message: `${message}\n` });
    expect(await parcels.send(commit)).toEqual(sent);
    times.push(timesSent());
  }
  expect(times).toEqual([1, 1, 1, 1, 1, 2]);
});

test('git: a parcel with content that git rejects is refused where it arrives, and those beside it arrive', async () => {
  const there = await clone('git');
  const sound = await there.objects.writeCommit({ tree: await there.objects.empty(), message: 'sound\n' });
  const unsound = await rejected(there.objects);
  for (const one of [sound, unsound]) expect(await there.parcels.send(one)).toEqual(sent);
  const { parcels } = await clone('git');
  expect(await Promise.all([sound, unsound].map((one) => parcels.fetch(one)))).toMatchObject([
    sent,
    { ok: false, error: { failure: { kind: 'job-failed' }, isAway: false, refused: 'content' } },
  ]);
});

test.each(KINDS)(
  'what only a parcel is made of is read from memory, until nobody reads it (%s)',
  async (kind) => {
    const here = await clone(kind);
    const { objects } = here;
    const base = await objects.writeCommit({ tree: await objects.empty(), message: 'base\n' });
    const input = await objects.writeTree([
      ['a.txt', { mode: '100644', id: await objects.writeBlob(Buffer.from('input\n')) }],
    ]);
    const failed = {
      ok: false,
      failure: { kind: 'cancelled' },
      evidence: [],
      attempts: 1,
      usage: {},
      ms: 0,
    } as const;
    // Both list the same tree.
    const outcomes = [1, 2].map((ms) => ({ ...failed, ms, tree: input }));
    const [first, second] = await Promise.all(outcomes.map((one) => outcomeCommit(objects, one, base)));
    if (!first || !second) throw new Error('there is no commit');
    const inGit = (one: GitObjects, id: ObjectId) => {
      const found = spawnSync('git', ['-C', one.store, 'cat-file', '-e', id]);
      return found.status === 0;
    };
    expect(inGit(objects, first)).toBe(false);
    expect(await here.parcels.send(first)).toEqual(sent);
    here.parcels.drop([first]);
    expect((await objects.read(first)) === undefined).toBe(kind !== 'git-url');
    expect(await readOutcome(objects, second)).toEqual({ ok: true, value: outcomes[1] });
    expect(await here.parcels.send(second)).toEqual(sent);
    const there = await clone(kind);
    for (const [i, commit] of [first, second].entries()) {
      expect(await there.parcels.fetch(commit)).toEqual(sent);
      expect(await readOutcome(there.objects, commit)).toEqual({ ok: true, value: outcomes[i] });
    }
    expect([first, input].map((id) => inGit(there.objects, id))).toEqual([kind !== 'http', true]);
    there.parcels.drop([first]);
    expect(await readOutcome(there.objects, second)).toEqual({ ok: true, value: outcomes[1] });
    // A second fetch brings it again.
    expect(await there.parcels.fetch(first)).toEqual(sent);
    expect(await readOutcome(there.objects, first)).toEqual({ ok: true, value: outcomes[0] });
  },
);

test('the worker that serves the store reads and writes it without a connection, whatever its address', async () => {
  const { objects, project } = await opened();
  const settings = { host: '127.0.0.1', port: 0, token: undefined, maxBytes: 100_000 };
  const server = await ParcelServer.open({ ...settings, objects });
  endings.push(() => server.close());
  const host = { objects, dir: project.dir, env: {}, maxOutputBytes: 1000, served: server };
  const address = server.address.replace('127.0.0.1', 'localhost');
  const own = await openParcels(address, undefined, host);
  expect(own).toBeInstanceOf(OwnParcels);
  expect(await openParcels(place.server.address, undefined, host)).toBeInstanceOf(HttpParcels);
  const build = await opened();
  const away = new HttpParcels({ objects: build.objects, url: address, token: undefined, maxBytes: 100_000 });
  const base = await build.objects.writeCommit({ tree: await build.objects.empty(), message: 'base\n' });
  const done = { ok: true, result: base, attempts: 1, usage: {}, ms: 0 } as const;
  const run = await outcomeCommit(build.objects, done, base);
  expect(await own.fetch(run)).toMatchObject({ ok: false, error: { isAway: false } });
  expect(await away.send(run)).toEqual(sent);
  expect(await own.fetch(run)).toEqual(sent);
  expect(await readOutcome(objects, run)).toEqual({ ok: true, value: done });
  const answer = await outcomeCommit(objects, { ...done, ms: 2 }, run);
  expect(await own.send(answer, 'done-1')).toEqual(sent);
  await own.forget([run, answer]);
  expect([await own.find('done-1'), await own.find('../x')].map((one) => one.ok && one.value)).toEqual([
    answer,
    undefined,
  ]);
  expect(await away.fetch(answer)).toEqual(sent);
  expect(await readOutcome(build.objects, answer)).toEqual({ ok: true, value: { ...done, ms: 2 } });
  await own.remove([answer, 'done-1', '../x']);
  expect([...(await objects.refs(STORE_REFS)).values()]).toEqual([run]);
});

test('a store reads a base again that could not be read before', async () => {
  const { objects } = await opened();
  const server = await ParcelServer.open({
    host: '127.0.0.1',
    port: 0,
    token: undefined,
    maxBytes: 1,
    objects,
  });
  endings.push(() => server.close());
  const blob = await objects.writeBlob(Buffer.from('late\n'));
  const content = Buffer.from(blob, 'hex');
  const raw = Buffer.concat([Buffer.from('100644 late.txt\0'), content]);
  const base = await objects.write(
    'commit',
    Buffer.from(`tree ${hashObject('tree', raw, objects.hash)}\n\nbase\n`),
  );
  const commit = await objects.writeCommit({ tree: await objects.empty(), message: 'run\n' });
  await objects.createRef(`${STORE_REFS}${commit}`, commit);
  const status = async () => (await fetch(`${server.address}/parcels/${commit}?have=${base}`)).status;
  expect(await status()).toBe(410);
  await objects.write('tree', raw);
  expect(await status()).toBe(200);
});

test('a store takes no parcel that is not whole, and its client sends everything the next time', async () => {
  const { parcels, objects } = await clone('http');
  const blob = await objects.writeBlob(Buffer.from('text\n'));
  const tree = await objects.writeTree([['a.txt', { mode: '100644', id: blob }]]);
  // Its message has a line that looks like one of its head.
  const message = `result\n\ntree ${'1'.repeat(40)}\n`;
  const commit = await objects.writeCommit({ tree, message });
  expect(await parcels.send(commit)).toEqual(sent);
  const next = await objects.writeCommit({ tree, parents: [commit], message: 'next\n' });
  const { objects: lost } = await opened();
  const server = await ParcelServer.open({
    ...{ host: '127.0.0.1', port: 0, token: undefined, maxBytes: 100_000 },
    objects: lost,
  });
  endings.push(() => server.close());
  // The place has lost everything since.
  Object.assign((parcels as unknown as { options: object }).options, { url: server.address });
  const part = await fetch(`${server.address}/parcels?${next}=${next}`, {
    method: 'PUT',
    body: await framesOf(objects, [next]),
  });
  expect([part.status, await part.text()]).toEqual([400, `${tree} is missing`]);
  expect([...(await lost.refs(STORE_REFS))]).toEqual([]);
  const beside = await Promise.all(
    [1, 2, 3].map((i) => objects.writeCommit({ tree, parents: [commit], message: `beside ${i}\n` })),
  );
  const all = await Promise.all([next, ...beside].map((one) => parcels.send(one)));
  expect(all).toEqual([sent, sent, sent, sent]);
  const other = await opened();
  const options = { url: server.address, token: undefined, maxBytes: 100_000 };
  const build = new HttpParcels({ objects: other.objects, ...options });
  expect(await build.fetch(next)).toEqual(sent);
  // Of what is damaged there, nothing is waited for.
  const file = join(lost.store, 'objects', blob.slice(0, 2), blob.slice(2));
  rmSync(file);
  // It is not in the memory of the store any more either.
  lost.passing.drop([next, ...beside]);
  const late = new HttpParcels({ objects: (await opened()).objects, ...options });
  const gone = { failure: { detail: `the object ${blob} of a parcel is missing` }, isAway: false };
  expect(await late.fetch(next)).toMatchObject({ ok: false, error: gone });
  expect(await late.find(next)).toEqual({ ok: true, value: undefined });
});
