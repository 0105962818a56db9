/** An edit by hand becomes words of the spec, and the edited files its result. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { AgentRequest } from '../../agent/agent.js';
import { ScriptedAgent } from '../../agent/scripted-agent.js';
import {
  type Absorption,
  applyAbsorption,
  type Proposal,
  proposeAbsorption,
  readDraft,
} from '../../commands/absorb/absorb.js';
import type { BuildEvent } from '../../model/event.js';
import { createRig, type Rig } from '../rig/rig.js';

const SPEC = `# What the shop is about.
title: Shop

tasks:
  - id: T1          # the first one
    title: Greets
    description: >
      Greets people
      by their name.
    acceptance:
      - It says hello.    # in English
      - "It ends with a dot."
    inputs: []
    outputs: [ a.txt ]   # one file
    verify: ["grep -q hello a.txt"]

  # More to come.
`;

async function edited(
  spec = SPEC,
  file = 'specs/f/BACKLOG.yaml',
  more: Record<string, string> = {},
): Promise<Rig> {
  const rig = await createRig();
  rig.config = { ...rig.config, attempts: 2 };
  rig.write({ [file]: spec, ...more });
  const label = file.endsWith('.spec.md') ? 'f/main' : 'f/T1';
  rig.answer(label, { 'a.txt': 'hello Ada.\n' });
  expect((await rig.build()).outcomes()).toEqual({ [label]: 'built' });
  rig.write({ 'a.txt': 'hello Ada!\n' });
  return rig;
}

interface Asked {
  readonly found: Awaited<ReturnType<typeof proposeAbsorption>>;
  readonly agent: ScriptedAgent;
}

async function ask(
  rig: Rig,
  answer: object | string | ((request: AgentRequest) => object),
  byHand = false,
  target = 'f',
): Promise<Asked> {
  const agent = new ScriptedAgent({
    auto: (request) => {
      const given = typeof answer === 'function' ? answer(request) : answer;
      return {
        'absorb.json': typeof given === 'string' ? given : JSON.stringify(given),
        'a.txt': 'changed by the agent',
      };
    },
  });
  const options = { target, byHand, wait: true, command: 'conductor absorb f/T1' };
  const found = await proposeAbsorption(rig.host(agent), options, () => {}, new AbortController().signal);
  return { found, agent };
}

function proposed({ found }: Asked): Proposal {
  if (!found.ok || found.value.kind !== 'proposed') throw new Error(JSON.stringify(found));
  return found.value.proposal;
}

async function apply(rig: Rig, proposal: Proposal, events: BuildEvent[] = []) {
  const agent = new ScriptedAgent({ tripwire: true });
  return applyAbsorption(rig.host(agent), proposal, {
    wait: true,
    on: (event) => events.push(event),
    signal: new AbortController().signal,
  });
}

test('what the agent proposes changes its lines alone, and the edit passes as the result of the new spec', async () => {
  await using rig = await edited();
  const asked = await ask(rig, (request) => {
    expect(readFileSync(join(request.cwd, 'a.txt'), 'utf8')).toBe('hello Ada!\n');
    // The implementer would begin to build the task.
    expect(request.agentName).toBe('documenter');
    return {
      summary: 'It greets loudly.',
      acceptance: ['It says hello.', 'It ends with an exclamation mark.', 'It is short.'],
      gotchas: ['No dot.'],
    };
  });
  expect(asked.agent.runs[0]?.prompt).toContain('-hello Ada.\n+hello Ada!');
  expect(asked.agent.runs[0]?.prompt).toContain('- It ends with a dot.');
  const proposal = proposed(asked);
  expect(proposal.before).toBe(SPEC);
  const after = SPEC.replace(
    '      - "It ends with a dot."\n',
    '      - It ends with an exclamation mark.\n      - It is short.\n',
  );
  const inputs = '    inputs: []\n';
  expect(proposal.after).toBe(
    after.replace(inputs, `    context:\n      gotchas:\n        - No dot.\n${inputs}`),
  );
  // Nothing is written before somebody agrees; the agent's other writing is nobody's.
  expect(rig.read('specs/f/BACKLOG.yaml')).toBe(SPEC);
  expect(rig.read('a.txt')).toBe('hello Ada!\n');

  expect(await apply(rig, proposal)).toMatchObject({
    ok: true,
    value: { exitCode: 0, counts: { accepted: 1 } },
  });
  expect(rig.read('specs/f/BACKLOG.yaml')).toBe(proposal.after);
  expect(rig.read('a.txt')).toBe('hello Ada!\n');
  expect(await rig.inspect()).toEqual({ 'f/T1': 'fresh' });
  expect(rig.read('specs/f/.metadata.json')).toContain('"accepted"');
});

test('the prompts of a project without tasks of agents are used', async () => {
  await using rig = await createRig();
  rig.write({ 'prompts/absorbing.md': 'OUR PROMPT for {{label}}\n' });
  rig.backlog('f', { T1: { inputs: [], outputs: ['a.txt'], run: 'echo a > a.txt' } });
  await rig.build();
  rig.write({ 'a.txt': 'b\n' });
  const { agent } = await ask(rig, { summary: 'It says b.', acceptance: ['It says b.'] });
  expect(agent.runs[0]?.prompt).toContain('OUR PROMPT for f/T1');
});

test("a project's own prompt says which agent explains an edit", async () => {
  const shipped = await createRig();
  const text = (await shipped.host(new ScriptedAgent()).shippedPrompts()).get('absorbing.md') ?? '';
  await shipped[Symbol.asyncDispose]();
  const own = { 'prompts/absorbing.md': text.replace('agent: documenter', 'agent: reviewer') };
  await using rig = await edited(SPEC, 'specs/f/BACKLOG.yaml', own);
  const asked = await ask(rig, ({ agentName }) => ({ summary: 'Loud.', gotchas: [String(agentName)] }));
  expect(proposed(asked).after).toContain('- reviewer');
});

test('sections that the edit contradicts are shown to the agent, and named to the person', async () => {
  const spec = SPEC.replace('    inputs: []\n', '    inputs: []\n    spec_refs: ["PLAN.md#R1"]\n');
  const plan = '# Plan\n\n### R1 Greeting\n\nNo greeting shouts.\n\n### R2 Farewell\n\nShort.\n';
  await using rig = await edited(spec, 'specs/f/BACKLOG.yaml', { 'specs/f/PLAN.md': plan });
  const words = { summary: 'Loud.', gotchas: ['It shouts.'] };
  const contradicted = [{ ref: 'PLAN.md#R1', what: 'it says that no greeting shouts' }];
  const asked = await ask(rig, { ...words, contradicted });
  const prompt = asked.agent.runs[0]?.prompt ?? '';
  expect(prompt).toContain('### From PLAN.md#R1\n\n### R1 Greeting\n\nNo greeting shouts.');
  expect(prompt).not.toContain('Farewell');
  expect(prompt).toContain('"contradicted"');
  expect(proposed(asked)).toMatchObject({ summary: 'Loud.', contradicted });
  const made = await ask(rig, { ...words, contradicted: [{ ref: 'PLAN.md#R2', what: 'x' }] });
  expect(made.found).toMatchObject({ ok: false, error: { kind: 'agent-error' } });
});

test('a description is replaced whole, in a backlog and in a spec that is one file', async () => {
  await using rig = await edited();
  const words = { summary: 's', description: 'Greets people\nloudly.' };
  const { after } = proposed(await ask(rig, words));
  expect(after).toContain('    description: |\n      Greets people\n      loudly.\n    acceptance:');
  expect(after).toContain('# the first one');

  await using single = await edited(
    '---\nid: main # it\ninputs: []\noutputs: [a.txt]\n---\n\nGreets people.\n',
    'specs/f.spec.md',
  );
  const proposal = proposed(await ask(single, { summary: 's', description: 'Greets people loudly.' }));
  expect(proposal.after).toBe(
    '---\nid: main # it\ninputs: []\noutputs: [a.txt]\n---\n\nGreets people loudly.\n',
  );
  expect(await apply(single, proposal)).toMatchObject({ value: { exitCode: 0 } });
  expect(await single.inspect()).toEqual({ 'f/main': 'fresh' });
});

test('an edit that does not pass leaves the spec as it was', async () => {
  await using rig = await edited();
  rig.write({ 'a.txt': 'bye\n' });
  const proposal = proposed(await ask(rig, { summary: 's', acceptance: ['It says bye.'] }));
  const events: BuildEvent[] = [];
  expect(await apply(rig, proposal, events)).toMatchObject({ value: { exitCode: 1 } });
  expect(events).toContainEqual(expect.objectContaining({ type: 'task.finished', outcome: 'failed' }));
  expect(rig.read('specs/f/BACKLOG.yaml')).toBe(SPEC);
  expect(rig.read('a.txt')).toBe('bye\n');
  expect(await rig.inspect()).toEqual({ 'f/T1': 'drifted' });
});

test('a spec that was changed meanwhile is not overwritten', async () => {
  await using rig = await edited();
  const proposal = proposed(await ask(rig, { summary: 's', acceptance: ['Other.'] }));
  rig.write({ 'specs/f/BACKLOG.yaml': `${SPEC}# mine\n` });
  expect(await apply(rig, proposal)).toMatchObject({ error: { kind: 'usage' } });
  expect(rig.read('specs/f/BACKLOG.yaml')).toBe(`${SPEC}# mine\n`);
});

test('an answer that is none is asked for again with what was wrong, and then refused', async () => {
  await using rig = await edited();
  let asked = 0;
  const late = await ask(rig, () =>
    asked++ === 0 ? { summary: '', outputs: ['b.txt'] } : { summary: 's', patterns: ['x'] },
  );
  expect(late.agent.runs).toHaveLength(2);
  expect(late.agent.runs[1]?.prompt).toContain('outputs');
  expect(proposed(late).after).toContain('patterns:');
  const never = await ask(rig, '{ "summary": ');
  expect(never.found).toMatchObject({ error: { kind: 'agent-error' } });
  expect(never.agent.runs).toHaveLength(2);
  const nothing = await ask(rig, {
    summary: 'all is said',
    acceptance: ['It says hello.', 'It ends with a dot.'],
  });
  expect(nothing.found).toMatchObject({ error: { kind: 'agent-error' } });
  expect(rig.read('specs/f/BACKLOG.yaml')).toBe(SPEC);
});

test('only a task with an edit is absorbed', async () => {
  await using rig = await edited();
  rig.write({ 'a.txt': 'hello Ada.\n' });
  expect((await ask(rig, {})).found).toMatchObject({ error: { kind: 'usage' } });
  expect((await ask(rig, {}, false, 'f/T7')).found).toMatchObject({ error: { kind: 'unknown-target' } });
});

test('a person finds the words in a draft that shows the edit', async () => {
  await using rig = await edited();
  const { found, agent } = await ask(rig, {}, true);
  expect(agent.runs).toEqual([]);
  if (!found.ok || found.value.kind !== 'draft') throw new Error(JSON.stringify(found));
  const absorption: Extract<Absorption, { kind: 'draft' }> = found.value;
  const path = absorption.draft.slice(rig.dir.length + 1);
  expect(path).toBe('.conductor/absorb/f~T1/BACKLOG.yaml');
  const draft = rig.read(path) ?? '';
  expect(draft).toContain('# +hello Ada!');
  // Left as it is, it is the spec.
  expect(await readDraft(absorption)).toMatchObject({ value: { before: SPEC, after: SPEC } });
  rig.write({ [path]: draft.replace('It says hello.', 'It says hello!') });
  const read = await readDraft(absorption);
  expect(read).toMatchObject({ value: { after: SPEC.replace('It says hello.', 'It says hello!') } });
  rig.write({ [path]: draft.replace('title: Greets', 'titel: Greets') });
  expect(await readDraft(absorption)).toMatchObject({ error: { kind: 'invalid-specs' } });
  expect(rig.read(path)).toContain('titel');
});
