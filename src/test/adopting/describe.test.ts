/** Descriptions of adopted code: drafted from the code, refused or accepted by the reviewer, and then regenerated from. */

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import type { Agent } from '../../agent/agent.js';
import type { AgentDefinition } from '../../agent/prompts/definitions.js';
import { ScriptedAgent } from '../../agent/scripted-agent.js';
import { describeAdoption } from '../../commands/adopt/describe.js';
import { regenerate } from '../../commands/regenerate/regenerate.js';
import { createRig, type Rig } from '../rig/rig.js';
import { adoptIn, told } from './adopting-rig.js';

const CODE = {
  'src/money.ts': 'export const cents = (euros: number) => euros * 100;\n',
  'src/money.test.ts': "import { cents } from './money.js';\ncents(1);\n",
  'src/shop.ts': "import { cents } from './money.js';\nexport const price = cents(2);\n",
};

const ACCEPTED = (criteria: readonly string[]) => ({
  'REVIEW.json': JSON.stringify({
    verdict: 'accept',
    criteria: criteria.map((criterion) => ({ criterion, met: true, where: 'src' })),
    findings: [],
  }),
});

function describeIn(rig: Rig, agent: ScriptedAgent & Pick<Agent, 'useDefinitions'>) {
  const request = {
    paths: ['src'],
    as: 'code',
    detectsGates: true,
    wait: true,
    command: 'conductor adopt',
    budgetUsd: undefined,
  };
  return told((on, signal) => describeAdoption(rig.host(agent), request, on, signal));
}

test('a draft that the reviewer rejects is written again; accepted drafts are asked for once and become the spec', async () => {
  await using rig = await createRig({ config: { attempts: 2, workers: 1 } });
  rig.write(CODE);
  const before = rig.files();
  const names = new Set<string | undefined>();
  const known: string[] = [];
  const scripted = new ScriptedAgent({
    auto: ({ label, cwd, prompt, attempt, agentName }) => {
      names.add(agentName);
      if (label.endsWith('@review')) {
        if (!prompt.includes('1000'))
          return ACCEPTED([prompt.includes('cents') ? 'cents(1) is 100' : 'price is 200']);
        const criteria = [{ criterion: 'cents(1) is 1000', met: false, where: 'src/money.ts:1' }];
        return { 'REVIEW.json': JSON.stringify({ verdict: 'reject', criteria, findings: [] }) };
      }
      expect(existsSync(join(cwd, 'src/money.ts'))).toBe(true);
      if (label === 'code/shop@describe')
        return {
          'DESCRIPTION.json': JSON.stringify({ description: 'The price.', acceptance: ['price is 200'] }),
        };
      const acceptance = [attempt === 1 ? 'cents(1) is 1000' : 'cents(1) is 100'];
      return {
        'DESCRIPTION.json': JSON.stringify({
          description: 'Euros to cents.',
          acceptance,
          gotchas: ['No {{rounding}}.'],
        }),
      };
    },
  });
  const useDefinitions = (all: ReadonlyMap<string, AgentDefinition>) => known.push(...all.keys());
  const agent = Object.assign(scripted, { useDefinitions });
  const { done } = await describeIn(rig, agent);
  if (!done.ok) throw new Error(JSON.stringify(done.error));
  expect(agent.runs.map(({ label }) => label)).toEqual([
    'code/money@describe',
    'code/money@review',
    'code/money@describe',
    'code/money@review',
    'code/shop@describe',
    'code/shop@review',
  ]);
  // The implementer would begin to build the task; and no task was an agent's when the drafting began.
  expect([...names]).toEqual(['documenter', 'reviewer']);
  expect(known).toEqual(expect.arrayContaining([...names]));
  expect(agent.runs[2]?.prompt).toContain('not met: cents(1) is 1000');
  expect(rig.files()).toEqual(before);
  // The same again costs nothing.
  const silent = Object.assign(new ScriptedAgent({ tripwire: true }), { useDefinitions });
  expect((await describeIn(rig, silent)).done).toEqual(done);

  const { described } = done.value;
  expect((await adoptIn(rig, ['src'], { as: 'code', described })).failure).toBeUndefined();
  const { tasks } = parse(rig.read('specs/code/BACKLOG.yaml') ?? '');
  expect(tasks[0]).toMatchObject({
    description: 'Euros to cents.',
    acceptance: ['cents(1) is 100'],
    context: { gotchas: ['No { {rounding}}.'] },
  });
  expect((await rig.buildWithoutAgent()).summary.outcome).toBe('up-to-date');
});

test('the agent definitions and prompts of a project without tasks of agents are used', async () => {
  await using rig = await createRig({ config: { attempts: 1 } });
  const definition = (model: string) =>
    `---\ndescription: Ours\nmode: primary\nmodel: ${model}\npermission: { edit: allow }\n---\nAs we do it.\n`;
  rig.write({
    'src/money.ts': CODE['src/money.ts'],
    '.opencode/agent/documenter.md': definition('p/writer'),
    '.opencode/agent/reviewer.md': definition('p/judge'),
    'prompts/describing.md': 'OUR PROMPT for {{label}}: write {{output}}\n',
  });
  rig.backlog('made', { T1: { inputs: [], outputs: ['a.txt'], run: 'echo a > a.txt' } });
  const agent = new ScriptedAgent({
    auto: ({ label }): Record<string, string> =>
      label.endsWith('@review')
        ? ACCEPTED(['cents(1) is 100'])
        : { 'DESCRIPTION.json': JSON.stringify({ description: 'Euros.', acceptance: ['cents(1) is 100'] }) },
  });
  const known: string[] = [];
  const useDefinitions = (all: ReadonlyMap<string, AgentDefinition>) => {
    known.push(...all.keys());
  };
  const { done } = await describeIn(rig, Object.assign(agent, { useDefinitions }));
  if (!done.ok) throw new Error(JSON.stringify(done.error));
  expect(done.value.described.size).toBe(1);
  expect(agent.runs.map(({ model }) => model)).toEqual(['p/writer', 'p/judge']);
  expect(agent.runs[0]?.prompt).toContain('OUR PROMPT for code/money');
  expect(known).toContain('reviewer');
});

test('a task that nobody can describe keeps its plain words, and a provider that refuses ends the drafting', async () => {
  await using rig = await createRig({ config: { attempts: 1 } });
  rig.write(CODE);
  const unable = new ScriptedAgent({ auto: () => ({ 'DESCRIPTION.json': '{}' }) });
  const { done, warnings } = await describeIn(rig, unable);
  expect(done).toMatchObject({ ok: true, value: { described: new Map() } });
  expect(warnings).toHaveLength(2);
  const refused = {
    kind: 'provider-refused',
    provider: 'p',
    detail: 'no key',
    output: { tail: '' },
  } as const;
  const { done: ended } = await describeIn(rig, new ScriptedAgent({ auto: () => refused }));
  expect(ended).toMatchObject({ ok: false, error: { kind: 'provider-refused' } });
});

test('regenerate shows how far the spec of adopted code carries', async () => {
  await using rig = await createRig();
  rig.write(CODE);
  await adoptIn(rig, ['src'], { as: 'code' });
  const again = async (agent: ScriptedAgent, fresh: boolean) => {
    const options = {
      targets: ['code'],
      fresh,
      runs: 1,
      apply: false,
      workers: undefined,
      wait: true,
      command: 'conductor regenerate',
    };
    const { done } = await told((on, signal) => regenerate(rig.host(agent), options, on, signal));
    if (!done.ok) throw new Error(JSON.stringify(done.error));
    return done.value.report.tasks.map(({ label, source, identical }) => [label, source, identical]);
  };
  expect(await again(new ScriptedAgent({ tripwire: true }), false)).toEqual([
    ['code/money', 'store', true],
    ['code/shop', 'store', true],
  ]);
  const writer = new ScriptedAgent({
    auto: ({ label, cwd }) => {
      expect(existsSync(join(cwd, label === 'code/money' ? 'src/money.ts' : 'src/shop.ts'))).toBe(false);
      return label === 'code/money'
        ? { 'src/money.ts': CODE['src/money.ts'], 'src/money.test.ts': 'new\n' }
        : { 'src/shop.ts': CODE['src/shop.ts'] };
    },
  });
  expect(await again(writer, true)).toEqual([
    ['code/money', 'made', false],
    ['code/shop', 'made', true],
  ]);
  expect(rig.read('src/money.test.ts')).toBe(CODE['src/money.test.ts']);
});
