/** Former results of agents' tasks where only what they build on changed: gates decide first, a model only if they fail. */

import { expect, test } from 'vitest';
import { ScriptedAgent } from '../../agent/scripted-agent.js';
import { inspect } from '../../build/dry-run.js';
import { estimateBuild } from '../../commands/backlog.js';
import { blame } from '../../commands/blame.js';
import type { ConductorConfig } from '../../model/config.js';
import { describeVerdict } from '../../report/verdict.js';
import { createRig, type Rig } from '../rig/rig.js';
import { cloneProject, createBare } from '../rig/shared-project.js';

const lib = (more: object = {}) => ({
  description: 'Write the library.',
  inputs: [],
  outputs: ['lib.txt'],
  ...more,
});
/** Passes as long as the library has the word that the task was written for. */
const user = (more: object = {}) => ({
  description: 'Use the library.',
  acceptance: ['It uses the word'],
  inputs: ['data/*.txt'],
  depends_on: ['T1'],
  outputs: ['out.txt'],
  verify: ['grep -q "$(cat out.txt)" lib.txt && test -s data/a.txt'],
  ...more,
});

async function builtRig(config: ConductorConfig = {}, more: object = {}): Promise<Rig> {
  const rig = await createRig({ config });
  rig.write({ 'data/a.txt': 'a\n' });
  rig.backlog('f', { T1: lib(), T2: user(more) });
  rig.answer('f/T1', { 'lib.txt': 'word\n' });
  rig.answer('f/T2', { 'out.txt': 'word\n' });
  const first = await rig.build({}, { usage: { tokensIn: 100, costUsd: 1 } });
  expect(first.outcomes()).toEqual({ 'f/T1': 'built', 'f/T2': 'built' });
  return rig;
}

const host = (rig: Rig) => rig.host(new ScriptedAgent({ tripwire: true }));
const asked = ({ agent }: Awaited<ReturnType<Rig['build']>>) => agent.runs.map(({ label }) => label);

async function blamed(rig: Rig, path: string) {
  const found = await blame(host(rig), path);
  if (!found.ok) throw new Error(JSON.stringify(found.error));
  return found.value.tasks[0];
}

async function sentence(rig: Rig, label: string) {
  const looked = await inspect(host(rig), { targets: [], force: false, discardEdits: false }, async (one) => {
    const row = one.tasks.find(({ task }) => task.label === label);
    return row ? describeVerdict(row.verdict) : '';
  });
  if (!looked.ok) throw new Error(JSON.stringify(looked.error));
  return looked.value;
}

test('a dependency with another interface: the former result stands when its gates pass, and its origin stays known', async () => {
  await using rig = await builtRig();
  rig.backlog('f', { T1: lib({ description: 'Write it better.' }), T2: user() });
  rig.answer('f/T1', { 'lib.txt': 'word, and more\n' });
  const second = await rig.build({}, { usage: { tokensIn: 10, costUsd: 0.5 } });
  expect(second.outcomes()).toEqual({ 'f/T1': 'built', 'f/T2': 'verified' });
  expect(asked(second)).toEqual(['f/T1']);
  expect(second.of('task.reverified')).toMatchObject([
    { task: 'f/T2', against: ['dependency f/T1'], passed: true },
  ]);
  expect(second.of('task.finished').find(({ task }) => task === 'f/T2')?.saved).toEqual({
    tokensIn: 100,
    costUsd: 1,
  });
  expect(second.summary.usage).toEqual({ tokensIn: 10, costUsd: 0.5 });
  const origin = await blamed(rig, 'out.txt');
  expect(origin?.making).toMatchObject({
    agent: 'scripted',
    attempts: 1,
    usage: { tokensIn: 100, costUsd: 1 },
    verified: { against: ['dependency f/T1'] },
  });

  // Once more: the origin is still the session that wrote the file.
  rig.backlog('f', { T1: lib({ description: 'Write it better still.' }), T2: user() });
  rig.answer('f/T1', { 'lib.txt': 'another word\n' });
  expect((await rig.build()).outcomes()).toEqual({ 'f/T1': 'built', 'f/T2': 'verified' });
  expect((await blamed(rig, 'out.txt'))?.making).toMatchObject({ usage: { costUsd: 1 }, attempts: 1 });

  expect((await rig.buildWithoutAgent()).summary.outcome).toBe('up-to-date');
  expect((await rig.buildWithoutAgent({ frozen: true })).summary.exitCode).toBe(0);
  // Its key follows from the spec and the files alone: without any record the store gives it back.
  rig.remove('specs/f/.metadata.json', 'out.txt', 'lib.txt');
  expect((await rig.buildWithoutAgent()).outcomes()).toEqual({ 'f/T1': 'cached', 'f/T2': 'cached' });
  expect(rig.read('out.txt')).toBe('word\n');
});

test('another machine finds what was verified, and verifies what another one has built', async () => {
  await using rig = await createRig({ config: { cache: { remotes: ['git:../shared.git'] } } });
  createBare(rig);
  rig.write({ 'data/a.txt': 'a\n' });
  rig.backlog('f', { T1: user({ depends_on: [], verify: ['test -s out.txt'] }) });
  rig.answer('f/T1', { 'out.txt': 'word\n' });
  await rig.build();
  rig.write({ 'data/a.txt': 'b\n' });
  expect((await rig.buildWithoutAgent()).outcomes()).toEqual({ 'f/T1': 'verified' });
  rig.commit();

  cloneProject(rig, 'clone');
  rig.remove('out.txt', 'specs/f/.metadata.json');
  expect((await rig.buildWithoutAgent()).outcomes()).toEqual({ 'f/T1': 'cached' });
  rig.write({ 'data/a.txt': 'c\n' });
  expect((await rig.buildWithoutAgent()).outcomes()).toEqual({ 'f/T1': 'verified' });
});

test('an input and a section are what a task builds on; the words of the task are not, and all is said before', async () => {
  await using rig = await createRig();
  const one = (more: object = {}) => ({
    ...user({ depends_on: [], verify: ['test -s out.txt'], spec_refs: ['plan.md#words'], ...more }),
  });
  const plan = (text: string) => rig.write({ 'specs/f/plan.md': `# Plan\n\n## Words\n\n${text}\n` });
  rig.write({ 'data/a.txt': 'a\n' });
  plan('The word is good.');
  rig.backlog('f', { T1: one() });
  rig.answer('f/T1', { 'out.txt': 'word\n' });
  await rig.build({}, { usage: { tokensIn: 40 } });

  rig.write({ 'data/a.txt': 'b\n' });
  expect(await sentence(rig, 'f/T1')).toBe(
    'stale: gates run first on the former result (changed: input data/*.txt)',
  );
  const estimated = await estimateBuild(host(rig), { targets: [], force: false, discardEdits: false });
  expect(estimated).toMatchObject({ value: { agentTasks: [], ifGatesFail: [{ label: 'f/T1' }] } });
  const dry = await rig.buildWithoutAgent({ dryRun: true });
  expect(dry.summary.counts).toMatchObject({ verified: 1, built: 0 });
  expect((await rig.buildWithoutAgent()).outcomes()).toEqual({ 'f/T1': 'verified' });

  plan('The word is very good.');
  const section = await rig.buildWithoutAgent();
  expect(section.of('task.reverified')).toMatchObject([{ against: ['section plan.md#words'], passed: true }]);
  // One more file below the input also changes the paths in the prompt.
  rig.write({ 'data/b.txt': 'b\n' });
  expect((await rig.buildWithoutAgent()).outcomes()).toEqual({ 'f/T1': 'verified' });

  for (const own of [
    { description: 'Use it otherwise.' },
    { acceptance: ['It uses two words'] },
    { inputs: ['data/*.txt', 'more.txt'] },
    { outputs: ['out.txt', 'more/*.txt'] },
    { context: { constraints: ['no noise'] } },
  ]) {
    rig.backlog('f', { T1: one(own) });
    const built = await rig.build({ dryRun: true });
    expect(built.verdict('f/T1')).not.toHaveProperty('reverify');
    expect(built.verdict('f/T1')).toMatchObject({ kind: 'stale' });
  }
});

test('a gate that fails on the former result rebuilds, and the agent is told why', async () => {
  await using rig = await builtRig();
  rig.backlog('f', { T1: lib({ description: 'Write it anew.' }), T2: user() });
  rig.answer('f/T1', { 'lib.txt': 'token\n' });
  rig.answer('f/T2', { 'out.txt': 'token\n' });
  const built = await rig.build();
  expect(built.outcomes()).toEqual({ 'f/T1': 'built', 'f/T2': 'built' });
  expect(built.of('task.reverified')).toMatchObject([{ passed: false, failure: { kind: 'gate-failed' } }]);
  const prompt = built.agent.runs.find(({ label }) => label === 'f/T2')?.prompt ?? '';
  expect(prompt).toContain('Changed since: `dependency f/T1`. Now the gate');
  expect((await rig.buildWithoutAgent()).summary.outcome).toBe('up-to-date');
});

test('a gate that cannot start on the former result fails the task; with `preflight: false` the task is built', async () => {
  await using rig = await createRig({ config: { preflight: true } });
  const one = user({ depends_on: [], verify: ['sh "$(cat data/a.txt)"'] });
  rig.write({ 'data/a.txt': 'data/check.txt', 'data/check.txt': 'test -s out.txt\n' });
  rig.backlog('f', { T1: one });
  rig.answer('f/T1', { 'out.txt': 'word\n' });
  await rig.build();
  rig.write({ 'data/a.txt': 'data/gone.txt' });
  const stopped = await rig.buildWithoutAgent();
  expect(stopped.failure('f/T1')?.kind).toBe('gate-cannot-start');
  rig.config = { ...rig.config, preflight: false, attempts: 1 };
  const tried = await rig.build();
  expect(asked(tried)).toEqual(['f/T1']);
  expect(tried.of('task.reverified')).toMatchObject([{ passed: false, failure: { kind: 'gate-failed' } }]);
});

test('a patch stands only where it applies to the file of today', async () => {
  await using rig = await createRig();
  const lines = (first: string, last: string) => `${first}\n2\n3\n4\n5\n6\n${last}\n`;
  const patch = {
    ...user({ depends_on: [], outputs: undefined, edits: ['hand.txt'] }),
    verify: ['grep -q X hand.txt'],
  };
  rig.write({ 'data/a.txt': 'a\n', 'hand.txt': lines('1', '7') });
  rig.backlog('f', { T1: patch });
  rig.answer('f/T1', { 'hand.txt': lines('1', 'X') });
  await rig.build();
  rig.write({ 'data/a.txt': 'b\n', 'hand.txt': lines('one', 'X') });
  expect((await rig.buildWithoutAgent()).outcomes()).toEqual({ 'f/T1': 'verified' });
  expect(rig.read('hand.txt')).toBe(lines('one', 'X'));
  rig.commit();
  rig.write({ 'data/a.txt': 'c\n', 'hand.txt': lines('one', 'seven X') });
  const conflict = await rig.build({ dryRun: true });
  expect(conflict.verdict('f/T1')).not.toHaveProperty('reverify');
});

test('it is off without gates of its own, where the spec or the config says so, and for what is forced', async () => {
  await using rig = await createRig({ config: { gates: { task: ['true'] } } });
  rig.write({ 'data/a.txt': 'a\n' });
  const tasks = (n: number) => ({
    OWN: user({ depends_on: [], outputs: ['1.txt'], verify: [`test -s 1.txt`] }),
    NEVER: user({ depends_on: [], outputs: ['2.txt'], verify: ['test -s 2.txt'], reverify: false }),
    BARE: user({ depends_on: [], outputs: ['3.txt'], verify: [] }),
    ALL: user({ depends_on: [], outputs: ['4.txt'], verify: [], reverify: true }),
    note: undefined,
    n,
  });
  const { OWN, NEVER, BARE, ALL } = tasks(1);
  rig.backlog('f', { OWN, NEVER, BARE, ALL });
  for (const [id, file] of [
    ['OWN', '1.txt'],
    ['NEVER', '2.txt'],
    ['BARE', '3.txt'],
    ['ALL', '4.txt'],
  ] as const)
    rig.answer(`f/${id}`, { [file]: 'text\n' });
  await rig.build();
  rig.write({ 'data/a.txt': 'b\n' });
  const tried = (story: Awaited<ReturnType<Rig['build']>>) =>
    ['OWN', 'NEVER', 'BARE', 'ALL'].filter((id) => 'reverify' in (story.verdict(`f/${id}`) ?? {}));
  expect(tried(await rig.buildWithoutAgent({ dryRun: true }))).toEqual(['OWN', 'ALL']);
  expect(tried(await rig.buildWithoutAgent({ dryRun: true, force: true }))).toEqual([]);
  rig.config = { ...rig.config, reverify: false };
  expect(tried(await rig.buildWithoutAgent({ dryRun: true }))).toEqual(['ALL']);
});

test('a reviewer looks at the former work again before it stands', async () => {
  await using rig = await createRig({ config: { review: true, attempts: 1 } });
  const judged = (verdict: 'accept' | 'reject') => ({
    'REVIEW.json': JSON.stringify({
      verdict,
      criteria: [{ criterion: 'It uses the word', met: verdict === 'accept' }],
      findings: verdict === 'accept' ? [] : [{ severity: 'major', what: 'not with this data' }],
    }),
  });
  rig.write({ 'data/a.txt': 'a\n' });
  rig.backlog('f', { T1: user({ depends_on: [], verify: ['test -s out.txt'] }) });
  rig.answer('f/T1', { 'out.txt': 'word\n' });
  rig.answer('f/T1@review', judged('accept'));
  await rig.build();
  rig.write({ 'data/a.txt': 'b\n' });
  const second = await rig.build();
  expect([second.outcomes(), asked(second)]).toEqual([{ 'f/T1': 'verified' }, ['f/T1@review']]);
  expect(second.agent.runs[0]?.prompt).toContain('+word');
  rig.write({ 'data/a.txt': 'c\n' });
  rig.answer('f/T1@review', ({ prompt }) => judged(prompt.includes('+better') ? 'accept' : 'reject'));
  rig.answer('f/T1', { 'out.txt': 'better\n' });
  const third = await rig.build();
  expect(third.outcomes()).toEqual({ 'f/T1': 'built' });
  expect(asked(third)).toEqual(['f/T1@review', 'f/T1', 'f/T1@review']);
  expect(third.agent.runs[1]?.prompt).toContain('not with this data');
});

test('what a review without a judgement has cost is in the sum of the build', async () => {
  await using rig = await createRig({ config: { review: true, attempts: 1 } });
  const accepts = {
    verdict: 'accept',
    criteria: [{ criterion: 'It uses the word', met: true }],
    findings: [],
  };
  rig.write({ 'data/a.txt': 'a\n' });
  rig.backlog('f', { T1: user({ depends_on: [], verify: ['test -s out.txt'] }) });
  rig.answer('f/T1', { 'out.txt': 'word\n' });
  rig.answer('f/T1@review', { 'REVIEW.json': JSON.stringify(accepts) });
  await rig.build();
  rig.write({ 'data/a.txt': 'b\n' });
  rig.answer('f/T1@review', { 'REVIEW.json': 'no judgement' });
  const second = await rig.build({}, { usage: { tokensIn: 10, costUsd: 0.5 } });
  expect(second.outcomes()).toEqual({ 'f/T1': 'failed' });
  expect(second.failure('f/T1')?.kind).toBe('review-failed');
  const sessions = asked(second).length;
  expect(sessions).toBeGreaterThan(0);
  expect(second.summary.usage).toEqual({ tokensIn: 10 * sessions, costUsd: 0.5 * sessions });
});

test('an accepted edit stands as a former result does, and stays an edit', async () => {
  await using rig = await builtRig();
  rig.write({ 'out.txt': 'wor\n' });
  expect((await rig.buildWithoutAgent({ accept: true, targets: ['f/T2'] })).outcomes()).toMatchObject({
    'f/T2': 'accepted',
  });
  rig.write({ 'data/a.txt': 'b\n' });
  expect((await rig.buildWithoutAgent()).outcomes()).toEqual({ 'f/T1': 'fresh', 'f/T2': 'verified' });
  expect(rig.read('out.txt')).toBe('wor\n');
  expect((await blamed(rig, 'out.txt'))?.making).toMatchObject({ recipe: 'accepted' });
  // The task's own words change: the edit is carried onto what is built then.
  rig.backlog('f', { T1: lib(), T2: user({ description: 'Use it well.' }) });
  rig.answer('f/T2', { 'out.txt': 'ord\n' });
  expect((await rig.build()).outcomes()['f/T2']).toBe('built');
});
