/** `conductor gc`: what some lock names stays whatever its age, the rest goes by age and size, and nothing else is touched. */

import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { ScriptedAgent } from '../../agent/scripted-agent.js';
import { Checker } from '../../analysis/verdict.js';
import { type CollectOptions, collect } from '../../commands/gc.js';
import { GitObjects } from '../../io/git/objects.js';
import { openRepository } from '../../io/git/open-repository.js';
import type { CollectReport } from '../../model/cache-report.js';
import { LAST_BASE, parcelRef, STORE_REFS } from '../../store/parcels/parcels.js';
import { newIncoming } from '../../store/remotes/incoming.js';
import { createRig, type Rig } from '../rig/rig.js';
import { refsIn } from '../rig/shared-project.js';

const DAY = 24 * 60 * 60 * 1000;

async function gc(rig: Rig, options: Partial<CollectOptions> = {}): Promise<CollectReport> {
  const done = await collect(rig.host(new ScriptedAgent({ tripwire: true })), {
    dryRun: false,
    keepDays: 30,
    maxBytes: undefined,
    wait: false,
    signal: new AbortController().signal,
    ...options,
  });
  if (!done.ok) throw new Error(JSON.stringify(done.error));
  return done.value;
}

async function createProject(): Promise<Rig> {
  const rig = await createRig();
  rig.write({ '.gitignore': '.conductor/\n/out/\n', 'routes.txt': 'one\ntwo\n' });
  rig.answer('f/T1', (request) => ({
    'out/a.txt': `${/say (\w+)/.exec(request.prompt)?.[1]}\n`,
    'routes.txt': 'one\nagent\ntwo\n',
  }));
  spec(rig, 'first');
  rig.commit();
  return rig;
}

function spec(rig: Rig, word: string): void {
  rig.backlog('f', { T1: { description: `say ${word}`, outputs: ['out/a.txt'], edits: ['routes.txt'] } });
}

const results = (rig: Rig) => refsIn(join(rig.dir, '.git/conductor/repo'), 'refs/conductor/results').length;

test('a build goes on where a power cut has taken what the ref of gc names', async () => {
  await using rig = await createProject();
  await rig.build();
  const kept = join(rig.dir, '.git/conductor/repo/refs/conductor/kept');
  mkdirSync(kept, { recursive: true });
  writeFileSync(join(kept, 'objects'), `${'d'.repeat(40)}\n`);
  spec(rig, 'second');
  const story = await rig.build();
  expect([story.summary.exitCode, story.ran(), rig.read('out/a.txt')]).toEqual([0, ['f/T1'], 'second\n']);
  expect(existsSync(join(kept, 'objects'))).toBe(false);
});

test('claims of killed builds go with the next gc, and with no dry run', async () => {
  await using rig = await createProject();
  await rig.build();
  const claims = join(rig.dir, '.git/conductor/claims');
  mkdirSync(claims, { recursive: true });
  writeFileSync(join(claims, 'a'.repeat(64)), '{}\n');
  await gc(rig, { dryRun: true });
  expect(readdirSync(claims)).toContain('a'.repeat(64));
  await gc(rig);
  expect(existsSync(claims)).toBe(false);
  spec(rig, 'next');
  expect((await rig.build()).summary).toMatchObject({ exitCode: 0, counts: { built: 1 } });
});

test('what a lock of any branch, of a stash or of another worktree names stays; what none names goes', async () => {
  await using rig = await createProject();
  await rig.build();
  rig.commit();
  rig.git('checkout', '-q', '-b', 'other');
  spec(rig, 'second');
  await rig.build();
  rig.commit();
  // In another worktree, and nowhere committed.
  const main = rig.dir;
  rig.git('worktree', 'add', '-q', join(rig.temporary.root, 'linked'), 'main');
  rig.dir = join(rig.temporary.root, 'linked');
  spec(rig, 'third');
  await rig.build();
  // Replaced here, and named by nothing any more.
  rig.dir = main;
  spec(rig, 'forgotten');
  await rig.build();
  spec(rig, 'fourth');
  await rig.build();
  rig.git('stash', '-q');
  expect(results(rig)).toBe(5);

  expect(await gc(rig)).toMatchObject({ removed: 0, kept: 5 });
  rig.time += 100 * DAY;
  const dry = await gc(rig, { dryRun: true });
  expect(dry).toMatchObject({ dryRun: true, removed: 1, kept: 4, named: 4 });
  expect(dry.bytes).toBeGreaterThan(0);
  expect(results(rig)).toBe(5);
  expect(await gc(rig)).toMatchObject({ removed: 1, kept: 4, named: 4 });
  expect(results(rig)).toBe(4);

  // The person's own repository may be cleaned as well: what is kept needs nothing of it.
  rig.git('gc', '-q', '--prune=now');
  for (const [word, where] of [
    ['second', main],
    ['third', join(rig.temporary.root, 'linked')],
  ] as const) {
    rig.dir = where;
    rig.remove('out');
    const story = await rig.buildWithoutAgent();
    expect(story.outcomes()).toEqual({ 'f/T1': 'cached' });
    expect(rig.read('out/a.txt')).toBe(`${word}\n`);
  }
  rig.dir = main;
  rig.git('stash', 'pop', '-q');
  expect((await rig.buildWithoutAgent()).summary.exitCode).toBe(0);
  expect(rig.read('out/a.txt')).toBe('fourth\n');
});

test('the space of snapshots that nothing needs is given back, and what people wrote below a patch is not lost', async () => {
  await using rig = await createProject();
  // Never committed: this text is in conductor's own repository and in no other.
  rig.write({ 'routes.txt': 'one, by hand\ntwo\nthree\n' });
  rig.answer('f/T1', { 'out/a.txt': 'x\n', 'routes.txt': 'one, by hand\nagent\ntwo\nthree\n' });
  for (let i = 0; i < 5; i++) {
    rig.write({ 'large.txt': `${i} ${'0123456789abcdef'.repeat(20_000 + i)}${Math.sin(i)}` });
    await rig.build();
  }
  const store = join(rig.dir, '.git/conductor/repo/objects');
  const old = new Date(Date.now() - 2 * 60 * 60 * 1000);
  execFileSync('find', [store, '-type', 'f', '-exec', 'touch', '-d', old.toISOString(), '{}', '+']);
  const report = await gc(rig);
  expect(report.bytes).toBeGreaterThan(2000);
  const idle = await rig.buildWithoutAgent();
  expect(idle.summary.outcome).toBe('up-to-date');
  // The patch is taken back: the file is as the person wrote it.
  rig.backlog('f', { T1: { description: 'say first', outputs: ['out/a.txt'] } });
  rig.answer('f/T1', { 'out/a.txt': 'y\n' });
  expect((await rig.build()).summary.exitCode).toBe(0);
  expect(rig.read('routes.txt')).toBe('one, by hand\ntwo\nthree\n');
  expect(rig.git('fsck', '--no-dangling')).toBe('');
});

test('the build after a gc analyses no more than it would have without', async () => {
  await using rig = await createRig();
  const task = (file: string) => ({ inputs: [], outputs: [file], run: `echo ${file} > ${file}` });
  rig.backlog('f', { a: task('a.txt'), b: task('b.txt') });
  rig.write({ 'hand.txt': 'one\n' });
  await rig.build();
  const old = new Date(Date.now() - 2 * 60 * 60 * 1000);
  const store = join(rig.dir, '.git/conductor/repo/objects');
  execFileSync('find', [store, '-type', 'f', '-exec', 'touch', '-d', old.toISOString(), '{}', '+']);
  await gc(rig);
  rig.write({ 'hand.txt': 'two\n' });
  const check = vi.spyOn(Checker.prototype, 'check');
  expect((await rig.build()).outcomes()).toEqual({ 'f/a': 'fresh', 'f/b': 'fresh' });
  expect(check).not.toHaveBeenCalled();
  check.mockRestore();
});

test('a limit of size keeps the newest', async () => {
  await using rig = await createProject();
  for (const word of ['first', 'second', 'third']) {
    spec(rig, word);
    await rig.build();
    rig.time += DAY;
  }
  const all = await gc(rig, { keepDays: 1000, maxBytes: 10_000_000 });
  expect(all).toMatchObject({ removed: 0, kept: 3, named: 1 });
  expect(await gc(rig, { keepDays: 1000, maxBytes: 1 })).toMatchObject({ removed: 2, kept: 1, named: 1 });
});

test('a build that runs, also in another worktree, is not disturbed', async () => {
  await using rig = await createProject();
  const main = rig.dir;
  rig.git('worktree', 'add', '-q', join(rig.temporary.root, 'linked'), '-b', 'linked');
  rig.dir = join(rig.temporary.root, 'linked');
  const held = rig.start();
  const run = await held.agent.next('f/T1');
  rig.dir = main;
  const done = await collect(rig.host(new ScriptedAgent({ tripwire: true })), {
    dryRun: false,
    keepDays: 1,
    maxBytes: undefined,
    wait: false,
    signal: new AbortController().signal,
  });
  expect(done.ok ? undefined : done.error.kind).toBe('locked');
  await run.write('out/a.txt', 'x\n');
  run.finish();
  expect((await held.done).summary.exitCode).toBe(0);
  expect(existsSync(join(main, '.git/conductor/repo/refs'))).toBe(true);
  expect(readdirSync(join(main, '.git')).includes('gc.pid')).toBe(false);
});

test('two at once in two worktrees come one after the other', { timeout: 60_000 }, async () => {
  await using rig = await createProject();
  await rig.build();
  rig.commit();
  const main = rig.dir;
  const linked = join(rig.temporary.root, 'linked');
  rig.git('worktree', 'add', '-q', linked, '-b', 'linked');
  rig.dir = linked;
  await rig.buildWithoutAgent();
  const waited: string[] = [];
  const both = [main, linked, main, linked].map((dir) => {
    rig.dir = dir;
    return gc(rig, { wait: true, onWaiting: (command) => waited.push(command) });
  });
  expect((await Promise.all(both)).map(({ kept, removed }) => [kept, removed])).toEqual(
    both.map(() => [1, 0]),
  );
  expect(new Set(waited)).toEqual(new Set(['conductor gc']));
});

test('what several results share counts once against a limit of size, and what none needs not at all', async () => {
  await using rig = await createProject();
  const big = randomBytes(200_000).toString('base64');
  for (const word of ['first', 'second', 'third']) {
    rig.backlog('f', { T1: { description: `say ${word}`, outputs: ['out/a.txt', 'out/big.txt'] } });
    rig.answer('f/T1', { 'out/a.txt': word, 'out/big.txt': big });
    // Only snapshots need it.
    rig.write({ 'input.txt': randomBytes(200_000).toString('base64') });
    await rig.build();
    rig.time += DAY;
  }
  const all = await gc(rig, { keepDays: 1000, maxBytes: 400_000 });
  expect(all).toMatchObject({ removed: 0, kept: 3 });
  expect(await gc(rig, { keepDays: 1000, maxBytes: 100_000 })).toMatchObject({
    removed: 2,
    kept: 1,
    named: 1,
  });
});

test('a result that waits to be published stays, although no lock file names it', async () => {
  await using rig = await createProject();
  rig.backlog('f', {
    T1: { description: 'say first', outputs: ['out/a.txt'] },
    T2: { description: 'x', outputs: ['out/b.txt'] },
  });
  rig.answer('f/T1', { 'out/a.txt': 'a' });
  rig.answer('f/T2', { kind: 'agent-error', detail: 'no', output: { tail: '' } });
  await rig.build();
  rig.time += 10 * DAY;
  expect(await gc(rig, { keepDays: 1, maxBytes: 1 })).toMatchObject({ kept: 1, removed: 0 });
  rig.answer('f/T2', { 'out/b.txt': 'b' });
  expect((await rig.build()).outcomes()).toEqual({ 'f/T1': 'cached', 'f/T2': 'built' });
});

test('what the lock of a spec of one file names stays, also where git ignores the locks', async () => {
  await using rig = await createRig({ config: { specs: 'specs [1]/' } });
  rig.write({ 'specs [1]/f.spec.md': '---\nid: T1\ninputs: []\noutputs: [a.txt]\n---\n\nWrite a.\n' });
  rig.answer('f/T1', { 'a.txt': 'a' });
  await rig.build();
  const ageAndCollect = () => {
    rig.time += 100 * DAY;
    return gc(rig);
  };
  expect(await ageAndCollect()).toMatchObject({ removed: 0, named: 1 });
  rig.write({ '.gitignore': '.conductor/\n*.metadata.json\n' });
  expect(await ageAndCollect()).toMatchObject({ removed: 0, named: 1 });
  // Only a branch has it.
  rig.write({ '.gitignore': '.conductor/\n' });
  rig.commit();
  rig.remove('specs [1]/f.spec.metadata.json');
  expect(await ageAndCollect()).toMatchObject({ removed: 0, named: 1 });
});

test('what travelled through a queue goes, what a store of parcels keeps for others stays, and both packed', async () => {
  await using rig = await createProject();
  await rig.build();
  const found = await openRepository(rig.dir);
  if (!found.ok) throw new Error(found.error.kind);
  const objects = new GitObjects(found.value);
  const commit = async (text: string) => {
    const blob = await objects.writeBlob(Buffer.from(text));
    const tree = await objects.writeTree([['run.json', { mode: '100644', id: blob }]]);
    return objects.writeCommit({ tree, message: `${text}\n` });
  };
  const [job, base, kept] = [await commit('a job'), await commit('a base'), await commit('of another clone')];
  await objects.createRef(parcelRef(job), job);
  await objects.createRef(LAST_BASE, base);
  await objects.createRef(`refs/conductor/arriving/one/${job}`, job);
  await objects.createRef(`${STORE_REFS}${kept}`, kept);
  // A fetch that was killed: no process has an id as large as this.
  await objects.createRef(`${newIncoming(2 ** 31 - 1)}one`, await commit('of a fetch'));
  await objects.close();
  const store = join(rig.dir, '.git/conductor/repo');
  execFileSync('git', ['repack', '-adq'], { cwd: store });
  for (let i = 0; i < 2; i++) {
    expect(await gc(rig)).toMatchObject({ removed: 0, kept: 1 });
    expect(refsIn(store, 'refs/conductor').filter((ref) => !/\/(results|gates|kept)\//.test(ref))).toEqual([
      `${STORE_REFS}${kept}`,
    ]);
    execFileSync('git', ['fsck', '--no-dangling'], { cwd: store, stdio: 'pipe' });
  }
  expect(execFileSync('git', ['show', `${kept}:run.json`], { cwd: store, encoding: 'utf8' })).toBe(
    'of another clone',
  );
});
