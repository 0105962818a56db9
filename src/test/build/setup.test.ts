/** What set-up sees and makes: hand-written files in, tools out, which no agent can change for a gate or a later task. */

import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { ScriptedAgent } from '../../agent/scripted-agent.js';
import { collect } from '../../commands/gc.js';
import { findSandbox } from '../../io/process/sandbox/sandbox.js';
import { createRig } from '../rig/rig.js';

const hasSandbox = 'program' in (await findSandbox(process.env));
const SANDBOXES = hasSandbox ? (['off', 'auto'] as const) : (['off'] as const);

/** A tool that refuses a file with "bad" in it. */
const CHECK = '#!/bin/sh\n! grep -q bad "$@"\n';

function tamper(dir: string, how: 'write' | 'replace' | 'link'): void {
  const tool = join(dir, 'node_modules/.bin/check');
  if (how !== 'write') rmSync(join(dir, 'node_modules'), { recursive: true, force: true });
  if (how === 'link') {
    mkdirSync(join(dir, 'mine/.bin'), { recursive: true });
    symlinkSync('mine', join(dir, 'node_modules'));
  } else mkdirSync(join(dir, 'node_modules/.bin'), { recursive: true });
  // A link that leads nowhere outside of the sandbox cannot be written through.
  if (!existsSync(tool)) rmSync(tool, { force: true });
  writeFileSync(tool, '#!/bin/sh\nexit 0\n');
  chmodSync(tool, 0o755);
}

describe.each(SANDBOXES)('with the sandbox %s', (sandbox) => {
  const workspace = {
    setup: ['mkdir -p node_modules/.bin && cp check.sh node_modules/.bin/check && ls -A > node_modules/seen'],
    keep: ['node_modules'],
  };

  test.each(['write', 'replace', 'link'] as const)(
    'a tool of set-up that an agent changes (%s) is not the one that gates run',
    async (how) => {
      await using rig = await createRig({ config: { sandbox, attempts: 1, workspace } });
      rig.write({ 'check.sh': CHECK, '.gitignore': '.conductor/\nnode_modules\nmine\n' });
      chmodSync(rig.path('check.sh'), 0o755);
      rig.backlog('f', {
        T1: { outputs: ['one.txt'], verify: ['check one.txt'] },
        T2: { outputs: ['two.txt'], verify: ['check two.txt'], depends_on: [] },
      });
      rig.answer('f/T1', ({ cwd }) => {
        tamper(cwd, how);
        return { 'one.txt': 'bad\n' };
      });
      rig.answer('f/T2', { 'two.txt': 'bad\n' });
      const built = await rig.build({ concurrency: 1 } as object);
      expect([built.failure('f/T1')?.kind, built.failure('f/T2')?.kind]).toEqual([
        'gate-failed',
        'gate-failed',
      ]);
      rig.answer('f/T1', { 'one.txt': 'good\n' });
      rig.answer('f/T2', { 'two.txt': 'good\n' });
      expect((await rig.build()).outcomes()).toEqual({ 'f/T1': 'built', 'f/T2': 'built' });
    },
  );

  test('set-up sees what people wrote only, once, and again when a file that it reads changes', async () => {
    await using rig = await createRig({ config: { sandbox, workspace } });
    const gate =
      'cat node_modules/seen; ! grep -q one.txt node_modules/seen && cp node_modules/seen seen.txt';
    rig.write({ 'check.sh': CHECK, 'package.json': '{}', '.gitignore': '.conductor/\nnode_modules\n' });
    rig.backlog('f', {
      T1: { inputs: [], outputs: ['one.txt'], run: 'echo 1 > one.txt' },
      T2: { inputs: [], outputs: ['seen.txt'], depends_on: ['T1'], run: `test -e one.txt; ${gate}` },
    });
    const built = await rig.build();
    expect(built.outcomes()).toEqual({ 'f/T1': 'built', 'f/T2': 'built' });
    expect(rig.read('seen.txt')).toContain('package.json');
    const logs = () => existsSync(rig.path('.conductor')) && built.log();
    expect(logs()).toBeTruthy();
    rig.write({ 'package.json': '{"version":"2"}', 'new.txt': '' });
    rig.backlog('f', {
      T1: { inputs: [], outputs: ['one.txt'], run: 'echo 2 > one.txt' },
      T2: { inputs: [], outputs: ['seen.txt'], depends_on: ['T1'], run: gate },
    });
    expect((await rig.build()).outcomes()).toMatchObject({ 'f/T2': 'built' });
    expect(readFileSync(rig.path('seen.txt'), 'utf8')).toContain('new.txt');
  });

  test('a folder in the place of a missing link is not there for gates', async () => {
    await using rig = await createRig({
      config: { sandbox, attempts: 1, workspace: { link: ['node_modules'] } },
    });
    rig.write({ '.gitignore': '.conductor/\nnode_modules\n' });
    rig.backlog('f', { T1: { outputs: ['one.txt'], verify: ['! test -e node_modules', 'test -s one.txt'] } });
    rig.answer('f/T1', ({ cwd }) => {
      tamper(cwd, 'replace');
      return { 'one.txt': 'x\n' };
    });
    expect((await rig.build()).outcomes()).toEqual({ 'f/T1': 'built' });
  });
});

test.runIf(hasSandbox)(
  'set-up runs in the sandbox: it sees no file beside and writes to its own folder only',
  async () => {
    await using rig = await createRig({
      config: {
        sandbox: 'required',
        workspace: {
          setup: [
            'mkdir made; (cat "$HOME/.ssh/id" "$OLDPLACE/.env"; touch "$OLDPLACE/stray" ~/stray; cat ~/.npmrc) > made/log 2>/dev/null; true',
          ],
          keep: ['made'],
        },
        env: ['OLDPLACE'],
      },
    });
    rig.env.OLDPLACE = rig.dir;
    const home = rig.env.HOME as string;
    mkdirSync(join(home, '.ssh'), { recursive: true });
    writeFileSync(join(home, '.ssh/id'), 'PRIVATE');
    writeFileSync(join(home, '.npmrc'), 'registry login');
    rig.write({ '.env': 'PRIVATE' });
    rig.backlog('f', {
      T1: { inputs: [], outputs: ['log.txt'], run: 'cp made/log log.txt; test ! -e ~/.npmrc' },
    });
    expect((await rig.build()).outcomes()).toEqual({ 'f/T1': 'built' });
    expect(rig.read('log.txt')).toBe('registry login');
    expect([existsSync(join(home, 'stray')), rig.read('stray')]).toEqual([false, undefined]);
  },
);

test('set-up runs again for the lock file of another branch, its own script and `inputs`, and not for what was there before', async () => {
  await using rig = await createRig({
    config: {
      workspace: {
        setup: ['sh ./tools/install.sh'],
        keep: ['made'],
        inputs: ['package-lock.json', 'tools/versions.txt'],
      },
    },
  });
  rig.write({
    '.gitignore': '.conductor/\nmade\n',
    'package-lock.json': 'first',
    'tools/versions.txt': '1',
    // It changes a file that git tracks: in its own folder only.
    'tools/install.sh':
      'mkdir made; cat package-lock.json tools/versions.txt > made/what; date +%s%N > made/when; echo changed > package-lock.json\n',
  });
  const task = { inputs: ['readme'], outputs: ['what.txt', 'when.txt'] };
  rig.backlog('f', {
    T1: { ...task, run: 'cp made/what what.txt; cp made/when when.txt; ls > /dev/null' },
  });
  rig.write({ readme: '1' });
  rig.git('add', '-A');
  rig.git('commit', '-q', '-m', 'first');
  const built = async () => {
    expect((await rig.build()).outcomes()).toEqual({ 'f/T1': 'built' });
    return [rig.read('what.txt'), rig.read('when.txt')];
  };
  const [what, when] = await built();
  expect(what).toBe('first1');
  expect(rig.read('package-lock.json')).toBe('first');
  rig.git('stash', '-q', '-u');
  rig.git('checkout', '-q', '-b', 'other');
  rig.write({ 'package-lock.json': 'second', readme: '2' });
  expect((await built())[0]).toBe('second1');
  rig.write({ 'tools/versions.txt': '2' });
  expect((await built())[0]).toBe('second2');
  rig.write({ 'tools/install.sh': 'mkdir made; echo script > made/what; echo > made/when\n', readme: '3' });
  expect((await built())[0]).toBe('script\n');
  rig.git('stash', '-q', '-u');
  rig.git('checkout', '-q', 'main');
  rig.write({ readme: '4' });
  expect(await built()).toEqual([what, when]);
});

test('folders of set-ups and submodules that nothing has used for a week are removed by a build and by gc', async () => {
  await using rig = await createRig();
  const build = async (text: string) => {
    rig.backlog('f', { T1: { inputs: [], outputs: ['one.txt'], run: `echo ${text} > one.txt` } });
    expect((await rig.build()).outcomes()).toEqual({ 'f/T1': 'built' });
  };
  await build('1');
  const cache = join(rig.temporary.root, 'cache');
  const [index] = readdirSync(cache, { recursive: true, encoding: 'utf8' }).filter((one) =>
    one.endsWith('-w0.index'),
  ) as [string];
  const place = (name: string) => join(cache, index.replace(/w0\.index$/, `setup-${name}`));
  const old = Date.UTC(2001, 0, 1) / 1000;
  const leave = () => {
    for (const name of ['module-old', 'module-young', 'cut-off']) {
      mkdirSync(join(place(name), 'tree'), { recursive: true });
      if (name !== 'cut-off') writeFileSync(join(place(name), 'done'), '');
    }
    utimesSync(join(place('module-old'), 'done'), old, old);
    utimesSync(place('cut-off'), old, old);
  };
  const left = () => ['module-old', 'module-young', 'cut-off'].filter((name) => existsSync(place(name)));
  leave();
  await build('2');
  expect(left()).toEqual(['module-young']);
  leave();
  const host = rig.host(new ScriptedAgent({ tripwire: true }));
  const options = { dryRun: false, keepDays: 30, maxBytes: undefined, wait: false };
  expect((await collect(host, { ...options, signal: new AbortController().signal })).ok).toBe(true);
  expect(left()).toEqual(['module-young']);
});
