/** A plan that needs a change in another feature proposes it: shown, agreed to, and written with every comment kept. */

import { expect, test } from 'vitest';
import { ScriptedAgent } from '../../agent/scripted-agent.js';
import { applyChanges, proposedChanges } from '../../commands/plan/feature-changes.js';
import { validateProject } from '../../commands/validate.js';
import { elsewhereText } from '../../report/backlog.js';
import { plainStyle } from '../../report/style.js';
import { planWithoutAgent, runPlan } from '../rig/planning-rig.js';
import { createRig, type Rig } from '../rig/rig.js';

const HTTP = `# The server.
tasks:
  - id: T1 # first
    description: Route requests.
    acceptance:
      - It answers. # seen from outside
    inputs: [src/app.ts]
    outputs: [http.ts]
`;
const OWN = `tasks:
  - id: T1
    description: Count requests.
    inputs: []
    outputs: [limit.ts]
    depends_on: [http/T1]
`;
const CHANGES = `changes:
  - task: http/T1
    because: the limit belongs into its router
    acceptance: [A 101st request gets 429.]
    inputs: [README.md]
`;

async function project(): Promise<Rig> {
  const rig = await createRig({ config: { gates: { build: ['true'] } } });
  rig.write({
    'src/app.ts': 'export function app() {}\n',
    'README.md': 'x\n',
    'specs/http/BACKLOG.yaml': HTTP,
    'specs/f/REQUEST.md': '# Limits\n\nLimit requests.\n',
  });
  rig.answer('http/T1', { 'http.ts': 'one' });
  rig.answer('f/T1', { 'limit.ts': 'one' });
  await rig.build();
  return rig;
}

test('a proposed change has no effect until it is applied; then its task is built again and the plan still stands', async () => {
  await using rig = await project();
  const host = rig.host(new ScriptedAgent({ tripwire: true }));
  const planned = await runPlan(rig, { backlog: OWN + CHANGES });
  expect(planned.summary.exitCode).toBe(0);
  expect(rig.read('specs/f/BACKLOG.yaml')).toBe(OWN + CHANGES);
  expect(rig.read('specs/http/BACKLOG.yaml')).toBe(HTTP);
  const open = await proposedChanges(host, 'f');
  if (!open.ok) throw new Error(JSON.stringify(open.error));
  expect(open.value).toMatchObject({
    policy: 'ask',
    changes: [
      {
        feature: 'f',
        task: 'http/T1',
        because: 'the limit belongs into its router',
        file: 'specs/http/BACKLOG.yaml',
      },
    ],
  });
  expect(open.value.changes[0]?.diff).toContain('\n+      - A 101st request gets 429.\n');
  const checked = await validateProject(host);
  expect(checked.ok && checked.value.warnings).toMatchObject([
    { file: 'specs/f/BACKLOG.yaml', message: 'it proposes a change of http/T1 that is not applied' },
  ]);

  const applied = await applyChanges(host, 'f', {
    command: 'test',
    wait: false,
    signal: new AbortController().signal,
  });
  expect(applied.ok && applied.value).toEqual(open.value.changes);
  expect(rig.read('specs/http/BACKLOG.yaml')).toBe(
    HTTP.replace('# seen from outside\n', '# seen from outside\n      - A 101st request gets 429.\n').replace(
      ' [src/app.ts]',
      '\n      - src/app.ts\n      - README.md',
    ),
  );
  expect(rig.read('specs/f/BACKLOG.yaml')).toBe(OWN);
  const none = await proposedChanges(host, undefined);
  expect(none.ok && none.value.changes).toEqual([]);

  const prompts: string[] = [];
  rig.answer('http/T1', ({ prompt }) => {
    prompts.push(prompt);
    return { 'http.ts': 'two' };
  });
  const built = await rig.build();
  expect(built.outcomes()).toEqual({ 'http/T1': 'built', 'f/T1': 'built' });
  expect(prompts[0]).toContain('A 101st request gets 429.');
  expect((await planWithoutAgent(rig)).summary.outcome).toBe('up-to-date');
  expect(rig.read('specs/f/BACKLOG.yaml')).toBe(OWN);
});

test('a plan may change no task that is not there, and its own tasks where they stand', async () => {
  await using rig = await project();
  rig.config = { ...rig.config, attempts: 1 };
  const wrong =
    CHANGES.replace('http/T1', 'http/T9') + CHANGES.replace('changes:\n', '').replace('http/T1', 'f/T1');
  const story = await runPlan(rig, { backlog: OWN + wrong });
  expect(story.refusal()).toMatchObject({
    kind: 'invalid-plan',
    diagnostics: [{ message: 'there is no task `http/T9`' }, { message: '`f/T1` is a task of this feature' }],
  });
  expect(rig.read('specs/http/BACKLOG.yaml')).toBe(HTTP);
});

const APPLY = { command: 'test', wait: false, signal: new AbortController().signal };

test('a task with variables is changed by a person alone', async () => {
  await using rig = await project();
  const before = HTTP.replace('Route requests.', '"Route {{what}}."').replace(
    'tasks:',
    'vars: { what: x }\ntasks:',
  );
  rig.write({ 'specs/http/BACKLOG.yaml': before, 'specs/f/BACKLOG.yaml': OWN + CHANGES });
  const applied = await applyChanges(rig.host(new ScriptedAgent({ tripwire: true })), 'f', APPLY);
  expect(!applied.ok && applied.error).toMatchObject({
    kind: 'invalid-specs',
    diagnostics: [{ message: 'the spec of `http/T1` has variables' }],
  });
  expect(rig.read('specs/http/BACKLOG.yaml')).toBe(before);
  expect(rig.read('specs/f/BACKLOG.yaml')).toBe(OWN + CHANGES);
});

test('changes that leave the project invalid are not applied', async () => {
  await using rig = await project();
  const wrong = CHANGES.replace('inputs: [README.md]', 'outputs: [limit.ts]');
  rig.write({ 'specs/f/BACKLOG.yaml': OWN + wrong });
  const applied = await applyChanges(rig.host(new ScriptedAgent({ tripwire: true })), 'f', APPLY);
  expect(!applied.ok && applied.error).toMatchObject({ kind: 'invalid-specs' });
  expect(rig.read('specs/http/BACKLOG.yaml')).toBe(HTTP);
  expect(rig.read('specs/f/BACKLOG.yaml')).toBe(OWN + wrong);
});

test('what cannot be applied and what the spec says already is told as that', async () => {
  await using rig = await project();
  const one = (task: string, lists: string) =>
    `  - task: ${task}\n    because: |\n      Two\n      lines.\n    ${lists}\n`;
  const changes = [
    one('http/T9', 'acceptance: [x]'),
    one('http/T1', 'inputs: [.env]'),
    one('http/T1', 'acceptance: [It answers.]'),
  ];
  rig.write({ 'specs/f/BACKLOG.yaml': `${OWN}changes:\n${changes.join('')}` });
  const host = rig.host(new ScriptedAgent({ tripwire: true }));
  const open = await proposedChanges(host, 'f');
  if (!open.ok) throw new Error(JSON.stringify(open.error));
  expect(open.value.changes.map(({ diff, problem }) => [diff, problem])).toEqual([
    ['', 'there is no task `http/T9`'],
    ['', '`.env` looks like a secret; a plan may not name it'],
    ['', undefined],
  ]);
  expect(elsewhereText(open.value.changes, plainStyle)).toBe(
    [
      'changes of other features:',
      'http/T9  Two lines.',
      '  cannot be applied: there is no task `http/T9`',
      'http/T1  Two lines.',
      '  cannot be applied: `.env` looks like a secret; a plan may not name it',
      'http/T1  Two lines.',
      '  specs/http/BACKLOG.yaml says so already',
      '',
    ].join('\n'),
  );
  const checked = await validateProject(host);
  expect(checked.ok && checked.value.warnings.map(({ message }) => message)).toEqual([
    'it proposes a change of http/T9 that cannot be applied: there is no task `http/T9`',
    'it proposes a change of http/T1 that cannot be applied: `.env` looks like a secret; a plan may not name it',
    'it proposes a change of http/T1 that the spec has already',
  ]);
  const applied = await applyChanges(host, 'f', APPLY);
  expect(!applied.ok && applied.error).toMatchObject({ kind: 'invalid-specs' });
  expect(rig.read('specs/http/BACKLOG.yaml')).toBe(HTTP);
});
