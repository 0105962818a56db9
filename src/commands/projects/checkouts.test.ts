/** Clones of listed projects on real repositories: whole or not there, moved forward without loss, of use without a network. */

import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { ScriptedAgent } from '../../agent/scripted-agent.js';
import { ok } from '../../base/result.js';
import { inSession, openWritingSession } from '../../build/project-session.js';
import { cloneRepository } from '../../io/git/upkeep/checkout.js';
import type { Failure } from '../../model/failure.js';
import { type ListedProject, resolveList } from '../../model/projects/project-list.js';
import { createRig, type Rig } from '../../test/rig/rig.js';
import { absence, checkOut } from './checkouts.js';

const git = (dir: string, ...args: string[]) =>
  execFileSync('git', ['-c', 'user.name=Ada', '-c', 'user.email=ada@example.org', ...args], {
    cwd: dir,
    encoding: 'utf8',
    stdio: 'pipe',
  }).trim();

/** The rig is the repository that has the list; `origin` is what the address leads to. */
class Checkouts {
  readonly rig: Rig;
  readonly origin: string;
  readonly work: string;
  readonly folder: string;

  constructor(rig: Rig) {
    this.rig = rig;
    this.origin = join(rig.temporary.root, 'origin.git');
    this.work = join(rig.temporary.root, 'work');
    this.folder = join(rig.dir, '.conductor/projects/api');
    rig.write({ 'mine.txt': 'mine' });
    rig.commit();
    git(rig.temporary.root, 'init', '-q', '-b', 'main', 'work');
    this.publish('first', true);
    git(rig.temporary.root, 'clone', '-q', '--bare', 'work', 'origin.git');
  }

  publish(text: string, isFirst = false, file = 'file.txt'): void {
    writeFileSync(join(this.work, file), text);
    git(this.work, 'add', '-A', '--force');
    git(this.work, 'commit', '-q', '-m', text);
    if (!isFirst) git(this.work, 'push', '-q', this.origin, 'main');
  }

  /** What was said, or the failure. */
  async checkOut(branch?: string, wait = true): Promise<readonly string[] | Failure> {
    const { rig, folder, origin } = this;
    const api = { git: origin, ...(branch === undefined ? {} : { branch }) };
    const { projects } = resolveList({ projects: { api } }, 'list', (path) =>
      path.startsWith('/') ? path : join(rig.dir, path),
    );
    const said: string[] = [];
    const done = await checkOut(projects[0] as (typeof projects)[0], {
      host: { ...rig.host(new ScriptedAgent({})), directory: folder },
      command: 'conductor projects build',
      wait,
      signal: new AbortController().signal,
      emit: () => {},
      say: (what) => said.push(what),
    });
    return done.ok ? said : done.error;
  }

  read(): string {
    return readFileSync(join(this.folder, 'file.txt'), 'utf8');
  }
}

test('an address is cloned, moved forward, and used as it is when it is away or cannot be moved', async () => {
  await using rig = await createRig();
  const checkouts = new Checkouts(rig);
  expect(await checkouts.checkOut()).toEqual([`cloned ${checkouts.origin}`]);
  expect(await checkouts.checkOut()).toEqual([]);
  checkouts.publish('second');
  expect(await checkouts.checkOut()).toEqual(['moved the clone forward to what its branch has']);
  expect(checkouts.read()).toBe('second');

  renameSync(checkouts.origin, `${checkouts.origin}.away`);
  expect(await checkouts.checkOut()).toEqual([expect.stringContaining('cannot be reached')]);
  renameSync(`${checkouts.origin}.away`, checkouts.origin);

  checkouts.publish('third');
  writeFileSync(join(checkouts.folder, 'file.txt'), 'edited');
  expect(await checkouts.checkOut()).toEqual([expect.stringContaining('cannot be moved forward')]);
  expect(checkouts.read()).toBe('edited');
  git(checkouts.folder, 'commit', '-qam', 'mine');
  const own = git(checkouts.folder, 'rev-parse', 'HEAD');
  expect(await checkouts.checkOut()).toEqual([expect.stringContaining('cannot be moved forward')]);
  expect(git(checkouts.folder, 'rev-parse', 'HEAD')).toBe(own);
});

test('a file that git ignores is not overwritten, and a branch that the list does not name is not moved', async () => {
  await using rig = await createRig();
  const checkouts = new Checkouts(rig);
  await checkouts.checkOut();
  const at = () => git(checkouts.folder, 'rev-parse', 'HEAD');
  const first = at();
  writeFileSync(join(checkouts.folder, '.git/info/exclude'), '.env\n');
  writeFileSync(join(checkouts.folder, '.env'), 'mine');
  checkouts.publish('theirs', false, '.env');
  expect(await checkouts.checkOut()).toEqual([expect.stringContaining('cannot be moved forward')]);
  expect([at(), readFileSync(join(checkouts.folder, '.env'), 'utf8')]).toEqual([first, 'mine']);
  rmSync(join(checkouts.folder, '.env'));

  git(checkouts.work, 'push', '-q', checkouts.origin, 'main:next');
  expect(await checkouts.checkOut('next')).toEqual([
    expect.stringContaining('it is on the branch main, and the list names next'),
  ]);
  expect(at()).toBe(first);
  git(checkouts.folder, 'checkout', '-q', '--detach');
  expect(await checkouts.checkOut('next')).toEqual([expect.stringContaining('moved the clone forward')]);
});

test('without waiting, a clone in which a build runs is not moved, and the failure names the build', async () => {
  await using rig = await createRig();
  const checkouts = new Checkouts(rig);
  await checkouts.checkOut();
  const host = { ...rig.host(new ScriptedAgent({})), directory: checkouts.folder };
  const signal = new AbortController().signal;
  const other = openWritingSession(host, { command: 'conductor build', wait: true, signal }, () => {});
  await inSession(other, async () => {
    const done = await checkouts.checkOut(undefined, false);
    expect(done).toMatchObject({ kind: 'locked', command: 'conductor build' });
    return ok(undefined);
  });
});

test('what a killed clone left is no clone, and is removed; one that failed leaves nothing', async () => {
  await using rig = await createRig();
  const checkouts = new Checkouts(rig);
  const above = dirname(checkouts.folder);
  renameSync(checkouts.origin, `${checkouts.origin}.away`);
  expect(await checkouts.checkOut()).toMatchObject({ kind: 'git-failed', command: 'clone' });
  expect(readdirSync(above)).toEqual([]);
  renameSync(`${checkouts.origin}.away`, checkouts.origin);
  // As a kill in the midst leaves it, under a process id that no process has.
  const left = join(above, '.conductor-tmp-4194304-0a1b');
  mkdirSync(join(left, 'clone/.git/objects'), { recursive: true });
  await checkouts.checkOut();
  expect(readdirSync(above)).toEqual(['api']);
  expect(checkouts.read()).toBe('first');
});

test('a folder without a repository of its own is refused, and the repository around it is left alone', async () => {
  await using rig = await createRig();
  const checkouts = new Checkouts(rig);
  mkdirSync(checkouts.folder, { recursive: true });
  const before = rig.git('rev-parse', 'HEAD');
  expect(await checkouts.checkOut()).toMatchObject({
    kind: 'usage',
    message: expect.stringContaining('no clone of its repository'),
  });
  expect(rig.git('rev-parse', 'HEAD')).toBe(before);
  expect(existsSync(join(rig.dir, 'file.txt'))).toBe(false);
});

test('a project that is a file is told from one that is a folder', async () => {
  await using rig = await createRig();
  writeFileSync(join(rig.dir, 'list.yaml'), '');
  const project = { name: 'api', folder: join(rig.dir, 'list.yaml'), isOwnCheckout: false } as ListedProject;
  expect(await absence(project)).toMatchObject({ message: `api is no folder: ${project.folder}` });
});

test('of a server that cannot be reached by ssh, the failure says why', async () => {
  await using rig = await createRig();
  const folder = join(rig.dir, 'clone');
  const signal = new AbortController().signal;
  const said = await cloneRepository({ url: 'ssh://127.0.0.1:9/x.git', folder, signal });
  // Without ssh, git says so.
  expect(said).toMatch(/port 9|cannot run ssh/);
});
