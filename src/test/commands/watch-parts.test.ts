/** A watch reads only the features that a save may concern, and leaves the same as a build that reads everything. */

import { expect, test } from 'vitest';
import { ScriptedAgent } from '../../agent/scripted-agent.js';
import type { BuildEvent } from '../../model/event.js';
import { readLastBuild } from '../../project/clone-records.js';
import { compareWithWhole, expectAllFresh, stateOf } from '../keys/part-walk.js';
import { until } from '../rig/command-line.js';
import { createRig, type Rig } from '../rig/rig.js';
import type { Story } from '../rig/rig-story.js';
import { RigWatch, type RigWatchOptions } from '../rig/rig-watch.js';
import { countCalls } from './counted-calls.js';

const NAMES = ['a', 'b', 'c', 'd'];

const task = (name: string, word: string, more: object = {}) => ({
  inputs: [],
  outputs: [`out/${name}.txt`],
  render: [{ template: 'word.hbs', to: `out/${name}.txt`, with: { word } }],
  ...more,
});

/** Four features of two tasks each; `b` needs `a`. */
function save(rig: Rig, name: string, word: string, more: object = {}): string {
  const needs = name === 'b' ? { depends_on: ['a/T1'] } : {};
  rig.backlog(name, { T1: task(name, word, needs), T2: task(`${name}2`, 'always'), ...more });
  return `specs/${name}/BACKLOG.yaml`;
}

function watching(rig: Rig, options: RigWatchOptions = {}): RigWatch {
  rig.write({ 'templates/word.hbs': '{{word}}\n' });
  for (const name of NAMES) save(rig, name, 'first');
  return new RigWatch(rig, new ScriptedAgent({ tripwire: true }), options);
}

/** Tasks that the builds have checked: of a feature that was not read, none is. */
function checked(story: Story): string[] {
  return [...new Set(story.checks().map(({ task }) => task))].sort();
}

/** Labels of all tasks of these features. */
const all = (...names: readonly string[]) => names.flatMap((name) => [`${name}/T1`, `${name}/T2`]);

test('a save reads its feature, those that need it and those that it needs, and no other', async () => {
  await using rig = await createRig();
  await using watch = watching(rig);
  const first = await watch.idle(1);
  expect(checked(first)).toEqual(all(...NAMES));

  const saves = [
    ['c', ['c'], ['c/T1']],
    ['a', ['a', 'b'], ['a/T1', 'b/T1']],
    ['b', ['a', 'b'], ['b/T1']],
  ] as const;
  let times = 1;
  for (const [name, read, ran] of saves) {
    watch.event(save(rig, name, `of ${name}`));
    const story = await watch.idle(++times);
    expect(checked(story)).toEqual(all(...read));
    expect(story.ran()).toEqual(ran);
    expect(Object.keys(story.outcomes()).sort()).toEqual(all(...NAMES));
    expect(story.of('build.finished')[0]?.summary.counts).toMatchObject({
      built: ran.length,
      fresh: 8 - ran.length,
    });
    expect(story.of('watch.idle')[0]?.tasks).toBe(8);
    expect(rig.read(`out/${name}.txt`)).toBe(`of ${name}\n`);
    // Its index may hold changes that came while the build ran: the quick check of the next command looks at all files.
    expect(readLastBuild(stateOf(rig))?.index).toBeUndefined();
    await compareWithWhole(rig);
  }
});

test('what another command has built before the watch looked is watched, too', async () => {
  await using rig = await createRig();
  await using watch = watching(rig);
  await watch.idle(1);
  const run = 'mkdir -p out && cat far/in.txt > out/c2.txt';
  const reading = { inputs: ['far/*.txt'], outputs: ['out/c2.txt'], run };
  rig.write({ 'far/in.txt': 'first\n' });
  save(rig, 'c', 'second', { T2: reading });
  expect((await rig.buildWithoutAgent()).summary.counts.built).toBe(2);
  watch.tick();
  expect((await watch.idle(2)).ran()).toEqual([]);
  rig.write({ 'far/in.txt': 'second\n' });
  watch.event('far/in.txt');
  expect((await watch.idle(3)).ran()).toEqual(['c/T2']);
  expect(rig.read('out/c2.txt')).toBe('second\n');
  // It has seen all specs since: the next save is read as a part again.
  watch.event(save(rig, 'd', 'third'));
  expect(checked(await watch.idle(4))).toEqual(all('d'));
});

test('what is fresh is told of after the first task has started', async () => {
  await using rig = await createRig();
  await using watch = watching(rig);
  await watch.idle(1);
  watch.event(save(rig, 'c', 'second'));
  const { events } = await watch.idle(2);
  const at = (holds: (event: BuildEvent) => boolean) => events.findIndex(holds);
  const started = at(({ type }) => type === 'task.started');
  const fresh = at(({ type }) => type === 'tasks.fresh');
  expect([started >= 0, started < fresh]).toEqual([true, true]);
});

test('tasks that come and go, another config, a broken spec and a mended one leave what a build leaves', async () => {
  await using rig = await createRig();
  await using watch = watching(rig);
  await watch.idle(1);
  let times = 1;
  const built = async (path: string) => {
    watch.event(path);
    const story = await watch.idle(++times);
    await expectAllFresh(rig);
    return story;
  };
  await built(save(rig, 'c', 'second', { T3: task('c3', 'new') }));
  expect(rig.read('out/c3.txt')).toBe('new\n');
  expect((await built(save(rig, 'd', 'second'))).of('watch.idle')[0]?.tasks).toBe(9);
  await built(save(rig, 'c', 'second'));
  expect(rig.files()['out/c3.txt']).toBeUndefined();

  rig.config = { ...rig.config, salt: 'other' };
  rig.write({ 'settings.json': '{}\n' });
  expect(checked(await built('settings.json'))).toEqual(all(...NAMES));

  rig.write({ 'specs/d/BACKLOG.yaml': 'tasks: [' });
  watch.event('specs/d/BACKLOG.yaml');
  await watch.until('the problem', (story) => story.of('watch.problem').length === 1);
  rig.write({ 'templates/word.hbs': '{{word}}!\n' });
  watch.event('templates/word.hbs');
  await watch.idle(++times);
  // The last good specs hold.
  expect([rig.read('out/c.txt'), rig.read('out/d.txt')]).toEqual(['second!\n', 'second!\n']);
  const mended = await built(save(rig, 'd', 'mended'));
  expect(mended.of('watch.corrected')).toHaveLength(1);
  expect([rig.read('out/c.txt'), rig.read('out/d.txt')]).toEqual(['second!\n', 'mended!\n']);
  await built(save(rig, 'd', 'again'));

  // Those of a save that was read as a part are the last good ones, too.
  rig.write({ 'specs/c/BACKLOG.yaml': 'tasks: [' });
  watch.event('specs/c/BACKLOG.yaml');
  await watch.until('the second problem', (story) => story.of('watch.problem').length === 2);
  rig.write({ 'templates/word.hbs': '{{word}}?\n' });
  watch.event('templates/word.hbs');
  await watch.idle(++times);
  expect([rig.read('out/c.txt'), rig.read('out/d.txt')]).toEqual(['second?\n', 'again?\n']);
});

test('a task that fails is tried again with the next save of its feature only, and a file that a gate reads now is watched', async () => {
  await using rig = await createRig();
  await using watch = watching(rig);
  await watch.idle(1);
  const judged = (word: string) =>
    save(rig, 'c', word, {
      T2: task('c2', word, { verify: [{ run: 'test -e gates/yes', inputs: ['gates/**'] }] }),
    });
  watch.event(judged('second'));
  const failed = await watch.idle(2);
  expect(failed.outcomes()['c/T2']).toBe('failed');
  expect(failed.of('watch.idle')[0]?.failed).toBe(1);
  watch.event(save(rig, 'd', 'second'));
  const other = await watch.idle(3);
  expect(checked(other)).toEqual(all('c', 'd'));
  expect([rig.read('out/d.txt'), other.gates()]).toEqual(['second\n', []]);
  rig.write({ 'gates/yes': '' });
  watch.event('gates/yes');
  const passed = await watch.idle(4);
  expect(passed.outcomes()['c/T2']).not.toBe('failed');
  expect(rig.read('out/c2.txt')).toBe('second\n');
  await compareWithWhole(rig);
});

test('a second change of a file, of which no event tells, is in the build of the first', async () => {
  await using rig = await createRig();
  let end = () => {};
  const quiet = new Promise<void>((resolve) => {
    end = resolve;
  });
  await using watch = watching(rig, { quiet });
  await watch.idle(1);
  using calls = countCalls();
  const path = save(rig, 'c', 'half');
  watch.event(path);
  await until('the first scan', () => calls.read.some((file) => file.endsWith(path)));
  // The scan has the first content: what it writes is the next thing that it does.
  save(rig, 'c', 'whole');
  end();
  const story = await watch.idle(2);
  expect(story.of('build.finished').map(({ summary }) => summary.outcome)).toEqual(['built']);
  expect([story.ran(), rig.read('out/c.txt')]).toEqual([['c/T1'], 'whole\n']);
});

test('a running task of a feature that is not read any more is ended', async () => {
  await using rig = await createRig();
  const agent = new ScriptedAgent();
  rig.write({ 'templates/word.hbs': '{{word}}\n' });
  for (const name of NAMES) save(rig, name, 'first');
  await using watch = new RigWatch(rig, agent);
  await watch.idle(1);
  const asked = (description: string) => {
    rig.backlog('e', { T1: { description, inputs: [], outputs: ['out/e.txt'] } });
    return 'specs/e/BACKLOG.yaml';
  };
  watch.event(asked('one'));
  const first = await agent.next('e/T1');
  await first.write('out/e.txt', 'one');
  first.finish();
  await watch.idle(2);

  watch.event(asked('two'));
  const second = await agent.next('e/T1');
  asked('one');
  watch.event('specs/e/BACKLOG.yaml', save(rig, 'c', 'second'));
  await watch.idle(3);
  expect(await second.exit).toMatchObject({ kind: 'failed', failure: { kind: 'cancelled' } });
  expect([rig.read('out/e.txt'), rig.read('out/c.txt')]).toEqual(['one', 'second\n']);
});

test('an ignored file that a task names is read when it comes, changes and goes', async () => {
  await using rig = await createRig();
  rig.write({ '.gitignore': 'local*\n' });
  const run = 'mkdir -p out && (cat local.txt || echo none) > out/c2.txt';
  const reading = { inputs: ['local.txt'], outputs: ['out/c2.txt'], run };
  await using watch = watching(rig);
  save(rig, 'c', 'first', { T2: reading });
  await watch.idle(1);
  expect(rig.read('out/c2.txt')).toBe('none\n');
  let times = 1;
  for (const text of ['here\n', 'other\n', undefined, 'again\n']) {
    if (text === undefined) rig.remove('local.txt');
    else rig.write({ 'local.txt': text });
    watch.event('local.txt');
    await watch.idle(++times);
    expect(rig.read('out/c2.txt')).toBe(text ?? 'none\n');
  }
  expect((await rig.buildWithoutAgent()).summary.outcome).toBe('up-to-date');
});
