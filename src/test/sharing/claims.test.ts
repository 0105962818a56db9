/** Builds that need the same results at the same time: each result is paid for once, and a claim never blocks a build for good. */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ok } from '../../base/result.js';
import { processPlace } from '../../io/process/identity.js';
import { formatClaim } from '../../store/claims/claim-place.js';
import { createRig, type Rig } from '../rig/rig.js';
import { cloneProject, createBare, refsIn } from '../rig/shared-project.js';
import { buildTogether, calls, createTasks, expectPaidOnce, threeClones, waits } from './claiming.js';

test('two clones make what both need once, over a bare git repository', async () => {
  await using rig = await createTasks(3, { workers: 2, cache: { remotes: ['git:../shared.git'] } });
  const bare = createBare(rig);
  expectPaidOnce(await buildTogether(rig, threeClones(rig).slice(0, 2)), 3);
  expect(refsIn(bare, 'refs/conductor/claims')).toEqual([]);
});

test('two worktrees of one store make 4 calls for 4 tasks, without any remote', async () => {
  await using rig = await createTasks(4, { workers: 2 });
  const here = rig.dir;
  const there = join(rig.temporary.root, 'worktree');
  rig.git('worktree', 'add', '-q', there);
  const stories = await buildTogether(rig, [here, there]);
  expect(stories.map(({ summary }) => summary.exitCode)).toEqual([0, 0]);
  expect(calls(stories)).toEqual(['f/T01', 'f/T02', 'f/T03', 'f/T04']);
  expect(claimFiles(rig)).toEqual([]);
});

function claimFiles(rig: Rig): string[] {
  return readdirSync(join(rig.temporary.dir, '.git/conductor/claims')).filter((name) =>
    /^[0-9a-f]{64}$/.test(name),
  );
}

test('a build with a queue claims nothing, and looks for a result again before it hands its task in', async () => {
  await using rig = await createTasks(2, { cache: { remotes: ['git:../shared.git'] } });
  const bare = createBare(rig);
  const local = rig.createExecutor;
  rig.createExecutor = async (host, parts) => {
    const opened = await local(host, parts);
    return opened.ok ? ok(Object.assign(opened.value, { isRemote: true })) : opened;
  };
  const [one, two] = threeClones(rig) as [string, string];
  rig.dir = one;
  const first = rig.start({ workers: 1 });
  const held = await first.agent.next();
  const [left] = ['f/T01', 'f/T02'].filter((label) => label !== held.label);
  // The other task has been looked at, and waits.
  await first.until((story) => story.of('task.checked').length === 2);
  expect(refsIn(bare, 'refs/conductor/claims')).toEqual([]);
  rig.dir = two;
  expect((await rig.build({ targets: [left as string] })).outcomes()).toEqual({ [left as string]: 'built' });
  await held.write(`out/${held.label.slice(2)}.txt`, 'made\n');
  held.finish();
  const story = await first.done;
  expect(story.outcomes()).toEqual({ [held.label]: 'built', [left as string]: 'cached' });
  expect(calls([story])).toEqual([held.label]);
});

test('with `claims: off` every build asks its own agent', async () => {
  await using rig = await createTasks(1, { cache: { claims: 'off' } });
  const here = rig.dir;
  rig.git('worktree', 'add', '-q', join(rig.temporary.root, 'worktree'));
  const first = rig.start();
  const one = await first.agent.next('f/T01');
  rig.dir = join(rig.temporary.root, 'worktree');
  const second = rig.start();
  const two = await second.agent.next('f/T01');
  for (const run of [one, two]) {
    await run.write('out/T01.txt', 'T01\n');
    run.finish();
  }
  expect((await first.done).summary.exitCode + (await second.done).summary.exitCode).toBe(0);
  rig.dir = here;
});

test('a build that fails, or that Ctrl-C ends, gives its claims back, and the one that waits builds', async () => {
  await using rig = await createTasks(1, { attempts: 1, cache: { remotes: ['git:../shared.git'] } });
  const bare = createBare(rig);
  const [one, two] = threeClones(rig) as [string, string];
  rig.dir = one;
  const first = rig.start();
  const held = await first.agent.next('f/T01');
  rig.dir = two;
  const second = rig.start();
  await second.until((story) => waits(story).length > 0);
  held.fail({ kind: 'agent-error', detail: 'it gave up', output: { tail: '' } });
  expect((await first.done).summary.exitCode).toBe(1);
  await second.agent.next('f/T01');
  expect(refsIn(bare, 'refs/conductor/claims').length).toBe(1);
  second.cancel();
  expect((await second.done).summary.exitCode).toBe(130);
  expect(refsIn(bare, 'refs/conductor/claims')).toEqual([]);
  expect((await rig.build()).summary.counts.built).toBe(1);
});

test('the claim of a process of this machine that was killed holds nobody up', async () => {
  await using rig = await createTasks(1, {});
  const killed = rig.start();
  await killed.agent.next('f/T01');
  const [key] = claimFiles(rig) as [string];
  killed.cancel();
  await killed.done;
  const child = spawn('true');
  await once(child, 'exit');
  const folder = join(rig.temporary.dir, '.git/conductor/claims');
  const dead = { task: 'f/T01', who: 'ada', build: 'x', pid: child.pid as number, start: '1', beat: 3 };
  writeFileSync(join(folder, key), formatClaim({ ...dead, place: await processPlace() }));
  const story = await rig.build();
  expect(story.summary.counts.built).toBe(1);
  expect(waits(story)).toEqual([]);
  expect(claimFiles(rig)).toEqual([]);
});

test('a remote that cannot be reached, or takes no claims, is a warning and no failed build', async () => {
  await using rig = await createTasks(2, { cache: { remotes: ['git:../shared.git'] } });
  const bare = createBare(rig);
  renameSync(bare, `${bare}.away`);
  const story = await rig.build();
  expect(story.summary.counts.built).toBe(2);
  expect(story.warnings().length).toBeGreaterThan(0);
  expect(story.warnings().every((line) => line.startsWith('git:../shared.git: '))).toBe(true);
  renameSync(`${bare}.away`, bare);
  mkdirSync(join(bare, 'hooks'), { recursive: true });
  const hook = '#!/bin/sh\nwhile read old new ref; do case $ref in */claims/*) exit 1;; esac; done\n';
  writeFileSync(join(bare, 'hooks/pre-receive'), hook, { mode: 0o755 });
  cloneProject(rig, 'clone');
  const again = await rig.build();
  expect(again.summary.counts.built).toBe(2);
  expect(again.warnings().filter((line) => line.includes('cannot claim tasks there'))).toEqual([
    expect.stringMatching(
      /^git:\.\.\/shared\.git: .*hook declined.*another build may pay for the same result$/,
    ),
  ]);
  expect(refsIn(bare, 'refs/conductor/results').length).toBe(2);
});

test('a build with nothing to do, and tasks that call no model, claim nothing', async () => {
  await using rig = await createRig({ config: { cache: { remotes: ['git:../shared.git'] } } });
  const bare = createBare(rig);
  writeFileSync(join(bare, 'hooks/update'), `#!/bin/sh\necho $1 >> ${join(bare, 'pushed')}\n`, {
    mode: 0o755,
  });
  rig.backlog('f', { T1: { inputs: [], outputs: ['a.txt'], run: 'echo a > a.txt' } });
  rig.commit();
  const story = await rig.build();
  expect(story.summary.counts.built).toBe(1);
  const pushed = readFileSync(join(bare, 'pushed'), 'utf8');
  expect(pushed).toContain('refs/conductor/results/');
  expect(pushed).not.toContain('claims');
  expect(readdirSync(join(rig.dir, '.git/conductor'))).not.toContain('claims');
  expect((await rig.buildWithoutAgent()).summary.outcome).toBe('up-to-date');
});

test('a claim that a killed process wrote in part is removed by the next build', async () => {
  await using rig = await createTasks(1, {});
  const folder = join(rig.dir, '.git/conductor/claims');
  mkdirSync(folder, { recursive: true });
  // Above the highest process id of Linux.
  writeFileSync(join(folder, '.conductor-tmp-99999999-0a'), '{');
  expect((await rig.build()).summary.outcome).toBe('built');
  expect(readdirSync(folder)).toEqual([]);
});
