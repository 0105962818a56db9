/** `kill -9` while results are pushed, and while they are restored: nothing is lost, nothing is half. */

import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import {
  type Ended,
  ensureBuilt,
  filesBelow,
  type Running,
  TemporaryProject,
  until,
} from '../rig/command-line.js';
import { Dice } from '../rig/random-project.js';

const SEED = Number(process.env.TEST_SEED ?? 20261124);
const ROUNDS = 3;
const TIMED = { timeout: 180_000 };

/** Six commands that each write twenty files and count their runs outside. */
function newProject(): TemporaryProject {
  const project = new TemporaryProject();
  mkdirSync(join(project.root, 'tmp'));
  project.write('.gitignore', '/.conductor/\n/out/\n');
  project.write(
    'conductor.config.mjs',
    "export default { sandbox: 'off', env: ['RUNS'], cache: { remotes: ['git:../shared.git'] } };\n",
  );
  return project;
}

function show(project: TemporaryProject, edition: number): void {
  const tasks = Array.from({ length: 6 }, (_, i) => ({
    id: `T${i}`,
    inputs: [],
    outputs: [`out/${i}/**`],
    depends_on: i < 3 ? [] : [`T${i - 3}`],
    run: `mkdir -p out/${i} && for n in $(seq 20); do echo "${edition} ${i} $n" > out/${i}/$n; done; echo ${edition} ${i} >> "$RUNS"`,
  }));
  project.write('specs/f/BACKLOG.yaml', JSON.stringify({ tasks }));
}

function expected(edition: number): Record<string, string> {
  const files: Record<string, string> = {};
  for (let i = 0; i < 6; i++) for (let n = 1; n <= 20; n++) files[`${i}/${n}`] = `f:${edition} ${i} ${n}\n`;
  return files;
}

const counter = (project: TemporaryProject) => join(project.root, 'runs.txt');
const runs = (project: TemporaryProject) =>
  existsSync(counter(project)) ? readFileSync(counter(project), 'utf8').split('\n').length - 1 : 0;

function start(project: TemporaryProject): Running {
  return project.start(['build'], { RUNS: counter(project), TMPDIR: join(project.root, 'tmp') });
}

async function kill(running: Running, ms: number): Promise<Ended> {
  await new Promise((resolve) => setTimeout(resolve, ms));
  try {
    process.kill(-running.pid, 'SIGKILL');
  } catch {
    // It had ended before.
  }
  return running.ended;
}

/** Every ref of the shared repository names whole objects. */
function isWhole(bare: string): void {
  expect(
    execFileSync('git', ['fsck', '--full', '--no-dangling', '--strict'], {
      cwd: bare,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
    }),
  ).toBe('');
}

test(
  'a build that is killed while it pushes, or while it restores, is completed by the next one',
  TIMED,
  async () => {
    ensureBuilt();
    const dice = new Dice(SEED);
    const project = newProject();
    const bare = join(project.root, 'shared.git');
    execFileSync('git', ['init', '-q', '--bare', bare]);
    const clone = new TemporaryProject();
    try {
      show(project, 0);
      project.commit();
      const from = performance.now();
      expect((await start(project).ended).code).toBe(0);
      const whole = performance.now() - from;
      for (let round = 1; round <= ROUNDS; round++) {
        const delay = Math.floor((0.3 + 0.7 * dice.next()) * whole);
        const where = `TEST_SEED=${SEED}, round ${round}, ${delay} ms`;
        show(project, round);
        await kill(start(project), delay);
        isWhole(bare);
        const completed = await start(project).ended;
        expect(completed.code, `${where}\n${completed.text}`).toBe(0);
        expect(completed.text, where).not.toContain('warning');
        expect(filesBelow(project.path('out')), where).toEqual(expected(round));
        isWhole(bare);
        project.commit();
        // What the killed build had kept and not sent is sent by hand.
        expect((await project.conductor('cache', 'push')).code, where).toBe(0);

        clone.remove('.');
        execFileSync('git', ['clone', '-q', project.dir, clone.dir]);
        execFileSync('ln', ['-sfn', bare, join(clone.root, 'shared.git')]);
        const before = runs(project);
        const restoring = clone.start(['build'], {
          RUNS: counter(project),
          TMPDIR: join(project.root, 'tmp'),
        });
        await kill(restoring, Math.floor(dice.next() * whole * 0.8));
        const restored = await clone.start(['build'], {
          RUNS: counter(project),
          TMPDIR: join(project.root, 'tmp'),
        }).ended;
        expect(restored.code, `${where}\n${restored.text}`).toBe(0);
        expect(filesBelow(clone.path('out')), where).toEqual(expected(round));
        expect(runs(project) - before, `${where}: recipes that ran in the clone`).toBe(0);
        const refs = execFileSync('git', ['for-each-ref', 'refs/conductor/incoming'], {
          cwd: clone.path('.git/conductor/repo'),
          encoding: 'utf8',
        });
        expect(refs, where).toBe('');
      }
    } finally {
      project.dispose();
      clone.dispose();
    }
  },
);

test(
  'when conductor alone is killed during a push, the git that lives on holds no lock of the project',
  TIMED,
  async () => {
    ensureBuilt();
    const project = new TemporaryProject();
    const pid = join(project.root, 'ssh.pid');
    const config = (remotes: string) =>
      project.write(
        'conductor.config.mjs',
        `export default { sandbox: 'off', cache: { remotes: [${remotes}] } };\n`,
      );
    const isAlive = () => existsSync(`/proc/${readFileSync(pid, 'utf8').trim()}/exe`);
    try {
      project.write('.gitignore', '/.conductor/\n/out/\n');
      project.write(
        'specs/f/BACKLOG.yaml',
        JSON.stringify({
          tasks: [{ id: 'T1', inputs: [], outputs: ['out/a'], run: 'mkdir -p out && echo a > out/a' }],
        }),
      );
      config('');
      expect((await project.conductor('build')).code).toBe(0);
      config("'git:ssh://nowhere.invalid/shared.git'");
      // A connection that says nothing, and that no broken pipe ends.
      project.write(
        'ssh.sh',
        `#!/bin/sh\necho $$ > '${pid}.new' && mv '${pid}.new' '${pid}'\nexec sleep 120 < /dev/null > /dev/null 2>&1\n`,
      );
      chmodSync(project.path('ssh.sh'), 0o755);
      const pushing = project.start(['cache', 'push'], { GIT_SSH_COMMAND: project.path('ssh.sh') });
      await until('the connection', () => existsSync(pid));
      process.kill(pushing.pid, 'SIGKILL');
      await pushing.ended;
      if (process.platform === 'linux') expect(isAlive()).toBe(true);
      config('');
      project.write('specs/f/context.md', 'new\n');
      for (const args of [
        ['build', '--no-wait'],
        ['build', '--no-wait', '--force'],
      ]) {
        const after = await project.conductor(...args);
        expect(after.text).not.toContain('another');
        expect(after.code, after.text).toBe(0);
      }
    } finally {
      if (existsSync(pid)) process.kill(Number(readFileSync(pid, 'utf8')), 'SIGKILL');
      project.dispose();
    }
  },
);
