/** Results shared through a git repository: the promise of the same bytes anywhere, and what happens when it cannot be kept. */

import { execFileSync } from 'node:child_process';
import { chmodSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ScriptedAgent } from '../../agent/scripted-agent.js';
import { pullResults } from '../../commands/cache.js';
import type { StaleReason } from '../../model/verdict.js';
import { describeFailure } from '../../report/failures/failure.js';
import { describeReason } from '../../report/verdict.js';
import { cloneProject, createBare, createSharedProject, refsIn } from '../rig/shared-project.js';

test('a fresh clone is built from a git repository alone: the same tree, and nothing is made', async () => {
  await using rig = await createSharedProject({ remotes: ['git:../shared.git'] });
  const bare = createBare(rig);
  const first = await rig.build();
  expect(first.warnings()).toEqual([]);
  expect(first.summary.counts.built).toBe(4);
  expect(refsIn(bare, 'refs/conductor/results').length).toBe(4);
  expect(refsIn(bare, 'refs/conductor/gates').length).toBe(4);
  const made = rig.files();
  rig.commit();

  cloneProject(rig, 'clone');
  expect(rig.read('out/agent.txt')).toBeUndefined();
  const again = await rig.buildWithoutAgent();
  expect(again.warnings()).toEqual([]);
  expect(again.ran()).toEqual([]);
  expect(again.gates()).toEqual([]);
  expect(again.summary.exitCode).toBe(0);
  expect(rig.files()).toEqual(made);
  // The person's repository got nothing: no ref, and its status is clean.
  expect(refsIn(rig.dir)).toEqual([]);
  expect(execFileSync('git', ['status', '--porcelain'], { cwd: rig.dir, encoding: 'utf8' })).toBe('');
  const third = await rig.buildWithoutAgent();
  expect(third.summary.outcome).toBe('up-to-date');
  expect(third.of('task.checked')).toEqual([]);
});

test('a clone that has no lock file finds the results by their keys', async () => {
  await using rig = await createSharedProject({ remotes: ['git:../shared.git'] });
  createBare(rig);
  await rig.build();
  const made = rig.files();
  cloneProject(rig, 'clone');
  const again = await rig.buildWithoutAgent();
  expect(again.ran()).toEqual([]);
  expect(again.gates()).toEqual([]);
  expect(rig.read('out/words/large.bin')).toBe(made['out/words/large.bin']?.slice(2));
  const stripped = (files: Record<string, string>) => ({ ...files, 'specs/f/.metadata.json': '' });
  expect(stripped(rig.files())).toEqual(stripped(made));
});

test('the results stay when the shared repository and the clone of origin are gone', async () => {
  await using rig = await createSharedProject({ remotes: ['git:../shared.git'] });
  const bare = createBare(rig);
  await rig.build();
  rig.commit();
  cloneProject(rig, 'clone');
  await rig.buildWithoutAgent();
  rmSync(bare, { recursive: true });
  rig.remove('out');
  const again = await rig.buildWithoutAgent();
  expect(again.summary.counts.cached).toBeGreaterThan(0);
  expect(again.warnings()).toEqual([]);
});

test('the name of a remote is enough, and another worktree of the clone needs no second download', async () => {
  await using rig = await createSharedProject({ remotes: ['git:results'] });
  const bare = createBare(rig);
  rig.git('remote', 'add', 'results', bare);
  const story = await rig.build();
  expect(story.warnings()).toEqual([]);
  expect(refsIn(bare, 'refs/conductor/results').length).toBe(4);
  expect(refsIn(bare, 'refs/heads')).toEqual([]);
});

test('a remote that cannot be reached, or is no repository, is one warning and never a failed build', async () => {
  await using rig = await createSharedProject({
    remotes: ['git:nowhere', 'git:../missing.git', 'git:https://ada:secret@127.0.0.1:1/x.git'],
  });
  const story = await rig.build();
  expect(story.summary.exitCode).toBe(0);
  const told = story.warnings();
  expect(told.some((line) => line.includes('git:nowhere: git has no remote of this name'))).toBe(true);
  expect(told.some((line) => line.includes('git:../missing.git'))).toBe(true);
  expect(told.some((line) => line.includes('git:https://127.0.0.1:1/x.git'))).toBe(true);
  expect(JSON.stringify(story.events)).not.toContain('secret');
  // For reading and for writing, each once.
  expect(told.filter((line) => line.startsWith('git:nowhere')).length).toBeLessThanOrEqual(2);
});

test('a repository that refuses pushes is read from all the same', async () => {
  await using rig = await createSharedProject({ remotes: ['git:../shared.git'] });
  const bare = createBare(rig);
  await rig.build();
  rig.commit();
  const hook = join(bare, 'hooks/pre-receive');
  writeFileSync(hook, '#!/bin/sh\necho "these refs are protected" >&2\nexit 1\n');
  chmodSync(hook, 0o755);
  cloneProject(rig, 'clone');
  rig.backlog('g', { T1: { inputs: [], outputs: ['out/g.txt'], run: 'echo g > out/g.txt' } });
  const story = await rig.buildWithoutAgent();
  expect(story.summary.exitCode).toBe(0);
  expect(story.ran()).toEqual(['g/T1']);
  expect(story.warnings()).toEqual([
    expect.stringMatching(
      /^git:\.\.\/shared\.git: .*pre-receive hook declined.*conductor does not write to it any more in this build$/,
    ),
  ]);
});

test('of two builds that make the same, the first one stands and the second adopts it', async () => {
  await using rig = await createSharedProject({ claims: 'off', remotes: ['git:../shared.git'] });
  createBare(rig);
  const here = rig.dir;
  // Held open, the agent of the first clone works while the second one finishes.
  const held = rig.start();
  const second = await held.agent.next('f/T3');
  cloneProject(rig, 'clone');
  rig.answer('f/T3', { 'out/agent.txt': 'the first\n', 'routes.txt': 'one\ntwo\nfirst\nthree\n' });
  const winner = await rig.build();
  expect(winner.summary.exitCode).toBe(0);
  const stands = rig.files();
  rig.dir = here;
  await second.write('out/agent.txt', 'the second\n');
  await second.write('routes.txt', 'one\ntwo\nsecond\nthree\n');
  second.finish();
  const loser = await held.done;
  expect(loser.summary.exitCode).toBe(0);
  expect(loser.warnings()).toEqual([
    'f/T3: the first remote already has another result for this key; conductor uses that one',
  ]);
  // The dependent was never made here: it is keyed on what the first build produced.
  expect(loser.ran()).not.toContain('f/T4');
  expect({ ...rig.files(), 'specs/f/.metadata.json': '' }).toEqual({
    ...stands,
    'specs/f/.metadata.json': '',
  });
});

test('a recorded result that is in no store is a failure of its own, and is rebuilt only when asked', async () => {
  await using rig = await createSharedProject({ remotes: ['git:../shared.git'] });
  const bare = createBare(rig);
  await rig.build();
  rig.commit();
  for (const ref of refsIn(bare)) execFileSync('git', ['update-ref', '-d', ref], { cwd: bare });
  cloneProject(rig, 'clone');
  expect((await rig.inspect())['f/T3']).toBe('pending');
  const story = await rig.buildWithoutAgent();
  expect(story.summary.exitCode).toBe(1);
  expect(story.failure('f/T3')?.kind).toBe('pinned-result-missing');
  // Templates and commands cost nothing: they are made again, and are what they were.
  expect(story.outcomes()).toMatchObject({ 'f/T1': 'built', 'f/T2': 'built', 'f/T4': 'skipped' });
  const rebuilt = await rig.build({ rebuildMissing: true });
  expect(rebuilt.ran()).toEqual(['f/T3', 'f/T4']);
  expect(rebuilt.summary.exitCode).toBe(0);
});

test('a remote that cannot be reached is not taken for one that has lost the result', async () => {
  await using rig = await createSharedProject({ remotes: ['git:../shared.git'] });
  const bare = createBare(rig);
  await rig.build();
  rig.commit();
  renameSync(bare, `${bare}.away`);
  cloneProject(rig, 'clone');
  const story = await rig.buildWithoutAgent();
  const unreached = [expect.stringContaining('shared.git')];
  expect(story.failure('f/T3')).toMatchObject({ kind: 'pinned-result-missing', unreached });
  const failure = story.failure('f/T3');
  const said = failure && describeFailure(failure, 'f/T3');
  expect(said?.hint).toMatch(/^build again when the remote can be reached/);
  expect(JSON.stringify(said)).not.toMatch(/any store|rebuild-missing/);
  const { reasons = [] } = story.verdict('f/T3') as { reasons?: StaleReason[] };
  expect(reasons.map(describeReason).join()).toMatch(/is not in this store, and .* could not be reached/);
  const frozen = await rig.buildWithoutAgent({ restoreOnly: true });
  const stale = frozen.buildFailure();
  expect(stale).toMatchObject({ kind: 'not-up-to-date', unreached });
  expect(stale && describeFailure(stale).hint).toMatch(/^try again when .* can be reached/);
  // Both namespaces of the server are one remote: it is told once.
  expect(frozen.warnings().filter((line) => line.includes('does not read')).length).toBe(1);
  const agent = new ScriptedAgent({ tripwire: true });
  const asking = { all: false, signal: new AbortController().signal, warn: () => {} };
  expect(await pullResults(rig.host(agent), asking)).toMatchObject({
    ok: true,
    value: { missing: [], unreached: expect.arrayContaining(['f/T3']) },
  });

  renameSync(`${bare}.away`, bare);
  const again = await rig.buildWithoutAgent();
  expect(again.summary.exitCode).toBe(0);
});

test('a result that is not the recorded one is refused, and so is one with damaged objects', async () => {
  await using rig = await createSharedProject({ remotes: ['git:../shared.git'] });
  const bare = createBare(rig);
  await rig.build();
  rig.commit();
  const refs = refsIn(bare, 'refs/conductor/results');
  const show = (ref: string) =>
    execFileSync('git', ['show', `${ref}:result.json`], { cwd: bare, encoding: 'utf8' });
  const ref = refs.find((one) => JSON.parse(show(one)).label === 'f/T3') as string;
  // Somebody who may write puts other content under the key.
  const evil = execFileSync('git', ['hash-object', '-w', '--stdin'], {
    cwd: bare,
    input: 'evil\n',
    encoding: 'utf8',
  }).trim();
  const index = { ...process.env, GIT_INDEX_FILE: join(bare, 'evil-index') };
  execFileSync('git', ['read-tree', ref], { cwd: bare, env: index });
  execFileSync('git', ['update-index', '--add', '--cacheinfo', `100644,${evil},outputs/out/agent.txt`], {
    cwd: bare,
    env: index,
  });
  const tree = execFileSync('git', ['write-tree'], { cwd: bare, env: index, encoding: 'utf8' }).trim();
  const commit = execFileSync(
    'git',
    ['-c', 'user.name=x', '-c', 'user.email=x@y', 'commit-tree', '-m', 'x', tree],
    { cwd: bare, encoding: 'utf8' },
  ).trim();
  execFileSync('git', ['update-ref', ref, commit], { cwd: bare });

  cloneProject(rig, 'clone');
  const story = await rig.buildWithoutAgent();
  expect(story.failure('f/T3')?.kind).toBe('pinned-result-missing');
  expect(story.warnings()).toEqual([
    expect.stringContaining('is refused: it is not the result that the lock file records'),
  ]);
  expect(rig.read('out/agent.txt')).toBeUndefined();
});

test('a build with nothing to do asks no remote, and one without remotes neither', async () => {
  await using rig = await createSharedProject({ remotes: ['git:../shared.git'] });
  const bare = createBare(rig);
  await rig.build();
  rmSync(bare, { recursive: true });
  const idle = await rig.buildWithoutAgent();
  expect(idle.summary.outcome).toBe('up-to-date');
  expect(idle.warnings()).toEqual([]);
  // A spec is read again, and no gate sees it.
  rig.write({ 'specs/f/BACKLOG.yaml': `${rig.read('specs/f/BACKLOG.yaml')}# a note\n` });
  const looked = await rig.buildWithoutAgent();
  expect(looked.summary.counts.fresh).toBe(4);
  expect(looked.warnings()).toEqual([]);
});
