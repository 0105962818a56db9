/** What a build says that it would cost, and the limit that one build may be given. */

import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ScriptedAgent } from '../../agent/scripted-agent.js';
import { scriptedProviderSetup } from '../../agent/scripted-model/provider.js';
import { estimateBuild } from '../../commands/backlog.js';
import type { Estimate } from '../../commands/estimate.js';
import { runPlan } from '../rig/planning-rig.js';
import { createRig, type Rig } from '../rig/rig.js';

const task = (output: string, more: object = {}) => ({
  description: `Write ${output}`,
  inputs: [],
  outputs: [output],
  ...more,
});

async function estimateOf(rig: Rig): Promise<Estimate> {
  const options = { targets: [], force: false, discardEdits: false };
  const done = await estimateBuild(rig.host(new ScriptedAgent({ tripwire: true })), options);
  if (!done.ok) throw new Error(JSON.stringify(done.error));
  return done.value;
}

test('like tasks are those of the same type, complexity and model, then of the type, then all', async () => {
  await using rig = await createRig({ config: { attempts: 2 } });
  rig.backlog('f', {
    T1: task('1.txt', { complexity: 'high', model: 'm/1', verify: ['grep -q 2 1.txt'] }),
    T2: task('2.txt', { type: 'test' }),
  });
  rig.answer('f/T1', ({ attempt }) => ({ '1.txt': `${attempt}` }));
  rig.answer('f/T2', { '2.txt': '2' });
  await rig.build({}, { usage: { tokensIn: 100, tokensOut: 20, tokensCached: 7, costUsd: 0.5 } });
  // The files of the logs are not needed, and lock files neither.
  rig.remove('.conductor', 'specs/f');
  rig.backlog('g', {
    T1: task('a.txt', { complexity: 'high', model: 'm/1' }),
    T2: task('b.txt', { complexity: 'low', model: 'm/1' }),
    T3: task('c.txt', { type: 'documentation', depends_on: ['T1'] }),
    T4: { inputs: [], outputs: ['d.txt'], run: 'echo > d.txt' },
  });
  const { tasks, agentTasks } = await estimateOf(rig);
  expect(tasks).toBe(4);
  expect(agentTasks).toEqual([
    { label: 'g/T1', model: 'm/1', tokens: 240, costUsd: 1, basis: 'like', from: 1 },
    { label: 'g/T2', model: 'm/1', tokens: 240, costUsd: 1, basis: 'type', from: 1 },
    { label: 'g/T3', tokens: 180, costUsd: 0.75, basis: 'all', from: 2 },
  ]);
});

test('where nothing was built the prompt and the price of its model are what is known', async () => {
  const { baseURL, models } = scriptedProviderSetup('http://localhost:1');
  await using rig = await createRig({
    config: {
      agent: {
        driver: 'opencode',
        model: 'scripted/model-1',
        providers: { scripted: { baseURL: baseURL as string, models: models ?? {} } },
      },
    },
  });
  rig.backlog('f', { T1: task('1.txt'), T2: task('2.txt', { model: 'else/where' }) });
  const [one, two] = (await estimateOf(rig)).agentTasks;
  expect(one).toMatchObject({ basis: 'prompt', from: 0, model: 'scripted/model-1' });
  expect(one?.costUsd).toBeCloseTo(((one?.tokens ?? 0) * 3) / 1e6, 12);
  expect(one?.tokens).toBeGreaterThan(20);
  expect(two).not.toHaveProperty('costUsd');
});

test('tasks whose agent told no usage say nothing of the next ones', async () => {
  await using rig = await createRig();
  rig.backlog('f', { T1: task('1.txt') });
  rig.answer('f/T1', { '1.txt': '1' });
  await rig.build({}, { usage: {} });
  rig.backlog('f', { T1: task('1.txt'), T2: task('2.txt') });
  const { agentTasks } = await estimateOf(rig);
  expect(agentTasks).toMatchObject([{ label: 'f/T2', basis: 'prompt' }]);
  expect(agentTasks[0]?.tokens).toBeGreaterThan(0);
});

test('a clone without a history learns from the results in its store', async () => {
  await using rig = await createRig();
  rig.backlog('f', { T1: task('1.txt') });
  rig.answer('f/T1', { '1.txt': '1' });
  await rig.build({}, { usage: { tokensIn: 70, tokensOut: 30, costUsd: 0.25 } });
  const projects = join(rig.dir, '.git/conductor/projects');
  for (const name of readdirSync(projects)) rmSync(join(projects, name, 'history.ndjson'));
  rig.backlog('f', { T1: task('1.txt'), T2: task('2.txt') });
  expect((await estimateOf(rig)).agentTasks.at(-1)).toMatchObject({
    tokens: 100,
    costUsd: 0.25,
    basis: 'like',
  });
});

test('a limit for one build holds beside the config, and the lower one decides', async () => {
  await using rig = await createRig({ config: { attempts: 1, budget: { build: { usd: 0.3 } } } });
  rig.backlog('f', { T1: task('1.txt') });
  rig.answer('f/T1', { '1.txt': '1' });
  const usage = { costUsd: 0.25 };
  const strict = await rig.build({ budgetUsd: 0.2 }, { usage });
  expect(strict.failure('f/T1')).toMatchObject({ kind: 'budget-exceeded', scope: 'build', limit: 0.2 });
  const none = await rig.build({ budgetUsd: 0 }, { tripwire: true });
  expect(none.failure('f/T1')).toMatchObject({ kind: 'budget-exceeded', scope: 'build', limit: 0 });
  const wide = await rig.build({ budgetUsd: 9 }, { usage });
  expect(wide.outcomes()).toEqual({ 'f/T1': 'built' });
  expect(wide.warnings()).toEqual(['the budget of the build is nearly used up: $0.25 of $0.30']);
});

test('a plan has a limit of its own too', async () => {
  await using rig = await createRig({ config: { workers: 1 } });
  rig.write({ 'specs/f/REQUEST.md': 'Notes.' });
  const backlog = { T1: task('1.txt') };
  const story = await runPlan(rig, { backlog }, { budgetUsd: 0.4 }, { usage: { costUsd: 0.25 } });
  expect(story.refusal()).toMatchObject({ kind: 'budget-exceeded', scope: 'build', limit: 0.4 });
});
