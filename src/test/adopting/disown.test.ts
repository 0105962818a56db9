/** The way back from `adopt`: specs and records are gone, and no byte of the code has changed. */

import { expect, test } from 'vitest';
import { createRig } from '../rig/rig.js';
import { adoptIn, disownIn } from './adopting-rig.js';

const CODE = {
  'src/a.ts': 'export const a = 1;\n',
  'src/b.ts': "import { a } from './a.js';\nexport const b = a;\n",
  'src/b.test.ts': "import './b.js';\n",
};

test('a feature that was adopted and is disowned leaves the project as it was, also with another task beside it', async () => {
  await using rig = await createRig();
  rig.write(CODE);
  rig.backlog('f', { T1: { outputs: ['o.txt'], inputs: [], run: ['touch', 'o.txt'] } });
  await rig.build();
  const before = rig.files();
  await adoptIn(rig, ['src'], { as: 'code' });
  const shown = await disownIn(rig, ['code'], { dryRun: true });
  expect(shown.done.rewritten?.told).toEqual({
    tasks: ['code/a', 'code/b'],
    files: ['src/a.ts', 'src/b.test.ts', 'src/b.ts'],
  });
  expect(rig.read('specs/code/BACKLOG.yaml')).toBeDefined();
  const { done, failure } = await disownIn(rig, ['code']);
  expect(failure).toBeUndefined();
  expect(done.summary.exitCode).toBe(0);
  expect(rig.files()).toEqual(before);
  expect((await rig.buildWithoutAgent()).summary.outcome).toBe('up-to-date');
  expect(rig.files()).toEqual(before);
  // And once more, from nothing but the disk.
  await adoptIn(rig, ['src'], { as: 'code' });
  expect((await disownIn(rig, ['src'])).failure).toBeUndefined();
  expect(rig.files()).toEqual(before);
});

test('one task is disowned by its paths; what depended on it keeps its result and reads a hand-written file', async () => {
  await using rig = await createRig();
  rig.write(CODE);
  await adoptIn(rig, ['src'], { as: 'code' });
  const partly = await disownIn(rig, ['src/b.ts']);
  expect(partly.failure).toMatchObject({ message: 'code/b also owns src/b.test.ts' });
  const { done, failure } = await disownIn(rig, ['src/a.ts']);
  expect(failure).toBeUndefined();
  expect(done.rewritten).toMatchObject({
    told: { tasks: ['code/a'], files: ['src/a.ts'] },
    kept: 1,
    stale: [],
  });
  expect(rig.read('specs/code/BACKLOG.yaml')).not.toContain('depends_on');
  expect((await rig.buildWithoutAgent()).summary).toMatchObject({
    outcome: 'up-to-date',
    counts: { fresh: 1 },
  });
  expect(rig.read('src/a.ts')).toBe(CODE['src/a.ts']);
});

test('what conductor built is not disowned', async () => {
  await using rig = await createRig();
  rig.backlog('f', { T1: { outputs: ['o.txt'], inputs: [], run: ['touch', 'o.txt'] } });
  await rig.build();
  const { failure } = await disownIn(rig, ['f']);
  expect(failure).toMatchObject({ kind: 'usage', message: 'f/T1 was not adopted' });
});

test('tasks of a `foreach` are disowned together, with their entry', async () => {
  await using rig = await createRig();
  const task = 'outputs: ["{{item}}.txt"]\n    inputs: []\n    description: Write it.\n';
  rig.write({
    'a.txt': 'a\n',
    'b.txt': 'b\n',
    'specs/f/BACKLOG.yaml': `tasks:\n  - id: each\n    foreach: [a, b]\n    ${task}`,
  });
  await rig.build({ accept: true });
  expect((await disownIn(rig, ['f/each/a'])).failure).toMatchObject({
    message: 'f/each/a is one task of a `foreach`',
  });
  expect((await disownIn(rig, ['a.txt'])).failure).toMatchObject({ kind: 'usage' });
  const { done, failure } = await disownIn(rig, ['f/each']);
  expect(failure).toBeUndefined();
  expect(done.rewritten?.told).toEqual({ tasks: ['f/each/a', 'f/each/b'], files: ['a.txt', 'b.txt'] });
  expect(rig.read('specs/f/BACKLOG.yaml')).toBeUndefined();
  expect(rig.read('a.txt')).toBe('a\n');
});
