/** Hand edits: recorded as they are, merged onto what is newly made, and never lost. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { AgentRequest } from '../../agent/agent.js';
import { formatLock, parseLock } from '../../specs/lock-file.js';
import { createRig, type Rig } from '../rig/rig.js';

const TEXT = ['one', 'two', 'three', 'four', 'five', ''].join('\n');
const HAS_TWO = 'grep -qi two a.txt';

const task = (description: string, more: object = {}) => ({
  description,
  inputs: [],
  outputs: ['a.txt'],
  ...more,
});

async function built(more: object = {}): Promise<Rig> {
  const rig = await createRig();
  rig.backlog('f', { T1: task('v1', more) });
  rig.answer('f/T1', { 'a.txt': TEXT });
  expect((await rig.build()).outcomes()).toEqual({ 'f/T1': 'built' });
  return rig;
}

const accept = (rig: Rig, ...targets: string[]) => rig.buildWithoutAgent({ targets, accept: true });

function lockOf(rig: Rig) {
  const lock = parseLock(rig.read('specs/f/.metadata.json') ?? '', 'lock');
  if (!lock.ok) throw new Error(lock.error.message);
  return lock.value;
}

test('an edit that is accepted is what the task has made, for this clone and for another', async () => {
  await using rig = await built({ verify: [HAS_TWO] });
  rig.backlog('f', {
    T1: task('v1', { verify: [HAS_TWO] }),
    T2: { depends_on: ['T1'], inputs: [], outputs: ['b.txt'], run: 'cp a.txt b.txt' },
  });
  await rig.build();
  rig.write({ 'a.txt': TEXT.replace('two', 'TWO') });
  const done = await accept(rig, 'f/T1');
  expect(done.outcomes()).toEqual({ 'f/T1': 'accepted' });
  expect(done.gates()).toEqual([HAS_TWO]);
  expect(done.summary).toMatchObject({ outcome: 'built', exitCode: 0 });
  expect(lockOf(rig).tasks.T1).toMatchObject({ recipe: 'accepted' });
  expect(lockOf(rig).tasks.T1?.resultKey).toBeDefined();
  expect(rig.read('a.txt')).toContain('TWO');
  expect(await rig.inspect()).toEqual({ 'f/T1': 'fresh', 'f/T2': 'stale' });
  expect((await rig.buildWithoutAgent()).ran()).toEqual(['f/T2']);
  expect(rig.read('b.txt')).toContain('TWO');
  expect((await accept(rig, 'f')).summary.outcome).toBe('up-to-date');

  // Restored from the store by the lock, not what the agent had made first.
  rig.remove('a.txt');
  expect((await rig.buildWithoutAgent()).outcomes()).toMatchObject({ 'f/T1': 'cached' });
  expect(rig.read('a.txt')).toContain('TWO');

  rig.commit();
  const clone = `${rig.temporary.root}/clone`;
  rig.git('clone', '-q', rig.dir, clone);
  rig.dir = clone;
  expect(await rig.inspect()).toEqual({ 'f/T1': 'fresh', 'f/T2': 'fresh' });
  expect((await rig.buildWithoutAgent()).ran()).toEqual([]);
});

test('where only the gates changed, accepting runs them and the result stays whose it was', async () => {
  await using rig = await built();
  rig.backlog('f', { T1: task('v1', { verify: [HAS_TWO] }) });
  expect((await accept(rig, 'f/T1')).outcomes()).toEqual({ 'f/T1': 'verified' });
  expect(lockOf(rig).tasks.T1?.recipe).toBe('agent');
});

test('a gate that fails on the edit leaves everything as it was', async () => {
  await using rig = await built({ verify: [HAS_TWO] });
  const lock = rig.read('specs/f/.metadata.json');
  rig.write({ 'a.txt': 'nothing of it\n' });
  const done = await accept(rig, 'f/T1');
  expect(done.failure('f/T1')).toMatchObject({ kind: 'gate-failed', gate: HAS_TWO });
  expect(done.summary.exitCode).toBe(1);
  expect(rig.read('specs/f/.metadata.json')).toBe(lock);
  expect(rig.read('a.txt')).toBe('nothing of it\n');
  expect(await rig.inspect()).toEqual({ 'f/T1': 'drifted' });
});

test('a build gate that fails leaves nothing in the store that a later build would land', async () => {
  await using rig = await built();
  rig.config = { ...rig.config, gates: { build: ['! grep -q bad a.txt'] } };
  rig.backlog('f', { T1: task('v2') });
  rig.write({ 'a.txt': 'bad\n' });
  const done = await accept(rig, 'f/T1');
  expect(done.buildFailure()).toMatchObject({ kind: 'gate-failed' });
  rig.write({ 'a.txt': TEXT });
  expect(await rig.inspect()).toEqual({ 'f/T1': 'stale' });
});

test('a spec that changed while the code is right already is settled by accepting', async () => {
  await using rig = await built({ verify: [HAS_TWO] });
  rig.backlog('f', { T1: task('v2, the same thing in other words', { verify: [HAS_TWO] }) });
  expect(await rig.inspect()).toEqual({ 'f/T1': 'stale' });
  expect((await accept(rig, 'f/T1')).outcomes()).toEqual({ 'f/T1': 'accepted' });
  const { key, resultKey, recipe } = lockOf(rig).tasks.T1 ?? {};
  // Nothing had this key: it is the result's own.
  expect({ resultKey, recipe, key: key !== undefined }).toEqual({
    resultKey: undefined,
    recipe: 'accepted',
    key: true,
  });
  expect(await rig.inspect()).toEqual({ 'f/T1': 'fresh' });
});

test('hand-written files become the result of a task that was never built', async () => {
  await using rig = await createRig();
  rig.backlog('f', { T1: task('v1', { outputs: ['a.txt', 'lib/**'] }) });
  rig.write({ 'a.txt': TEXT });
  expect((await accept(rig, 'f/T1')).failure('f/T1')).toEqual({ kind: 'missing-outputs', paths: ['lib/**'] });
  rig.write({ 'lib/x.txt': 'x' });
  expect((await accept(rig, 'f/T1')).outcomes()).toEqual({ 'f/T1': 'accepted' });
  expect(await rig.inspect()).toEqual({ 'f/T1': 'fresh' });
  rig.remove('lib/x.txt');
  rig.write({ 'lib/y.txt': 'y' });
  expect((await accept(rig, 'f/T1')).outcomes()).toEqual({ 'f/T1': 'accepted' });
  expect(Object.keys(lockOf(rig).tasks.T1?.outputs ?? {})).toEqual(['a.txt', 'lib/y.txt']);
});

test('a link that leaves the project is not accepted', async () => {
  await using rig = await built();
  rig.remove('a.txt');
  rig.link('a.txt', '../../secret');
  expect((await accept(rig, 'f/T1')).failure('f/T1')).toMatchObject({
    kind: 'link-leaves-tree',
    path: 'a.txt',
  });
});

test('a task is not accepted on top of one that would have to be made first', async () => {
  await using rig = await built();
  rig.backlog('f', {
    T1: task('v2'),
    T2: { depends_on: ['T1'], inputs: [], outputs: ['b.txt'], run: 'cp a.txt b.txt' },
  });
  rig.write({ 'b.txt': 'b' });
  const done = await accept(rig, 'f/T2');
  expect(done.failure('f/T1')).toMatchObject({ kind: 'not-up-to-date' });
  expect(done.outcomes()).toEqual({ 'f/T1': 'failed', 'f/T2': 'skipped' });
  expect(done.ran()).toEqual([]);
  expect((await accept(rig, 'f/T1', 'f/T2')).outcomes()).toEqual({ 'f/T1': 'accepted', 'f/T2': 'accepted' });
});

const ROUTES = ['// routes', 'const table = [', '];', ''].join('\n');
const adds = (line: string, output: string) => (request: AgentRequest) => ({
  [output]: line,
  'routes.ts': readFileSync(join(request.cwd, 'routes.ts'), 'utf8').replace('];', `  ${line},\n];`),
});

test('a change of lines that a patch put in becomes a part of the patch', async () => {
  await using rig = await createRig();
  rig.write({ 'routes.ts': ROUTES });
  const one = { ...task('one'), edits: ['routes.ts'] };
  rig.backlog('f', { T1: one, T2: { ...one, outputs: ['b.txt'], depends_on: ['T1'] } });
  rig.answer('f/T1', adds('one', 'a.txt'));
  rig.answer('f/T2', adds('two', 'b.txt'));
  await rig.build();
  const edited = ROUTES.replace('];', '  uno,\n  two,\n];');
  rig.write({ 'routes.ts': edited });
  expect(await rig.inspect()).toMatchObject({ 'f/T1': 'drifted' });
  expect((await accept(rig, 'f/T1')).outcomes()).toMatchObject({ 'f/T1': 'accepted' });
  expect(rig.read('routes.ts')).toBe(edited);
  // It depends on the task whose patch is another one now.
  expect(await rig.inspect()).toEqual({ 'f/T1': 'fresh', 'f/T2': 'stale' });
  expect((await accept(rig, 'f')).outcomes()).toMatchObject({ 'f/T2': 'accepted' });
  expect(rig.read('routes.ts')).toBe(edited);
  expect(await rig.inspect()).toEqual({ 'f/T1': 'fresh', 'f/T2': 'fresh' });

  rig.backlog('f', { T3: { inputs: [], outputs: ['c.txt'], run: 'echo c > c.txt' } });
  expect((await rig.build()).summary.exitCode).toBe(0);
  expect(rig.read('routes.ts')).toBe(ROUTES);
});

test('a file that changes on disk while it is accepted is drift again, and nothing of it is lost', async () => {
  await using rig = await built({ verify: ['true'] });
  rig.write({ 'a.txt': 'first edit\n' });
  const held = rig.start({ targets: ['f/T1'], accept: true }, { tripwire: true });
  await held.until((story) => story.of('gate.started').length > 0);
  rig.write({ 'a.txt': 'second edit\n' });
  expect((await held.done).outcomes()).toEqual({ 'f/T1': 'accepted' });
  expect(rig.read('a.txt')).toBe('second edit\n');
  expect(await rig.inspect()).toEqual({ 'f/T1': 'drifted' });
  rig.write({ 'a.txt': 'first edit\n' });
  expect(await rig.inspect()).toEqual({ 'f/T1': 'fresh' });
});

test('an edit is merged onto what is newly made, and the agent goes on from what was recorded', async () => {
  await using rig = await built({ verify: [HAS_TWO] });
  rig.write({ 'a.txt': TEXT.replace('one', 'ONE, by hand') });
  rig.backlog('f', { T1: task('v2', { verify: [HAS_TWO] }) });
  const seen: string[] = [];
  rig.answer('f/T1', (request) => {
    seen.push(readFileSync(join(request.cwd, 'a.txt'), 'utf8'));
    return { 'a.txt': TEXT.replace('five', 'FIVE') };
  });
  expect((await rig.build()).failure('f/T1')).toMatchObject({ kind: 'drifted-outputs' });
  const counts = async (keepEdits: boolean) =>
    (await rig.buildWithoutAgent({ keepEdits, dryRun: true })).summary.counts;
  expect([await counts(false), await counts(true)]).toMatchObject([{ failed: 1 }, { built: 1 }]);
  const done = await rig.build({ keepEdits: true });
  expect(done.outcomes()).toEqual({ 'f/T1': 'built' });
  expect(done.warnings()).toEqual([expect.stringContaining('a.txt was merged')]);
  expect(seen).toEqual([TEXT]);
  expect(rig.read('a.txt')).toBe(TEXT.replace('one', 'ONE, by hand').replace('five', 'FIVE'));
  // Once on what the agent made, once on the merged files.
  expect(done.gates()).toEqual([HAS_TWO, HAS_TWO]);
  expect(lockOf(rig).tasks.T1).toMatchObject({ recipe: 'accepted' });
  expect(await rig.inspect()).toEqual({ 'f/T1': 'fresh' });
});

test('a conflict leaves all sides, costs the agent once, and is settled by accepting', async () => {
  await using rig = await built();
  rig.write({ 'a.txt': TEXT.replace('two', 'by hand') });
  rig.backlog('f', { T1: task('v2') });
  rig.answer('f/T1', { 'a.txt': TEXT.replace('two', 'by agent') });
  const workspace = '.conductor/conflicts/f~T1';
  const done = await rig.build({ keepEdits: true });
  expect(done.failure('f/T1')).toEqual({ kind: 'edit-conflict', paths: ['a.txt'], workspace });
  expect(rig.read('a.txt')).toBe(TEXT.replace('two', 'by hand'));
  expect(rig.read(`${workspace}/merged/a.txt`)).toContain(
    '<<<<<<< your edit\nby hand\n||||||| recorded\ntwo\n=======\nby agent\n>>>>>>> newly made',
  );
  expect(rig.read(`${workspace}/yours/a.txt`)).toContain('by hand');
  expect(rig.read(`${workspace}/made/a.txt`)).toContain('by agent');
  expect(rig.read(`${workspace}/recorded/a.txt`)).toBe(TEXT);

  const again = await rig.buildWithoutAgent({ keepEdits: true });
  expect(again.failure('f/T1')).toMatchObject({ kind: 'edit-conflict' });
  rig.write({ 'a.txt': TEXT.replace('two', 'by both') });
  expect((await accept(rig, 'f/T1')).outcomes()).toEqual({ 'f/T1': 'accepted' });
  expect(await rig.inspect()).toEqual({ 'f/T1': 'fresh' });
});

test('a merge that the gates refuse is not recorded and the edit stays', async () => {
  await using rig = await built({ verify: ['! grep -q hand a.txt || ! grep -q FIVE a.txt'] });
  const edited = TEXT.replace('one', 'by hand');
  rig.write({ 'a.txt': edited });
  rig.backlog('f', { T1: task('v2', { verify: ['! grep -q hand a.txt || ! grep -q FIVE a.txt'] }) });
  rig.answer('f/T1', { 'a.txt': TEXT.replace('five', 'FIVE') });
  expect((await rig.build({ keepEdits: true })).failure('f/T1')).toMatchObject({ kind: 'gate-failed' });
  expect(rig.read('a.txt')).toBe(edited);
});

test('an accepted edit of what a template made is merged or stops the task, as hand-written files do', async () => {
  await using rig = await createRig();
  rig.write({ 'templates/a.hbs': '{{word}}\n' });
  const render = (word: string) => ({
    inputs: [],
    render: [{ template: 'a.hbs', to: 'a.txt', with: { word } }],
  });
  rig.backlog('f', { T1: render('one') });
  await rig.build();
  rig.write({ 'a.txt': 'mine\n' });
  expect((await accept(rig, 'f/T1')).outcomes()).toEqual({ 'f/T1': 'accepted' });
  rig.backlog('f', { T1: render('two') });
  const stopped = await rig.build();
  expect([stopped.warnings(), stopped.failure('f/T1')?.kind]).toEqual([[], 'edit-conflict']);

  rig.backlog('g', {
    T1: { ...render('one'), render: [{ template: 'a.hbs', to: 'g.txt', with: { word: 'one' } }] },
  });
  rig.write({ 'g.txt': 'mine\n' });
  expect((await accept(rig, 'g/T1')).outcomes()).toEqual({ 'g/T1': 'accepted' });
  rig.backlog('g', {
    T1: { ...render('two'), render: [{ template: 'a.hbs', to: 'g.txt', with: { word: 'two' } }] },
  });
  // To accept it again replaces nothing.
  rig.write({ 'g.txt': 'mine too\n' });
  expect((await accept(rig, 'g/T1')).warnings()).toEqual([]);
  rig.backlog('g', {
    T1: { ...render('two'), render: [{ template: 'a.hbs', to: 'g.txt', with: { word: 'three' } }] },
  });
  const other = await rig.buildWithoutAgent({ targets: ['g'] });
  expect(other.failure('g/T1')).toMatchObject({ kind: 'edit-conflict', paths: ['g.txt'] });
  expect([rig.read('g.txt'), other.warnings()]).toEqual(['mine too\n', []]);
  expect(rig.read('.conductor/conflicts/g~T1/made/g.txt')).toBe('three\n');
  // The person decides: their own text again, or that of the template.
  expect((await accept(rig, 'g/T1')).outcomes()).toEqual({ 'g/T1': 'accepted' });
  expect((await rig.buildWithoutAgent({ targets: ['g'] })).summary.outcome).toBe('up-to-date');
  rig.backlog('g', {
    T1: { ...render('two'), render: [{ template: 'a.hbs', to: 'g.txt', with: { word: 'four' } }] },
  });
  const taken = await rig.buildWithoutAgent({ targets: ['g'], discardEdits: true });
  expect(taken.summary.exitCode).toBe(0);
  expect(rig.read('g.txt')).toBe('four\n');
});

test('an agent that starts fresh does not replace hand-written files unasked; one that evolves goes on from them', async () => {
  await using rig = await createRig();
  const task = (description: string, strategy: string) => ({
    ...{ description, strategy, inputs: [], outputs: ['own.txt'] },
  });
  rig.write({ 'own.txt': 'mine\n' });
  rig.backlog('f', { T1: task('one', 'fresh') });
  await accept(rig, 'f/T1');
  rig.backlog('f', { T1: task('two', 'fresh') });
  rig.answer('f/T1', { 'own.txt': 'theirs\n' });
  expect((await rig.build()).failure('f/T1')?.kind).toBe('edit-conflict');
  expect(rig.read('own.txt')).toBe('mine\n');
  rig.backlog('f', { T1: task('three', 'evolve') });
  rig.answer('f/T1', { 'own.txt': 'mine\nand theirs\n' });
  expect((await rig.build()).outcomes()).toEqual({ 'f/T1': 'built' });
  expect(rig.read('own.txt')).toBe('mine\nand theirs\n');
});

test('keeping edits does not touch what is not to be made again', async () => {
  await using rig = await built();
  rig.write({ 'a.txt': 'mine\n' });
  expect((await rig.buildWithoutAgent({ keepEdits: true })).outcomes()).toEqual({ 'f/T1': 'drifted' });
  expect(rig.read('a.txt')).toBe('mine\n');
});

test('a lock that names an accepted result is read and written as it is', async () => {
  await using rig = await built();
  rig.write({ 'a.txt': 'mine\n' });
  await accept(rig, 'f/T1');
  expect(formatLock(lockOf(rig), 'specs/f/.metadata.json')).toBe(rig.read('specs/f/.metadata.json'));
});
