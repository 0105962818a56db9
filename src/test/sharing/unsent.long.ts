/** Results that could not be sent: the next command sends them, and a build that requires sharing fails. */

import { execFileSync } from 'node:child_process';
import { readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { ScriptedAgent } from '../../agent/scripted-agent.js';
import { pushResults } from '../../commands/cache.js';
import { StrictCache } from '../rig/cache-servers.js';
import { cloneProject, createBare, createSharedProject, refsIn, sshKey } from '../rig/shared-project.js';

test('what an outage kept from a remote is sent by the next command, also by one with nothing to do', async () => {
  await using rig = await createSharedProject({ remotes: ['git:../shared.git'] });
  const bare = createBare(rig);
  renameSync(bare, `${bare}.away`);
  const out = await rig.build();
  expect(out.summary).toMatchObject({ outcome: 'built', exitCode: 0, unsent: 8 });
  expect((await rig.buildWithoutAgent()).summary).toMatchObject({ outcome: 'up-to-date', unsent: 8 });
  renameSync(`${bare}.away`, bare);
  const sent = await rig.buildWithoutAgent();
  expect(sent.summary.unsent).toBeUndefined();
  expect(sent.warnings()).toEqual([]);
  expect(sent.of('build.recovered').map(({ what }) => what)).toEqual([
    'sent 8 results that earlier builds could not send',
  ]);
  expect(refsIn(bare, 'refs/conductor/results').length).toBe(4);
  expect(refsIn(bare, 'refs/conductor/gates').length).toBe(4);
  // Now there is nothing to do at all: no task is looked at.
  expect((await rig.buildWithoutAgent()).of('task.checked')).toEqual([]);
});

test('what `cache push` has sent waits for no build, what it could not send does', async () => {
  await using rig = await createSharedProject({ remotes: ['git:../shared.git'] });
  const bare = createBare(rig);
  renameSync(bare, `${bare}.away`);
  await rig.build();
  const { signal } = new AbortController();
  const push = async () => {
    const host = rig.host(new ScriptedAgent({ tripwire: true }));
    const pushed = await pushResults(host, { all: false, signal, warn: () => {} });
    return pushed.ok ? pushed.value : pushed.error;
  };
  const waiting = () => readdirSync(`${rig.dir}/.git/conductor/unsent`).filter((name) => name !== 'resting');
  expect(await push()).toMatchObject({ stored: 0, unsent: 8 });
  expect(waiting().length).toBe(8);
  renameSync(`${bare}.away`, bare);
  expect(await push()).toMatchObject({ stored: 8, unsent: 0 });
  expect(waiting()).toEqual([]);
  const idle = await rig.buildWithoutAgent();
  expect([idle.of('build.recovered'), idle.of('task.checked')]).toEqual([[], []]);
});

test('a build that requires sharing fails when its results cannot be sent, and keeps them', async () => {
  await using rig = await createSharedProject({ remotes: ['git:../shared.git'], required: true });
  const bare = createBare(rig);
  renameSync(bare, `${bare}.away`);
  const out = await rig.build();
  expect(out.summary).toMatchObject({ outcome: 'failed', exitCode: 1, published: 8 });
  expect(out.buildFailure()).toMatchObject({
    kind: 'results-not-sent',
    entries: 8,
    remotes: [{ name: 'git:../shared.git' }],
  });
  renameSync(`${bare}.away`, bare);
  const again = await rig.buildWithoutAgent();
  expect(again.summary.exitCode).toBe(0);
  expect(refsIn(bare, 'refs/conductor/results').length).toBe(4);
});

/** A server that lets nobody push; the hook to remove again. */
function refusesPushes(bare: string): string {
  const hook = `${bare}/hooks/pre-receive`;
  writeFileSync(hook, '#!/bin/sh\nexit 1\n', { mode: 0o755 });
  return hook;
}

const DAY = 24 * 60 * 60 * 1000;

test('what a remote does not take gives a build with nothing to do no work, and is tried again after a day', async () => {
  await using rig = await createSharedProject({ remotes: ['git:../shared.git'] });
  const bare = createBare(rig);
  const hook = refusesPushes(bare);
  expect((await rig.build()).summary).toMatchObject({ outcome: 'built', exitCode: 0, unsent: 8 });
  const idle = await rig.buildWithoutAgent();
  expect([idle.of('task.checked'), idle.warnings()]).toEqual([[], []]);
  rig.time += DAY;
  const refused = await rig.buildWithoutAgent();
  expect(refused.summary.unsent).toBe(8);
  expect(refused.warnings()).toEqual([expect.stringContaining('does not write to it any more')]);
  expect((await rig.buildWithoutAgent()).of('task.checked')).toEqual([]);
  // A build that looks at its tasks for another reason sends what rests.
  rmSync(hook);
  rig.write({ 'words.txt': 'd e f\n' });
  const sent = await rig.build();
  expect(sent.warnings()).toEqual([]);
  expect(sent.of('build.recovered').map(({ what }) => what)).toEqual([
    'sent 8 results that earlier builds could not send',
  ]);
});

test('a build that requires sharing tries each time, also what rests since it did not require it', async () => {
  await using rig = await createSharedProject({ remotes: ['git:../shared.git'] });
  refusesPushes(createBare(rig));
  expect((await rig.build()).summary).toMatchObject({ exitCode: 0, unsent: 8 });
  rig.config = { ...rig.config, cache: { remotes: ['git:../shared.git'], required: true } };
  // Makes the first build look at its tasks, as an edit of the config file does.
  rig.version = '1.0.1';
  for (const _ of ['first', 'second'])
    expect((await rig.buildWithoutAgent()).summary).toMatchObject({ exitCode: 1, unsent: 8 });
});

test('what a pull request could not send gives other builds no work', async () => {
  await using rig = await createSharedProject({
    remotes: ['git:../shared.git'],
    origin: 'pull-request',
  });
  const bare = createBare(rig);
  renameSync(bare, `${bare}.away`);
  expect((await rig.build()).summary.unsent).toBe(8);
  renameSync(`${bare}.away`, bare);
  rig.config = { ...rig.config, cache: { remotes: ['git:../shared.git'] } };
  const first = await rig.build();
  expect(first.of('task.checked').length).toBe(4);
  expect((await rig.buildWithoutAgent()).of('task.checked')).toEqual([]);
  // They are still sent by a build for a pull request.
  rig.time += DAY;
  rig.config = { ...rig.config, cache: { remotes: ['git:../shared.git'], origin: 'pull-request' } };
  await rig.buildWithoutAgent();
  expect(refsIn(bare, 'refs/conductor/pull-request/results').length).toBe(4);
});

test('an action whose files are gone does not keep a result from the cache', async () => {
  await using cache = await StrictCache.start();
  await using rig = await createSharedProject({ remotes: [cache.url] });
  await rig.build({ targets: ['f/T1'] });
  cache.servesBroken = true;
  cache.blobs.clear();
  cloneProject(rig, 'clone');
  const again = await rig.build({ targets: ['f/T1'] });
  expect(again.summary.exitCode).toBe(0);
  cloneProject(rig, 'third');
  expect((await rig.buildWithoutAgent({ targets: ['f/T1'] })).summary.counts.cached).toBe(1);
});

test('with `trust: signed`, what nobody may use does not stand in the way of a signed result', async () => {
  await using rig = await createSharedProject({ remotes: ['git:../shared.git'] });
  const bare = createBare(rig);
  // Somebody without a key was first.
  await rig.build({ targets: ['f/T2'] });
  const before = refsIn(bare, 'refs/conductor/results');
  const { text, line } = sshKey(rig, 'ci');
  rig.env.KEY = text;
  cloneProject(rig, 'ci');
  rig.write({ '.signers': line });
  rig.config = {
    ...rig.config,
    cache: {
      remotes: ['git:../shared.git'],
      trust: 'signed',
      signers: '.signers',
      sign: { as: 'ci', keyEnv: 'KEY' },
    },
  };
  const signed = await rig.build({ targets: ['f/T2'] });
  expect(signed.summary.counts.built).toBe(2);
  expect(signed.ran()).toEqual(['f/T1', 'f/T2']);
  expect(refsIn(bare, 'refs/conductor/results')).toEqual(before);
  // A clone without the key gets the signed results, and builds nothing.
  rig.dir = rig.temporary.dir;
  cloneProject(rig, 'reader');
  rig.write({ '.signers': line });
  delete rig.env.KEY;
  const read = await rig.buildWithoutAgent({ targets: ['f/T2'] });
  expect(read.summary.counts).toMatchObject({ cached: 2, built: 0 });
});

test('a remote that lets nobody replace an unsigned result gets all others, and the signed one once it does', async () => {
  await using rig = await createSharedProject({ remotes: ['git:../shared.git'] });
  const bare = createBare(rig);
  await rig.build({ targets: ['f/T1'] });
  const [unsigned] = refsIn(bare, 'refs/conductor/results') as [string];
  const commitOf = (ref: string) => execFileSync('git', ['rev-parse', ref], { cwd: bare, encoding: 'utf8' });
  const before = commitOf(unsigned);
  const hook = `${bare}/hooks/update`;
  const created = '#!/bin/sh\ncase $1 in */claims/*) exit 0;; esac\ntest -z "$(echo $2 | tr -d 0)"\n';
  writeFileSync(hook, created, { mode: 0o755 });
  const { text, line } = sshKey(rig, 'ci');
  rig.env.KEY = text;
  cloneProject(rig, 'ci');
  rig.write({ '.signers': line });
  const sign = { as: 'ci', keyEnv: 'KEY' };
  const cache = { remotes: ['git:../shared.git'], trust: 'signed', signers: '.signers', sign } as const;
  rig.config = { ...rig.config, cache };
  const signed = await rig.build();
  expect(signed.summary).toMatchObject({ exitCode: 0, unsent: 2 });
  expect(signed.warnings().at(-1)).toMatch(
    /2 entries were not sent .*the next command sends what is missing/,
  );
  expect(commitOf(unsigned)).toBe(before);
  expect(refsIn(bare, 'refs/conductor/results').length).toBe(4);
  rmSync(hook);
  rig.time += DAY;
  expect((await rig.buildWithoutAgent()).summary.unsent).toBeUndefined();
  expect(commitOf(unsigned)).not.toBe(before);
});

test('with `agents: ci-only` a person restores what is there and learns which tasks wait for CI', async () => {
  await using rig = await createSharedProject({ remotes: ['git:../shared.git'] });
  createBare(rig);
  rig.config = { ...rig.config, agents: 'ci-only' };
  const person = await rig.buildWithoutAgent();
  expect(person.summary.exitCode).toBe(1);
  expect(person.outcomes()).toEqual({
    'f/T1': 'built',
    'f/T2': 'built',
    'f/T3': 'skipped',
    'f/T4': 'skipped',
  });
  expect(person.buildFailure()).toEqual({ kind: 'waits-for-ci', tasks: ['f/T3'] });
  cloneProject(rig, 'ci');
  rig.env.CI = 'true';
  expect((await rig.build()).summary.counts.built).toBe(2);
  rig.dir = rig.temporary.dir;
  delete rig.env.CI;
  const restored = await rig.buildWithoutAgent();
  expect(restored.summary).toMatchObject({ exitCode: 0, counts: { cached: 4, built: 0 } });
});
