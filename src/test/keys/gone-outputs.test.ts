/** Outputs that are gone beside another change: those of features that it does not concern are written again without an analysis. */

import { execFileSync } from 'node:child_process';
import { appendFileSync, lstatSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { INDEX_FILE } from '../../analysis/range/index-file.js';
import type { ConductorConfig } from '../../model/config.js';
import { createRig, type Rig } from '../rig/rig.js';
import type { Story } from '../rig/rig-story.js';
import { buildOf, compareWithWhole, stateOf } from './part-walk.js';

const written = (word: string, more: object = {}) => ({
  inputs: [],
  outputs: [`out/${word}.txt`],
  run: `mkdir -p out && echo ${word} > out/${word}.txt`,
  ...more,
});

/** Six features: `b` needs `a`, the task of `c` is an agent's, that of `d` has a gate. */
async function built(config: ConductorConfig = {}): Promise<Rig> {
  const rig = await createRig({ config });
  rig.write({ 'in.txt': 'in\n' });
  rig.backlog('a', { a: written('a') });
  rig.backlog('b', { b: written('b', { depends_on: ['a/a'], verify: ['test -f out/a.txt'] }) });
  rig.backlog('c', { c: { inputs: ['in.txt'], outputs: ['out/c.txt'] } });
  rig.backlog('d', { d: written('d', { verify: ['test -f out/d.txt'] }) });
  for (const name of ['e', 'f']) rig.backlog(name, { [name]: written(name) });
  rig.answer('c/c', { 'out/c.txt': 'by an agent\n' });
  expect((await rig.build()).summary).toMatchObject({ outcome: 'built', exitCode: 0 });
  return rig;
}

const told = (story: Story) => ({
  checks: Object.fromEntries(story.checks().map(({ task, verdict }) => [task, verdict])),
  outcomes: story.outcomes(),
  saved: Object.fromEntries(
    story.single().flatMap((event) => (event.type === 'task.finished' ? [[event.task, event.saved]] : [])),
  ),
  published: story.of('build.published').map(({ written, removed }) => ({ written, removed })),
  counts: story.summary.counts,
});

test('they are written again with what the change builds, and the events tell it as a whole build does', async () => {
  await using rig = await built();
  const change = (word: string) => {
    rig.remove('out');
    rig.write({ 'new.txt': `${word}\n` });
    rig.backlog('e', { e: written('e', { run: `mkdir -p out && echo ${word} > out/e.txt` }) });
  };
  change('one');
  rmSync(join(stateOf(rig), INDEX_FILE));
  const whole = await rig.buildWithoutAgent();
  const files = rig.files();
  change('two');
  const { story, isPart } = await buildOf(rig);
  expect(isPart).toBe(true);
  const changed = { 'new.txt': 'f:two\n', 'out/e.txt': 'f:two\n' };
  const isSpec = (path: string) => path.startsWith('specs/e/');
  const others = (all: Record<string, string>) => Object.entries(all).filter(([path]) => !isSpec(path));
  expect(others(rig.files())).toEqual(others({ ...files, ...changed }));
  const { checks: _, ...found } = told(story);
  const { checks: __, ...asked } = told(whole);
  expect(found).toEqual(asked);
  expect(story.summary.counts).toMatchObject({ built: 1, cached: 5, fresh: 0 });
  expect(told(story).saved['c/c']).toBeDefined();
  await compareWithWhole(rig);
});

test('a file that no task reads leads to no task, one that a task reads to that one alone', async () => {
  await using rig = await built();
  const files = rig.files();
  rig.remove('out');
  rig.write({ 'new.txt': 'new\n' });
  const beside = await buildOf(rig);
  expect([beside.isPart, beside.story.ran(), beside.story.summary.counts.cached]).toEqual([true, [], 6]);
  expect(rig.files()).toEqual({ ...files, 'new.txt': 'f:new\n' });
  expect((await rig.buildWithoutAgent()).summary.outcome).toBe('up-to-date');
  // What the concerned task needs is read as well, and not analysed.
  rig.remove('out');
  rig.backlog('b', {
    b: written('b', { depends_on: ['a/a'], run: 'mkdir -p out && (cat out/a.txt; echo more) > out/b.txt' }),
  });
  const needing = await buildOf(rig);
  expect([needing.isPart, needing.story.ran(), needing.story.outcomes()['a/a']]).toEqual([
    true,
    ['b/b'],
    'cached',
  ]);
  expect(rig.read('out/b.txt')).toBe('a\nmore\n');
  await compareWithWhole(rig);
});

test('outputs that git ignores are restored and watched as before', async () => {
  await using rig = await built();
  rig.write({ '.gitignore': '.conductor/\nout/\n' });
  await rig.buildWithoutAgent();
  const files = rig.files();
  rig.remove('out');
  rig.write({ 'new.txt': 'new\n' });
  const beside = await buildOf(rig);
  expect([beside.isPart, beside.story.summary.counts.cached]).toEqual([true, 6]);
  expect(rig.files()).toEqual({ ...files, 'new.txt': 'f:new\n' });
  expect((await rig.buildWithoutAgent()).summary.outcome).toBe('up-to-date');
  rig.write({ 'out/f.txt': 'edited\n' });
  expect((await rig.buildWithoutAgent()).outcomes()['f/f']).toBe('drifted');
});

test('where the changed task fails, the others have their files again; with `publish: build` nothing is written', async () => {
  const fail = (rig: Rig) => {
    rig.remove('out');
    rig.backlog('e', { e: written('e', { run: 'false' }) });
    return rig.buildWithoutAgent();
  };
  await using rig = await built();
  const files = Object.keys(rig.files());
  expect((await fail(rig)).summary.exitCode).toBe(1);
  expect(Object.keys(rig.files())).toEqual(files.filter((path) => path !== 'out/e.txt'));
  await using together = await built({ publish: 'build' });
  expect((await fail(together)).summary.exitCode).toBe(1);
  expect(Object.keys(together.files()).filter((path) => path.startsWith('out/'))).toEqual([]);
});

test('what stands in the way, is a person’s, or is lost, is looked at by a build that reads everything', async () => {
  await using rig = await built();
  const beside = async (change: () => void) => {
    rig.remove('out');
    rig.write({ 'new.txt': `${Math.random()}\n` });
    change();
    const { story, isPart } = await buildOf(rig);
    return [isPart, story.summary.exitCode, story.ran()];
  };
  // In a folder of the place there is a file that git ignores.
  expect(
    await beside(() => rig.write({ '.git/info/exclude': 'mine\n', 'out/f.txt/mine': 'mine\n' })),
  ).toEqual([false, 1, []]);
  expect(rig.read('out/f.txt/mine')).toBe('mine\n');
  rig.remove('out');
  await rig.buildWithoutAgent();
  // Content that a person wrote and that was accepted.
  rig.write({ 'out/d.txt': 'accepted\n' });
  expect((await rig.buildWithoutAgent({ accept: true })).summary.exitCode).toBe(0);
  await rig.buildWithoutAgent();
  expect(await beside(() => {})).toEqual([false, 0, []]);
  expect(rig.read('out/d.txt')).toBe('accepted\n');
  const store = rig.path('.git/conductor/repo');
  const refs = execFileSync('git', [`--git-dir=${store}`, 'for-each-ref', '--format=%(refname)'], {
    encoding: 'utf8',
  });
  const results = refs.split('\n').filter((name) => name.includes('/results/'));
  for (const name of results) execFileSync('git', [`--git-dir=${store}`, 'update-ref', '-d', name]);
  rig.remove('out/a.txt');
  rig.write({ 'new.txt': 'lost\n' });
  const lost = await buildOf(rig);
  expect([lost.isPart, lost.story.ran()]).toEqual([false, ['a/a']]);
  expect(rig.read('out/a.txt')).toBe('a\n');
});

test.each(['beside another change', 'ignored'])(
  'a link in the place of their folder stays, although the files stand behind it: %s',
  async (how) => {
    await using rig = await built();
    const other = `${rig.dir}-other`;
    renameSync(rig.path('out'), other);
    try {
      rig.link('out', other);
      if (how === 'ignored') appendFileSync(rig.path('.git/info/exclude'), 'out\n');
      expect((await rig.buildWithoutAgent()).summary.published).toBe(0);
      expect(lstatSync(rig.path('out')).isSymbolicLink()).toBe(true);
    } finally {
      rmSync(other, { recursive: true });
    }
  },
);

test.each([{ 'new.txt': 'new\n' }, {}])('what git has come to ignore is not gone: %j', async (beside) => {
  await using rig = await built();
  appendFileSync(rig.path('.git/info/exclude'), 'out/\n');
  rig.write(beside);
  expect((await rig.buildWithoutAgent()).summary).toMatchObject({ published: 0, counts: { fresh: 6 } });
});

test('build gates judge them with the other change, also where a task fails, and what is kept back waits', async () => {
  await using rig = await built({ gates: { build: ['test ! -f new.txt'] } });
  for (const failing of [false, true]) {
    rig.remove('out');
    rig.write({ 'new.txt': 'new\n' });
    if (failing) rig.backlog('e', { e: written('e', { run: 'false' }) });
    const { story } = await buildOf(rig);
    expect([story.buildFailure()?.kind, story.summary.published]).toEqual(['gate-failed', 0]);
    const waiting = failing ? 5 : 6;
    expect([story.of('task.waiting').length, story.summary.waiting]).toEqual([waiting, waiting]);
    expect(Object.keys(await rig.waiting()).length).toBe(waiting);
    expect(Object.keys(rig.files()).filter((path) => path.startsWith('out/'))).toEqual([]);
    rig.remove('new.txt');
    await rig.buildWithoutAgent();
  }
});
