/** Attributes, filters, line ends and ignore rules of a repository, in workspaces and in the project. */

import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { git } from '../../io/git/git-process.js';
import { openRepository } from '../../io/git/open-repository.js';
import { openCanonicalGit } from '../../workspace/canonical-git.js';
import { createRig, type Rig } from '../rig/rig.js';
import { ScratchRepository } from '../rig/scratch-repository.js';

const run = (command: string, outputs: readonly string[], inputs: readonly string[] = []) => ({
  run: command,
  inputs,
  outputs,
  agent: undefined,
});

/** A filter that keeps files in small letters and writes them in capitals. */
function filtered(rig: Rig): void {
  rig.git('config', 'filter.capitals.clean', 'tr A-Z a-z');
  rig.git('config', 'filter.capitals.smudge', 'tr a-z A-Z');
}

async function isStable(rig: Rig): Promise<void> {
  rig.write({ 'unrelated.txt': 'u\n' });
  expect(new Set(Object.values(await rig.inspect()))).toEqual(new Set(['fresh']));
  expect((await rig.buildWithoutAgent()).ran()).toEqual([]);
}

const PLACES = [
  ['in the project', '', ''],
  ['above the project, whose folder is in a pattern', 'packages/app', 'packages/*/'],
] as const;

test.each(PLACES)('attributes %s hold for declared inputs and for outputs', async (_name, folder, at) => {
  await using rig = await createRig(folder === '' ? {} : { folder });
  filtered(rig);
  const top = folder === '' ? '' : '../../';
  rig.write({
    [`${top}.gitattributes`]: `${at}*.cap filter=capitals\n*.bat text eol=crlf\n`,
    'in.cap': 'HELLO\n',
    'in.bat': 'a\r\nb\r\n',
  });
  rig.backlog('f', {
    T1: run('cp in.cap seen.txt && cp in.bat seen.bin', ['seen.txt', 'seen.bin'], ['in.cap', 'in.bat']),
    T2: run('echo MADE > out.cap; printf "x\\r\\ny\\r\\n" > out.bat', ['out.cap', 'out.bat']),
    T3: {
      ...run('cp out.cap out.bat copy', ['copy/*']),
      run: 'mkdir -p copy; cp out.* copy',
      depends_on: ['T2'],
    },
  });
  expect((await rig.buildWithoutAgent()).summary.exitCode).toBe(0);
  expect(rig.read('seen.txt')).toBe('HELLO\n');
  expect(rig.read('seen.bin')).toBe('a\r\nb\r\n');
  expect(rig.read('out.cap')).toBe('MADE\n');
  expect(rig.read('copy/out.cap')).toBe('MADE\n');
  expect(rig.read('out.bat')).toBe('x\r\ny\r\n');
  await isStable(rig);
  rig.remove('out.cap', 'out.bat');
  expect((await rig.buildWithoutAgent()).ran()).toEqual([]);
  expect(rig.read('out.bat')).toBe('x\r\ny\r\n');
});

test.each(PLACES)(
  'ignore rules %s make scratch files of a task with declared inputs no outputs',
  async (_name, folder, at) => {
    await using rig = await createRig(folder === '' ? {} : { folder });
    const top = folder === '' ? '' : '../../';
    rig.write({ [`${top}.gitignore`]: `.conductor/\n__pycache__/\n${at}coverage/\n` });
    const scratch =
      'mkdir -p lib/__pycache__ coverage; echo x > lib/__pycache__/a; echo y > coverage/c; echo z > out';
    rig.backlog('f', { T1: run(scratch, ['out']) });
    expect((await rig.buildWithoutAgent()).outcomes()).toEqual({ 'f/T1': 'built' });
    rig.backlog('f', { T1: run(`${scratch}; echo x > other`, ['out']) });
    expect((await rig.buildWithoutAgent()).failure('f/T1')).toEqual({
      kind: 'wrote-outside-outputs',
      paths: ['other'],
    });
  },
);

test('rendered files are kept as the attributes say', async () => {
  await using rig = await createRig();
  filtered(rig);
  rig.write({
    '.gitattributes': '*.cap filter=capitals\n*.bat text eol=crlf\n*.hbs -text\n',
    'templates/a.hbs': 'Made\r\nHere\r\n',
  });
  const steps = (...names: string[]) => names.map((to) => ({ template: 'a.hbs', to }));
  rig.backlog('f', {
    T1: { render: steps('one.cap', 'one.bat'), outputs: ['one.cap', 'one.bat'], agent: undefined },
    T2: {
      render: steps('two.bat'),
      inputs: [],
      outputs: ['two.bat'],
      verify: [`node -e "process.exit(require('fs').readFileSync('two.bat','utf8').includes('\\r')?0:1)"`],
      agent: undefined,
    },
  });
  expect((await rig.buildWithoutAgent()).summary.exitCode).toBe(0);
  expect(rig.read('one.cap')).toBe('MADE\r\nHERE\r\n');
  expect(rig.read('two.bat')).toBe('Made\r\nHere\r\n');
  await isStable(rig);
});

test('changed attributes make a task see the file again, also in a workspace that has it', async () => {
  await using rig = await createRig();
  rig.write({ '.gitattributes': '', 'in.txt': 'a\nb\n' });
  rig.backlog('f', { T1: run('cp in.txt seen.bin', ['seen.bin'], ['in.txt']) });
  await rig.buildWithoutAgent();
  expect(rig.read('seen.bin')).toBe('a\nb\n');
  rig.write({ '.gitattributes': '*.txt text eol=crlf\n' });
  expect((await rig.buildWithoutAgent()).outcomes()).toEqual({ 'f/T1': 'built' });
  expect(rig.read('seen.bin')).toBe('a\r\nb\r\n');
});

test('attributes that a recipe writes have no say in what is captured', async () => {
  await using rig = await createRig();
  filtered(rig);
  rig.write({ '.gitignore': '.conductor/\n.gitattributes\n' });
  rig.backlog('f', { T1: run('echo "* filter=capitals" > .gitattributes; echo BIG > out', ['out']) });
  expect((await rig.buildWithoutAgent()).failure('f/T1')).toEqual({
    kind: 'wrote-outside-outputs',
    paths: ['.gitattributes'],
  });
});

test('attributes in a folder without outputs are scratch where they are ignored, and else reported as any file', async () => {
  await using rig = await createRig();
  filtered(rig);
  rig.write({ '.gitignore': '.conductor/\nnode_modules/\n' });
  const install = (folder: string) =>
    run(`mkdir -p ${folder}; echo "* filter=capitals" > ${folder}/.gitattributes; echo small > out`, ['out']);
  rig.backlog('f', { T1: install('node_modules/one') });
  expect((await rig.buildWithoutAgent()).outcomes()).toEqual({ 'f/T1': 'built' });
  expect(rig.read('out')).toBe('small\n');
  rig.backlog('f', { T1: install('other') });
  expect((await rig.buildWithoutAgent()).failure('f/T1')).toEqual({
    kind: 'wrote-outside-outputs',
    paths: ['other/.gitattributes'],
  });
});

test('an ignored file is an input as long as a spec names it', async () => {
  await using rig = await createRig();
  rig.write({
    '.gitignore': '.conductor/\nlocal.*\n',
    'local.txt': 'mine',
    'local.out': 'a person wrote this',
  });
  const whole = { ...run('ls > all.txt', ['all.txt']), inputs: undefined };
  const named = run('cp local.txt out.txt', ['out.txt'], ['local.txt']);
  rig.backlog('f', { T1: whole });
  await rig.buildWithoutAgent();
  expect(rig.read('all.txt')).not.toContain('local');
  rig.backlog('f', { T1: whole, T2: named });
  await rig.buildWithoutAgent();
  expect(rig.read('out.txt')).toBe('mine');
  expect(rig.read('all.txt')).toContain('local.txt');
  rig.backlog('f', { T1: whole });
  await rig.buildWithoutAgent();
  expect(rig.read('all.txt')).not.toContain('local');
  expect(rig.read('local.txt')).toBe('mine');
});

test('names that are not UTF-8 are refused by name, and ignored ones do not matter', async () => {
  await using rig = await createRig();
  const strange = (folder: string) =>
    Buffer.concat([Buffer.from(`${rig.dir}/${folder}`), Buffer.from([0xe9, 0x2e, 0x74])]);
  rig.write({ '.gitignore': '.conductor/\nscratch/\n', 'scratch/a': '' });
  writeFileSync(strange('scratch/'), 'x');
  const write = (folder: string) =>
    `mkdir -p ${folder}; node -e 'fs.writeFileSync(Buffer.concat([Buffer.from("${folder}/a"),Buffer.from([0xe9])]),"x")'`;
  rig.backlog('f', { T1: run(`${write('scratch')}; echo 1 > out`, ['out']) });
  expect((await rig.buildWithoutAgent()).outcomes()).toEqual({ 'f/T1': 'built' });
  rig.backlog('f', {
    T1: run(`${write('made')}; echo 2 > made/b`, ['made/**']),
    T2: run('ln -s "$(printf "a\\351")" link', ['link']),
    T3: run('mkdir -p "$(printf "d\\351")/.git"; echo 3 > three', ['three']),
  });
  const failed = await rig.buildWithoutAgent({ failFast: false });
  expect(failed.failure('f/T1')).toEqual({
    kind: 'unsafe-path',
    path: 'made/a\\xe9',
    reason: 'its name is not UTF-8',
  });
  expect(failed.failure('f/T2')).toMatchObject({ kind: 'unsafe-path', path: 'link' });
  expect(failed.failure('f/T3')).toMatchObject({ kind: 'unsafe-path' });
  rig.write({ 'in/b': '' });
  writeFileSync(strange('in/'), 'x');
  const refused = await rig.buildWithoutAgent();
  expect(refused.buildFailure()).toMatchObject({
    kind: 'snapshot-failed',
    detail: 'the name in/\\xe9.t is not UTF-8: rename it, or let git ignore it',
  });
});

test.each([
  ['core.autocrlf', (rig: Rig) => rig.git('config', 'core.autocrlf', 'true')],
  [
    'core.eol',
    (rig: Rig) => [rig.git('config', 'core.eol', 'crlf'), rig.write({ '.gitattributes': '* text\n' })],
  ],
  [
    'info/attributes',
    (rig: Rig) => rig.write({ '.git/info/attributes': '*.txt eol=crlf\n', '.git/info/exclude': 'scratch\n' }),
  ],
  [
    'core.attributesFile',
    (rig: Rig) => {
      const file = join(dirname(rig.dir), 'attributes');
      rig.write({ '../attributes': '*.txt eol=crlf\n' });
      rig.git('config', 'core.attributesFile', file);
    },
  ],
])('%s of the machine decides nothing in a workspace', async (_name, set) => {
  await using rig = await createRig();
  set(rig);
  rig.write({ 'in.txt': 'a\r\nb\r\n' });
  rig.backlog('f', { T1: run('cp in.txt seen.bin; cp in.txt out.txt', ['seen.bin', 'out.txt'], ['in.txt']) });
  expect((await rig.buildWithoutAgent()).outcomes()).toEqual({ 'f/T1': 'built' });
  const kept = rig.git(
    '--git-dir=.git/conductor/repo',
    'for-each-ref',
    '--format=%(objectname)',
    'refs/conductor/results',
  );
  const listed = rig.git('--git-dir=.git/conductor/repo', 'ls-tree', '-r', kept.trim());
  // The blob of `a\nb\n`: what the task saw and what it wrote.
  expect([...listed.matchAll(/422c2b7ab3b3c668038da977e4e93a5fc623169c/g)]).toHaveLength(2);
  await isStable(rig);
  expect(existsSync(rig.path('out.txt'))).toBe(true);
});

test('rules that a power cut left with empty or missing files is no reason to fail for ever', async () => {
  const scratch = new ScratchRepository();
  try {
    const opened = await openRepository(scratch.dir);
    if (!opened.ok) throw new Error(JSON.stringify(opened.error));
    const folder = join(scratch.dir, '.git', 'rules');
    const first = await openCanonicalGit(opened.value, folder);
    const works = async () => (await git(['rev-parse', '--git-dir'], { gitDir: first.dir })).code;
    expect(await works()).toBe(0);
    writeFileSync(join(first.dir, 'HEAD'), '');
    writeFileSync(join(first.dir, 'config'), '');
    rmSync(join(first.dir, 'refs'), { recursive: true });
    expect(await works()).not.toBe(0);
    expect((await openCanonicalGit(opened.value, folder)).dir).toBe(first.dir);
    expect(await works()).toBe(0);
  } finally {
    scratch.remove();
  }
});
