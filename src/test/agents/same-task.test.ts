/** Changes of a key after which an agent would be asked for the same: nothing is paid for them. */

import { expect, test } from 'vitest';
import { ScriptedAgent } from '../../agent/scripted-agent.js';
import { inspect } from '../../build/dry-run.js';
import { describeVerdict } from '../../report/verdict.js';
import { adoptIn } from '../adopting/adopting-rig.js';
import { createRig, type Rig, shipped } from '../rig/rig.js';

const everything = { targets: [], force: false, discardEdits: false };
const asked = ({ agent }: Awaited<ReturnType<Rig['build']>>) => agent.runs.map(({ label }) => label);

const one = (more: object = {}) => ({
  description: 'Write two files about the numbers.',
  acceptance: ['It has a name', 'It has a number'],
  inputs: ['a.txt', 'b.txt'],
  outputs: ['src/one.txt', 'src/two.txt'],
  ...more,
});

async function builtRig(more: object = {}): Promise<Rig> {
  const rig = await createRig();
  rig.write({ 'a.txt': 'a\n', 'b.txt': 'b\n' });
  rig.backlog('f', { T1: one(more) });
  rig.answer('f/T1', { 'src/one.txt': '1\n', 'src/two.txt': '2\n' });
  await rig.build();
  return rig;
}

async function said(rig: Rig, agent = new ScriptedAgent({ tripwire: true })) {
  const looked = await inspect(rig.host(agent), everything, async ({ tasks }) =>
    tasks.map(({ verdict }) => describeVerdict(verdict)),
  );
  return looked.ok ? looked.value : looked.error;
}

/** Another version of conductor, with other words in its prompts. */
function reword(rig: Rig): void {
  const text = shipped('prompts').get('partials/rules.md') ?? '';
  rig.reworded.prompts.set(
    'partials/rules.md',
    `${text}\n- Be as brief as you can (${rig.reworded.prompts.size}).\n`,
  );
  rig.version = `${rig.version}1`;
}

const STANDS = 'stale: its former result stands if its gates pass; no model is called then';

test('the order of lists and white space say nothing new, and no gate is needed for that', async () => {
  await using rig = await builtRig();
  const orders = [
    [{ inputs: ['b.txt', 'a.txt'] }, 'the order of its lists'],
    [{ outputs: ['src/two.txt', 'src/one.txt'] }, 'outputs'],
    [{ description: 'Write two files\nabout the   numbers.' }, 'the wording of its prompt'],
    [{ acceptance: ['It has a number', 'It has a name'] }, 'the wording of its prompt'],
  ] as const;
  let task = {};
  for (const [more, what] of orders) {
    task = { ...task, ...more };
    rig.backlog('f', { T1: one(task) });
    expect(await said(rig)).toEqual([`${STANDS} (changed: ${what})`]);
    expect((await rig.buildWithoutAgent()).outcomes()).toEqual({ 'f/T1': 'verified' });
  }
  rig.backlog('f', { T1: one({ ...task, description: 'Write three files about the numbers.' }) });
  expect(await said(rig)).toEqual(['stale: changed: prompt']);
});

test("another version's prompts and agent definitions make no result of it stale; a project's own do", async () => {
  await using rig = await createRig();
  const agent = (tripwire: boolean) =>
    Object.assign(new ScriptedAgent(tripwire ? { tripwire } : { auto: rig.answerer() }), {
      useDefinitions: () => {},
    });
  rig.write({ 'a.txt': 'a\n', 'b.txt': 'b\n' });
  rig.backlog('f', { T1: one() });
  rig.answer('f/T1', { 'src/one.txt': '1\n', 'src/two.txt': '2\n' });
  rig.by = agent(false);
  await rig.build();
  rig.by = agent(true);
  reword(rig);
  const definition = shipped('.opencode/agent').get('implementer.md') ?? '';
  rig.reworded.agents.set('implementer.md', `${definition}\nBe brief.\n`);
  const upgraded = await rig.buildWithoutAgent();
  expect(upgraded.outcomes()).toEqual({ 'f/T1': 'verified' });
  expect(upgraded.of('task.reverified')).toMatchObject([{ against: ['agent'] }]);

  rig.by = agent(false);
  rig.write({ '.opencode/agent/implementer.md': `${definition}\nUse numbers only.\n` });
  rig.answer('f/T1', { 'src/one.txt': '11\n', 'src/two.txt': '2\n' });
  expect((await rig.build()).outcomes()).toEqual({ 'f/T1': 'built' });
  rig.write({ 'prompts/partials/rules.md': '- Use words only.\n' });
  rig.answer('f/T1', { 'src/one.txt': 'one\n', 'src/two.txt': '2\n' });
  expect((await rig.build()).outcomes()).toEqual({ 'f/T1': 'built' });
  // Its own text stands where conductor's has changed again.
  reword(rig);
  expect((await rig.build()).summary.outcome).toBe('up-to-date');
});

test("a task that is given to another agent is built by it, also where both are conductor's own", async () => {
  await using rig = await createRig();
  const agent = () =>
    Object.assign(new ScriptedAgent({ auto: rig.answerer() }), { useDefinitions: () => {} });
  rig.write({ 'a.txt': 'a\n', 'b.txt': 'b\n' });
  rig.backlog('f', { T1: one() });
  rig.answer('f/T1', { 'src/one.txt': '1\n', 'src/two.txt': '2\n' });
  rig.by = agent();
  await rig.build();
  rig.backlog('f', { T1: one({ agent: 'documenter' }) });
  rig.answer('f/T1', { 'src/one.txt': '11\n', 'src/two.txt': '2\n' });
  expect((await rig.build()).outcomes()).toEqual({ 'f/T1': 'built' });
  expect(rig.read('src/one.txt')).toBe('11\n');
});

test('adopted code stands with another version, and stays what a person wrote', async () => {
  await using rig = await createRig();
  rig.write({ 'src/a.py': 'A = 1\n', 'src/b.py': 'from .a import A\nB = A\n' });
  rig.commit();
  await adoptIn(rig, ['src'], { as: 'code', detectsGates: false });
  reword(rig);
  expect((await rig.buildWithoutAgent()).outcomes()).toEqual({ 'code/a': 'verified', 'code/b': 'verified' });
  expect(rig.read('specs/code/.metadata.json')).toContain('handWork');
});

test('outputs by other patterns, and inputs and dependencies that go, are for the gates of the task to judge', async () => {
  const verify = ['test -s src/one.txt'];
  await using rig = await createRig();
  rig.write({ 'a.txt': 'a\n', 'b.txt': 'b\n' });
  const need = { run: 'echo need > need.txt', inputs: [], outputs: ['need.txt'] };
  rig.backlog('f', { T0: need, T1: one({ verify, depends_on: ['T0'] }) });
  rig.answer('f/T1', { 'src/one.txt': '1\n', 'src/two.txt': '2\n' });
  await rig.build();
  rig.backlog('f', { T1: one({ verify }) });
  expect((await rig.buildWithoutAgent()).outcomes()).toEqual({ 'f/T1': 'verified' });
  const steps = [
    { outputs: ['src/*.txt'] },
    { outputs: ['src/one.txt', 'src/t*.txt'] },
    { inputs: ['a.txt'] },
  ];
  for (const more of steps) {
    rig.backlog('f', { T1: one({ ...more, verify }) });
    expect((await rig.buildWithoutAgent()).outcomes()).toEqual({ 'f/T1': 'verified' });
  }
  // Without the file no pattern of today would name it; a new input is a new word of the task.
  for (const more of [
    { outputs: ['src/one.txt'] },
    { outputs: ['src/*.txt', 'more.txt'] },
    { inputs: ['a.txt', 'c.txt'] },
  ]) {
    rig.backlog('f', { T1: one({ ...more, verify }) });
    const [verdict] = (await said(rig)) as string[];
    expect(verdict).toMatch(/^stale: changed: /);
  }
  rig.backlog('f', { T1: one({ outputs: ['src/*e.txt', 'src/two.txt'] }) });
  rig.answer('f/T1', { 'src/one.txt': '11\n', 'src/two.txt': '2\n' });
  expect(asked(await rig.build())).toEqual(['f/T1']);
});

test('the order of outputs says something where one of them is an exclude', async () => {
  const [all, some, exclude] = ['src/*.txt', 'src/t*.txt', '!src/two.*'];
  const [ten, two] = [
    { outputs: [all, some, exclude], files: { 'src/one.txt': '1\n', 'src/ten.txt': '10\n' } },
    {
      outputs: [all, exclude, some],
      files: { 'src/one.txt': '1\n', 'src/ten.txt': '10\n', 'src/two.txt': '2\n' },
    },
  ];
  for (const [before, after] of [
    [ten, two],
    [two, ten],
  ] as const) {
    await using rig = await createRig();
    rig.write({ 'a.txt': 'a\n', 'b.txt': 'b\n' });
    rig.backlog('f', { T1: one({ outputs: before.outputs }) });
    rig.answer('f/T1', before.files);
    await rig.build();
    rig.backlog('f', { T1: one({ outputs: after.outputs }) });
    expect(await said(rig)).toEqual(['stale: changed: prompt, outputs']);
  }
});
