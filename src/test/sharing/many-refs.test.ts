/** A remote with very many refs: what is asked of it and what is sent depends on the tasks, not on the remote. */

import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
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
