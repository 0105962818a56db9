/** Retries and budgets: what another try costs and when work is stopped. */

import { readFileSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { filesBelow } from '../rig/command-line.js';
import { createRig } from '../rig/rig.js';

const task = (more: object = {}) => ({ description: 'x', inputs: [], outputs: ['one.txt'], ...more });

test('another attempt goes on from the files, with a new prompt, the evidence and the difference; the last starts clean', async () => {
  await using rig = await createRig({ config: { attempts: 3 } });
  rig.backlog('f', {
    T1: task({ verify: ['grep -q good one.txt || { echo "expected good" >&2; exit 1; }'] }),
  });
  const seen: string[][] = [];
  rig.answer('f/T1', (request) => {
    seen.push(Object.keys(filesBelow(request.cwd, ['.git'])));
    return { 'one.txt': request.attempt === 3 ? 'good' : `bad ${request.attempt}` };
  });
  const built = await rig.build();
  expect(built.outcomes()).toEqual({ 'f/T1': 'built' });
  expect(rig.read('one.txt')).toBe('good');
  expect(seen).toEqual([[], ['one.txt'], []]);
  const [first, second, third] = built.agent.runs;
  expect(first?.prompt).not.toContain('expected good\n');
  expect(second?.prompt).toContain('expected good');
  expect(second?.prompt).toContain('Their files are in place.');
  expect(second?.prompt).toContain('+bad 1');
  expect(third?.prompt).toContain('These failed and left nothing behind.');
  expect(built.of('task.attempt-failed')).toMatchObject([
    { attempt: 1, failure: { kind: 'gate-failed' } },
    { attempt: 2, failure: { kind: 'gate-failed' } },
  ]);
  expect((await rig.buildWithoutAgent()).ran()).toEqual([]);
});

test('what a session wrote before it broke off is there for the next one, and may be the result', async () => {
  await using rig = await createRig({ config: { attempts: 2 } });
  rig.backlog('f', { T1: task({ verify: ['grep -q good one.txt'] }) });
  const held = rig.start();
  const first = await held.agent.next('f/T1');
  await first.write('one.txt', 'good');
  await first.write('stray.txt', 'gone');
  first.fail('the connection broke');
  const second = await held.agent.next('f/T1');
  expect(filesBelow(second.cwd, ['.git'])).toEqual({ 'one.txt': 'f:good' });
  second.finish();
  expect((await held.done).outcomes()).toEqual({ 'f/T1': 'built' });
});

test('an attempt that leaves rejected files as they are is told so, and no gate runs again', async () => {
  await using rig = await createRig({ config: { attempts: 2 } });
  rig.backlog('f', { T1: task({ verify: ['echo "expected good"; exit 1'] }) });
  rig.answer('f/T1', { 'one.txt': 'bad' });
  const built = await rig.build();
  expect(built.failure('f/T1')).toMatchObject({ kind: 'gate-failed', output: { tail: 'expected good' } });
  expect(built.gates()).toHaveLength(2);
});

test('files that are not the task’s are dropped, and the rest stands if its gates pass', async () => {
  await using rig = await createRig({ config: { attempts: 2 } });
  rig.write({ 'lib.txt': 'mine' });
  rig.backlog('f', {
    T1: task({ inputs: ['lib.txt'], verify: ['grep -q mine lib.txt && test ! -e other.txt'] }),
  });
  rig.answer('f/T1', { 'one.txt': '1', 'lib.txt': 'changed', 'other.txt': 'x' });
  const built = await rig.build();
  expect(built.outcomes()).toEqual({ 'f/T1': 'built' });
  expect(built.agent.runs).toHaveLength(1);
  expect(rig.read('lib.txt')).toBe('mine');
  expect(rig.read('other.txt')).toBeUndefined();
  const message = 'it also changed lib.txt, other.txt, not its own: dropped';
  expect(built.of('warning')).toContainEqual(expect.objectContaining({ task: 'f/T1', message }));
});

test('a gate that fails without the dropped files says so; `stray: refuse` fails at once', async () => {
  await using rig = await createRig({ config: { attempts: 2 } });
  rig.backlog('f', {
    T1: task({ verify: ['test -e other.txt'] }),
    T2: task({ outputs: ['two.txt'], verify: ['true'], stray: 'refuse' }),
  });
  rig.answer('f/T1', (request) => ({ 'one.txt': `${request.attempt}`, 'other.txt': 'x' }));
  rig.answer('f/T2', (request) => ({
    'two.txt': '2',
    ...(request.attempt === 1 ? { 'other.txt': 'x' } : {}),
  }));
  const built = await rig.build();
  expect(built.failure('f/T1')).toMatchObject({ kind: 'gate-failed' });
  const second = built.agent.runs.find(({ label, attempt }) => label === 'f/T1' && attempt === 2);
  expect(second?.prompt).toContain('It also changed `other.txt`: not files of this task');
  expect(built.outcomes()).toMatchObject({ 'f/T2': 'built' });
  expect(built.of('task.attempt-failed')).toContainEqual(
    expect.objectContaining({
      task: 'f/T2',
      failure: { kind: 'wrote-outside-outputs', paths: ['other.txt'] },
    }),
  );
});

test('attempts are bounded and no prompt is used twice', async () => {
  await using rig = await createRig({ config: { attempts: 4 } });
  rig.backlog('f', { T1: task({ verify: ['false'] }) });
  rig.answer('f/T1', { 'one.txt': 'always the same' });
  const built = await rig.build();
  expect(built.failure('f/T1')).toMatchObject({ kind: 'gate-failed' });
  expect(built.agent.runs.map((run) => run.attempt)).toEqual([1, 2, 3, 4]);
  expect(new Set(built.agent.runs.map((run) => run.prompt)).size).toBe(4);
});

test.each([
  ['nothing', {}, 'nothing-done'],
  ['too little', { 'one.txt': '1' }, 'missing-outputs'],
  ['too much', { 'one.txt': '1', 'two.txt': '2', 'three.txt': '3' }, 'wrote-outside-outputs'],
])('an agent that does %s gets another try that says so', async (_name, files, kind) => {
  await using rig = await createRig();
  rig.backlog('f', { T1: task({ outputs: ['one.txt', 'two.txt'] }) });
  rig.answer('f/T1', (request) => (request.attempt === 1 ? files : { 'one.txt': '1', 'two.txt': '2' }));
  const built = await rig.build();
  expect(built.outcomes()).toEqual({ 'f/T1': 'built' });
  expect(built.of('task.attempt-failed')).toMatchObject([{ failure: { kind } }]);
  const [first, second] = built.agent.runs;
  expect(second?.prompt.length).toBeGreaterThan(first?.prompt.length ?? 0);
});

test('what an agent says last is told to the next attempt, and stands in the failure and in the event', async () => {
  await using rig = await createRig({ config: { attempts: 2 } });
  rig.backlog('f', { T1: task() });
  const held = rig.start();
  for (const words of ['I cannot do this: `store.ts` has no export `open`', 'I still cannot']) {
    const run = await held.agent.next('f/T1');
    run.say(words);
    run.finish();
  }
  const built = await held.done;
  expect(built.failure('f/T1')).toEqual({ kind: 'nothing-done', said: 'I still cannot' });
  expect(built.agent.runs[1]?.prompt).toContain('I cannot do this: `store.ts` has no export `open`');
  expect(built.of('agent.finished').map(({ said }) => said)).toEqual([
    'I cannot do this: `store.ts` has no export `open`',
    'I still cannot',
  ]);
});

test("evidence of a compiler's error has its source line", async () => {
  await using rig = await createRig({ config: { attempts: 2 } });
  const verify = ['echo "one.txt(2,7): error TS2304: Cannot find name \'two\'."; exit 2'];
  rig.backlog('f', { T1: task({ verify }) });
  rig.answer('f/T1', { 'one.txt': 'const one = 1;\nreturn two;\n' });
  const built = await rig.build();
  const evidence = "one.txt(2,7): error TS2304: Cannot find name 'two'.\n    2 | return two;";
  expect(built.agent.runs[1]?.prompt).toContain(evidence);
  expect(built.failure('f/T1')).toMatchObject({ output: { tail: evidence } });
});

test('the same command is not tried again', async () => {
  await using rig = await createRig({ config: { attempts: 3 } });
  const count = `${rig.temporary.root}/count`;
  rig.backlog('f', { T1: { inputs: [], outputs: ['one.txt'], run: `echo x >> ${count}; exit 1` } });
  const built = await rig.build();
  expect(built.failure('f/T1')).toMatchObject({ kind: 'command-failed', exitCode: 1 });
  expect(built.of('task.phase').filter((event) => event.phase === 'run')).toHaveLength(1);
});

test('an agent that spends more than its task may is stopped while it works', async () => {
  await using rig = await createRig({ config: { attempts: 3 } });
  rig.backlog('f', { T1: task({ budget: { usd: 0.5 } }) });
  const held = rig.start();
  const run = await held.agent.next('f/T1');
  run.usage({ costUsd: 0.3 });
  run.usage({ costUsd: 0.3 });
  expect((await run.exit).kind).toBe('failed');
  const built = await held.done;
  expect(built.failure('f/T1')).toEqual({
    kind: 'budget-exceeded',
    scope: 'task',
    unit: 'usd',
    limit: 0.5,
    spent: 0.6,
  });
  expect(built.agent.runs).toHaveLength(1);
  expect(built.summary.usage.costUsd).toBeCloseTo(0.6);
});

test('attempts share the budget of their task', async () => {
  await using rig = await createRig({ config: { attempts: 5 } });
  rig.backlog('f', { T1: task({ budget: { tokens: 250 }, verify: ['false'] }) });
  rig.answer('f/T1', { 'one.txt': '1' });
  const built = await rig.build({}, { usage: { tokensIn: 90, tokensOut: 10 } });
  expect(built.failure('f/T1')).toMatchObject({
    kind: 'budget-exceeded',
    scope: 'task',
    unit: 'tokens',
    limit: 250,
  });
  expect(built.agent.runs).toHaveLength(3);
});

test('the budget of a build stops all its agents', async () => {
  await using rig = await createRig({ config: { budget: { build: { tokens: 100 } } } });
  rig.backlog('f', { T1: task(), T2: task({ outputs: ['two.txt'] }) });
  const held = rig.start();
  const [one, two] = [await held.agent.next('f/T1'), await held.agent.next('f/T2')];
  one.usage({ tokensIn: 60 });
  two.usage({ tokensIn: 60 });
  expect((await two.exit).kind).toBe('failed');
  await one.write('one.txt', '1');
  one.finish();
  const built = await held.done;
  expect(built.failure('f/T2')).toMatchObject({
    kind: 'budget-exceeded',
    scope: 'build',
    limit: 100,
    spent: 120,
  });
  expect(built.summary.exitCode).toBe(1);
});

test('the budget of a day counts what earlier builds spent, and the next day starts again', async () => {
  await using rig = await createRig({ config: { attempts: 1, budget: { day: { usd: 1 } } } });
  rig.backlog('f', { T1: task() });
  rig.answer('f/T1', { 'one.txt': '1' });
  expect((await rig.build({}, { usage: { costUsd: 0.9 } })).summary.exitCode).toBe(0);
  rig.backlog('f', { T1: task({ description: 'y' }) });
  rig.answer('f/T1', { 'one.txt': '2' });
  const over = await rig.build({}, { usage: { costUsd: 0.2 } });
  expect(over.failure('f/T1')).toMatchObject({ kind: 'budget-exceeded', scope: 'day', limit: 1 });
  const refused = await rig.build({}, { usage: { costUsd: 0.2 } });
  expect(refused.failure('f/T1')).toMatchObject({ kind: 'budget-exceeded', scope: 'day' });
  expect(refused.agent.runs).toHaveLength(0);
  rig.time += 24 * 3_600_000;
  expect((await rig.build({}, { usage: { costUsd: 0.2 } })).outcomes()).toEqual({ 'f/T1': 'built' });
});

test('a budget in money refuses an agent that does not say what it costs', async () => {
  await using rig = await createRig();
  rig.backlog('f', { T1: task({ budget: { usd: 1 } }) });
  const built = await rig.build({}, { tripwire: true, reportsCost: false });
  expect(built.failure('f/T1')).toEqual({ kind: 'budget-unknown-price', scope: 'task', agent: 'scripted' });
  expect(built.summary.exitCode).toBe(1);
});

test('a limit in dollars refuses a model without a price before any call, whether it works first or later', async () => {
  await using rig = await createRig();
  const limits = [
    { own: { budget: { usd: 1 } }, config: {}, options: {} },
    { own: {}, config: { budget: { build: { usd: 1 } } }, options: {} },
    { own: {}, config: { budget: { day: { usd: 1 } } }, options: {} },
    { own: {}, config: {}, options: { budgetUsd: 1 } },
  ];
  const routes = [
    { model: 'a/free' },
    { model: 'a/dear', fallbacks: ['a/free'] },
    { model: 'a/dear', stronger: 'a/free' },
  ];
  const base = rig.config;
  rig.backlog('f', { T1: task() });
  rig.answer('f/T1', { 'one.txt': '1' });
  for (const route of routes) {
    for (const { own, config, options } of route === routes[0] ? limits : limits.slice(0, 1)) {
      rig.backlog('f', { T1: task(own) });
      rig.config = { ...base, ...config, models: { routes: [route] } };
      const built = await rig.build(options, { unpriced: ['a/free'] });
      expect(built.failure('f/T1')).toMatchObject({ kind: 'budget-unknown-price', model: 'a/free' });
      expect(built.agent.runs).toEqual([]);
    }
  }
  rig.config = { ...base, models: { routes: [routes[0] as object] } };
  rig.backlog('f', { T1: task() });
  expect((await rig.build({}, { unpriced: ['a/free'] })).outcomes()).toEqual({ 'f/T1': 'built' });
});

test('work stands whose agent was to say what it costs and did not; it is not asked again', async () => {
  await using rig = await createRig({ config: { workers: 1, budget: { build: { usd: 1 } } } });
  rig.backlog('f', { T1: task(), T2: task({ outputs: ['two.txt'], depends_on: ['T1'] }) });
  rig.answer('f/T1', { 'one.txt': '1' });
  rig.answer('f/T2', { 'two.txt': '2' });
  const built = await rig.build({}, { usage: { tokensIn: 5 } });
  expect(built.outcomes()).toEqual({ 'f/T1': 'built', 'f/T2': 'failed' });
  expect(built.failure('f/T2')).toMatchObject({ kind: 'budget-unknown-price', scope: 'build' });
  expect(built.warnings()).toEqual([expect.stringContaining('did not say what it costs')]);
  expect(built.of('task.waiting').map(({ task, on }) => [task, on])).toEqual([['f/T1', ['f/T2']]]);
});

test('what a killed build spent is on disk at each step, and counts for the day and for its task', async () => {
  await using rig = await createRig({ config: { attempts: 1, budget: { day: { tokens: 100 } } } });
  rig.backlog('f', { T1: task({ budget: { usd: 1 } }) });
  const record = () => {
    const [path] = Object.keys(filesBelow(rig.path('.git'))).filter((one) => one.endsWith('spending.ndjson'));
    return rig.path(`.git/${path}`);
  };
  /** A build that is killed after two steps, while it writes the third. */
  const killed = async (usage: object) => {
    const held = rig.start();
    const run = await held.agent.next('f/T1');
    run.usage(usage);
    run.usage(usage);
    const atDeath = readFileSync(record(), 'utf8');
    held.cancel();
    await held.done;
    writeFileSync(record(), `${atDeath}{"day":"20`);
  };
  await killed({ tokensIn: 20, costUsd: 0.45 });
  const held = rig.start();
  const run = await held.agent.next('f/T1');
  run.usage({ tokensIn: 5, costUsd: 0.2 });
  expect((await held.done).failure('f/T1')).toMatchObject({ scope: 'task', unit: 'usd', spent: 1.1 });
  // That build ended in order: its task starts again, the day does not.
  await killed({ tokensIn: 20 });
  rig.backlog('f', { T1: task() });
  const again = rig.start();
  const last = await again.agent.next('f/T1');
  last.usage({ tokensIn: 20 });
  expect((await again.done).failure('f/T1')).toMatchObject({ scope: 'day', unit: 'tokens', spent: 105 });
});

test('minutes are those of all sessions of a task, without the start of a server; then nothing follows', async () => {
  await using rig = await createRig({
    config: { attempts: 5, rebase: 'apply', models: { routes: [{ model: 'a/b', stronger: 'a/c' }] } },
  });
  rig.backlog('f', { T1: task({ budget: { minutes: 10 }, verify: ['false'] }) });
  const held = rig.start();
  const minute = 60_000;
  const first = await held.agent.next('f/T1');
  first.waited(20 * minute);
  rig.time += 26 * minute;
  await first.write('one.txt', 'bad');
  first.finish();
  const second = await held.agent.next('f/T1');
  expect(second.request.timeoutMs / minute).toBeCloseTo(4, 1);
  rig.time += 4 * minute;
  second.fail({ kind: 'timed-out', what: 'the agent', minutes: 4, output: { tail: '' } });
  const built = await held.done;
  expect(built.failure('f/T1')).toMatchObject({ kind: 'budget-exceeded', unit: 'minutes', limit: 10 });
  expect(built.agent.runs).toHaveLength(2);
});

test('a rebase and a stronger model share the minutes of their task', async () => {
  await using rig = await createRig({
    config: { attempts: 1, rebase: 'apply', models: { routes: [{ model: 'a/b', stronger: 'a/c' }] } },
  });
  rig.backlog('f', { T1: task({ budget: { minutes: 10 }, verify: ['false'] }) });
  rig.answer('f/T1', () => {
    rig.time += 10 * 60_000;
    return { 'one.txt': 'bad' };
  });
  const built = await rig.build();
  expect(built.failure('f/T1')).toMatchObject({ kind: 'budget-exceeded', unit: 'minutes' });
  expect(built.agent.runs).toHaveLength(1);
});
