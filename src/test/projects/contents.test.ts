/** What a repository holds beside plain files: large files that nobody tracks, Git LFS, submodules. */

import { execFileSync, spawnSync } from 'node:child_process';
import { utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { ScriptedAgent } from '../../agent/scripted-agent.js';
import { quickCheck } from '../../build/quick-check.js';
import { findSandbox } from '../../io/process/sandbox/sandbox.js';
import { createRig } from '../rig/rig.js';

describe('a large file that git does not track', () => {
  const LARGE = 'x'.repeat(5000);

  test('is no input, is named, and is never stored', async () => {
    await using rig = await createRig({ config: { maxOutputBytes: 1000, maxUntrackedBytes: 1000 } });
    rig.write({ '.gitignore': '.conductor/\n', 'tracked.txt': LARGE });
    rig.git('add', '-A');
    rig.git('commit', '-q', '-m', 'work');
    rig.write({ 'dump.sql': `${LARGE}untracked` });
    rig.backlog('f', { T1: { outputs: ['seen.txt'], run: 'ls > seen.txt' } });
    const built = await rig.build();
    expect(built.outcomes()).toEqual({ 'f/T1': 'built' });
    expect(rig.read('seen.txt')).toContain('tracked.txt');
    expect(rig.read('seen.txt')).not.toContain('dump.sql');
    expect(built.warnings().join('\n')).toMatch(/dump\.sql: it is larger than .* git does not track it/);
    const id = rig.git('hash-object', 'dump.sql').trim();
    const store = join(rig.dir, '.git/conductor/repo');
    expect(spawnSync('git', ['--git-dir', store, 'cat-file', '-e', id]).status).not.toBe(0);
    expect((await rig.build()).outcomes()).toEqual({});
    // A file that grows is left out too, and one that shrinks is an input again.
    rig.write({ 'log.txt': 'short' });
    await rig.build();
    expect(rig.read('seen.txt')).toContain('log.txt');
    rig.write({ 'log.txt': `${LARGE}grown` });
    const grown = await rig.build();
    expect(grown.warnings().join('\n')).toContain('log.txt: it is larger than');
    expect(rig.read('seen.txt')).not.toContain('log.txt');
    const log = rig.git('hash-object', 'log.txt').trim();
    expect(spawnSync('git', ['--git-dir', store, 'cat-file', '-e', log]).status).not.toBe(0);
    rig.write({ 'log.txt': 'short' });
    await rig.build();
    expect(rig.read('seen.txt')).toContain('log.txt');
    // Tracked from now on: it is part of the project.
    rig.git('add', 'dump.sql');
    const again = await rig.build();
    expect(rig.read('seen.txt')).toContain('dump.sql');
    expect(again.warnings()).toEqual([]);
  });

  test('is named once while nothing else changes, and a lower limit counts at once', async () => {
    await using rig = await createRig({ config: { maxOutputBytes: 1000, maxUntrackedBytes: 9000 } });
    rig.write({ '.gitignore': '.conductor/\n', 'dump.sql': LARGE });
    rig.backlog('f', { T1: { outputs: ['seen.txt'], run: 'ls > seen.txt' } });
    await rig.build();
    expect(rig.read('seen.txt')).toContain('dump.sql');
    const host = rig.host(new ScriptedAgent({ tripwire: true }));
    const quick = () =>
      quickCheck({ ...host, configDigest: () => Promise.reject(new Error('no config is needed')) }, 'build');
    expect(await quick()).toBe(1);
    rig.config = { ...rig.config, maxUntrackedBytes: 1000 };
    rig.write({ 'note.txt': 'the config of a project is a file' });
    const built = await rig.build();
    expect(built.warnings().join('\n')).toContain('dump.sql: it is larger than');
    expect(rig.read('seen.txt')).not.toContain('dump.sql');
    expect(await quick()).toBe(1);
    rig.write({ 'other.sql': LARGE });
    expect(await quick()).toBeUndefined();
    expect((await rig.build()).warnings().join('\n')).toContain('other.sql: it is larger than');
    expect(await quick()).toBe(1);
    rig.write({ 'small.txt': 'x' });
    expect(await quick()).toBeUndefined();
  });
});

const AUTHOR = {
  ...{ PATH: process.env.PATH, GIT_AUTHOR_NAME: 'Ada', GIT_AUTHOR_EMAIL: 'ada@example.org' },
  ...{ GIT_COMMITTER_NAME: 'Ada', GIT_COMMITTER_EMAIL: 'ada@example.org' },
};

const hasLfs = spawnSync('git', ['lfs', 'version']).status === 0;

describe.runIf(hasLfs)('Git LFS', () => {
  const run = (dir: string, home: string, ...args: string[]) =>
    execFileSync('git', ['-c', 'user.name=Ada', '-c', 'user.email=ada@example.org', ...args], {
      cwd: dir,
      env: { PATH: process.env.PATH, HOME: home, GIT_LFS_SKIP_SMUDGE: '1' },
      encoding: 'utf8',
    });
  const task = { T1: { inputs: ['a.bin'], outputs: ['b.bin'], run: 'cp a.bin b.bin' } };

  test('files are inputs and outputs with their content, and are compared by their pointers', async () => {
    await using rig = await createRig();
    const home = rig.env.HOME as string;
    run(rig.dir, home, 'lfs', 'install', '--skip-repo');
    rig.write({
      '.gitattributes': '*.bin filter=lfs diff=lfs merge=lfs -text\n',
      '.gitignore': '.conductor/\n',
    });
    writeFileSync(rig.path('a.bin'), Buffer.alloc(3000, 7));
    // Older than the index: then git does not read it again, and only the person's LFS folder has its content.
    utimesSync(rig.path('a.bin'), 1_600_000_000, 1_600_000_000);
    run(rig.dir, home, 'add', '-A');
    run(rig.dir, home, 'commit', '-q', '-m', 'work');
    expect(run(rig.dir, home, 'show', 'HEAD:a.bin')).toContain('git-lfs.github.com');
    rig.backlog('f', task);
    await withHome(home, async () => {
      expect((await rig.build()).outcomes()).toEqual({ 'f/T1': 'built' });
      expect(rig.read('b.bin')).toBe(rig.read('a.bin'));
      expect((await rig.build()).outcomes()).toEqual({});
    });
  });

  test('a pointer whose content is not here stays a pointer, also offline', async () => {
    await using rig = await createRig();
    const home = rig.env.HOME as string;
    run(rig.dir, home, 'lfs', 'install', '--skip-repo');
    rig.write({
      '.gitattributes': '*.bin filter=lfs diff=lfs merge=lfs -text\n',
      '.gitignore': '.conductor/\n',
      'a.bin': `version https://git-lfs.github.com/spec/v1\noid sha256:${'ab'.repeat(32)}\nsize 3000\n`,
    });
    run(rig.dir, home, 'add', '-A');
    run(rig.dir, home, 'commit', '-q', '-m', 'work');
    run(rig.dir, home, 'remote', 'add', 'origin', 'http://127.0.0.1:1/none.git');
    rig.backlog('f', task);
    await withHome(home, async () => {
      expect((await rig.build()).outcomes()).toEqual({ 'f/T1': 'built' });
      expect(rig.read('b.bin')).toBe(rig.read('a.bin'));
    });
  });
});

const hasSandbox = 'program' in (await findSandbox(process.env));

describe.each(hasSandbox ? (['off', 'required'] as const) : (['off'] as const))(
  'submodules with the sandbox %s',
  (sandbox) => {
    test('workspaces have the commit that is checked out, gates too, and no task changes it', async () => {
      await using rig = await createRig({ config: { sandbox, attempts: 1, stray: 'drop' } });
      await using library = await createRig();
      library.write({ 'lib.sh': 'echo first\n', 'inner/x': 'x' });
      library.git('add', '-A');
      library.git('commit', '-q', '-m', 'first');
      rig.write({ '.gitignore': '.conductor/\n' });
      const add = ['-c', 'protocol.file.allow=always', 'submodule', '--quiet', 'add'];
      rig.git(...add, library.dir, 'vendor/lib');
      rig.git(...add, library.dir, 'vendor/empty');
      rig.git('commit', '-q', '-am', 'work');
      rig.git('submodule', '--quiet', 'deinit', '-f', 'vendor/empty');
      // Work that is not committed in the submodule is in no tree.
      rig.write({ 'vendor/lib/stray.txt': 'x' });
      const spoil = '(echo exit 1 > vendor/lib/lib.sh; touch vendor/lib/mine) 2> /dev/null';
      rig.backlog('f', {
        T1: {
          outputs: ['out.txt'],
          run: `sh vendor/lib/lib.sh > out.txt; ls vendor/lib vendor/empty >> out.txt; ${spoil}; true`,
          verify: ['sh vendor/lib/lib.sh && test ! -e vendor/lib/mine'],
        },
        T2: {
          inputs: ['vendor/lib'],
          outputs: ['two.txt'],
          run: 'sh vendor/lib/lib.sh > two.txt',
          depends_on: ['T1'],
        },
      });
      const built = await rig.build();
      expect(built.outcomes()).toEqual({ 'f/T1': 'built', 'f/T2': 'built' });
      expect(built.warnings().join('\n')).toMatch(/vendor\/empty: this submodule is not checked out/);
      expect(rig.read('out.txt')).toBe('first\nvendor/empty:\n\nvendor/lib:\ninner\nlib.sh\n');
      expect(rig.read('two.txt')).toBe('first\n');
      expect((await rig.build()).outcomes()).toEqual({});
      rig.write({ 'vendor/lib/lib.sh': 'echo second\n' });
      spawnSync('git', ['-C', rig.path('vendor/lib'), 'commit', '-qam', 'second'], { env: AUTHOR });
      expect((await rig.build()).outcomes()).toEqual({ 'f/T1': 'built', 'f/T2': 'built' });
      expect(rig.read('two.txt')).toBe('second\n');
    });
  },
);

test('a submodule in a submodule whose checkout does not have the commit is an empty folder, until it has it', async () => {
  await using rig = await createRig();
  await using outer = await createRig();
  await using inner = await createRig();
  const allowed = ['-c', 'protocol.file.allow=always'];
  const commit = (dir: string) => {
    const git = (...args: string[]) => execFileSync('git', ['-C', dir, ...args], { env: AUTHOR });
    git('add', '-A');
    git('commit', '-q', '-m', 'work');
  };
  inner.write({ 'x.txt': 'old\n' });
  commit(inner.dir);
  outer.git(...allowed, 'submodule', '--quiet', 'add', inner.dir, 'inner');
  commit(outer.dir);
  rig.write({ '.gitignore': '.conductor/\n' });
  rig.git(...allowed, 'submodule', '--quiet', 'add', outer.dir, 'outer');
  rig.git(...allowed, 'submodule', '--quiet', 'update', '--init', '--recursive');
  commit(rig.dir);
  const run = (command: string) =>
    rig.backlog('f', { T1: { outputs: ['seen.txt'], run: `${command}; ls outer/inner > seen.txt` } });
  run('true');
  expect((await rig.build()).outcomes()).toEqual({ 'f/T1': 'built' });
  expect(rig.read('seen.txt')).toBe('x.txt\n');

  inner.write({ 'y.txt': 'new\n' });
  commit(inner.dir);
  execFileSync('git', ['-C', outer.path('inner'), 'pull', '-q'], { env: AUTHOR });
  commit(outer.dir);
  execFileSync('git', ['-C', rig.path('outer'), 'pull', '-q', '--no-recurse-submodules'], { env: AUTHOR });
  expect((await rig.build()).outcomes()).toEqual({ 'f/T1': 'built' });
  expect(rig.read('seen.txt')).toBe('');
  execFileSync('git', ['-C', rig.path('outer/inner'), 'fetch', '-q'], { env: AUTHOR });
  run('echo again');
  expect((await rig.build()).outcomes()).toEqual({ 'f/T1': 'built' });
  expect(rig.read('seen.txt')).toBe('x.txt\ny.txt\n');
});

/** Git reads its settings, and with them the filter, from the home folder of this process. */
async function withHome(home: string, work: () => Promise<void>): Promise<void> {
  const before = process.env.HOME;
  process.env.HOME = home;
  try {
    await work();
  } finally {
    process.env.HOME = before;
  }
}
