/** Tasks, features and files may have the name of something that every JavaScript object has. */

import { expect, test } from 'vitest';
import { createRig, type Rig } from '../rig/rig.js';

const NAMES = ['constructor', 'toString', '__proto__', 'valueOf'];

const made = (name: string, more: object = {}) => ({
  inputs: [],
  outputs: [`${name}.txt`],
  run: `echo ${name} > ${name}.txt`,
  ...more,
});

async function isUpToDate(rig: Rig): Promise<void> {
  expect((await rig.build()).summary).toMatchObject({ outcome: 'up-to-date', exitCode: 0 });
}

test('a task that is added with such an id is built once, and keeps its record', async () => {
  await using rig = await createRig();
  for (let count = 0; count <= NAMES.length; count++) {
    const ids = ['a', ...NAMES].slice(0, count + 1);
    rig.backlog('f', Object.fromEntries(ids.map((id) => [id, made(id)])));
    expect((await rig.build()).summary).toMatchObject({ exitCode: 0, counts: { built: 1, fresh: count } });
    await isUpToDate(rig);
  }
});

test('a feature that comes or goes with such a name is read like any other', async () => {
  await using rig = await createRig();
  rig.backlog('a', { T: made('a') });
  await rig.build();
  for (const [count, name] of NAMES.entries()) {
    rig.backlog(name, { T: made(name) });
    expect((await rig.build()).summary).toMatchObject({
      exitCode: 0,
      counts: { built: 1, fresh: count + 1 },
    });
    await isUpToDate(rig);
  }
  for (const name of NAMES) {
    rig.remove(`specs/${name}/BACKLOG.yaml`);
    expect((await rig.build()).summary.exitCode).toBe(0);
    expect(rig.files()).not.toHaveProperty([`${name}.txt`]);
  }
  await isUpToDate(rig);
});

test('outputs at the root may have such names, and go with their task while another feature is kept back', async () => {
  await using rig = await createRig();
  const writes = (name: string) => ({ inputs: [], outputs: [name], run: `echo ${name} > ${name}` });
  const tasks = Object.fromEntries(NAMES.map((name, i) => [`T${i}`, writes(name)]));
  rig.backlog('f', { stays: made('stays'), ...tasks });
  rig.backlog('g', { T: made('g') });
  expect((await rig.build()).summary).toMatchObject({ exitCode: 0, counts: { built: NAMES.length + 2 } });
  await isUpToDate(rig);
  rig.backlog('f', { stays: made('stays') });
  rig.backlog('g', { T: made('g', { run: 'exit 1' }) });
  expect((await rig.build()).outcomes()).toMatchObject({ 'g/T': 'failed' });
  expect(NAMES.map((name) => rig.read(name))).toEqual(NAMES.map(() => undefined));
});
