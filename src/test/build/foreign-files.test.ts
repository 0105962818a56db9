/** Files that a person wrote, whatever a spec or a flag says: they are never deleted or overwritten. */

import { expect, test } from 'vitest';
import { ScriptedAgent } from '../../agent/scripted-agent.js';
import { driftOf } from '../../analysis/drift.js';
import { inspectProject } from '../../build/dry-run.js';
import { viewRepository } from '../../commands/map.js';
import { validateProject } from '../../commands/validate.js';
import { createRig } from '../rig/rig.js';

const script = (code: string) => ['node', '-e', `const fs = require('fs'); ${code}`];
const say = (word: string, to: string) => ({
  inputs: [],
  outputs: [to],
  run: script(
    `fs.mkdirSync(require('path').dirname('${to}'), {recursive: true}); fs.writeFileSync('${to}', '${word}')`,
  ),
});
const notes = (text: string) => ({
  inputs: [],
  outputs: ['notes/'],
  run: script(`fs.mkdirSync('notes', {recursive: true}); fs.writeFileSync('notes/a.txt', '${text}')`),
});

test('accepted files that conductor never built stay when their task goes, with a message', async () => {
  await using rig = await createRig();
  rig.write({ 'src/own.txt': 'mine' });
  rig.backlog('f', { T1: say('a', 'src/own.txt'), T2: say('b', 'out/b.txt') });
  await rig.build({ accept: true, targets: ['f/T1'] });
  await rig.build();
  rig.backlog('f', { T2: say('b', 'out/b.txt') });
  const second = await rig.build();
  expect(rig.read('src/own.txt')).toBe('mine');
  expect(second.warnings()).toEqual([expect.stringContaining('src/own.txt')]);
  expect((await rig.build()).warnings()).toEqual([]);
  expect(rig.read('src/own.txt')).toBe('mine');
});

test('an accepted file stays when the outputs of its task change, and the build goes on', async () => {
  await using rig = await createRig();
  rig.write({ 'src/own.txt': 'mine', 'src/more.txt': 'mine too' });
  rig.backlog('f', {
    T1: say('a', 'src/own.txt'),
    T2: { inputs: [], outputs: ['src/more.txt', 'out/b.txt'], run: 'cp /dev/null src/more.txt' },
  });
  rig.write({ 'out/b.txt': 'mine as well' });
  await rig.build({ accept: true, targets: ['f/T1', 'f/T2'] });
  rig.backlog('f', {
    T1: say('a', 't.txt'),
    T2: { inputs: [], outputs: ['src/more.txt'], run: 'echo more > src/more.txt' },
  });
  // Files that a task owns no more were not deleted by anybody.
  const drifts = await inspectProject(rig.host(new ScriptedAgent({})), [], ({ project }) =>
    Promise.all([...project.graph.tasks.values()].map((task) => driftOf(project, task))),
  );
  expect(drifts).toMatchObject({ value: [{ files: [] }, { files: [] }] });
  const stopped = await rig.build({ targets: ['f/T2'] });
  expect(stopped.failure('f/T2')).toMatchObject({ kind: 'edit-conflict', paths: ['src/more.txt'] });
  expect([rig.read('src/more.txt'), stopped.warnings()]).toEqual(['mine too', []]);
  const second = await rig.build({ discardEdits: true });
  expect(second.outcomes()).toEqual({ 'f/T1': 'built', 'f/T2': 'cached' });
  expect(rig.read('t.txt')).toBe('a');
  expect(rig.read('src/own.txt')).toBe('mine');
  expect(rig.read('out/b.txt')).toBe('mine as well');
  expect(rig.read('src/more.txt')).toBe('more\n');
  const told = second.warnings();
  expect(told).toContainEqual(
    'no task owns src/own.txt any more; a person wrote or edited it, so conductor leaves it to you',
  );
  // The warning that accepted files are replaced is for files that the task writes again.
  expect(second.of('warning').filter(({ task }) => task === 'f/T1')).toEqual([]);
  expect(second.of('warning').filter(({ task }) => task === 'f/T2')).toMatchObject([
    { message: 'the accepted hand-written files are replaced: its command writes them again' },
  ]);
});

test('accepted files stay too when their feature goes with its lock file', async () => {
  await using rig = await createRig();
  rig.write({ 'src/own.txt': 'mine' });
  rig.backlog('f', { T1: say('a', 'src/own.txt') });
  rig.backlog('g', { T1: say('b', 'out/b.txt') });
  await rig.build({ accept: true, targets: ['f/T1'] });
  await rig.build();
  rig.remove('specs/f');
  const second = await rig.build();
  expect(rig.read('src/own.txt')).toBe('mine');
  expect(second.warnings()).toEqual([expect.stringContaining('src/own.txt')]);
});

test('an output that was edited and accepted stays when its task goes', async () => {
  await using rig = await createRig();
  rig.backlog('f', { T1: say('a', 'out/a.txt'), T2: say('b', 'out/b.txt') });
  await rig.build();
  rig.write({ 'out/a.txt': 'mine' });
  await rig.build({ accept: true, targets: ['f/T1'] });
  rig.backlog('f', { T2: say('b', 'out/b.txt') });
  await rig.build();
  expect(rig.read('out/a.txt')).toBe('mine');
});

test("a person's file in a folder of outputs is in the way, and no flag deletes it", async () => {
  await using rig = await createRig();
  rig.write({ 'notes/p.txt': 'mine' });
  rig.backlog('f', { T1: notes('one') });
  const first = await rig.build();
  expect(first.failure('f/T1')).toEqual({ kind: 'foreign-files', paths: ['notes/p.txt'] });
  for (const flags of [{ discardEdits: true }, { discardEdits: true, force: true }]) {
    await rig.build(flags);
    expect(rig.read('notes/p.txt')).toBe('mine');
    expect(rig.read('notes/a.txt')).toBe('one');
  }
  rig.backlog('f', { T1: notes('two') });
  expect((await rig.build()).failure('f/T1')).toEqual({ kind: 'foreign-files', paths: ['notes/p.txt'] });
  await rig.build({ discardEdits: true });
  expect(rig.read('notes/a.txt')).toBe('two');
  expect(rig.read('notes/p.txt')).toBe('mine');
  rig.backlog('f', { T2: say('b', 'out/b.txt') });
  await rig.build({ discardEdits: true });
  expect(rig.read('notes/p.txt')).toBe('mine');
  expect(rig.read('notes/a.txt')).toBeUndefined();
});

test("a result that holds a path of a person's file does not overwrite it", async () => {
  await using rig = await createRig();
  rig.backlog('f', { T1: notes('one') });
  await rig.build();
  rig.write({ 'notes/extra.txt': 'mine' });
  rig.backlog('f', {
    T1: {
      inputs: [],
      outputs: ['notes/'],
      run: script(
        `fs.mkdirSync('notes', {recursive: true}); fs.writeFileSync('notes/extra.txt', 'built'); fs.writeFileSync('notes/a.txt', 'x')`,
      ),
    },
  });
  const second = await rig.build({ discardEdits: true });
  expect(second.failure('f/T1')).toEqual({ kind: 'foreign-files', paths: ['notes/extra.txt'] });
  expect(rig.read('notes/extra.txt')).toBe('mine');
});

test('a dry run tells which files the next build removes, and which stay', async () => {
  await using rig = await createRig();
  rig.backlog('f', { T1: say('a', 'out/a.txt'), T2: say('b', 'out/b.txt'), T3: say('c', 'out/c.txt') });
  await rig.build();
  rig.write({ 'out/c.txt': 'mine' });
  rig.backlog('f', { T1: say('a', 'out/a.txt') });
  const dry = await rig.build({ dryRun: true });
  expect(dry.of('build.orphans')[0]).toMatchObject({ removed: ['out/b.txt'], kept: ['out/c.txt'] });
  expect(dry.summary).toMatchObject({ outcome: 'would-build', removes: 1 });
  expect(rig.read('out/b.txt')).toBe('b');
  expect((await rig.build()).of('build.published')[0]?.removed).toEqual(['out/b.txt']);
  expect((await rig.build({ dryRun: true })).summary.removes).toBeUndefined();
});

test('outputs that name a tracked file of a person are refused before anything is built', async () => {
  await using rig = await createRig();
  rig.write({ 'src/own.txt': 'mine', 'lib/p.txt': 'mine too', 'dist/left.txt': 'untracked' });
  rig.git('add', 'src', 'lib');
  rig.backlog('f', {
    T1: say('a', 'out/a.txt'),
    T2: say('b', 'src/own.txt'),
    T3: { inputs: [], outputs: ['lib/', 'dist/'], run: 'true' },
  });
  rig.backlog('g', { T1: { outputs: ['seen.txt'], run: 'cat src/own.txt lib/p.txt > seen.txt' } });
  const refused = await rig.build();
  expect(refused.ran()).toEqual([]);
  const host = rig.host(new ScriptedAgent({ tripwire: true }));
  const checked = await validateProject(host);
  for (const failure of [refused.of('build.failure')[0]?.failure, checked.ok ? undefined : checked.error]) {
    expect(failure).toMatchObject({
      kind: 'invalid-specs',
      diagnostics: [
        { file: 'specs/f/BACKLOG.yaml', message: expect.stringContaining('`src/own.txt` is a file') },
        { message: expect.stringContaining('`lib/` matches files that a person wrote (lib/p.txt)') },
      ],
    });
  }
  // No spec hides it from other tasks, nor from planners.
  expect((await rig.build({ targets: ['g'] })).outcomes()).toEqual({ 'g/T1': 'built' });
  expect(rig.read('seen.txt')).toBe('minemine too');
  const mapped = await viewRepository(host, 'f');
  expect(mapped.ok && mapped.value.files).toContainEqual({ path: 'src/own.txt', patchedBy: [] });
  expect((await rig.build({ accept: true, targets: ['f/T2'] })).outcomes()).toEqual({ 'f/T2': 'accepted' });
  rig.backlog('f', { T1: say('a', 'out/a.txt'), T2: say('b', 'src/own.txt') });
  expect((await rig.build()).outcomes()).toMatchObject({ 'f/T1': 'built', 'f/T2': 'fresh' });
  expect(rig.read('src/own.txt')).toBe('mine');
});
