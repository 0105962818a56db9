/** A reviewer's say in builds: what it is shown, what a rejection does, and that its silence is no approval. */

import { expect, test } from 'vitest';
import { createRig, type Rig } from '../rig/rig.js';

const task = (more: object = {}) => ({
  description: 'The secret wish of the one who asks.',
  acceptance: ['It says good'],
  inputs: [],
  outputs: ['one.txt'],
  verify: ['test -s one.txt'],
  ...more,
});

type Judgement = 'accept' | 'reject';
const judged = (verdict: Judgement, more: object = {}) => ({
  'REVIEW.json': JSON.stringify({
    verdict,
    criteria: [{ criterion: 'It says good', met: verdict === 'accept' }],
    findings:
      verdict === 'accept' ? [] : [{ severity: 'major', file: 'one.txt', line: 1, what: 'it says bad' }],
    ...more,
  }),
});
const asked = (rig: Awaited<ReturnType<Rig['build']>>) =>
  rig.agent.runs.map(({ label, attempt }) => `${label} ${attempt}`);

test('a rejection is evidence for the next attempt, and an approval lets the work stand', async () => {
  await using rig = await createRig({ config: { review: true } });
  rig.backlog('f', { T1: task() });
  rig.answer('f/T1', ({ attempt }) => ({ 'one.txt': attempt === 1 ? 'bad\n' : 'good\n' }));
  const prompts: string[] = [];
  rig.answer('f/T1@review', ({ prompt }) => {
    prompts.push(prompt);
    return judged(prompt.includes('+good') ? 'accept' : 'reject');
  });
  const built = await rig.build({}, { usage: { tokensIn: 10 } });
  expect(built.outcomes()).toEqual({ 'f/T1': 'built' });
  expect(asked(built)).toEqual(['f/T1 1', 'f/T1@review 1', 'f/T1 2', 'f/T1@review 1']);
  expect(prompts[0]).toContain('It says good');
  expect(prompts[0]).toContain('+bad');
  expect(prompts[0]).toContain('secret wish');
  expect(built.of('task.attempt-failed')).toMatchObject([
    {
      attempt: 1,
      failure: {
        kind: 'review-rejected',
        findings: [
          { severity: 'blocker', what: 'not met: It says good' },
          { severity: 'major', file: 'one.txt', line: 1, what: 'it says bad' },
        ],
      },
    },
  ]);
  expect(built.agent.runs[2]?.prompt).toContain('major: one.txt:1: it says bad');
  expect(built.of('agent.finished').filter(({ phase }) => phase === 'review').length).toBeGreaterThan(0);
  expect(built.summary.usage).toEqual({ tokensIn: 40 });
  expect((await rig.buildWithoutAgent()).ran()).toEqual([]);
});

test('what the store has is not reviewed again', async () => {
  await using rig = await createRig({ config: { review: true } });
  rig.backlog('f', { T1: task() });
  rig.answer('f/T1', { 'one.txt': 'good' });
  rig.answer('f/T1@review', judged('accept'));
  await rig.build();
  rig.remove('one.txt', 'specs/f/.metadata.json');
  const again = await rig.buildWithoutAgent();
  expect(again.outcomes()).toEqual({ 'f/T1': 'cached' });
});

test('a rejection is not replayed for the same work when the task, its gates or the files around it have changed', async () => {
  await using rig = await createRig({ config: { review: true, attempts: 1 } });
  const gate = (run: string) => ({ verify: [{ run, inputs: ['hint.txt'] }] });
  rig.write({ 'hint.txt': 'one\n' });
  rig.backlog('f', { T1: task(gate('test -s one.txt')) });
  rig.answer('f/T1', { 'one.txt': 'good' });
  rig.answer('f/T1@review', judged('reject'));
  const both = ['f/T1 1', 'f/T1@review 1'];
  const first = await rig.build();
  expect([first.failure('f/T1')?.kind, asked(first)]).toEqual(['review-rejected', both]);
  // The very same task: the rejection stands without a second review.
  expect(asked(await rig.build())).toEqual(['f/T1 1']);
  rig.write({ 'hint.txt': 'two\n' });
  expect(asked(await rig.build())).toEqual(both);
  rig.backlog('f', { T1: task(gate('test -e one.txt')) });
  expect(asked(await rig.build())).toEqual(both);
  rig.backlog('f', { T1: task({ description: 'The same words are right now.' }) });
  rig.answer('f/T1@review', judged('accept'));
  const again = await rig.build();
  expect(asked(again)).toEqual(both);
  expect(again.outcomes()).toEqual({ 'f/T1': 'built' });
});

test('a task says for itself whether it is reviewed', async () => {
  await using rig = await createRig();
  rig.backlog('f', { T1: task({ review: true }), T2: task({ outputs: ['two.txt'], verify: [] }) });
  rig.answer('f/T1', { 'one.txt': 'good' });
  rig.answer('f/T2', { 'two.txt': 'good' });
  rig.answer('f/T1@review', judged('accept'));
  expect(asked(await rig.build()).sort()).toEqual(['f/T1 1', 'f/T1@review 1', 'f/T2 1']);
  const keys = JSON.parse(rig.read('specs/f/.metadata.json') ?? '').tasks.T1.key;
  rig.backlog('f', { T1: task(), T2: task({ outputs: ['two.txt'], verify: [] }) });
  expect(await rig.inspect()).toEqual({ 'f/T1': 'fresh', 'f/T2': 'fresh' });
  expect(JSON.parse(rig.read('specs/f/.metadata.json') ?? '').tasks.T1.key).toBe(keys);
});

test.each<[string, object]>([
  ['gives no answer', {}],
  ['answers what is no judgement', { 'REVIEW.json': '{"verdict":"fine"}' }],
  ['approves what it finds fault with', judged('accept', { criteria: [{ criterion: 'x', met: false }] })],
  ['changes the work instead', { 'one.txt': 'better', 'two.txt': 'more' }],
])('a reviewer that %s approves nothing, and costs no attempt', async (_what, answer) => {
  await using rig = await createRig({ config: { review: true, attempts: 2 } });
  rig.backlog('f', { T1: task() });
  rig.answer('f/T1', { 'one.txt': 'good' });
  rig.answer('f/T1@review', answer as Record<string, string>);
  const built = await rig.build();
  expect(built.failure('f/T1')).toMatchObject({ kind: 'review-failed' });
  expect(asked(built)).toEqual(['f/T1 1', 'f/T1@review 1', 'f/T1@review 2']);
  expect(rig.read('one.txt')).toBeUndefined();
});

test('a reviewer spends the budget of its task', async () => {
  await using rig = await createRig({ config: { review: true } });
  rig.backlog('f', { T1: task({ budget: { tokens: 15 } }) });
  rig.answer('f/T1', { 'one.txt': 'good' });
  rig.answer('f/T1@review', judged('accept'));
  const built = await rig.build({}, { usage: { tokensIn: 10 } });
  expect(built.failure('f/T1')).toMatchObject({ kind: 'budget-exceeded', scope: 'task', spent: 20 });
});

test('no reviewer is asked about work that its gates refuse', async () => {
  await using rig = await createRig({ config: { review: true, attempts: 1 } });
  rig.backlog('f', { T1: task({ verify: ['false'] }) });
  rig.answer('f/T1', { 'one.txt': 'good' });
  const built = await rig.build();
  expect(built.failure('f/T1')).toMatchObject({ kind: 'gate-failed' });
  expect(asked(built)).toEqual(['f/T1 1']);
});

test('an approval that judges no criterion, or not all of them, is none', async () => {
  await using rig = await createRig({ config: { review: true, attempts: 1 } });
  rig.backlog('f', { T1: task({ acceptance: ['It says good', 'It ends with a line break'] }) });
  rig.answer('f/T1', { 'one.txt': 'good\n' });
  const good = { criterion: 'It says good', met: true };
  const cases: [unknown[], string][] = [
    [[], 'judges 0 of 2 criteria'],
    [[good], 'not among them: It ends with a line break'],
    [[good, { ...good, criterion: 'it says “good”.' }], 'judges 1 of 2'],
  ];
  for (const [criteria, reason] of cases) {
    rig.answer('f/T1@review', judged('accept', { criteria }));
    const built = await rig.build();
    expect(JSON.stringify(built.failure('f/T1'))).toContain(reason);
  }
  const both = [good, { criterion: 'It ends with a line break.', met: true }];
  rig.answer('f/T1@review', judged('accept', { criteria: both }));
  expect((await rig.build()).outcomes()).toEqual({ 'f/T1': 'built' });
});
