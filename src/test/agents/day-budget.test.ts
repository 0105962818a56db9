/** The budget of a day: one for all clones and worktrees of a person, also while their builds run side by side. */

import { join } from 'node:path';
import { expect, test } from 'vitest';
import { createRig, type Rig } from '../rig/rig.js';
import { cloneProject } from '../rig/shared-project.js';

async function createProject(): Promise<Rig> {
  const rig = await createRig({ config: { attempts: 1, budget: { day: { usd: 1 } } } });
  rig.backlog('f', {
    T1: { description: 'One', outputs: ['one.txt'] },
    T2: { description: 'Two', outputs: ['two.txt'] },
  });
  rig.answer('f/T1', { 'one.txt': '1' });
  rig.answer('f/T2', { 'two.txt': '2' });
  rig.commit();
  return rig;
}

test('what is spent in one clone counts in the next one, and the next day begins at nothing', async () => {
  await using rig = await createProject();
  const first = await rig.build({ targets: ['f/T1'] }, { usage: { costUsd: 0.7 } });
  expect(first.summary.exitCode).toBe(0);
  cloneProject(rig, 'clone');
  const second = await rig.build({ targets: ['f/T2'] }, { usage: { costUsd: 0.5 } });
  const failure = second.failure('f/T2');
  expect(failure).toMatchObject({ kind: 'budget-exceeded', scope: 'day', unit: 'usd', limit: 1 });
  expect((failure as { spent: number }).spent).toBeCloseTo(1.2);
  // Nothing is left for a third one, wherever it is.
  rig.dir = rig.temporary.dir;
  const third = await rig.buildWithoutAgent({ targets: ['f/T2'] });
  expect(third.failure('f/T2')?.kind).toBe('budget-exceeded');
  rig.time += 86_400_000;
  const tomorrow = await rig.build({ targets: ['f/T2'] }, { usage: { costUsd: 0.5 } });
  expect(tomorrow.summary.exitCode).toBe(0);
});

test('two builds at the same time in two worktrees share what a day may cost', async () => {
  await using rig = await createProject();
  rig.git('worktree', 'add', '-q', join(rig.temporary.root, 'worktree'));
  const held = rig.start({ targets: ['f/T1'] });
  const run = await held.agent.next('f/T1');
  run.usage({ costUsd: 0.7 });
  rig.dir = join(rig.temporary.root, 'worktree');
  const beside = await rig.build({ targets: ['f/T2'] }, { usage: { costUsd: 0.2 } });
  expect(beside.summary.exitCode).toBe(0);
  // The next step of the first build comes to 1.1 with what the second one has spent meanwhile.
  run.usage({ costUsd: 0.9 });
  expect((await held.done).failure('f/T1')).toMatchObject({ kind: 'budget-exceeded', scope: 'day' });
});
