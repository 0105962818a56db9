/** Routes with the real OpenCode server: who steps in for a provider that refuses, and what a split sends where. */

import { expect, test, vi } from 'vitest';
import { SCRIPTED_PROVIDER, scriptedProviderSetup } from '../../agent/scripted-model/provider.js';
import type { OpencodeAgentConfig } from '../../model/config.js';
import { createOpencodeRig, scriptedTask as task, writeStep as write } from '../rig/opencode-rig.js';

vi.setConfig({ testTimeout: 300_000 });

test('a model of another provider steps in for one that refuses, and is recorded', async () => {
  await using one = await createOpencodeRig({
    attempts: 1,
    models: { routes: [{ model: 'other/model-1', fallbacks: ['scripted/model-1'] }] },
  });
  const { rig, model } = one;
  const setup = scriptedProviderSetup(model.url);
  rig.config = {
    ...rig.config,
    agent: {
      ...(rig.config.agent as OpencodeAgentConfig),
      model: 'other/model-1',
      providers: {
        [SCRIPTED_PROVIDER]: { ...setup, keyEnv: 'MODEL_KEY' },
        other: { ...setup, keyEnv: 'OTHER_KEY' },
      },
    },
  };
  rig.backlog('f', { T1: task('one', 'one.txt', { budget: { usd: 1 } }) });
  model.script('one', [write('one.txt', '1'), { say: 'Done.' }]);
  const built = await one.build({ OTHER_KEY: 'sk-wrong-key' });
  expect(built.outcomes()).toEqual({ 'f/T1': 'built' });
  expect(model.refused.length).toBeGreaterThan(0);
  expect(built.warnings()).toEqual([
    expect.stringMatching(/^other\/model-1 refuses \(.+\): scripted\/model-1 is used instead$/),
  ]);
  const { tasks } = JSON.parse(rig.read('specs/f/.metadata.json') ?? '');
  expect(tasks.T1).toMatchObject({ model: 'scripted/model-1' });
});

test('the arms of a split are asked under their own names', async () => {
  const split = { 'scripted/model-1': 0.5, 'scripted/model-2': 0.5 };
  await using one = await createOpencodeRig({ models: { routes: [{ split }] } });
  const { rig, model } = one;
  const setup = scriptedProviderSetup(model.url);
  const known = setup.models?.['model-1'] ?? {};
  rig.config = {
    ...rig.config,
    agent: {
      driver: 'opencode',
      model: 'scripted/model-1',
      providers: {
        [SCRIPTED_PROVIDER]: {
          ...setup,
          keyEnv: 'MODEL_KEY',
          models: { 'model-1': known, 'model-2': known },
        },
      },
    },
  };
  const ids = ['T1', 'T2', 'T3', 'T4'];
  rig.backlog('f', Object.fromEntries(ids.map((id) => [id, task(id, `${id}.txt`)])));
  for (const id of ids) model.script(id, [write(`${id}.txt`, id), { say: 'Done.' }]);
  const built = await one.build();
  expect(built.summary.exitCode).toBe(0);
  const { tasks } = JSON.parse(rig.read('specs/f/.metadata.json') ?? '');
  const arms = new Set<string>();
  for (const id of ids) {
    const asked = new Set(model.requests.filter(({ script }) => script === id).map((one) => one.model));
    expect([...asked]).toEqual([tasks[id].arm.replace('scripted/', '')]);
    arms.add(tasks[id].arm);
  }
  expect(arms).toEqual(new Set(Object.keys(split)));
});
