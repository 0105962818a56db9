/** Features and tasks are removed with what conductor built; what people wrote is named and stays. */

import { expect, test } from 'vitest';
import { createRig, type Rig } from '../rig/rig.js';
import { removeIn } from './adopting-rig.js';

const copy = (to: string, more: object = {}) => ({
  inputs: ['in.txt'],
  outputs: [to],
  run: ['cp', 'in.txt', to],
  ...more,
});

async function built(rig: Rig): Promise<void> {
  rig.write({ 'in.txt': 'in\n', 'routes.txt': 'one\n' });
  rig.backlog('a', { A1: copy('a1.txt'), A2: copy('a2.txt', { depends_on: ['A1'] }) });
  rig.backlog('b', {
    B1: copy('b1.txt'),
    B2: { inputs: [], edits: ['routes.txt'], run: ['sh', '-c', 'echo two >> routes.txt'] },
  });
  rig.write({ 'specs/b/PLAN.md': '# Plan\n' });
  rig.commit();
  await rig.build();
  rig.write({ 'b1.txt': 'mine\n' });
  await rig.build({ accept: true, targets: ['b/B1'] });
  rig.commit();
}

test('a feature goes with its files and patches; accepted files stay and are named', async () => {
  await using rig = await createRig();
  await built(rig);
  const { done, failure, warnings } = await removeIn(rig, ['b']);
  // `left` names what stays.
  expect([failure, warnings]).toEqual([undefined, []]);
  expect(done.rewritten?.told).toMatchObject({ tasks: ['b/B1', 'b/B2'], left: ['b1.txt'] });
  expect(Object.keys(rig.files())).toEqual(
    expect.not.arrayContaining(['specs/b/BACKLOG.yaml', 'specs/b/.metadata.json', 'specs/b/PLAN.md']),
  );
  expect(rig.read('routes.txt')).toBe('one\n');
  expect(rig.read('b1.txt')).toBe('mine\n');
  const next = await rig.buildWithoutAgent();
  expect(next.summary).toMatchObject({ outcome: 'up-to-date', counts: { fresh: 2 } });
});

test('a task that others need, unsaved specs and edited files are refused; --force leaves the edited files', async () => {
  await using rig = await createRig();
  await built(rig);
  const needed = await removeIn(rig, ['a/A1']);
  expect(needed.failure).toMatchObject({ kind: 'usage', message: expect.stringContaining('a/A2 (on a/A1)') });
  rig.write({ 'a2.txt': 'edited\n' });
  expect((await removeIn(rig, ['a/A2'])).failure).toEqual({
    kind: 'drifted-outputs',
    paths: ['a2.txt'],
    accept: ['a/A2'],
  });
  expect((await removeIn(rig, ['a/A2'], { force: true })).done.rewritten?.told.left).toEqual(['a2.txt']);
  expect(rig.read('a2.txt')).toBe('edited\n');
  expect(rig.read('specs/a/BACKLOG.yaml')).not.toContain('A2');
  expect((await rig.buildWithoutAgent()).summary.outcome).toBe('up-to-date');
  const unsaved = await removeIn(rig, ['a']);
  expect(unsaved.failure).toEqual({ kind: 'unsaved-specs', paths: ['specs/a/BACKLOG.yaml'] });
  expect((await removeIn(rig, ['a'], { force: true })).failure).toBeUndefined();
  expect(rig.read('a1.txt')).toBeUndefined();
});

test('a clone without records removes the same, the last feature too', async () => {
  await using rig = await createRig();
  await built(rig);
  rig.git('clone', '-q', '.', 'clone');
  const main = rig.dir;
  rig.dir = `${main}/clone`;
  expect((await removeIn(rig, ['a', 'b'])).failure).toBeUndefined();
  expect(Object.keys(rig.files())).toEqual(['.gitignore', 'b1.txt', 'in.txt', 'routes.txt']);
  expect(rig.read('routes.txt')).toBe('one\n');
  rig.dir = main;
});

const EACH = `# What is made of the words.
tasks:
  - id: each # of them
    foreach: [a, b]
    inputs: [in.txt]
    outputs: ["out/{{item}}.txt"]
    run: [cp, in.txt, "out/{{item}}.txt"]
  - id: last
    inputs: [in.txt]
    outputs: [last.txt]
    run: [cp, in.txt, last.txt]
`;

test('all tasks of a `foreach` go with their entry; one of them alone, or some by a pattern, is refused', async () => {
  await using rig = await createRig();
  rig.write({ 'in.txt': 'in\n', 'specs/f/BACKLOG.yaml': EACH });
  rig.commit();
  await rig.build();
  for (const target of ['f/each/a', 'f/*/b']) {
    expect((await removeIn(rig, [target])).failure).toMatchObject({
      kind: 'usage',
      message: `f/each/${target.at(-1)} is one task of a \`foreach\``,
      hint: expect.stringContaining('specs/f/BACKLOG.yaml'),
    });
  }
  expect(rig.read('out/a.txt')).toBe('in\n');
  expect(rig.read('specs/f/BACKLOG.yaml')).toBe(EACH);
  const { done, failure } = await removeIn(rig, ['f/each']);
  expect(failure).toBeUndefined();
  expect(done.rewritten?.told.tasks).toEqual(['f/each/a', 'f/each/b']);
  expect(rig.read('specs/f/BACKLOG.yaml')).not.toContain('foreach');
  expect(rig.read('out/a.txt')).toBeUndefined();
  expect(rig.read('last.txt')).toBe('in\n');
  expect((await rig.buildWithoutAgent()).summary).toMatchObject({
    outcome: 'up-to-date',
    counts: { fresh: 1 },
  });
});
