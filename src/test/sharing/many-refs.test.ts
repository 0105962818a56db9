/** A remote with very many refs: what is asked of it and what is sent depends on the tasks, not on the remote. */

import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ScriptedAgent } from '../../agent/scripted-agent.js';
import { collectRemote } from '../../commands/remote-gc.js';
import { startGitServer } from '../rig/cache-servers.js';
import { createRig, type Rig } from '../rig/rig.js';
import { cloneProject, createBare } from '../rig/shared-project.js';

const TASKS = ['T1', 'T2', 'T3', 'T4', 'T5', 'T6'];

const git = (dir: string, ...args: string[]) =>
  execFileSync('git', args, { cwd: dir, encoding: 'utf8', maxBuffer: 1e9 });
const digest = (text: string) => createHash('sha256').update(text).digest('hex');

/** Refs of other people, as git packs them. */
function addRefs(bare: string, branches: number, results: number): void {
  const [commit] = git(bare, 'for-each-ref', '--format=%(objectname)', 'refs/conductor').split('\n');
  git(bare, 'pack-refs', '--all');
  const listed = git(bare, 'for-each-ref', '--format=%(objectname) %(refname)');
  const names = [
    ...Array.from({ length: branches }, (_, n) => `refs/heads/work/feature-${n}`),
    ...Array.from({ length: results }, (_, n) => {
      const key = digest(String(n));
      return `refs/conductor/results/${key.slice(0, 2)}/${key}`;
    }),
  ];
  const lines = [...listed.trim().split('\n'), ...names.map((name) => `${commit} ${name}`)];
  const ref = (line: string) => line.slice(41);
  lines.sort((a, b) => (ref(a) < ref(b) ? -1 : 1));
  const packed = join(bare, 'packed-refs');
  rmSync(packed);
  writeFileSync(packed, `# pack-refs with: sorted \n${lines.join('\n')}\n`);
}

function sixTasks(rig: Rig, verify: readonly string[] = ['true']): void {
  const task = (id: string) => ({
    inputs: [],
    outputs: [`${id}.txt`],
    run: `echo ${id} > ${id}.txt`,
    verify,
  });
  rig.backlog('f', Object.fromEntries(TASKS.map((id) => [id, task(id)])));
}

test('six tasks of a remote with 10,000 branches and 20,000 results cost less than 50 KB', async () => {
  await using rig = await createRig({ config: { workers: 6 } });
  const bare = createBare(rig);
  execFileSync('git', ['config', 'http.receivepack', 'true'], { cwd: bare });
  await using server = await startGitServer(rig.temporary.root);
  rig.config = { ...rig.config, cache: { remotes: [`git:${server.url}/shared.git`] } };
  sixTasks(rig);
  expect((await rig.build()).summary.counts.built).toBe(6);
  rig.commit();
  addRefs(bare, 10_000, 20_000);
  expect(git(bare, 'for-each-ref', '--format=x').length).toBe(2 * 30_012);

  cloneProject(rig, 'clone');
  rig.remove(...TASKS.map((id) => `${id}.txt`));
  // A person's setting from former days, with which a server names all refs at first.
  git(rig.dir, 'config', 'protocol.version', '0');
  server.traffic.bytes = 0;
  server.seen.length = 0;
  const again = await rig.buildWithoutAgent();
  expect(again.warnings()).toEqual([]);
  expect(again.summary.counts.cached).toBe(6);
  expect(server.traffic.bytes).toBeLessThan(50_000);
});

test('gates that passed are sent together, and results that are ready at one time, too', async () => {
  await using rig = await createRig({ config: { workers: 6 } });
  const bare = createBare(rig);
  execFileSync('git', ['config', 'http.receivepack', 'true'], { cwd: bare });
  await using server = await startGitServer(rig.temporary.root);
  rig.config = { ...rig.config, cache: { remotes: [`git:${server.url}/shared.git`] } };
  const pushes = () => server.seen.filter((one) => one.startsWith('POST') && one.endsWith('receive-pack'));
  sixTasks(rig);
  expect((await rig.build()).summary.counts.built).toBe(6);
  // Twelve entries: one push at most for each result, and none for its gate.
  expect(pushes().length).toBeLessThanOrEqual(6);
  expect(git(bare, 'for-each-ref', '--format=%(refname)', 'refs/conductor').trim().split('\n').length).toBe(
    12,
  );
  server.seen.length = 0;
  sixTasks(rig, ['true', ':']);
  expect((await rig.build()).summary.counts.verified).toBe(6);
  expect(pushes().length).toBe(1);
});

test('old results that no branch names are removed from a remote that is named, and nothing else', async () => {
  await using rig = await createRig({ config: { cache: { remotes: ['git:origin'] } } });
  const bare = createBare(rig);
  rig.git('remote', 'add', 'origin', bare);
  const refs = () =>
    git(bare, 'for-each-ref', '--format=%(refname)', 'refs/conductor').trim().split('\n').sort();
  const clean = (more: object = {}, host = rig.host(new ScriptedAgent())) =>
    collectRemote(host, {
      ...{ remote: 'git:origin', dryRun: false, keepDays: 90, signal: new AbortController().signal },
      ...more,
    });
  const build = async (word: string) => {
    const task = { inputs: [], outputs: ['out.txt'], run: `echo ${word} > out.txt`, verify: ['true'] };
    rig.backlog('f', { T1: task });
    expect((await rig.build()).summary.exitCode).toBe(0);
  };
  await build('on a branch');
  rig.commit();
  rig.git('push', '-q', 'origin', 'HEAD:refs/heads/old-branch', 'main');
  await build('on no branch');
  await build('on main');
  rig.commit();
  rig.git('push', '-q', 'origin', 'main');
  rig.git('fetch', '-q', 'origin');
  const all = refs();
  expect(all.length).toBe(6);

  expect(await clean()).toMatchObject({ value: { named: 4, removed: 0, kept: 6 } });
  rig.time += 91 * 24 * 60 * 60 * 1000;
  expect(await clean({ dryRun: true })).toMatchObject({ value: { named: 4, removed: 2, kept: 4 } });
  expect(refs()).toEqual(all);
  // A branch of somebody else that was not fetched yet may name what looks unused.
  const theirs = rig.git('commit-tree', '-m', 'theirs', 'main^{tree}').trim();
  rig.git('push', '-q', bare, `${theirs}:refs/heads/theirs`);
  expect(await clean()).toMatchObject({
    ok: false,
    error: { kind: 'usage', hint: expect.stringContaining('git fetch') },
  });
  rig.git('fetch', '-q', '--all');
  // The same when it is pushed only while the age of results is read: the clock is asked right before.
  const racing = rig.host(new ScriptedAgent());
  let looks = 0;
  let last = Number.POSITIVE_INFINITY;
  const now = () => {
    if (++looks === last) {
      const late = rig.git('commit-tree', '-m', 'late', 'main^{tree}').trim();
      rig.git('push', '-q', bare, `${late}:refs/heads/late`);
    }
    return racing.now();
  };
  await clean({ dryRun: true }, { ...racing, now });
  last = looks;
  looks = 0;
  expect(await clean({}, { ...racing, now })).toMatchObject({ ok: false, error: { kind: 'usage' } });
  expect(refs()).toEqual(all);
  // And when the config names the remote by its address, which is none of git's remotes.
  rig.git('remote', 'remove', 'origin');
  rig.config = { ...rig.config, cache: { remotes: [`git:${bare}`] } };
  expect(await clean({ remote: `git:${bare}` })).toMatchObject({
    ok: false,
    error: { kind: 'usage', hint: expect.stringContaining('git remote add') },
  });
  expect(refs()).toEqual(all);
  rig.git('remote', 'add', 'origin', bare);
  rig.git('fetch', '-q', '--all');
  rig.config = { ...rig.config, cache: { remotes: ['git:origin'] } };
  expect(await clean()).toMatchObject({ value: { removed: 2, kept: 4 } });
  const left = refs();
  expect(left.length).toBe(4);
  expect(all).toEqual(expect.arrayContaining(left));
  expect(await clean({ remote: 'git:elsewhere' })).toMatchObject({ ok: false, error: { kind: 'usage' } });
  rig.config = { ...rig.config, cache: { remotes: ['https://cache.example.org'] } };
  expect(await clean({ remote: 'https://cache.example.org' })).toMatchObject({
    ok: false,
    error: { kind: 'usage' },
  });
  // The results that stay are still found, by a clone that has nothing but the remote.
  rig.config = { ...rig.config, cache: { remotes: [`git:${bare}`] } };
  cloneProject(rig, 'clone');
  rig.remove('out.txt');
  expect((await rig.buildWithoutAgent()).outcomes()).toEqual({ 'f/T1': 'cached' });
});
