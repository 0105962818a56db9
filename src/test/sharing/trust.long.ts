/** Whose results are believed: pull requests apart, signatures checked before anything is restored, gates run again. */

import { execFileSync } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { rmSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { ScriptedAgent } from '../../agent/scripted-agent.js';
import { pushResults } from '../../commands/cache.js';
import { parsePrivateKey } from '../../store/ed25519.js';
import type { Rig } from '../rig/rig.js';
import {
  type CacheSettings,
  cloneProject,
  createBare,
  createSharedProject,
  refsIn,
  sshKey,
} from '../rig/shared-project.js';

const REMOTES = ['git:../shared.git'];

function cache(rig: Rig, settings: CacheSettings): void {
  rig.config = { ...rig.config, cache: settings };
}

function isSigned(bare: string, ref: string): boolean {
  const files = execFileSync('git', ['ls-tree', '--name-only', ref], { cwd: bare, encoding: 'utf8' });
  return files.split('\n').includes('signature.json');
}

test('pull requests share among themselves only: reviewed builds neither see their results nor are hindered by them', async () => {
  await using rig = await createSharedProject({ remotes: REMOTES });
  const bare = createBare(rig);
  Object.assign(rig.env, { CI: 'true', GITHUB_EVENT_NAME: 'pull_request', GITHUB_ACTOR: 'mallory' });
  await rig.build();
  expect(refsIn(bare, 'refs/conductor/results')).toEqual([]);
  expect(refsIn(bare, 'refs/conductor/pull-request/results').length).toBe(4);
  // Another run of the same pull request finds them.
  cloneProject(rig, 'again');
  expect((await rig.buildWithoutAgent()).ran()).toEqual([]);
  // The main branch does not, and its own result takes the place that it looks at.
  Object.assign(rig.env, { GITHUB_EVENT_NAME: 'push' });
  cloneProject(rig, 'main');
  const main = await rig.build();
  expect(main.ran()).toEqual(['f/T1', 'f/T2', 'f/T3', 'f/T4']);
  expect(main.warnings()).toEqual([]);
  expect(refsIn(bare, 'refs/conductor/results').length).toBe(4);
  // Who trusts everybody takes them too.
  cloneProject(rig, 'trusting');
  cache(rig, { remotes: REMOTES, trust: 'all' });
  expect((await rig.buildWithoutAgent()).ran()).toEqual([]);
});

test('a result of a pull request is found by the lock file that was merged with it, and by nothing else', async () => {
  await using rig = await createSharedProject({ remotes: REMOTES });
  const bare = createBare(rig);
  Object.assign(rig.env, { CI: 'true', GITHUB_EVENT_NAME: 'pull_request', GITHUB_ACTOR: 'mallory' });
  await rig.build();
  rig.commit();
  Object.assign(rig.env, { GITHUB_EVENT_NAME: 'push' });
  cloneProject(rig, 'main');
  const main = await rig.buildWithoutAgent();
  expect(main.summary).toMatchObject({ exitCode: 0, counts: { cached: 4, built: 0 } });
  expect(rig.read('out/agent.txt')).toBe('kind\n');
  expect(refsIn(bare, 'refs/conductor/results').length).toBe(0);
});

test('on a machine that builds both, a reviewed build passes over what a pull request left in the store', async () => {
  await using rig = await createSharedProject({});
  cache(rig, { origin: 'pull-request' });
  await rig.build();
  rig.remove('out', 'specs/f/.metadata.json');
  rig.write({ 'routes.txt': 'one\ntwo\nthree\n' });
  cache(rig, { origin: 'ci' });
  const story = await rig.build();
  expect(story.ran()).toEqual(['f/T1', 'f/T2', 'f/T3', 'f/T4']);
  rig.remove('out');
  expect((await rig.buildWithoutAgent()).ran()).toEqual([]);
});

test('only what a trusted signer has signed is restored; the key never shows', async () => {
  await using rig = await createSharedProject({});
  createBare(rig);
  const ci = sshKey(rig, 'ci');
  const mallory = sshKey(rig, 'mallory');
  rig.write({ 'signers.txt': ci.line });
  rig.commit();
  rig.env.SIGNING_KEY = ci.text;
  cache(rig, { remotes: REMOTES, sign: { keyEnv: 'SIGNING_KEY', as: 'ci' } });
  await rig.build();
  expect(rig.log()).not.toContain(ci.text.split('\n')[1]);

  const trusting: CacheSettings = { remotes: REMOTES, trust: 'signed', signers: 'signers.txt' };
  cloneProject(rig, 'reader');
  cache(rig, trusting);
  const reader = await rig.buildWithoutAgent();
  expect(reader.ran()).toEqual([]);
  expect(reader.gates()).toEqual([]);
  expect(reader.warnings()).toEqual([]);

  // Write access to the remote without the right key changes nothing.
  for (const [name, settings] of [
    ['unsigned', {}],
    ['other', { sign: { keyFile: mallory.file, as: 'ci' } }],
    ['stranger', { sign: { keyFile: mallory.file, as: 'mallory' } }],
  ] as const) {
    createBare(rig, `${name}.git`);
    cloneProject(rig, `${name}-writer`);
    cache(rig, { remotes: [`git:../${name}.git`], ...settings });
    await rig.build({ targets: ['f/T1'] });
    cloneProject(rig, name);
    cache(rig, { ...trusting, remotes: [{ url: `git:../${name}.git`, write: false }] });
    const story = await rig.build({ targets: ['f/T1'] });
    expect(story.ran(), name).toEqual(['f/T1']);
    const words = {
      unsigned: 'it is not signed',
      other: 'its signature by ci is not valid',
      stranger: 'mallory is not a trusted signer',
    };
    expect(story.warnings()[0], name).toContain(words[name]);
  }
});

test('a key of another kind signs by ssh-keygen, and is checked by it', async () => {
  await using rig = await createSharedProject({});
  createBare(rig);
  const key = sshKey(rig, 'builder', 'ecdsa');
  rig.write({ 'signers.txt': key.line });
  rig.commit();
  cache(rig, { remotes: REMOTES, sign: { keyFile: key.file, as: 'builder' } });
  await rig.build({ targets: ['f/T1'] });
  cloneProject(rig, 'reader');
  cache(rig, { remotes: REMOTES, trust: 'signed', signers: 'signers.txt' });
  const story = await rig.buildWithoutAgent({ targets: ['f/T1'] });
  expect(story.ran()).toEqual([]);
  expect(story.warnings()).toEqual([]);
});

test('a key that is gone while a build runs: the work is kept without a signature, and signed and sent once the key is back', async () => {
  await using rig = await createSharedProject({});
  const bare = createBare(rig);
  const key = sshKey(rig, 'builder', 'ecdsa');
  rig.write({ 'signers.txt': key.line });
  rig.commit();
  cache(rig, { remotes: REMOTES, sign: { keyFile: key.file, as: 'builder' } });
  rig.answer('f/T3', () => {
    rmSync(key.file, { force: true });
    return { 'out/agent.txt': 'kind\n', 'routes.txt': 'one\ntwo\nagent\nthree\n' };
  });
  const story = await rig.build();
  expect(story.summary).toMatchObject({ exitCode: 0, counts: { built: 4 } });
  // What T1 and T2 made was signed. The rest is said once, and not sent to those who could not trust it.
  expect(story.warnings()).toEqual([expect.stringMatching(/^results could not be signed: .*`cache\.sign`/)]);
  expect(refsIn(bare, 'refs/conductor/results').length).toBe(2);
  rig.commit();

  writeFileSync(key.file, key.text, { mode: 0o600 });
  rig.write({ 'unrelated.txt': 'x' });
  const again = await rig.buildWithoutAgent();
  expect([again.ran(), again.warnings()]).toEqual([[], []]);
  expect(refsIn(bare, 'refs/conductor/results').length).toBe(4);
  cloneProject(rig, 'reader');
  cache(rig, { remotes: REMOTES, trust: 'signed', signers: 'signers.txt' });
  const restored = await rig.buildWithoutAgent();
  expect([restored.ran(), restored.warnings()]).toEqual([[], []]);
  expect(rig.read('out/agent.txt')).toBe('kind\n');
});

test('a key that is still gone when the next build starts: nothing unsigned is sent, and a build with nothing to do tries once a day', async () => {
  await using rig = await createSharedProject({});
  const bare = createBare(rig);
  const key = sshKey(rig, 'builder', 'ecdsa');
  cache(rig, { remotes: REMOTES, sign: { keyFile: key.file, as: 'builder' } });
  rig.answer('f/T3', () => {
    rmSync(key.file, { force: true });
    return { 'out/agent.txt': 'kind\n', 'routes.txt': 'one\ntwo\nagent\nthree\n' };
  });
  expect((await rig.build()).summary.counts.built).toBe(4);
  const sent = refsIn(bare);
  expect(sent.length).toBeLessThan(8);
  const idle = await rig.buildWithoutAgent();
  expect([idle.of('task.checked'), idle.warnings()]).toEqual([[], []]);
  // Makes it look at its tasks, as an edit of the config file does.
  rig.version = '1.0.1';
  const without = await rig.buildWithoutAgent();
  expect(without.of('task.checked').length).toBe(4);
  expect(without.summary.unsent).toBe(8 - sent.length);
  expect(refsIn(bare)).toEqual(sent);
  writeFileSync(key.file, key.text, { mode: 0o600 });
  rig.time += 24 * 60 * 60 * 1000;
  expect((await rig.buildWithoutAgent()).summary.unsent).toBeUndefined();
  expect(refsIn(bare, 'refs/conductor/results').filter((ref) => isSigned(bare, ref)).length).toBe(4);
});

test('results without a signature are signed by `cache push`, but for those that others made', async () => {
  await using rig = await createSharedProject({});
  const bare = createBare(rig);
  const key = sshKey(rig, 'builder', 'ecdsa');
  rig.write({ 'signers.txt': key.line });
  rig.commit();
  const sign = { keyFile: key.file, as: 'builder' };
  // T1 was made before there was a key.
  await rig.build({ targets: ['f/T1'] });
  cache(rig, { sign });
  rig.answer('f/T3', () => {
    rmSync(key.file, { force: true });
    return { 'out/agent.txt': 'kind\n', 'routes.txt': 'one\ntwo\nagent\nthree\n' };
  });
  await rig.build();
  writeFileSync(key.file, key.text, { mode: 0o600 });
  cache(rig, { remotes: REMOTES, sign });
  const host = rig.host(new ScriptedAgent({ tripwire: true }));
  const { signal } = new AbortController();
  const warnings: string[] = [];
  const warn = (message: string) => warnings.push(message);
  const pushed = await pushResults(host, { all: false, signal, warn });
  expect(pushed).toMatchObject({ ok: true, value: { unsent: 0, absent: [] } });
  expect(warnings).toEqual([]);
  const files = refsIn(bare, 'refs/conductor/results').map((ref) => isSigned(bare, ref));
  expect(files.filter(Boolean).length).toBe(3);
  expect(files.length).toBe(4);
});

test('a key or a file of signers that cannot be used is told before anything is built', async () => {
  await using rig = await createSharedProject({});
  rig.env.SIGNING_KEY = 'no key';
  cache(rig, { sign: { keyEnv: 'SIGNING_KEY', as: 'ci' } });
  const wrong = await rig.buildWithoutAgent();
  expect(wrong.summary.exitCode).toBe(2);
  expect(JSON.stringify(wrong.events)).not.toContain('no key"');
  cache(rig, { trust: 'signed' });
  expect((await rig.buildWithoutAgent()).buildFailure()).toMatchObject({ kind: 'usage' });
  // A machine without the key builds all the same: it does not sign.
  delete rig.env.SIGNING_KEY;
  cache(rig, { sign: { keyEnv: 'SIGNING_KEY', as: 'ci' } });
  expect((await rig.build({ targets: ['f/T1'] })).summary.exitCode).toBe(0);
});

test('ed25519 keys are read in PEM and in the form of OpenSSH, and no others', () => {
  const pem = generateKeyPairSync('ed25519').privateKey.export({ format: 'pem', type: 'pkcs8' }) as string;
  expect(parsePrivateKey(pem)?.asymmetricKeyType).toBe('ed25519');
  const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({
    format: 'pem',
    type: 'pkcs8',
  });
  expect(parsePrivateKey(rsa as string)).toBeUndefined();
  expect(
    parsePrivateKey('-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----'),
  ).toBeUndefined();
});

test('where the config says so, gates are run here on what comes from elsewhere', async () => {
  await using rig = await createSharedProject({ remotes: REMOTES });
  createBare(rig);
  await rig.build();
  rig.commit();
  cloneProject(rig, 'careful');
  cache(rig, { remotes: REMOTES, verify: true });
  const story = await rig.buildWithoutAgent();
  expect(story.ran()).toEqual([]);
  expect(story.gates()).toEqual(['true', 'true', 'true', 'true']);
  expect(story.outcomes()).toEqual({
    'f/T1': 'verified',
    'f/T2': 'verified',
    'f/T3': 'verified',
    'f/T4': 'verified',
  });
  rig.remove('out');
  expect((await rig.buildWithoutAgent()).gates()).toEqual([]);
});
