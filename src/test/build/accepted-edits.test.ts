/** An accepted edit lives on when its task gets another result: merged onto it, or the task stops. */

import { expect, test } from 'vitest';
import { createRig } from '../rig/rig.js';

const lines = (last: string) => `one\ntwo\nthree\nfour\nfive\nsix\n${last}\n`;
const task = (last: string, more: object = {}) => ({
  inputs: [],
  outputs: ['out.txt'],
  run: ['node', '-e', `require('fs').writeFileSync('out.txt', ${JSON.stringify(lines(last))})`],
  ...more,
});

async function accepted(rig: Awaited<ReturnType<typeof createRig>>, edit = 'ONE') {
  rig.backlog('f', { T1: task('b') });
  await rig.build();
  rig.backlog('f', { T1: task('a') });
  await rig.build();
  rig.write({ 'out.txt': lines('a').replace('one', edit) });
  const done = await rig.build({ accept: true, targets: ['f/T1'] });
  expect(done.outcomes()).toEqual({ 'f/T1': 'accepted' });
}

for (const flags of [{}, { keepEdits: true }, { force: true, targets: ['f/T1'] }]) {
  test(`a result from the store gets the accepted edit (${JSON.stringify(flags)})`, async () => {
    await using rig = await createRig();
    await accepted(rig);
    rig.backlog('f', { T1: task('b') });
    const second = await rig.build(flags);
    expect(second.summary.exitCode).toBe(0);
    expect(rig.read('out.txt')).toBe(lines('b').replace('one', 'ONE'));
    expect(second.warnings()).toContainEqual(expect.stringContaining('merged onto the new result'));
    const third = await rig.build();
    expect(third.summary.outcome).toBe('up-to-date');
    rig.backlog('f', { T1: task('a') });
    await rig.build();
    expect(rig.read('out.txt')).toBe(lines('a').replace('one', 'ONE'));
  });
}

test('a recipe that is run again gets the accepted edit', async () => {
  await using rig = await createRig();
  await accepted(rig);
  rig.backlog('f', { T1: task('c') });
  expect((await rig.build()).ran()).toEqual(['f/T1']);
  expect(rig.read('out.txt')).toBe(lines('c').replace('one', 'ONE'));
});

test('where the new result changes the accepted lines the task stops, and nothing is overwritten', async () => {
  await using rig = await createRig();
  await accepted(rig);
  rig.write({ 'out.txt': lines('mine') });
  await rig.build({ accept: true, targets: ['f/T1'] });
  rig.backlog('f', { T1: task('c') });
  const second = await rig.build();
  expect(second.failure('f/T1')?.kind).toBe('edit-conflict');
  expect(rig.read('out.txt')).toBe(lines('mine'));
  const third = await rig.build({ discardEdits: true });
  expect(third.summary.exitCode).toBe(0);
  expect(rig.read('out.txt')).toBe(lines('c'));
});
