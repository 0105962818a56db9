/** Formatters that come or change where several tasks patch one file: each patch stands, and no agent is asked. */

import { expect, test } from 'vitest';
import { createRig, type Rig } from '../rig/rig.js';
import { cloneProject } from '../rig/shared-project.js';

const FILE = 'src/app.ini';
const tight = { run: ['sed', '-i', 's/ = /=/'], files: 'src/*' };
const colons = { run: ['sed', '-i', 's/ = /:/;s/=/:/'], files: 'src/*' };
const task = { description: 'x', inputs: [], edits: [FILE] };

/** The config of a rig is no file, so something else changes with it. */
function formatWith(rig: Rig, format: NonNullable<Rig['config']['format']>) {
  rig.config = { ...rig.config, format };
  rig.write({ 'formatter.txt': JSON.stringify(format) });
}

interface Patched {
  readonly people: string;
  readonly first: string;
  readonly both: string;
  readonly more?: object;
}

async function patched({ people, first, both, more = {} }: Patched): Promise<Rig> {
  const rig = await createRig();
  rig.write({ [FILE]: people });
  rig.backlog('f', { T1: task });
  rig.answer('f/T1', { [FILE]: first });
  await rig.build();
  rig.backlog('g', { T1: { ...task, ...more } });
  rig.answer('g/T1', { [FILE]: both });
  await rig.build();
  expect(rig.read(FILE)).toBe(both);
  rig.commit();
  return rig;
}

test('two tasks patch one file: each patch is formatted by itself, and stands when the other one goes', async () => {
  const people = 'one = 1\ntwo\nthree = 3\nfour\nfive = 5\n';
  const first = `a = 1\n${people}`;
  await using rig = await patched({ people, first, both: `${first}b = 2\n` });
  const formatted = (sign: string) => `a = 1\n${people}b = 2\n`.replaceAll(' = ', sign);
  for (const [step, sign, outcome] of [
    [tight, '=', 'verified'],
    [colons, ':', 'verified'],
    [tight, '=', 'cached'],
  ] as const) {
    formatWith(rig, [step]);
    const built = await rig.buildWithoutAgent();
    expect(built.outcomes()).toEqual({ 'f/T1': outcome, 'g/T1': outcome });
    expect(rig.read(FILE)).toBe(formatted(sign));
    expect((await rig.buildWithoutAgent()).summary.outcome).toBe('up-to-date');
  }
  rig.remove('specs/g');
  expect((await rig.buildWithoutAgent()).outcomes()).toEqual({ 'f/T1': 'fresh' });
  // A line of people beside the other patch was formatted with that one alone.
  expect(rig.read(FILE)).toBe('a=1\none=1\ntwo\nthree=3\nfour\nfive = 5\n');
});

test('a patch beside the line of a task that it needs is formatted too, and fits again', async () => {
  const people = 'one\ntwo\nthree\n';
  const first = `a = 1\n${people}`;
  const both = `a = 1\nb = 2\n${people}`;
  await using rig = await patched({ people, first, both, more: { depends_on: ['f/T1'] } });
  formatWith(rig, [tight]);
  const built = await rig.buildWithoutAgent();
  expect(built.outcomes()).toEqual({ 'f/T1': 'verified', 'g/T1': 'verified' });
  expect(rig.read(FILE)).toBe(`a=1\nb=2\n${people}`);
  expect((await rig.buildWithoutAgent()).summary.outcome).toBe('up-to-date');
});

test('a patch whose lines another task has rewritten fits in no form: its agent is asked, and told why', async () => {
  const people = 'one\ntwo\nthree\n';
  const needs = { depends_on: ['f/T1'] };
  await using rig = await patched({
    people,
    first: `a = 1\n${people}`,
    both: `a = 2\n${people}`,
    more: needs,
  });
  formatWith(rig, [tight]);
  rig.backlog('f', { T1: { ...task, description: 'y' } });
  rig.answer('f/T1', { [FILE]: `z = 9\n${people}` });
  rig.answer('g/T1', { [FILE]: `z = 10\n${people}` });
  const built = await rig.build();
  expect(built.outcomes()).toEqual({ 'f/T1': 'built', 'g/T1': 'built' });
  expect(built.agent.runs.map(({ label }) => label)).toEqual(['f/T1', 'g/T1']);
  expect(rig.read(FILE)).toBe(`z=10\n${people}`);
});

test('a patch that fits no more and that no formatter is for any more is built again', async () => {
  await using rig = await createRig();
  const people = 'one\ntwo\nthree\n';
  rig.write({ [FILE]: people });
  const spec = (first: object, second: object) => {
    rig.backlog('f', { T1: { ...task, format: [first] } });
    rig.backlog('g', { T1: { ...task, depends_on: ['f/T1'], format: [second] } });
  };
  spec(tight, tight);
  rig.answer('f/T1', { [FILE]: `a = 1\n${people}` });
  rig.answer('g/T1', { [FILE]: `a = 10\n${people}` });
  await rig.build();
  expect(rig.read(FILE)).toBe(`a=10\n${people}`);
  spec(colons, { ...tight, files: 'other/*' });
  const built = await rig.build();
  expect(built.outcomes()).toEqual({ 'f/T1': 'verified', 'g/T1': 'built' });
  expect(built.of('task.reverified').map((event) => event.task)).toEqual(['f/T1']);
  expect(rig.read(FILE)).toBe(`a = 10\n${people}`);
});

test('in a clone without a store, the patch of a task that alone patches a file is formatted too', async () => {
  await using rig = await createRig();
  const people = 'one\ntwo\nthree\n';
  rig.write({ [FILE]: people });
  rig.commit();
  rig.backlog('f', { T1: task });
  rig.answer('f/T1', { [FILE]: `a = 1\n${people}` });
  await rig.build();
  rig.commit();
  cloneProject(rig, 'clone');
  formatWith(rig, [tight]);
  expect((await rig.buildWithoutAgent()).outcomes()).toEqual({ 'f/T1': 'verified' });
  expect(rig.read(FILE)).toBe(`a=1\n${people}`);
  // What is stored there is the patch, and no copy of the file.
  rig.backlog('f', { T2: { inputs: [], outputs: ['x.txt'], run: 'echo x > x.txt' } });
  expect((await rig.buildWithoutAgent()).summary.exitCode).toBe(0);
  expect(rig.read(FILE)).toBe(people);
});
