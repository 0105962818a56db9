/** Whatever people and programs name may have the name of something that every JavaScript object has. */

import { expect, test } from 'vitest';
import { keysOf } from '../../agent/opencode/driver.js';
import { longestWaitMs } from '../../agent/opencode/server/pace.js';
import { configText } from '../../agent/opencode/server/server-config.js';
import { configuredModel } from '../../agent/opencode/session/model-name.js';
import { routeProblems } from '../../agent/route-check.js';
import { chooseModel } from '../../agent/routing.js';
import { type BacklogRow, readyRows } from '../../commands/backlog.js';
import { needsOf } from '../../execution/queue/job-needs.js';
import { salvageYaml } from '../../io/document/salvage.js';
import { cleanEnvironment, secretValues, withPathInFront } from '../../io/process/environment.js';
import { resolveConfig } from '../../model/config.js';
import type { TaskRun } from '../../model/task-run.js';
import { sourceKind } from '../../plan/adopting/source-imports.js';
import { hasOutline } from '../../plan/outline.js';
import { modelAttributes } from '../../report/metrics/otlp-values.js';
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

test('commands get variables with such names, whose values are in their keys', async () => {
  await using rig = await createRig({ config: { env: NAMES } });
  rig.backlog('f', { T: made('f', { run: 'env | grep _proto_ > f.txt || true' }) });
  expect((await rig.build()).outcomes()).toEqual({ 'f/T': 'built' });
  expect(rig.read('f.txt')).toBe('');
  await isUpToDate(rig);
  Object.defineProperty(rig.env, '__proto__', { value: 'set', enumerable: true });
  expect((await rig.build()).outcomes()).toEqual({ 'f/T': 'built' });
  expect(rig.read('f.txt')).toBe('__proto__=set\n');
  await isUpToDate(rig);
});

test.each(NAMES)('%s is a variable of the environment like any other', (name) => {
  expect(secretValues({}, [name])).toEqual([]);
  const env = Object.fromEntries([[name, 'value']]);
  expect(Object.entries(cleanEnvironment(env, [name]))).toEqual([[name, 'value']]);
  expect(Object.entries(withPathInFront(env, []))).toEqual([[name, 'value']]);
});

test.each(NAMES)('%s is a provider, a model and an arm of a route like any other', (name) => {
  const own = { models: { m: {} } };
  const agent = { driver: 'opencode', model: `${name}/m`, providers: { own } } as const;
  expect(configuredModel(agent, { providerID: name, modelID: 'm' })).toBeUndefined();
  expect(configuredModel(agent, { providerID: 'own', modelID: name })).toBeUndefined();
  const config = JSON.parse(configText({ agent }, { shell: '/shell', keyFiles: {} }));
  expect(Object.getOwnPropertyDescriptor(config.provider, name)?.value.options).not.toHaveProperty('apiKey');
  const providers = Object.fromEntries([[name, { keyEnv: 'KEY' }]]);
  expect(Object.entries(keysOf({ ...agent, providers }, { KEY: 'k' }))).toEqual([[name, 'k']]);
  expect(longestWaitMs({ limits: {}, windowMs: 1 }, name, 1)).toBe(0);
  const parts = { version: '1', platform: 'p', config: resolveConfig({}, 1) };
  const recipe = { kind: 'agent' } as TaskRun['recipe'];
  expect(needsOf(parts, { recipe }, `${name}/m`)).toMatchObject({ model: `${name}/m` });
  const call = { agent: 'a', model: `${name}/m`, phase: 'planning' } as const;
  expect(modelAttributes(call)['gen_ai.provider.name']).toBe(name);
  const route = { split: Object.fromEntries([[name, 1]]), arms: { other: { model: 'p/m' } } };
  const problems = routeProblems({ models: { routes: [route] }, agent: { ...agent, model: 'p/m' } });
  expect(problems.map(({ path }) => path)).toEqual([
    `models.routes.0.split.${name}`,
    'models.routes.0.arms.other',
  ]);
  const task = { label: 'f/T', feature: 'f', type: 'test', complexity: 'low', model: undefined } as const;
  expect(chooseModel(task, 1, [route], { definition: undefined, config: 'p/m' }).model).toBe(name);
});

test.each(NAMES)('%s is an ending of files and a priority of which nothing is known', (name) => {
  expect(hasOutline(`a.${name}`)).toBe(false);
  expect(sourceKind(`a.${name}`)).toBeUndefined();
  const row = (id: string, priority: string) => ({ id, notes: { priority }, isReady: true });
  const rows = [row('a', 'low'), row('b', name), row('c', 'high')] as unknown as BacklogRow[];
  expect(readyRows(rows).map((one) => (one as unknown as { id: string }).id)).toEqual(['c', 'b', 'a']);
});

test.each(NAMES)('%s is a key of a document with mistakes', async (name) => {
  const found = await salvageYaml(`${name}: { a: 1 }\nb: [1, 2\n`);
  expect(Object.entries(found?.value as object)[0]).toEqual([name, { a: 1 }]);
});
