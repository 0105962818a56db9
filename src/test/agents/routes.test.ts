/** Routes of the config in builds: which model works, who steps in for it, and what is recorded of it. */

import { expect, test } from 'vitest';
import { loadConfigFile } from '../../cli/config/config-file.js';
import type { Failure } from '../../model/failure.js';
import { filesBelow } from '../rig/command-line.js';
import { createRig, type Rig } from '../rig/rig.js';

const task = (more: object = {}) => ({ description: 'x', inputs: [], outputs: ['one.txt'], ...more });
const unavailable: Failure = {
  kind: 'provider-unavailable',
  provider: 'a',
  detail: 'overloaded',
  output: { tail: '' },
};
const refused: Failure = {
  kind: 'provider-refused',
  provider: 'b',
  detail: 'no quota',
  output: { tail: '' },
};
const locked = (rig: Rig, id = 'T1') => JSON.parse(rig.read('specs/f/.metadata.json') ?? '').tasks[id];

test('a route chooses model, variant and prompt, which the key and the record hold', async () => {
  await using rig = await createRig({
    config: {
      models: {
        routes: [
          { when: { complexity: 'high' }, model: 'a/big', variant: 'max', prompt: 'terse.md' },
          { model: 'a/small' },
        ],
      },
    },
  });
  rig.write({ 'prompts/terse.md': '---\nfor: x\nvariables: [label]\n---\nJust {{label}}.\n' });
  rig.backlog('f', {
    T1: task({ complexity: 'high' }),
    T2: task({ complexity: 'low', outputs: ['two.txt'] }),
  });
  rig.answer('f/T1', { 'one.txt': '1' });
  rig.answer('f/T2', { 'two.txt': '2' });
  const built = await rig.build();
  const run = (label: string) => built.agent.runs.find((one) => one.label === label);
  expect(run('f/T1')).toMatchObject({ model: 'a/big', variant: 'max', prompt: 'Just f/T1.\n' });
  expect(run('f/T2')).toMatchObject({ model: 'a/small' });
  expect(run('f/T2')).not.toHaveProperty('variant');
  expect(locked(rig)).toMatchObject({ model: 'a/big', variant: 'max' });
  expect(locked(rig, 'T2')).not.toHaveProperty('variant');
  rig.config = { ...rig.config, models: { routes: [{ model: 'a/small' }] } };
  expect(await rig.inspect()).toEqual({ 'f/T1': 'stale', 'f/T2': 'fresh' });
});

test('fallbacks are asked in their order, in a clean workspace, as the same attempt', async () => {
  await using rig = await createRig({
    config: {
      attempts: 1,
      models: { routes: [{ model: 'a/one', variant: 'high', fallbacks: ['b/two', 'c/three'] }] },
    },
  });
  rig.backlog('f', { T1: task({ budget: { usd: 1 } }) });
  const seen: string[][] = [];
  const held = rig.start();
  const first = await held.agent.next('f/T1');
  await first.write('one.txt', 'half');
  first.usage({ tokensIn: 10, costUsd: 0.1 });
  first.fail(unavailable);
  const second = await held.agent.next('f/T1');
  seen.push(Object.keys(filesBelow(second.cwd, ['.git'])));
  second.fail(refused);
  const third = await held.agent.next('f/T1');
  seen.push(Object.keys(filesBelow(third.cwd, ['.git'])));
  third.usage({ tokensIn: 5, costUsd: 0.1 });
  await third.write('one.txt', 'whole');
  third.finish();
  const built = await held.done;
  expect(built.outcomes()).toEqual({ 'f/T1': 'built' });
  expect(built.agent.runs.map(({ attempt, model, variant }) => [attempt, model, variant])).toEqual([
    [1, 'a/one', 'high'],
    [1, 'b/two', undefined],
    [1, 'c/three', undefined],
  ]);
  expect(seen).toEqual([[], []]);
  expect(built.of('task.attempt-failed')).toEqual([]);
  expect(built.warnings()).toEqual([
    'a/one does not answer (overloaded): b/two is used instead',
    'b/two refuses (no quota): c/three is used instead',
  ]);
  expect(built.of('task.usage').at(-1)?.usage).toEqual({ tokensIn: 15, costUsd: 0.2 });
  expect(built.summary.usage).toMatchObject({ tokensIn: 15, costUsd: 0.2 });
  expect(locked(rig)).toMatchObject({ model: 'c/three' });
  expect((await rig.buildWithoutAgent()).ran()).toEqual([]);
});

test('when the last model does not answer either, the task has failed without another attempt', async () => {
  await using rig = await createRig({
    config: { attempts: 3, models: { routes: [{ model: 'a/one', fallbacks: ['b/two'] }] } },
  });
  rig.backlog('f', { T1: task() });
  rig.answer('f/T1', ({ model }) => (model === 'a/one' ? unavailable : refused));
  const built = await rig.build();
  expect(built.failure('f/T1')).toMatchObject({ kind: 'provider-refused', provider: 'b' });
  expect(built.agent.runs).toHaveLength(2);
});

test('a provider that gave no answer is not asked again for each task, nor is each dead fallback', async () => {
  await using rig = await createRig({ config: { workers: 1, attempts: 2 } });
  const ids = ['T1', 'T2', 'T3', 'T4', 'T5', 'T6'];
  rig.backlog('f', Object.fromEntries(ids.map((id) => [id, task({ outputs: [`${id}.txt`] })])));
  for (const id of ids) rig.answer(`f/${id}`, unavailable);
  const dead = await rig.build();
  expect(dead.agent.runs).toHaveLength(1);
  for (const id of ids) expect(dead.failure(`f/${id}`)).toMatchObject({ kind: 'provider-unavailable' });

  const route = { model: 'a/one', fallbacks: ['b/two', 'c/three'] };
  rig.config = { ...rig.config, models: { routes: [route] } };
  let answered = 0;
  for (const id of ids) {
    rig.answer(`f/${id}`, ({ model }) => {
      if (model !== 'c/three') return unavailable;
      // The rest of a/one and b/two ends while the fourth task is built.
      if (++answered === 4) rig.time += 10 * 60_000;
      return { [`${id}.txt`]: id };
    });
  }
  const built = await rig.build();
  expect(Object.values(built.outcomes())).toEqual(ids.map(() => 'built'));
  const both = ['a/one', 'b/two'];
  const three = 'c/three';
  expect(built.agent.runs.map(({ model }) => model)).toEqual([
    ...[...both, three, three, three, three],
    ...[...both, three, three],
  ]);
});

test('bad work is no reason to ask a fallback', async () => {
  await using rig = await createRig({
    config: { models: { routes: [{ model: 'a/one', fallbacks: ['b/two'] }] } },
  });
  rig.backlog('f', { T1: task({ verify: ['false'] }) });
  rig.answer('f/T1', { 'one.txt': '1' });
  const built = await rig.build();
  expect(built.agent.runs.map(({ model }) => model)).toEqual(['a/one', 'a/one']);
});

test('a split gives tasks to its arms, and the record says to which', async () => {
  await using rig = await createRig({
    config: { models: { routes: [{ split: { 'a/x': 0.5, 'b/y': 0.5 } }] } },
  });
  const ids = ['T1', 'T2', 'T3', 'T4', 'T5', 'T6', 'T7', 'T8'];
  rig.backlog('f', Object.fromEntries(ids.map((id) => [id, task({ outputs: [`${id}.txt`] })])));
  for (const id of ids) rig.answer(`f/${id}`, { [`${id}.txt`]: id });
  const built = await rig.build();
  const models = new Set(built.agent.runs.map(({ model }) => model));
  expect(models).toEqual(new Set(['a/x', 'b/y']));
  for (const { label, model } of built.agent.runs)
    expect(locked(rig, label.slice(2))).toMatchObject({ arm: model, model });
});

test('a route for later attempts takes over, and the key does not change', async () => {
  await using rig = await createRig({ config: { models: { routes: [{ model: 'a/one' }] } } });
  rig.backlog('f', { T1: task({ verify: ['grep -q good one.txt'] }) });
  rig.answer('f/T1', { 'one.txt': 'good' });
  await rig.build();
  const routes = [{ when: { attempt: 2 }, model: 'a/two' }, { model: 'a/one' }];
  rig.config = { ...rig.config, models: { routes } };
  expect(await rig.inspect()).toEqual({ 'f/T1': 'fresh' });
  rig.backlog('f', { T1: task({ description: 'y', verify: ['grep -q good one.txt'] }) });
  rig.answer('f/T1', ({ attempt }) => ({ 'one.txt': attempt === 2 ? 'good too' : 'bad' }));
  const built = await rig.build();
  expect(built.agent.runs.map(({ model }) => model)).toEqual(['a/one', 'a/two']);
  expect(locked(rig)).toMatchObject({ model: 'a/two' });
});

test("no more sessions of a provider go on at once than the config allows, and others' go on", async () => {
  await using rig = await createRig({
    config: {
      models: {
        routes: [{ when: { label: 'f/T3' }, model: 'b/free' }, { model: 'a/tight' }],
        limits: { a: { sessions: 1 } },
      },
    },
  });
  rig.backlog('f', {
    T1: task(),
    T2: task({ outputs: ['two.txt'] }),
    T3: task({ outputs: ['three.txt'] }),
  });
  const held = rig.start();
  const first = await held.agent.next();
  const second = await held.agent.next();
  const tight = [first, second].find(({ request }) => request.model === 'a/tight');
  const free = [first, second].find(({ request }) => request.model === 'b/free');
  expect(held.agent.runs).toHaveLength(2);
  await free?.write('three.txt', '3');
  free?.finish();
  await held.until((story) => story.outcomes()['f/T3'] === 'built');
  expect(held.agent.runs).toHaveLength(2);
  // Events tell who waits for a session, and of which provider: the timeline shows it.
  const waiting = tight?.label === 'f/T1' ? 'f/T2' : 'f/T1';
  await held.until((story) =>
    story
      .of('task.phase')
      .some(({ task, phase, detail }) => task === waiting && phase === 'session-wait' && detail === 'a'),
  );
  await tight?.write(tight.label === 'f/T1' ? 'one.txt' : 'two.txt', 'x');
  tight?.finish();
  const last = await held.agent.next();
  await last.write(last.label === 'f/T1' ? 'one.txt' : 'two.txt', 'x');
  last.finish();
  const built = await held.done;
  expect(built.summary.exitCode).toBe(0);
  const waits = built.of('task.phase').filter(({ phase }) => phase === 'session-wait');
  expect(waits.map(({ task }) => task)).toEqual([waiting]);
});

test('what a command agent cannot hold is refused', async () => {
  await using rig = await createRig();
  const agent = "agent: { driver: 'command', command: ['x'] }";
  const models = "models: { routes: [{ variant: 'high' }], limits: { a: { requestsPerMinute: 3 } } }";
  rig.write({ 'conductor.config.mjs': `export default { ${agent}, ${models} };\n` });
  const loaded = await loadConfigFile(rig.dir, new URL('../../index.ts', import.meta.url));
  expect(loaded).toMatchObject({
    error: {
      diagnostics: [
        { message: 'models.routes.0.variant: the driver `command` does not support variants' },
        {
          message:
            'models.limits.a.requestsPerMinute: conductor does not see the model calls of a `command` agent, so it cannot enforce this',
        },
      ],
    },
  });
});

test.each([
  [
    "models: { routes: [{ model: 'gpt' }] }",
    'models.routes.0.model: `gpt` is not a model: it must be `provider/model`',
  ],
  [
    "models: { routes: [{ model: 'a/b', fallbacks: ['a/c', 'x'] }] }",
    'models.routes.0.fallbacks.1: `x` is not a model: it must be `provider/model`',
  ],
  [
    'models: { routes: [{ split: { terse: -1 } }] }',
    'models.routes.0.split.terse: `terse` must be at least 0',
  ],
  ["models: { routes: [{ split: { 'a/b': 0 } }] }", 'models.routes.0.split: no arm has a share above 0'],
  [
    "models: { routes: [{ split: { 'a/b': 1 }, arms: { terse: {} } }] }",
    'models.routes.0.arms.terse: has no share in `split`',
  ],
  [
    "models: { routes: [{ model: 'a/b' }, { model: 'a/c' }] }",
    'models.routes.1: is never used: route 0 has no `when` and matches every task',
  ],
  [
    "models: { routes: [{ when: { attempt: 2 }, prompt: 'x.md' }] }",
    'models.routes.0.prompt: a route for later attempts (`when.attempt`) cannot name a prompt, because the first one is in the key',
  ],
  ['models: { limits: { a: { sessions: 0 } } }', 'models.limits.a.sessions: `sessions` must be at least 1'],
])('%s is refused with its place', async (models, message) => {
  await using rig = await createRig();
  const agent = "agent: { driver: 'opencode', model: 'a/b' }";
  rig.write({ 'conductor.config.mjs': `export default { ${agent}, ${models} };\n` });
  const loaded = await loadConfigFile(rig.dir, new URL('../../index.ts', import.meta.url));
  expect(loaded).toMatchObject({ ok: false, error: { diagnostics: [{ message }] } });
});
