/** What a watch does about changes: which builds it makes, what it lets run, what it leaves alone. */

import { mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { AgentRequest } from '../../agent/agent.js';
import { ScriptedAgent } from '../../agent/scripted-agent.js';
import { createRig, type Rig } from '../rig/rig.js';
import { RigWatch, type RigWatchOptions } from '../rig/rig-watch.js';

const task = (output: string, more: object = {}) => ({
  description: 'x',
  inputs: [],
  outputs: [output],
  ...more,
});

/** A watch whose agent does what the rig has as answers. */
function watching(rig: Rig, options: RigWatchOptions = {}): RigWatch {
  return new RigWatch(rig, new ScriptedAgent({ auto: rig.answerer() }), options);
}

/** A watch whose agent's runs the test ends. */
function held(rig: Rig): RigWatch {
  return new RigWatch(rig, new ScriptedAgent());
}

test('a changed spec is built, and what did not change is left alone', async () => {
  await using rig = await createRig();
  rig.backlog('f', { T1: task('one.txt'), T2: task('two.txt') });
  rig.answer('f/T1', { 'one.txt': '1' });
  rig.answer('f/T2', { 'two.txt': '2' });
  await using watch = watching(rig);
  const first = await watch.idle(1);
  expect(first.ran().sort()).toEqual(['f/T1', 'f/T2']);

  rig.answer('f/T2', { 'two.txt': 'two' });
  rig.backlog('f', { T1: task('one.txt'), T2: task('two.txt', { description: 'other' }) });
  watch.event('specs/f/BACKLOG.yaml');
  const second = await watch.idle(2);
  expect(second.ran()).toEqual(['f/T2']);
  expect(rig.read('two.txt')).toBe('two');
  expect(second.of('watch.changed')[0]?.paths).toEqual(['specs/f/BACKLOG.yaml']);
});

test('its own writes start nothing, also where outputs are tracked or ignored', async () => {
  await using rig = await createRig();
  rig.write({ '.gitignore': '.conductor/\nignored.txt\n' });
  rig.backlog('f', { T1: task('tracked.txt'), T2: task('ignored.txt') });
  rig.answer('f/T1', { 'tracked.txt': '1' });
  rig.answer('f/T2', { 'ignored.txt': '2' });
  await using watch = watching(rig);
  await watch.idle(1);
  rig.commit();
  for (let i = 0; i < 3; i++) {
    watch.event();
    await watch.scanned();
  }
  expect(watch.since(1).events).toEqual([]);
});

test('a change that decides nothing is answered all the same', async () => {
  await using rig = await createRig();
  rig.backlog('f', { T1: task('one.txt') });
  rig.answer('f/T1', { 'one.txt': '1' });
  await using watch = watching(rig);
  await watch.idle(1);
  rig.backlog('f', { T1: task('one.txt', { title: 'Another title' }) });
  watch.event();
  const second = await watch.idle(2);
  expect(second.ran()).toEqual([]);
  expect(second.of('build.finished')[0]?.summary.outcome).toBe('up-to-date');
});

test('a new file that a glob of edits matches is built', async () => {
  await using rig = await createRig();
  rig.write({ 'src/a.txt': 'a\n' });
  const run = 'for f in src/*.txt; do echo added >> "$f"; done';
  rig.backlog('f', { T1: { inputs: [], edits: ['src/*.txt'], run } });
  await using watch = watching(rig);
  await watch.idle(1);
  rig.write({ 'src/b.txt': 'b\n' });
  watch.event('src/b.txt');
  expect((await watch.idle(2)).ran()).toEqual(['f/T1']);
  expect(rig.read('src/b.txt')).toBe('b\nadded\n');
});

test('only running tasks whose key changed are started again, the others finish', async () => {
  await using rig = await createRig({ config: { workers: 2 } });
  rig.backlog('f', { T1: task('one.txt'), T2: task('two.txt') });
  await using watch = held(rig);
  const one = await watch.agent.next('f/T1');
  const two = await watch.agent.next('f/T2');
  rig.backlog('f', { T1: task('one.txt'), T2: task('two.txt', { description: 'other' }) });
  watch.event();
  expect(await two.exit).toMatchObject({ failure: { kind: 'cancelled' } });
  const again = await watch.agent.next('f/T2');
  expect(again.prompt).not.toBe(two.prompt);
  await one.write('one.txt', 'kept');
  one.finish();
  await again.write('two.txt', 'new');
  again.finish();
  const story = await watch.idle(1);
  expect(watch.agent.runs.map((run) => run.label).sort()).toEqual(['f/T1', 'f/T2', 'f/T2']);
  expect(story.of('build.finished').map((event) => event.summary.outcome)).toEqual(['superseded', 'built']);
  expect(story.of('build.finished')[1]?.summary.counts).toMatchObject({ built: 2 });
  expect([rig.read('one.txt'), rig.read('two.txt')]).toEqual(['kept', 'new']);
});

test('a running task that is gone from the specs is ended', async () => {
  await using rig = await createRig();
  rig.backlog('f', { T1: task('one.txt'), T2: task('two.txt') });
  await using watch = held(rig);
  const one = await watch.agent.next('f/T1');
  const two = await watch.agent.next('f/T2');
  rig.backlog('f', { T1: task('one.txt') });
  watch.event();
  await one.write('one.txt', '1');
  one.finish();
  expect(await two.exit).toMatchObject({ failure: { kind: 'cancelled' } });
  await watch.idle(1);
  expect(rig.read('two.txt')).toBeUndefined();
});

test('what finished in a superseded build is not made again', async () => {
  await using rig = await createRig();
  rig.backlog('f', { T1: task('one.txt'), T2: task('two.txt') });
  await using watch = held(rig);
  const one = await watch.agent.next('f/T1');
  const two = await watch.agent.next('f/T2');
  await one.write('one.txt', 'kept');
  one.finish();
  await watch.until('the first to finish', (story) => story.of('task.finished').length === 1);
  rig.write({ 'README.md': 'beside' });
  rig.backlog('g', { T1: task('three.txt') });
  watch.event();
  const three = await watch.agent.next('g/T1');
  await two.write('two.txt', '2');
  two.finish();
  await three.write('three.txt', '3');
  three.finish();
  await watch.idle(1);
  expect(watch.agent.runs).toHaveLength(3);
  expect([rig.read('one.txt'), rig.read('two.txt'), rig.read('three.txt')]).toEqual(['kept', '2', '3']);
});

test('a key that failed is not run again before it changes, or a person asks for it', async () => {
  await using rig = await createRig({ config: { attempts: 1 } });
  rig.backlog('f', { T1: task('one.txt'), T2: task('two.txt', { depends_on: ['T1'] }) });
  rig.answer('f/T1', {});
  await using watch = watching(rig);
  expect((await watch.idle(1)).outcomes()).toEqual({ 'f/T1': 'failed', 'f/T2': 'skipped' });

  rig.backlog('g', { T1: task('three.txt') });
  rig.answer('g/T1', { 'three.txt': '3' });
  watch.event();
  const second = await watch.idle(2);
  expect(second.ran()).toEqual(['g/T1']);
  expect(second.failure('f/T1')).toMatchObject({
    kind: 'failed-before',
    failure: { kind: 'nothing-done' },
  });

  watch.requests.ask('now');
  expect((await watch.idle(3)).ran()).toEqual([]);

  rig.answer('f/T1', { 'one.txt': '1' });
  rig.answer('f/T2', { 'two.txt': '2' });
  watch.requests.ask('failed');
  const fourth = await watch.idle(4);
  expect(fourth.ran()).toEqual(['f/T1', 'f/T2']);
  expect(fourth.of('build.planned')[0]?.tasks).toEqual(['f/T1', 'f/T2']);
});

test('a task that failed at a gate is built again when a file of the gate changes', async () => {
  await using rig = await createRig({ config: { attempts: 1 } });
  rig.write({ 'gates/check.sh': 'exit 3\n' });
  const verify = [{ run: 'sh gates/check.sh', inputs: ['gates/'] }];
  rig.backlog('f', { T1: task('one.txt', { verify }) });
  rig.answer('f/T1', { 'one.txt': '1' });
  await using watch = watching(rig);
  expect((await watch.idle(1)).failure('f/T1')).toMatchObject({ kind: 'gate-failed' });
  rig.write({ 'gates/check.sh': 'exit 0\n' });
  watch.event();
  expect((await watch.idle(2)).outcomes()).toEqual({ 'f/T1': 'built' });
});

test('a file that a changed spec gives to a gate is watched', async () => {
  await using rig = await createRig();
  const spec = (input: string) => {
    const verify = [{ run: 'true', inputs: [input] }];
    rig.backlog('f', { T1: task('one.txt', { verify }) });
  };
  spec('checks/a');
  rig.write({ 'checks/a': '1', 'checks/b': '1' });
  rig.answer('f/T1', { 'one.txt': '1' });
  await using watch = watching(rig);
  await watch.idle(1);
  spec('checks/b');
  watch.event('specs/f/BACKLOG.yaml');
  await watch.idle(2);
  rig.write({ 'checks/b': '2' });
  watch.event('checks/b');
  expect((await watch.idle(3)).outcomes()).toEqual({ 'f/T1': 'verified' });
});

test('gates that failed are not run again on the same content, and are when they change', async () => {
  const gate = (run: string) => ({ gates: { build: [{ name: 'check', run }] } });
  await using rig = await createRig({ config: gate('exit 3') });
  rig.backlog('f', { T1: task('one.txt') });
  rig.answer('f/T1', { 'one.txt': '1' });
  await using watch = watching(rig);
  const first = await watch.idle(1);
  expect(first.buildFailure()).toMatchObject({ kind: 'gate-failed' });
  watch.requests.ask('now');
  const second = await watch.idle(2);
  expect(second.gates()).toEqual([]);
  expect(second.buildFailure()).toMatchObject({ kind: 'failed-before', failure: { kind: 'gate-failed' } });

  rig.config = { ...rig.config, ...gate('exit 0') };
  rig.write({ 'conductor.config.ts': 'export default {}\n' });
  watch.event();
  const third = await watch.idle(3);
  expect(third.gates()).toEqual(['check']);
  expect(rig.read('one.txt')).toBe('1');
});

test('specs that do not parse are told of once, and the last good graph is built meanwhile', async () => {
  await using rig = await createRig();
  const good = { T1: task('one.txt', { inputs: ['notes.txt'] }) };
  rig.backlog('f', good);
  rig.write({ 'notes.txt': 'a' });
  rig.answer('f/T1', () => ({ 'one.txt': `from ${rig.read('notes.txt')}` }));
  await using watch = watching(rig);
  await watch.idle(1);

  rig.write({ 'specs/f/BACKLOG.yaml': 'tasks: [' });
  watch.event();
  await watch.until('the problem', (story) => story.of('watch.problem').length === 1);
  expect(watch.story.of('watch.problem')[0]).toMatchObject({
    failure: { kind: 'invalid-specs' },
    kept: true,
  });
  rig.write({ 'notes.txt': 'b' });
  watch.event();
  const second = await watch.idle(2);
  expect(second.ran()).toEqual(['f/T1']);
  expect(rig.read('one.txt')).toBe('from b');
  expect(rig.read('specs/f/BACKLOG.yaml')).toBe('tasks: [');
  expect(watch.story.of('watch.problem')).toHaveLength(1);

  rig.backlog('f', good);
  watch.event();
  const third = await watch.idle(3);
  expect(third.ran()).toEqual([]);
  expect(third.of('build.finished')[0]?.summary.outcome).toBe('up-to-date');
});

test('a scan that fails is told of once, and its end too, and nothing is built for it', async () => {
  await using rig = await createRig();
  rig.backlog('f', { T1: task('one.txt', { inputs: ['notes.txt'] }) });
  rig.write({ 'notes.txt': 'a' });
  rig.answer('f/T1', () => ({ 'one.txt': `from ${rig.read('notes.txt')}` }));
  await using watch = watching(rig);
  await watch.idle(1);

  const strange = Buffer.concat([Buffer.from(rig.path('a')), Buffer.from([0xe9])]);
  writeFileSync(strange, '');
  watch.event();
  await watch.until('the problem', (story) => story.of('watch.problem').length === 1);
  watch.event();
  await watch.scanned();
  rmSync(strange);
  watch.event();
  await watch.until('its end', (story) => story.of('watch.corrected').length === 1);
  await watch.scanned();
  expect(watch.since(1).events.map(({ type }) => type)).toEqual(['watch.problem', 'watch.corrected']);
  rig.write({ 'notes.txt': 'b' });
  watch.event('notes.txt');
  expect((await watch.idle(2)).ran()).toEqual(['f/T1']);
});

test('specs that do not parse do not end what runs', async () => {
  await using rig = await createRig();
  rig.backlog('f', { T1: task('one.txt') });
  await using watch = held(rig);
  const one = await watch.agent.next('f/T1');
  rig.write({ 'specs/g/BACKLOG.yaml': 'tasks: [' });
  watch.event();
  await watch.until('the problem', (story) => story.of('watch.problem').length === 1);
  await one.write('one.txt', '1');
  one.finish();
  await watch.idle(1);
  expect(rig.read('one.txt')).toBe('1');
});

test('a storm of saves is one build', async () => {
  await using rig = await createRig();
  rig.backlog('f', { T1: task('one.txt') });
  rig.answer('f/T1', { 'one.txt': '1' });
  await using watch = watching(rig);
  await watch.idle(1);
  rig.answer('g/T1', { 'g.txt': 'last' });
  for (let i = 0; i < 20; i++) {
    rig.backlog('g', { T1: task('g.txt', { description: `take ${i}` }) });
    watch.event();
    await new Promise((resolve) => setImmediate(resolve));
  }
  const second = await watch.idle(2);
  expect(second.of('build.started')).toHaveLength(1);
  expect(second.ran()).toEqual(['g/T1']);
  expect(watch.agent.runs.at(-1)?.prompt).toContain('take 19');
});

test('a lost event is no lost build: the next look finds the change', async () => {
  await using rig = await createRig();
  rig.backlog('f', { T1: task('one.txt') });
  rig.answer('f/T1', { 'one.txt': '1' });
  await using watch = watching(rig);
  await watch.idle(1);
  rig.backlog('g', { T1: task('g.txt') });
  rig.answer('g/T1', { 'g.txt': 'g' });
  watch.tick();
  expect((await watch.idle(2)).ran()).toEqual(['g/T1']);
});

test('a change that no event names is found before anything lands, and what has begun goes on', async () => {
  await using rig = await createRig();
  rig.backlog('f', { T1: task('one.txt') });
  rig.backlog('g', { T1: task('g.txt') });
  rig.answer('f/T1', { 'one.txt': '1' });
  rig.answer('g/T1', { 'g.txt': 'g' });
  await rig.build();
  await using watch = held(rig);
  await watch.idle(1);
  rig.backlog('f', { T1: task('one.txt', { description: 'other' }) });
  rig.backlog('g', { T1: task('g.txt', { description: 'other' }) });
  watch.event('specs/f/BACKLOG.yaml');
  for (const [label, path] of [['f/T1', 'one.txt'] as const, ['g/T1', 'g.txt'] as const]) {
    const run = await watch.agent.next(label);
    await run.write(path, 'new');
    run.finish();
  }
  const second = await watch.idle(2);
  expect(watch.agent.runs.map((run) => run.label)).toEqual(['f/T1', 'g/T1']);
  expect(second.of('watch.changed').map(({ paths }) => paths)).toEqual([
    ['specs/f/BACKLOG.yaml'],
    ['specs/f/BACKLOG.yaml', 'specs/g/BACKLOG.yaml'],
  ]);
  expect(second.of('build.finished').map(({ summary }) => summary.outcome)).toEqual(['superseded', 'built']);
  expect([rig.read('one.txt'), rig.read('g.txt')]).toEqual(['new', 'new']);
});

test('a change that no event names is built also when the named one asks for nothing', async () => {
  await using rig = await createRig();
  rig.backlog('f', { T1: task('one.txt') });
  rig.answer('f/T1', { 'one.txt': '1' });
  await using watch = watching(rig);
  await watch.idle(1);
  rig.backlog('f', { T1: task('one.txt', { title: 'Another title' }) });
  rig.backlog('g', { T1: task('g.txt') });
  rig.answer('g/T1', { 'g.txt': 'g' });
  watch.event('specs/f/BACKLOG.yaml');
  expect((await watch.idle(2)).ran()).toEqual(['g/T1']);
});

test('what a person writes beside a patch is kept, when the event names the file', async () => {
  await using rig = await createRig();
  const text = (first: string, last: string) => `${first}\n\n\n\n\n\n${last}\n`;
  const patch = (to: string) => (request: AgentRequest) => {
    const before = readFileSync(join(request.cwd, 'shared.txt'), 'utf8');
    return { 'shared.txt': before.replace(/.*\n$/, `${to}\n`) };
  };
  const patching = (description: string) => ({ description, inputs: [], edits: ['shared.txt'] });
  rig.write({ 'shared.txt': text('top', 'end') });
  rig.backlog('f', { T1: patching('one') });
  rig.answer('f/T1', patch('one'));
  await using watch = watching(rig);
  await watch.idle(1);
  expect(rig.read('shared.txt')).toBe(text('top', 'one'));
  rig.answer('f/T1', patch('two'));
  rig.write({ 'shared.txt': text('mine', 'one') });
  rig.backlog('f', { T1: patching('two') });
  watch.event('shared.txt', 'specs/f/BACKLOG.yaml');
  expect((await watch.idle(2)).outcomes()).toEqual({ 'f/T1': 'built' });
  expect(rig.read('shared.txt')).toBe(text('mine', 'two'));
});

test('an edited output is reported as drift and left', async () => {
  await using rig = await createRig();
  rig.backlog('f', { T1: task('one.txt') });
  rig.answer('f/T1', { 'one.txt': '1' });
  await using watch = watching(rig);
  await watch.idle(1);
  rig.write({ 'one.txt': 'mine' });
  watch.event('one.txt');
  expect((await watch.idle(2)).outcomes()).toEqual({ 'f/T1': 'drifted' });
  expect(rig.read('one.txt')).toBe('mine');
});

test('while it has nothing to do another build runs beside it, and is noticed', async () => {
  await using rig = await createRig();
  rig.backlog('f', { T1: task('one.txt') });
  rig.answer('f/T1', { 'one.txt': '1' });
  await using watch = watching(rig);
  await watch.idle(1);
  rig.backlog('f', { T1: task('one.txt', { description: 'other' }) });
  rig.answer('f/T1', { 'one.txt': 'two' });
  const built = await rig.build({ wait: false });
  expect(built.ran()).toEqual(['f/T1']);
  watch.event();
  const second = await watch.idle(2);
  expect(second.ran()).toEqual([]);
  expect(second.of('build.finished')[0]?.summary.outcome).toBe('up-to-date');
});

test('a folder that cannot be swept after a build ends no watch, and fails the next build while it lasts', async () => {
  await using rig = await createRig({ config: { cache: { claims: 'off' } } });
  rig.backlog('f', { T1: task('one.txt') });
  const claims = rig.path('.git/conductor/claims');
  rig.answer('f/T1', () => {
    // No user can read such a folder, not even root.
    rmSync(claims, { recursive: true, force: true });
    symlinkSync('claims', claims);
    return { 'one.txt': '1' };
  });
  await using watch = watching(rig);
  const first = await watch.idle(1);
  expect(first.of('build.finished')[0]?.summary.outcome).toBe('built');
  watch.requests.ask('now');
  const second = await watch.idle(2);
  expect(second.of('build.failure')[0]?.failure).toMatchObject({ kind: 'system-error', code: 'ELOOP' });
  rmSync(claims);
  mkdirSync(claims);
  watch.requests.ask('now');
  const third = await watch.idle(3);
  expect(third.of('build.finished')[0]?.summary.outcome).toBe('up-to-date');
});

test('a gate that writes into the project makes no loop', async () => {
  await using rig = await createRig();
  const report = JSON.stringify(rig.path('report.txt'));
  const run = `date +%s%N > ${report}`;
  rig.config = { ...rig.config, gates: { build: [{ name: 'report', run }] } };
  rig.backlog('f', { T1: task('one.txt') });
  rig.answer('f/T1', { 'one.txt': '1' });
  await using watch = watching(rig);
  await watch.until('the watch to see through it', (story) => story.warnings().length > 0);
  expect(watch.story.warnings()[0]).toContain('report.txt');
  await watch.scanned();
  const builds = watch.story.of('build.started').length;
  expect(builds).toBeLessThan(8);
  watch.event();
  await watch.scanned();
  expect(watch.story.of('build.started')).toHaveLength(builds);
});

test('where files cannot be watched they are looked at', async () => {
  await using rig = await createRig();
  rig.backlog('f', { T1: task('one.txt') });
  rig.answer('f/T1', { 'one.txt': '1' });
  await using watch = watching(rig);
  await watch.idle(1);
  watch.breakEvents('no space left for watches');
  await watch.until('the warning', (story) => story.warnings().length === 1);
  await watch.scanned();
  rig.backlog('g', { T1: task('g.txt') });
  rig.answer('g/T1', { 'g.txt': 'g' });
  watch.tick();
  expect((await watch.idle(2)).ran()).toEqual(['g/T1']);
});

test('with `poll` nothing is watched', async () => {
  await using rig = await createRig();
  rig.backlog('f', { T1: task('one.txt') });
  rig.answer('f/T1', { 'one.txt': '1' });
  await using watch = watching(rig, { poll: true });
  await watch.idle(1);
  expect(watch.opened).toBe(0);
});

test('targets limit what is built, and `all` does not', async () => {
  await using rig = await createRig();
  rig.backlog('f', { T1: task('one.txt') });
  rig.backlog('g', { T1: task('g.txt') });
  rig.answer('f/T1', { 'one.txt': '1' });
  rig.answer('g/T1', { 'g.txt': 'g' });
  await using watch = watching(rig, { targets: ['f'] });
  expect((await watch.idle(1)).ran()).toEqual(['f/T1']);
  watch.requests.ask('all');
  expect((await watch.idle(2)).ran()).toEqual(['g/T1']);
});

test('real events of the file system are noticed, in new folders too', async () => {
  await using rig = await createRig();
  rig.backlog('f', { T1: task('one.txt', { inputs: ['src/**'] }) });
  rig.answer('f/T1', { 'one.txt': '1' });
  await using watch = watching(rig, { real: true });
  await watch.idle(1);
  rig.backlog('g', { T1: task('g.txt') });
  rig.answer('g/T1', { 'g.txt': 'g' });
  expect((await watch.idle(2)).ran()).toEqual(['g/T1']);
  rig.write({ 'src/deep/er/new.ts': 'x' });
  expect((await watch.idle(3)).ran()).toEqual(['f/T1']);
});

test('a watch that ends stops its agents and keeps what has finished', async () => {
  await using rig = await createRig();
  rig.backlog('f', { T1: task('one.txt'), T2: task('two.txt') });
  const watch = held(rig);
  const one = await watch.agent.next('f/T1');
  const two = await watch.agent.next('f/T2');
  await one.write('one.txt', '1');
  one.finish();
  await watch.until('the first to finish', (story) => story.of('task.finished').length === 1);
  await watch.quit();
  expect(await two.exit).toMatchObject({ failure: { kind: 'cancelled' } });
  rig.answer('f/T2', { 'two.txt': '2' });
  expect((await rig.build()).outcomes()).toEqual({ 'f/T1': 'cached', 'f/T2': 'built' });
});

test('a target that names nothing ends the watch as it ends a build; one that goes later does not', async () => {
  await using rig = await createRig();
  rig.backlog('f', { T1: task('one.txt') });
  rig.answer('f/T1', { 'one.txt': '1' });
  await using lost = watching(rig, { targets: ['nosuch'] });
  expect(await lost.done).toEqual({
    ok: false,
    error: { kind: 'unknown-target', target: 'nosuch', nearest: [] },
  });
  expect(lost.story.of('build.started')).toEqual([]);

  await using watch = watching(rig, { targets: ['f'] });
  await watch.idle(1);
  rig.backlog('g', { T1: task('one.txt') });
  rig.remove('specs/f');
  watch.event('specs/f/BACKLOG.yaml');
  await watch.idle(2);
  expect(watch.since(1).buildFailure()).toMatchObject({ kind: 'unknown-target', target: 'f' });
});
