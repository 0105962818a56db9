/** A feature's versions from its lock through git, and the way back to one of them. */

import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { AgentRequest } from '../../agent/agent.js';
import { ScriptedAgent } from '../../agent/scripted-agent.js';
import { inspectProject } from '../../build/dry-run.js';
import { pushResults } from '../../commands/cache.js';
import { checkoutVersion } from '../../commands/versions/checkout.js';
import { type FeatureVersion, featureVersions } from '../../commands/versions/version-history.js';
import { readKeptLocks } from '../../project/clone-records.js';
import { readOutputs } from '../../project/outputs/clone-outputs.js';
import { plainStyle } from '../../report/style.js';
import { versionsText } from '../../report/versions.js';
import { stateOf } from '../keys/part-walk.js';
import { createRig, type Rig } from '../rig/rig.js';

const ROUTES = ['// routes', 'const table = [', '];', ''].join('\n');
const adds = (line: string, output: string) => (request: AgentRequest) => ({
  [output]: line,
  'routes.ts': readFileSync(join(request.cwd, 'routes.ts'), 'utf8').replace('];', `  ${line},\n];`),
});

const task = (description: string, more: object = {}) => ({
  description,
  inputs: [],
  outputs: ['a.txt'],
  edits: ['routes.ts'],
  ...more,
});
const other = { inputs: [], outputs: ['b.txt'], edits: ['routes.ts'], description: 'other' };

/** Version 1.0.0 and 1.1.0 of `f`, both committed; `g` patches the same file. */
async function twoVersions(): Promise<Rig> {
  const rig = await createRig();
  rig.write({ 'routes.ts': ROUTES, 'specs/f/context.md': 'first\n' });
  rig.backlog('f', { T1: task('one'), T2: { inputs: [], outputs: ['old.txt'], run: 'echo old > old.txt' } });
  rig.backlog('g', { T1: other });
  rig.answer('f/T1', adds('one', 'a.txt'));
  rig.answer('g/T1', adds('other', 'b.txt'));
  await rig.build({}, { usage: { costUsd: 0.25, tokensIn: 1, tokensOut: 1 } });
  rig.commit();
  rig.write({ 'specs/f/notes.md': 'new\n' });
  rig.backlog('f', { T1: task('two', { acceptance: ['it is two'] }) });
  rig.answer('f/T1', adds('two', 'a.txt'));
  await rig.build({}, { usage: { costUsd: 0.5, tokensIn: 1, tokensOut: 1 } });
  rig.commit();
  return rig;
}

async function versionsOf(rig: Rig, name = 'f'): Promise<FeatureVersion[]> {
  const agent = new ScriptedAgent({ tripwire: true });
  const done = await inspectProject(rig.host(agent), [name], async ({ project, store }) => {
    const feature = project.features.get(name);
    return feature ? featureVersions(project, store, feature) : [];
  });
  if (!done.ok) throw new Error(JSON.stringify(done.error));
  return done.value;
}

const checkout = (rig: Rig, version: string, feature = 'f') =>
  checkoutVersion(
    rig.host(new ScriptedAgent({ tripwire: true })),
    { feature, version, wait: true },
    new AbortController().signal,
  );

test('the history says what changed, what it cost and where it is', async () => {
  await using rig = await twoVersions();
  const [second, first, ...none] = await versionsOf(rig);
  expect(none).toEqual([]);
  expect(second).toMatchObject({
    version: '1.1.0',
    costUsd: 0.5,
    acceptance: { added: 1, removed: 0 },
    tasks: [
      { id: 'T1', change: 'changed', items: ['prompt'], recipe: 'agent' },
      { id: 'T2', change: 'removed', items: [] },
    ],
  });
  expect(second?.commit).toBe(rig.git('rev-parse', 'HEAD').trim());
  expect(first).toMatchObject({
    version: '1.0.0',
    costUsd: 0.25,
    tasks: [{ change: 'added' }, { change: 'added' }],
  });
  const text = versionsText([second, first] as FeatureVersion[], plainStyle);
  expect(text).toMatch(/^1\.1\.0 {2}2030-01-01 00:00 {2}[0-9a-f]{10} {2}\$0\.50 {2}work\n {2}~ T1 {2}prompt/);
  expect(text).toContain('1 criterion added');

  rig.backlog('f', { T1: task('three', { acceptance: ['it is two'] }) });
  rig.answer('f/T1', adds('three', 'a.txt'));
  await rig.build();
  expect((await versionsOf(rig)).map(({ version, commit }) => [version, commit === undefined])).toEqual([
    ['1.1.1', true],
    ['1.1.0', false],
    ['1.0.0', false],
  ]);
});

test('going back restores the spec and its outputs, and is up to date without a run', async () => {
  await using rig = await twoVersions();
  rig.write({ 'routes.ts': `${rig.read('routes.ts')}// by hand\n` });
  const back = await checkout(rig, '1.0.0');
  expect(back).toMatchObject({ ok: true, value: { version: '1.0.0' } });
  expect(rig.read('a.txt')).toBe('one');
  expect(rig.read('old.txt')).toBe('old\n');
  expect(rig.read('specs/f/notes.md')).toBeUndefined();
  expect(rig.read('specs/f/BACKLOG.yaml')).toContain('one');
  // The other feature's line and the person's stay.
  expect(rig.read('routes.ts')).toContain('  one,');
  expect(rig.read('routes.ts')).toContain('  other,');
  expect(rig.read('routes.ts')).toContain('// by hand');
  expect(rig.read('routes.ts')).not.toContain('two');
  const built = await rig.buildWithoutAgent();
  expect(built.ran()).toEqual([]);
  expect(built.summary.exitCode).toBe(0);

  rig.commit();
  expect(await checkout(rig, '1.1.0')).toMatchObject({ ok: true });
  expect(rig.read('a.txt')).toBe('two');
  expect(rig.read('old.txt')).toBeUndefined();
  expect((await rig.buildWithoutAgent()).ran()).toEqual([]);
});

test('nothing that is not saved is overwritten', async () => {
  await using rig = await twoVersions();
  rig.write({ 'a.txt': 'mine' });
  expect(await checkout(rig, '1.0.0')).toMatchObject({
    error: { kind: 'drifted-outputs', paths: ['a.txt'] },
  });
  rig.write({ 'a.txt': 'two', 'old.txt': 'a file of mine' });
  expect(await checkout(rig, '1.0.0')).toMatchObject({
    error: { kind: 'drifted-outputs', paths: ['old.txt'] },
  });
  rig.remove('old.txt');
  rig.write({ 'specs/f/notes.md': 'new and more\n' });
  expect(await checkout(rig, '1.0.0')).toMatchObject({
    error: { kind: 'unsaved-specs', paths: ['specs/f/notes.md'] },
  });
  expect(rig.read('specs/f/notes.md')).toBe('new and more\n');
  expect(rig.read('a.txt')).toBe('two');
  rig.git('checkout', '-q', 'specs/f/notes.md');
  expect(await checkout(rig, '7.0.0')).toMatchObject({
    error: { kind: 'unknown-version', known: ['1.1.0', '1.0.0'] },
  });
  expect(await checkout(rig, '1.0.0', 'nothing')).toMatchObject({ error: { kind: 'unknown-target' } });
  expect(await checkout(rig, '1.1.0')).toMatchObject({ ok: true, value: { written: [], removed: [] } });
});

test('a version is refused whole when its patches or its files are in no store any more', async () => {
  await using rig = await twoVersions();
  rig.write({ '.gitignore': '.conductor/\nignored.txt\n' });
  const say = (word: string) => ({
    T1: { inputs: [], outputs: ['ignored.txt'], run: `echo ${word} > ignored.txt` },
  });
  for (const word of ['one', 'two']) {
    rig.backlog('h', say(word));
    await rig.build();
    rig.commit();
  }
  // A clone has neither results nor ignored files.
  const first = rig.dir;
  const clone = `${rig.temporary.root}/clone`;
  rig.git('clone', '-q', rig.dir, clone);
  rig.dir = clone;
  // A remote that does not answer may have them: nothing is said to be lost.
  const own = rig.config;
  rig.config = { ...own, cache: { remotes: ['git:../shared.git'] } };
  const unreached = [expect.stringContaining('shared.git')];
  expect(await checkout(rig, '1.0.0')).toMatchObject({ error: { kind: 'edit-base-missing', unreached } });
  expect(await checkout(rig, '1.0.0', 'h')).toMatchObject({
    error: { kind: 'version-incomplete', paths: ['ignored.txt'], unreached },
  });
  rig.config = own;
  expect(await checkout(rig, '1.0.0')).toMatchObject({
    error: { kind: 'edit-base-missing', path: 'routes.ts' },
  });
  expect(rig.read('a.txt')).toBe('two');
  expect(await checkout(rig, '1.0.0', 'h')).toMatchObject({
    error: { kind: 'version-incomplete', version: '1.0.0', paths: ['ignored.txt'] },
  });
  expect(rig.read('specs/h/BACKLOG.yaml')).toContain('two');
  // One that answers gives what it has.
  rig.git('init', '-q', '--bare', `${rig.temporary.root}/shared.git`);
  rig.config = { ...own, cache: { remotes: ['git:../shared.git'] } };
  rig.dir = first;
  const pushed = await pushResults(rig.host(new ScriptedAgent({ tripwire: true })), {
    all: true,
    signal: new AbortController().signal,
    warn: () => {},
  });
  expect(pushed.ok).toBe(true);
  rig.dir = clone;
  expect(await checkout(rig, '1.0.0', 'h')).toMatchObject({ ok: true });
  expect(rig.read('ignored.txt')).toBe('one\n');
});

test('two branches that both made 1.0.1: both can be found, the merge is 1.0.2, and a way back keeps its number', async () => {
  await using rig = await createRig();
  const say = (id: string, word: string) => ({
    inputs: [],
    outputs: [`${id}.txt`],
    run: `echo ${word} > ${id}.txt`,
  });
  const state = async (a: string, b: string) => {
    rig.backlog('f', { T1: say('T1', a), T2: say('T2', b) });
    await rig.build();
    rig.commit();
  };
  await state('a', 'b');
  const main = rig.git('branch', '--show-current').trim();
  rig.git('checkout', '-q', '-b', 'side');
  await state('a', 'side');
  const side = rig.git('rev-parse', 'HEAD').trim();
  expect((await versionsOf(rig)).map(({ version }) => version)).toEqual(['1.0.1', '1.0.0']);
  rig.git('checkout', '-q', main);
  await state('main', 'b');
  rig.git('merge', '-q', '--no-edit', 'side');
  const merged = (await rig.buildWithoutAgent()).summary;
  expect(merged.outcome).toBe('up-to-date');
  const names = (await versionsOf(rig)).map(({ version }) => version);
  expect(names.sort()).toEqual(['1.0.0', '1.0.1', `1.0.1+${side.slice(0, 7)}`, '1.0.2']);
  expect(await checkout(rig, `1.0.1+${side.slice(0, 7)}`)).toMatchObject({ ok: true });
  expect([rig.read('T1.txt'), rig.read('T2.txt')]).toEqual(['a\n', 'side\n']);
  rig.commit();
  await state('new', 'side');
  expect((await versionsOf(rig))[0]?.version).toBe('1.0.3');
});

test('what a person wrote and a version has accepted stays theirs', async () => {
  await using rig = await createRig();
  const writing = (word: string) => ({ inputs: [], outputs: ['out.txt'], run: `echo ${word} > out.txt` });
  rig.backlog('g', { T1: { inputs: [], outputs: ['g.txt'], run: 'echo g > g.txt' } });
  rig.backlog('f', { T1: writing('one') });
  await rig.build();
  rig.write({ 'out.txt': 'mine\n' });
  await rig.build({ accept: true, targets: ['f'] });
  await rig.build();
  rig.commit();
  rig.backlog('f', { T1: writing('two') });
  await rig.build({ discardEdits: true });
  rig.commit();
  expect(rig.read('out.txt')).toBe('two\n');
  expect(await checkout(rig, '1.0.0')).toMatchObject({ ok: true });
  expect(rig.read('out.txt')).toBe('mine\n');
  rig.remove('specs/f');
  expect((await rig.build()).warnings().join('\n')).toMatch(/no task owns out.txt any more; a person wrote/);
  expect(rig.read('out.txt')).toBe('mine\n');
});

test.each(['other', 'same'])(
  'a version with %s files and the way back by git leave the records of a build',
  async (files) => {
    await using rig = await createRig();
    const writing = (name: string, word: string, more = '') => ({
      T1: { inputs: [], outputs: [`${name}.txt`], run: `echo ${word} > ${name}.txt${more}` },
    });
    for (const name of ['a', 'b', 'c', 'f']) rig.backlog(name, writing(name, 'one'));
    await rig.build();
    rig.commit();
    rig.backlog('f', files === 'other' ? writing('f', 'two') : writing('f', 'one', '; true'));
    await rig.build();
    rig.commit();
    // As in a clone in which one build has ended.
    const state = stateOf(rig);
    for (const name of ['published.json', 'last.json']) rmSync(join(state, name));
    await rig.build();
    const records = async () => [(await readOutputs(state)).all(), await readKeptLocks(state)];
    const before = await records();
    expect(await checkout(rig, '1.0.0')).toMatchObject({ ok: true });
    expect(await records()).not.toEqual(before);
    rig.git('checkout', '-q', '--', '.');
    expect((await rig.build()).summary).toMatchObject({ outcome: 'up-to-date', exitCode: 0 });
    expect(await records()).toEqual(before);
  },
);
