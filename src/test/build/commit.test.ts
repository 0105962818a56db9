/** `build --commit` in the person's repository: what goes into the commit, hooks, and what a killed commit leaves. */

import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, linkSync, utimesSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import { openRepository } from '../../io/git/open-repository.js';
import { writeCommitJournal } from '../../workspace/commit/commit-journal.js';
import { COMMIT_JOURNAL, PUBLISH_JOURNAL } from '../../workspace/publish-journal.js';
import { ensureBuilt, PACKAGE } from '../rig/command-line.js';
import { createRig, type Rig } from '../rig/rig.js';

const task = (output: string, more: object = {}) => ({
  description: 'x',
  inputs: [],
  outputs: [output],
  ...more,
});

async function project(): Promise<Rig> {
  const rig = await createRig({ config: { attempts: 1 } });
  rig.write({ 'src/a.ts': 'a\n' });
  rig.commit();
  rig.backlog('f', { T1: task('one.txt') });
  rig.answer('f/T1', { 'one.txt': '1' });
  return rig;
}

function hook(rig: Rig, name: string, text: string): void {
  writeFileSync(rig.path(`.git/hooks/${name}`), `#!/bin/sh\n${text}\n`, { mode: 0o755 });
}

/** From now on until the test ends or `unstubAllEnvs`, git calls that end like this pattern find no free file. */
function failGit(rig: Rig, call: string): void {
  const git = execFileSync('sh', ['-c', 'command -v git'], { encoding: 'utf8' }).trim();
  rig.write({ '.git/failing/git': '' });
  const pattern = call.replaceAll(' ', '\\ ');
  const script = `case "$*" in *${pattern}) echo 'fatal: Too many open files' >&2; exit 128;; esac\nexec ${git} "$@"`;
  writeFileSync(rig.path('.git/failing/git'), `#!/bin/sh\n${script}\n`);
  chmodSync(rig.path('.git/failing/git'), 0o755);
  vi.stubEnv('PATH', `${rig.path('.git/failing')}${delimiter}${process.env.PATH}`);
  onTestFinished(() => void vi.unstubAllEnvs());
}

const subjects = (rig: Rig) => rig.git('log', '--topo-order', '--format=%s').trim().split('\n');

test('specs are committed before what was built from them, and a spec that waits is left to the person', async () => {
  await using rig = await project();
  rig.write({ 'specs/f/context.md': 'facts\n', 'specs/notes.md': 'notes\n' });
  rig.backlog('g', { T1: task('g.txt') });
  rig.answer('g/T1', { kind: 'agent-error', detail: 'no', output: { tail: '' } });
  const built = await rig.build({ commit: true });
  expect(built.of('build.committed')).toMatchObject([{ tasks: 1 }]);
  expect(subjects(rig)).toEqual([
    'conductor build: f',
    'conductor: record what was built',
    'f/T1: Task T1',
    'conductor: specs of what was built',
    'work',
  ]);
  const specs = rig.git('ls-tree', '-r', '--name-only', 'HEAD', 'specs').trim().split('\n');
  expect(specs).toEqual(['specs/f/.metadata.json', 'specs/f/BACKLOG.yaml', 'specs/f/context.md']);
  expect(rig.git('status', '--porcelain', '-uall').trim().split('\n')).toEqual([
    '?? specs/g/BACKLOG.yaml',
    '?? specs/notes.md',
  ]);
  rig.remove('specs/f', 'specs/g');
  rig.backlog('h', { T1: task('h.txt') });
  rig.answer('h/T1', { 'h.txt': 'h' });
  await rig.build({ commit: true });
  expect(rig.git('ls-tree', '-r', '--name-only', 'HEAD').trim().split('\n')).toEqual([
    '.gitignore',
    'h.txt',
    'specs/h/.metadata.json',
    'specs/h/BACKLOG.yaml',
    'src/a.ts',
  ]);
});

test('a config that is not committed is named, with the command that commits it', async () => {
  await using rig = await project();
  rig.write({ 'conductor.config.ts': 'export default {};\n' });
  const built = await rig.build({ commit: true });
  expect(built.summary).toMatchObject({ outcome: 'failed', exitCode: 1 });
  expect(built.buildFailure()).toMatchObject({
    kind: 'commit-refused',
    paths: ['conductor.config.ts'],
    fix: expect.stringContaining('git add conductor.config.ts && git commit'),
  });
  expect(subjects(rig)).toEqual(['work']);
  rig.git('add', 'conductor.config.ts');
  rig.git('commit', '-qm', 'config');
  expect((await rig.buildWithoutAgent({ commit: true })).summary.exitCode).toBe(0);
  expect(rig.git('status', '--porcelain')).toBe('');
});

test('a pre-commit hook sees what is committed, stops the commit with its output, and can be passed over', async () => {
  await using rig = await project();
  hook(
    rig,
    'pre-commit',
    'git diff --cached --name-only; grep -q good one.txt || { echo "one.txt is bad" >&2; exit 1; }',
  );
  const refused = await rig.build({ commit: true });
  expect(refused.buildFailure()).toMatchObject({
    kind: 'commit-refused',
    reason: 'the pre-commit hook failed',
    output: { tail: expect.stringMatching(/one\.txt[\s\S]*one\.txt is bad/) },
  });
  expect(subjects(rig)).toEqual(['work']);
  expect(rig.git('status', '--porcelain').trim().split('\n')).toEqual(['?? one.txt', '?? specs/']);
  expect((await rig.buildWithoutAgent({ commit: true, noVerify: true })).summary.exitCode).toBe(0);
  expect(subjects(rig)[0]).toBe('conductor build: what was built before');

  // A build in a hook would wait for the build that runs the hook.
  ensureBuilt();
  hook(
    rig,
    'pre-commit',
    `${JSON.stringify(process.execPath)} ${JSON.stringify(`${PACKAGE}/bin/conductor.js`)} build --frozen`,
  );
  rig.backlog('f', { T1: task('one.txt', { description: 'y' }) });
  rig.answer('f/T1', { 'one.txt': '2' });
  const locked = await rig.build({ commit: true });
  const failure = locked.buildFailure();
  expect(failure?.kind === 'commit-refused' && failure.output?.tail).toContain(
    'another conductor works on this project',
  );
});

test('a hook that changes the files is refused; a commit-msg hook may change or refuse the message', async () => {
  await using rig = await project();
  hook(rig, 'pre-commit', 'echo more >> one.txt; git add one.txt');
  expect((await rig.build({ commit: true })).buildFailure()).toMatchObject({
    reason: expect.stringContaining('changed the files'),
  });
  rig.write({ 'one.txt': '1' });
  rig.remove('.git/hooks/pre-commit');
  hook(rig, 'commit-msg', 'grep -q "^specs:" "$1" && exit 1; sed -i "s/^/checked /;2,\\$s/^checked //" "$1"');
  expect((await rig.buildWithoutAgent({ commit: true })).summary.exitCode).toBe(0);
  expect(subjects(rig)).toContain('checked f/T1: Task T1');
  hook(rig, 'commit-msg', 'echo "no ticket" >&2; exit 1');
  rig.backlog('f', { T1: task('one.txt', { description: 'y' }) });
  rig.answer('f/T1', { 'one.txt': '2' });
  expect((await rig.build({ commit: true })).buildFailure()).toMatchObject({
    reason: 'the commit-msg hook failed',
    output: { tail: 'no ticket\n' },
  });
});

test('a commit of somebody else meanwhile is built upon', async () => {
  await using rig = await project();
  hook(
    rig,
    'pre-commit',
    'test -e .git/once || { touch .git/once; unset GIT_INDEX_FILE; git commit -q --no-verify --allow-empty -m theirs; }',
  );
  expect((await rig.build({ commit: true })).summary.exitCode).toBe(0);
  expect(rig.git('rev-list', '--first-parent', '--format=%s', 'HEAD').match(/theirs/g)).toHaveLength(1);
  expect(rig.git('status', '--porcelain')).toBe('');
});

test.each([
  'rev-parse --quiet --verify HEAD^{commit}',
  'rev-parse --quiet --verify ????????????????????????????????????????^{tree}',
  'check-ignore *',
  'config --type=bool commit.gpgSign',
])(
  'while git cannot run `%s`, nothing is committed, and above all no tree without the other files',
  async (call) => {
    await using rig = await project();
    await rig.build();
    failGit(rig, call);
    const failed = await rig.buildWithoutAgent({ commit: true });
    expect(failed.buildFailure()).toMatchObject({ kind: 'system-error', code: 'EMFILE' });
    expect(subjects(rig)).toEqual(['work']);
    vi.unstubAllEnvs();
    expect((await rig.buildWithoutAgent({ commit: true })).summary.exitCode).toBe(0);
    expect(rig.git('ls-tree', '-r', '--name-only', 'HEAD').split('\n')).toContain('src/a.ts');
  },
);

test('what a killed commit leaves is cleaned up, and a lock of another git is named and stays', async () => {
  await using rig = await project();
  await rig.build();
  const opened = await openRepository(rig.dir);
  if (!opened.ok) throw new Error('no repository');
  const repository = opened.value;
  const head = rig.git('rev-parse', 'HEAD').trim();
  // Killed between the journal and the branch, and while the index took its place.
  const commit = rig.git('commit-tree', '-m', 'x', '-p', head, 'HEAD^{tree}').trim();
  await writeCommitJournal(repository, { commit, entries: new Map() });
  writeFileSync(rig.path('.git/HEAD.lock'), '');
  writeFileSync(rig.path('.git/refs/heads/main.lock'), `${commit}\n`);
  writeFileSync(join(repository.state, 'commit-index'), 'half');
  linkSync(join(repository.state, 'commit-index'), rig.path('.git/index.lock'));
  const built = await rig.buildWithoutAgent({ commit: true });
  expect(built.of('build.recovered')).toMatchObject([
    { what: expect.stringContaining('interrupted commit') },
  ]);
  expect(built.summary.exitCode).toBe(0);
  expect(rig.git('status', '--porcelain')).toBe('');

  // Killed after the branch: the index is brought in line.
  rig.git('rm', '-q', '--cached', 'one.txt');
  const entry = { mode: '100644' as const, id: rig.git('rev-parse', 'HEAD:one.txt').trim() };
  const made = rig.git('rev-parse', 'HEAD').trim();
  await writeCommitJournal(repository, { commit: made, entries: new Map([['one.txt', entry]]) });
  await rig.buildWithoutAgent();
  expect(rig.git('status', '--porcelain')).toBe('');

  const lock = rig.path('.git/HEAD.lock');
  writeFileSync(lock, '');
  const old = new Date(Date.UTC(2020, 0, 1));
  utimesSync(lock, old, old);
  await writeCommitJournal(repository, { commit, entries: new Map() });
  rig.backlog('f', { T1: task('one.txt', { description: 'y' }) });
  rig.answer('f/T1', { 'one.txt': '2' });
  const refused = await rig.build({ commit: true });
  expect(refused.buildFailure()).toMatchObject({ kind: 'commit-refused', paths: [lock] });
  expect(existsSync(lock)).toBe(true);
  rig.remove('.git/HEAD.lock');
  expect((await rig.buildWithoutAgent({ commit: true })).summary.exitCode).toBe(0);
});

test.each([
  [COMMIT_JOURNAL, 'symbolic-ref --quiet HEAD'],
  [COMMIT_JOURNAL, 'rev-parse --quiet --verify HEAD^{commit}'],
  [PUBLISH_JOURNAL, 'ls-tree -r -z --full-tree *'],
])('%s stays while git cannot run `%s`, and the next build completes what was begun', async (name, call) => {
  await using rig = await project();
  await rig.build();
  const opened = await openRepository(rig.dir);
  if (!opened.ok) throw new Error('no repository');
  const { state } = opened.value;
  const head = rig.git('rev-parse', 'HEAD').trim();
  const tree = rig.git('rev-parse', 'HEAD^{tree}').trim();
  const journal = name === COMMIT_JOURNAL ? { commit: head, entries: [] } : { from: tree, to: tree };
  writeFileSync(join(state, name), JSON.stringify(journal));
  failGit(rig, call);
  expect((await rig.buildWithoutAgent()).buildFailure()).toMatchObject({
    kind: 'system-error',
    code: 'EMFILE',
  });
  expect(existsSync(join(state, name))).toBe(true);
  vi.unstubAllEnvs();
  const built = await rig.buildWithoutAgent();
  expect(built.of('build.recovered')).toHaveLength(1);
  expect(existsSync(join(state, name))).toBe(false);
});

test('a killed publish whose trees are gone stops no build', async () => {
  await using rig = await project();
  await rig.build();
  const opened = await openRepository(rig.dir);
  if (!opened.ok) throw new Error('no repository');
  const journal = join(opened.value.state, PUBLISH_JOURNAL);
  writeFileSync(journal, JSON.stringify({ from: '1'.repeat(40), to: '2'.repeat(40) }));
  expect((await rig.buildWithoutAgent()).summary.exitCode).toBe(0);
  expect(existsSync(journal)).toBe(false);
});
