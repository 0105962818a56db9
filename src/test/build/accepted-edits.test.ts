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

/** Two tasks with a file each that a person edited after their specs changed; the second has a gate. */
async function editedTwice(gate: string) {
  const rig = await createRig();
  const other = (text: string, more: object = {}) => ({
    ...{ inputs: [], depends_on: ['T1'], outputs: ['other.txt'], run: `echo ${text} > other.txt` },
    ...more,
  });
  rig.backlog('f', { T1: task('a'), T2: other('a') });
  await rig.build();
  rig.backlog('f', { T1: task('b'), T2: other('b', { verify: [gate] }) });
  rig.write({ 'out.txt': lines('mine'), 'other.txt': 'mine\n' });
  return rig;
}

test('where accepting is interrupted nothing is accepted, and each task is told', async () => {
  await using rig = await editedTwice('exec sleep 600');
  const held = rig.start({ accept: true, targets: ['f/T1', 'f/T2'] }, { tripwire: true });
  await held.until((story) => story.of('gate.started').length > 0);
  held.cancel();
  const done = await held.done;
  expect(done.outcomes()).toEqual({ 'f/T1': 'skipped', 'f/T2': 'skipped' });
  expect(done.summary).toMatchObject({ exitCode: 130, counts: { accepted: 0, skipped: 2 } });
  const next = await rig.buildWithoutAgent({ targets: ['f/T1'] });
  expect(next.failure('f/T1')?.kind).toBe('drifted-outputs');
  expect(await rig.inspect()).toMatchObject({ 'f/T1': 'drifted' });
  expect(rig.read('out.txt')).toBe(lines('mine'));
});

test('accepted results that could not be published are told, and wait for the next build', async () => {
  await using rig = await editedTwice('true');
  const held = rig.start({ accept: true, targets: ['f/T1', 'f/T2'] }, { tripwire: true });
  await held.until((story) => story.of('gate.started').length > 0);
  const lock = 'specs/f/.metadata.json';
  rig.write({ [lock]: `${rig.read(lock)}\n` });
  const done = await held.done;
  expect(done.buildFailure()).toMatchObject({ kind: 'publish-refused' });
  expect(done.outcomes()).toEqual({ 'f/T1': 'accepted', 'f/T2': 'accepted' });
  expect(done.summary).toMatchObject({ exitCode: 1, counts: { accepted: 2 } });
  expect((await rig.buildWithoutAgent()).summary.exitCode).toBe(0);
  expect(await rig.inspect()).toEqual({ 'f/T1': 'fresh', 'f/T2': 'fresh' });
});
