/** Plans: three documents side by side, one backlog, kept as results are, and never over a person's words. */

import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { ScriptedAgent } from '../../agent/scripted-agent.js';
import { ok } from '../../base/result.js';
import { plan } from '../../commands/plan/plan.js';
import type { BuildEvent } from '../../model/event.js';
import { PLAN, PLAN_TEXT, planners, planWithoutAgent, runPlan, startPlan } from '../rig/planning-rig.js';
import { createRig, type Rig } from '../rig/rig.js';
import { backlogYaml } from '../rig/rig-backlog.js';

const TASKS = {
  T01: { description: 'Write one.', inputs: [], outputs: ['one.txt'], verify: ['test -s one.txt'] },
  T02: { description: 'Write two.', inputs: [], outputs: ['two.txt'], depends_on: ['T01'] },
};
const DOCUMENTS = ['f/@planner-spec', 'f/@planner-arch', 'f/@planner-qa'];

async function project(request = '# Notes\n\nKeep notes.\n'): Promise<Rig> {
  const rig = await createRig({ config: { gates: { build: ['true'] } } });
  rig.write({ 'specs/f/REQUEST.md': request, 'src/app.ts': 'export function app() {}\n' });
  rig.answer('f/T01', { 'one.txt': '1' });
  rig.answer('f/T02', { 'two.txt': '2' });
  rig.answer('f/T03', { 'three.txt': '3' });
  return rig;
}

test('three planners work side by side, and the backlog is made of what they wrote', async () => {
  await using rig = await project();
  const held = startPlan(rig);
  const runs = await Promise.all(DOCUMENTS.map((label) => held.agent.next(label)));
  const answer = planners({ backlog: TASKS });
  expect(new Set(runs.map(({ cwd }) => cwd)).size).toBe(3);
  for (const run of runs) {
    expect(run.prompt).toContain('Keep notes.');
    expect(run.prompt).toContain('app.ts: app');
    for (const [path, text] of Object.entries(answer(run.request))) await run.write(path, text as string);
    await run.write('src/app.ts', 'broken');
    await run.write('elsewhere.txt', 'not taken');
    run.finish();
  }
  const merging = await held.agent.next('f/@plan');
  expect(merging.prompt).toContain('<request>\n# Notes\n\nKeep notes.\n</request>');
  for (const draft of ['Notes can be kept.', 'One file.', 'An empty note is refused.']) {
    expect(merging.prompt).toContain(draft);
  }
  for (const [path, text] of Object.entries(answer(merging.request)))
    await merging.write(path, text as string);
  merging.finish();
  const last = await held.agent.next('f/@backlog');
  expect(last.prompt).toContain('### R1 Notes');
  expect(last.prompt).toContain('Keep notes.');
  for (const [path, text] of Object.entries(answer(last.request))) await last.write(path, text as string);
  last.finish();
  const story = await held.done;
  expect(story.outcomes()).toMatchObject({ 'f/@planner-spec': 'built', 'f/@backlog': 'built' });
  expect(rig.read('specs/f/PLAN.md')).toBe(PLAN_TEXT);
  expect(story.of('plan.ready')).toMatchObject([{ feature: 'f', added: ['T01', 'T02'], kept: [] }]);
  expect(story.of('plan.closed')).toMatchObject([{ sessions: 5 }]);
  expect(rig.read('src/app.ts')).toBe('export function app() {}\n');
  expect(rig.read('elsewhere.txt')).toBeUndefined();
  expect((await rig.build()).outcomes()).toEqual({ 'f/T01': 'built', 'f/T02': 'built' });
});

test('a plan that holds a key is not kept', async () => {
  await using rig = await project();
  const key = 'sk-planted-in-the-plan';
  const auto = planners({ backlog: TASKS, spec: `The key is ${key}.` });
  const held = startPlan(rig, {}, { auto });
  Object.assign(held.agent, { secrets: [key] });
  const story = await held.done;
  expect(story.refusal()).toMatchObject({ kind: 'leaked-secret' });
  expect(rig.read('specs/f/PLAN.md')).toBeUndefined();
});

test('the same request is planned once, before and after its tasks are built', async () => {
  await using rig = await project();
  await runPlan(rig, { backlog: TASKS });
  const again = await planWithoutAgent(rig);
  expect(again.summary).toMatchObject({ outcome: 'up-to-date', exitCode: 0, published: 0 });
  expect(again.outcomes()).toMatchObject({ 'f/@planner-arch': 'fresh', 'f/@backlog': 'fresh' });
  await rig.build();
  expect((await planWithoutAgent(rig)).summary.outcome).toBe('up-to-date');
  rig.remove('specs/f/PLAN.md', 'specs/f/BACKLOG.yaml', 'specs/f/.plan.json');
  const restored = await planWithoutAgent(rig);
  expect(restored.outcomes()).toMatchObject({ 'f/@planner-qa': 'cached', 'f/@backlog': 'cached' });
  expect((await rig.buildWithoutAgent()).summary.outcome).toBe('up-to-date');
});

test('a changed request keeps the results of tasks that it does not concern, under whatever ids they come', async () => {
  await using rig = await project();
  await runPlan(rig, { backlog: TASKS });
  await rig.build();
  rig.write({ 'specs/f/REQUEST.md': '# Notes\n\nKeep notes, and tags.\n' });
  const prompts: Record<string, string> = {};
  const answer = planners({
    spec: '## Purpose\n\nNotes can be kept and tagged.\n',
    plan: PLAN_TEXT.replace('kept.', 'kept and tagged.'),
    backlog: {
      T01: { description: 'Write three.', inputs: [], outputs: ['three.txt'], depends_on: ['T09'] },
      T09: { ...TASKS.T01, verify: ['test -s one.txt'] },
      T10: { ...TASKS.T02, description: 'Write two, otherwise.', depends_on: ['T09'] },
    },
  });
  const story = await startPlan(
    rig,
    {},
    {
      auto: (request) => {
        prompts[request.label] = request.prompt;
        return answer(request);
      },
    },
  ).done;
  expect(story.of('plan.ready')).toMatchObject([
    { kept: ['T01'], changed: ['T02'], added: ['T03'], removed: [] },
  ]);
  expect(prompts['f/@planner-spec']).toContain('+Keep notes, and tags.');
  expect(prompts['f/@plan']).toContain('Planned before');
  expect(prompts['f/@backlog']).toContain('Planned before');
  expect(prompts['f/@backlog']).toContain('+Notes can be kept and tagged.');
  rig.answer('f/T02', { 'two.txt': '22' });
  const built = await rig.build();
  expect(built.outcomes()).toEqual({ 'f/T01': 'fresh', 'f/T02': 'built', 'f/T03': 'built' });
  // Back to the former request: everything is in the store.
  rig.write({ 'specs/f/REQUEST.md': '# Notes\n\nKeep notes.\n' });
  await planWithoutAgent(rig);
  expect((await rig.buildWithoutAgent()).outcomes()).toEqual({ 'f/T01': 'fresh', 'f/T02': 'cached' });
});

test('a change of code that the map does not show asks no planner, one that it shows asks all', async () => {
  await using rig = await project();
  await runPlan(rig, { backlog: TASKS });
  rig.write({ 'src/app.ts': 'export function app() { return 1; }\n' });
  expect((await planWithoutAgent(rig)).summary.outcome).toBe('up-to-date');
  rig.write({ 'src/app.ts': 'export function app() {}\nexport function log() {}\n' });
  const story = await runPlan(rig, { backlog: TASKS });
  // Planners start side by side, in any order.
  expect(story.ran().sort()).toEqual([...DOCUMENTS, 'f/@backlog'].sort());
  const verdict = story.verdict('f/@planner-spec');
  expect(verdict).toMatchObject({ kind: 'stale', reasons: [{ kind: 'manifest-changed' }] });
  expect(JSON.stringify(verdict)).toContain('repository map');
});

test('planners that write the same for another request leave the backlog as it is, without a call', async () => {
  await using rig = await project();
  await runPlan(rig, { backlog: TASKS });
  rig.write({ 'specs/f/REQUEST.md': '# Notes\n\nKeep notes, please.\n' });
  const story = await runPlan(rig, { backlog: 'never asked for' });
  // Planners start side by side, in any order.
  expect(story.ran().sort()).toEqual([...DOCUMENTS].sort());
  expect(story.outcomes()).toMatchObject({ 'f/@backlog': 'fresh' });
  // Nothing to change, for another request: each was asked a second time whether that is so, and believed.
  expect(story.of('task.attempt-failed').map(({ failure }) => failure.kind)).toEqual(
    DOCUMENTS.map(() => 'nothing-done'),
  );
});

test('a backlog that does not hold is sent back with all that is wrong, in a session of its own', async () => {
  await using rig = await project();
  rig.backlog('other', { T01: { inputs: [], outputs: ['taken.txt'], run: 'echo 1 > taken.txt' } });
  const bad = {
    T01: { description: 'x', outputs: ['taken.txt', '../escaped'], depends_on: ['T7'] },
    T02: { description: 'x', outputs: ['a.txt'], agent: 3 },
    T03: { description: 'x', outputs: ['b.txt'], spec_refs: ['PLAN.md#nowhere'] },
  };
  const held: string[] = [];
  const answer = planners({ backlog: [bad, TASKS] });
  const story = await startPlan(
    rig,
    {},
    {
      auto: (request) => {
        if (request.label === 'f/@backlog') held.push(request.prompt);
        return answer(request);
      },
    },
  ).done;
  expect(story.summary).toMatchObject({ outcome: 'built', exitCode: 0 });
  expect(held).toHaveLength(2);
  expect(held[1]).toContain('## Refused');
  const refused = story.of('task.attempt-failed')[0]?.failure;
  if (refused?.kind !== 'invalid-plan') throw new Error(story.log());
  const messages = refused.diagnostics.map(({ message }) => message).join('\n');
  for (const part of ['two owners', 'leaves the project', 'no task `f/T7`', '#nowhere', 'agent'])
    expect(messages).toContain(part);
  for (const { message } of refused.diagnostics) expect(held[1]).toContain(message);
});

test('all that is wrong with a backlog is in one correction, whatever kind of rule says it', async () => {
  await using rig = await project();
  rig.write({ 'src/types.ts': 'export type A = 1;\n' });
  rig.backlog('other', { T01: { inputs: [], outputs: ['taken.txt'], run: 'echo 1 > taken.txt' } });
  rig.commit();
  const plan = PLAN_TEXT.replace('## Structure', '### R2 Tags\n\nTags can be set.\n\n## Structure');
  const bad = `tasks:
  - id: T01
    title: Notes: a first version
    description: x
    inputs: [src/typs.ts, config/.env, taken.txt]
    outputs: [src/app.ts, one.txt]
    edits: [src/types.ts]
    spec_refs: ["PLAN.md#R9", "PLAN.md#requirements"]
    agent: nobody
  - id: T02
    description: "${'x'.repeat(4000)}"
    outputs: [one.txt]
    edits: [src/types.ts]
    depends_on: [T7]
    colour: red
`;
  const held: string[] = [];
  const answer = planners({ plan, backlog: [bad, TASKS] });
  const story = await startPlan(
    rig,
    {},
    {
      auto: (request) => {
        if (request.label === 'f/@backlog') held.push(request.prompt);
        return answer(request);
      },
    },
  ).done;
  expect(story.summary).toMatchObject({ outcome: 'built', exitCode: 0 });
  expect(held).toHaveLength(2);
  for (const part of [
    'line 3:12: nested mappings are not allowed',
    '`src/typs.ts` is not in the project, and no task writes it (did you mean `src/types.ts`?)',
    '`config/.env` looks like a secret',
    '`src/app.ts` is a file that a person wrote',
    '`one.txt` has two owners',
    'specs/f/PLAN.md has no heading and no item `#R9`',
    'its headings: #plan-notes, #requirements, #R1, #R2, #structure, #file, #assumptions',
    '`PLAN.md#requirements` holds 2 requirements',
    'there is no task `f/T7`',
    '`taken.txt` is an output of other/T01, and this task does not wait for it',
    'add `other/T01` to `depends_on`',
    '`colour` is not a known key',
    '`T01` and `T02` both edit `src/types.ts`, and neither waits for the other',
    'the text of `T02` has',
  ])
    expect(held[1]).toContain(part);
});

test('what only a plan may not do is refused as well: secrets, prompts that no build would take, files of people', async () => {
  await using rig = await project();
  const bad = {
    T01: { description: 'x'.repeat(4000), inputs: [], outputs: ['a.txt'] },
    T03: { description: 'x', inputs: ['config/.env'], outputs: ['b.txt'] },
    T04: { description: 'x', inputs: [], outputs: ['src/app.ts'] },
  };
  rig.git('add', 'src');
  rig.config = { ...rig.config, attempts: 1 };
  const story = await runPlan(rig, { backlog: bad });
  const failure = story.refusal();
  if (failure?.kind !== 'invalid-plan') throw new Error(story.log());
  expect(failure.diagnostics.map(({ message }) => message)).toEqual([
    expect.stringMatching(/^the text of `T01` has \d+ bytes of 3072: description: 4000 bytes/),
    '`config/.env` looks like a secret; a plan may not name it',
    '`src/app.ts` is a file that a person wrote; conductor does not overwrite it',
  ]);
  expect(story.summary.exitCode).toBe(1);
  expect(rig.read(failure.kept as string)).toContain('config/.env');
  expect(rig.read('specs/f/BACKLOG.yaml')).toBeUndefined();
});

test('a plan names a secret in no task of another feature, in whatever order the patterns stand', async () => {
  await using rig = await project();
  const other = {
    T1: { inputs: ['src/app.ts', '!.env', 'known.pem'], outputs: ['o.txt'], run: 'echo > o.txt' },
  };
  rig.backlog('other', other);
  rig.config = { ...rig.config, attempts: 1, planChanges: 'apply' };
  const change = (lists: string) => `  - { task: other/T1, because: x, ${lists} }\n`;
  const backlog = `${backlogYaml('f', TASKS)}changes:\n${[
    'inputs: [.env]',
    'inputs: ["!.env", .env]',
    'outputs: [a/key.pem]',
    'edits: [.env.local, ok.txt]',
    'inputs: [known.pem, b.pem, "!b.pem"]',
    'inputs: ["*.pem"]',
  ]
    .map(change)
    .join('')}`;
  const refused = (await runPlan(rig, { backlog })).refusal();
  if (refused?.kind !== 'invalid-plan') throw new Error(JSON.stringify(refused));
  expect(refused.diagnostics.map(({ message }) => message)).toEqual(
    ['.env', '.env', 'a/key.pem', '.env.local', 'b.pem'].map(
      (path) => `\`${path}\` looks like a secret; a plan may not name it`,
    ),
  );
  expect(refused.diagnostics.map(({ line }) => line !== undefined)).not.toContain(false);
  expect(rig.read('specs/f/BACKLOG.yaml')).toBeUndefined();
});

test('a backlog that is never mended is refused in the end, and the planners are not paid again', async () => {
  await using rig = await project();
  rig.config = { ...rig.config, attempts: 2 };
  const story = await runPlan(rig, { backlog: 'tasks: [' });
  expect(story.refusal()).toMatchObject({ kind: 'invalid-plan', file: 'specs/f/BACKLOG.yaml' });
  const prompts = story.agent.runs.filter(({ label }) => label === 'f/@backlog').map(({ prompt }) => prompt);
  expect(new Set(prompts).size).toBe(3);
  const again = await runPlan(rig, { backlog: TASKS });
  expect(again.agent.runs.map(({ label }) => label)).toEqual(['f/@backlog']);
});

test('the draft that was refused is corrected by the next plan, from the best of its attempts', async () => {
  await using rig = await project();
  rig.config = { ...rig.config, attempts: 1 };
  const one = { T01: { description: 'x', inputs: [], outputs: ['a.txt'], depends_on: ['T7'] } };
  const two = { T01: { ...one.T01, depends_on: ['T7', 'T8'] } };
  const refused = await runPlan(rig, { backlog: [one, two] });
  const failure = refused.refusal();
  if (failure?.kind !== 'invalid-plan') throw new Error(refused.log());
  expect(failure.diagnostics.map(({ message }) => message)).toEqual(['there is no task `f/T7`']);
  expect(failure.kept).toBe('.conductor/plans/f/BACKLOG.yaml');

  const held: { prompt: string; shown: string }[] = [];
  const again = startPlan(rig);
  const run = await again.agent.next('f/@backlog');
  held.push({ prompt: run.prompt, shown: readFileSync(`${run.cwd}/specs/f/BACKLOG.yaml`, 'utf8') });
  for (const [path, text] of Object.entries(planners({ backlog: two })(run.request)))
    await run.write(path, text as string);
  run.finish();
  const second = await again.agent.next('f/@backlog');
  second.fail({ kind: 'cancelled' });
  await again.done;
  expect(held[0]?.prompt).toContain('It has been refused once');
  expect(held[0]?.prompt).toContain('there is no task `f/T7`');
  expect(held[0]?.shown).toContain('T7');
  expect(held[0]?.shown).not.toContain('T8');
  expect(again.story.warnings().join()).toContain('draft of an earlier plan is corrected (one problem)');

  // Another request has no draft, and `--fresh` passes over it.
  const fresh = await runPlan(rig, { backlog: two }, { fresh: true });
  expect(fresh.agent.runs.map(({ prompt }) => prompt.includes('## Refused'))).toEqual([false, true]);

  // A person may correct the kept file: nobody is asked then.
  rig.write({ '.conductor/plans/f/BACKLOG.yaml': backlogYaml('f', TASKS) });
  const taken = await planWithoutAgent(rig);
  expect(taken.summary).toMatchObject({ outcome: 'built', exitCode: 0 });
  expect(rig.read('specs/f/BACKLOG.yaml')).toContain('Write two.');
  expect((await planWithoutAgent(rig)).summary.outcome).toBe('up-to-date');
});

test("a new wording of conductor's own prompts plans nothing again, a project's own prompt does", async () => {
  await using rig = await project();
  await runPlan(rig, { backlog: TASKS });
  const host = rig.host(new ScriptedAgent({ tripwire: true }));
  const shipped = await host.shippedPrompts();
  const reworded = new Map([...shipped].map(([name, text]) => [name, `${text}\nSo be it.\n`]));
  const asked = { ...PLAN, target: { kind: 'feature', name: 'f' } as const };
  const signal = new AbortController().signal;
  const outcome = await plan({ ...host, shippedPrompts: async () => reworded }, asked, () => {}, signal);
  expect(outcome.summary).toMatchObject({ outcome: 'up-to-date', exitCode: 0 });
  rig.write({ 'prompts/planning-qa.md': `${shipped.get('planning-qa.md')}\nBe brief.\n` });
  expect((await runPlan(rig, { backlog: TASKS })).ran()).toContain('f/@planner-qa');
  // Another request, planned with the own prompt alone: without it, it is planned again.
  rig.write({ 'specs/f/REQUEST.md': '# Notes\n\nKeep more.\n' });
  await runPlan(rig, { backlog: TASKS });
  rig.remove('prompts/planning-qa.md');
  expect((await runPlan(rig, { backlog: TASKS })).ran()).toContain('f/@planner-qa');
});

test('a plan that is stopped keeps the documents that are finished', async () => {
  await using rig = await project();
  const held = startPlan(rig);
  const [first, second] = await Promise.all(DOCUMENTS.slice(0, 2).map((label) => held.agent.next(label)));
  await first?.write('specs/f/plan-spec.md', '## Purpose\n\nNotes.\n');
  first?.finish();
  await first?.exit;
  const kept = held.agent.next('f/@planner-qa');
  await kept;
  // The document is in the store as soon as its node is finished.
  const finished = () => held.story.outcomes()['f/@planner-spec'] === 'built';
  await held.until(finished);
  held.cancel();
  expect(await second?.exit).toMatchObject({ kind: 'failed', failure: { kind: 'cancelled' } });
  const story = await held.done;
  expect(story.summary).toMatchObject({ outcome: 'interrupted', exitCode: 130 });
  const again = await runPlan(rig, { backlog: TASKS });
  expect(again.ran()).toEqual(['f/@planner-arch', 'f/@planner-qa', 'f/@plan', 'f/@backlog']);
});

test("a person's changes stay: merged where the plan changes something else, a decision where it changes the same", async () => {
  await using rig = await project();
  await runPlan(rig, { backlog: TASKS });
  const planned = rig.read('specs/f/BACKLOG.yaml') ?? '';
  const own = planned.replace('  - id: "T02"', '  # mine: keep it short\n  - id: "T02"\n    owner: ada');
  rig.write({ 'specs/f/BACKLOG.yaml': own, 'specs/f/REQUEST.md': 'Keep more notes.\n' });
  expect(own).not.toBe(planned);
  const spec = '## Purpose\n\nMore notes.\n';
  const next = { ...TASKS, T01: { ...TASKS.T01, description: 'Write more.' } };
  const plan = PLAN_TEXT.replace('Notes can', 'More notes can');
  const merged = await runPlan(rig, { spec, plan, backlog: next });
  expect(merged.summary.exitCode).toBe(0);
  expect(rig.read('specs/f/BACKLOG.yaml')).toContain('# mine: keep it short');
  expect(rig.read('specs/f/BACKLOG.yaml')).toContain('owner: ada');
  expect(rig.read('specs/f/BACKLOG.yaml')).toContain('Write more.');

  const edited = (rig.read('specs/f/BACKLOG.yaml') ?? '').replace('Write more.', 'Write less.');
  rig.write({ 'specs/f/BACKLOG.yaml': edited, 'specs/f/REQUEST.md': 'Keep all notes.\n' });
  const wanted = { ...TASKS, T01: { ...TASKS.T01, description: 'Write all.' } };
  const refused = await runPlan(rig, {
    spec: '## Purpose\n\nAll notes.\n',
    plan: PLAN_TEXT.replace('Notes can', 'All notes can'),
    backlog: wanted,
  });
  expect(refused.summary.exitCode).toBe(1);
  const failure = refused.refusal();
  if (failure?.kind !== 'plan-conflict') throw new Error(refused.log());
  expect(failure.files).toEqual([{ path: 'specs/f/BACKLOG.yaml', entries: ['T01'] }]);
  expect(failure.diff).toContain('-    description: Write less.');
  expect(rig.read(`${failure.kept}BACKLOG.yaml`)).toContain('Write all.');
  expect(rig.read('specs/f/BACKLOG.yaml')).toBe(edited);
  expect(rig.read('specs/f/PLAN.md')).toBe(plan);
  const forced = await planWithoutAgent(rig, { discardEdits: true });
  expect(forced.summary.exitCode).toBe(0);
  expect(rig.read('specs/f/BACKLOG.yaml')).toContain('Write all.');
});

test('a backlog that a person wrote is not replaced by a first plan', async () => {
  await using rig = await project();
  rig.backlog('f', { T09: { description: 'Mine.', inputs: [], outputs: ['mine.txt'] } });
  const own = rig.read('specs/f/BACKLOG.yaml');
  const story = await runPlan(rig, { backlog: TASKS });
  expect(story.refusal()).toMatchObject({ kind: 'plan-conflict', kept: '.conductor/plans/f/' });
  expect(rig.read('specs/f/BACKLOG.yaml')).toBe(own);
  expect(rig.read('specs/f/PLAN.md')).toBeUndefined();
});

test('a plan whose new text no longer fits what a person has written is refused as a whole', async () => {
  await using rig = await project();
  const plan = `${PLAN_TEXT}\n## Limits\n\nTen.\n`;
  await runPlan(rig, { plan, backlog: TASKS });
  const own = (rig.read('specs/f/BACKLOG.yaml') ?? '').replace(
    'description: "Write two."',
    'description: "Write two."\n    spec_refs: ["PLAN.md#limits"]',
  );
  rig.write({ 'specs/f/BACKLOG.yaml': own, 'specs/f/REQUEST.md': 'No limits.\n' });
  const story = await runPlan(rig, { spec: '## Purpose\n\nNotes.\n', backlog: TASKS });
  const failure = story.refusal();
  if (failure?.kind !== 'invalid-plan') throw new Error(story.log());
  expect(failure.diagnostics[0]?.message).toContain('no heading `#limits`');
  expect(rig.read('specs/f/BACKLOG.yaml')).toBe(own);
  expect(rig.read('specs/f/PLAN.md')).toBe(plan);
});

test('a file that a person saves while planners work is left alone', async () => {
  await using rig = await project();
  const answer = planners({ backlog: TASKS });
  const story = await startPlan(
    rig,
    {},
    {
      auto: (request) => {
        if (request.label === 'f/@backlog') rig.write({ 'specs/f/PLAN.md': 'mine\n' });
        return answer(request);
      },
    },
  ).done;
  expect(story.refusal()).toMatchObject({ kind: 'publish-refused', paths: ['specs/f/PLAN.md'] });
  expect(rig.read('specs/f/PLAN.md')).toBe('mine\n');
  expect(rig.read('specs/f/BACKLOG.yaml')).toBeUndefined();
});

test('a request in a file of its own makes a feature with its name, and is kept there', async () => {
  await using rig = await createRig();
  rig.write({ 'docs/Rate limits!.md': '# Rate limits\n\nTen a minute.\n' });
  const target = { kind: 'request', file: rig.path('docs/Rate limits!.md') } as const;
  const story = await runPlan(
    rig,
    { backlog: { T01: { inputs: [], outputs: ['a.txt'], run: 'echo 1 > a.txt' } } },
    { target },
  );
  expect(story.feature).toBe('rate-limits');
  expect(rig.read('specs/rate-limits/REQUEST.md')).toBe('# Rate limits\n\nTen a minute.\n');
  expect((await planWithoutAgent(rig, { target })).summary.outcome).toBe('up-to-date');
  expect(
    (await planWithoutAgent(rig, { target: { kind: 'feature', name: 'rate-limits' } })).summary.outcome,
  ).toBe('up-to-date');
});

test('all that a planner is given has a limit, and the refusal names the sections', async () => {
  await using rig = await project(`# Notes\n\n${'long '.repeat(3000)}`);
  const story = await planWithoutAgent(rig);
  const failure = story.refusal();
  expect(failure).toMatchObject({ kind: 'prompt-too-large', limit: 10_240 });
  expect(failure?.kind === 'prompt-too-large' && failure.sections[0]).toBe('request: 15008 bytes');
});

test('planners are paid from the budget of the build', async () => {
  await using rig = await project();
  rig.config = { ...rig.config, workers: 1, budget: { build: { tokens: 150 } } };
  const story = await runPlan(rig, { backlog: TASKS }, {}, { usage: { tokensIn: 100, costUsd: 1 } });
  expect(story.refusal()).toMatchObject({ kind: 'budget-exceeded', scope: 'build' });
  expect(story.summary.usage).toMatchObject({ tokensIn: 200 });
  const counted = story.of('task.finished').map(({ usage }) => usage?.tokensIn ?? 0);
  expect(counted.sort()).toEqual([0, 100, 100]);
});

test('what looks like a secret is shown to no planner', async () => {
  await using rig = await project();
  rig.write({ '.env': 'KEY=1', id_rsa: 'x', 'src/key.pem': 'x' });
  const held = startPlan(rig);
  const run = await held.agent.next('f/@planner-spec');
  const { readdirSync } = await import('node:fs');
  const seen = readdirSync(run.cwd, { recursive: true }).map(String);
  expect(seen).toContain('src/app.ts');
  expect(seen.filter((path) => /env|rsa|pem|specs/.test(path))).toEqual([]);
  held.cancel();
  await held.done;
});

test('a dry run says what would be asked and why, and asks nobody', async () => {
  await using rig = await project();
  const first = await planWithoutAgent(rig, { dryRun: true });
  expect(first.verdicts()).toMatchObject({ 'f/@planner-spec': 'stale', 'f/@backlog': 'pending' });
  expect(first.summary).toMatchObject({
    outcome: 'would-build',
    exitCode: 0,
    counts: { built: 3, skipped: 2 },
  });
  await runPlan(rig, { backlog: TASKS });
  expect((await planWithoutAgent(rig, { dryRun: true })).verdicts()).toMatchObject({ 'f/@backlog': 'fresh' });
});

test('what cannot be planned is refused before anything is left behind', async () => {
  await using rig = await project();
  rig.write({ 'specs/empty/REQUEST.md': '\n', 'specs/bare/context.md': 'x' });
  rig.backlog('other', { T01: { inputs: [], outputs: ['a.txt'], run: 'echo 1 > a.txt' } });
  const cases = [
    [{ kind: 'feature', name: 'nowhere' }, 'usage'],
    [{ kind: 'feature', name: 'othr' }, 'unknown-target'],
    [{ kind: 'feature', name: '../f' }, 'usage'],
    [{ kind: 'feature', name: 'empty' }, 'usage'],
    [{ kind: 'feature', name: 'bare' }, 'usage'],
    [{ kind: 'request', file: '/nowhere/request.md' }, 'usage'],
  ] as const;
  for (const [target, kind] of cases) {
    const story = await planWithoutAgent(rig, { target });
    expect(story.refusal()?.kind).toBe(kind);
    expect(story.summary.exitCode).toBe(2);
  }
  expect(Object.keys(rig.files()).filter((path) => path.startsWith('.conductor'))).toEqual([]);
});

test('a clone without a store knows from the committed files that a plan stands', async () => {
  await using rig = await project();
  await runPlan(rig, { backlog: TASKS });
  await rig.build();
  rig.commit();
  const clone = `${rig.temporary.root}/clone`;
  rig.git('clone', '-q', rig.dir, clone);
  rig.dir = clone;
  expect((await planWithoutAgent(rig)).summary).toMatchObject({
    outcome: 'up-to-date',
    counts: { fresh: 5 },
  });
  // The person's own changes of a clone stay there too.
  const own = (rig.read('specs/f/BACKLOG.yaml') ?? '').replace('Write two.', 'Write two, briefly.');
  rig.write({ 'specs/f/BACKLOG.yaml': own });
  expect((await planWithoutAgent(rig)).summary.exitCode).toBe(0);
  expect(rig.read('specs/f/BACKLOG.yaml')).toBe(own);
  rig.write({ 'specs/f/.plan.json': '{ "schema": 1, "documents": {}, "files": { "PLAN.md": "HEAD" } }' });
  expect((await runPlan(rig, { backlog: TASKS })).ran()).toHaveLength(5);
});

test('a plan without numbered requirements is sent back, and the drafts are not paid again', async () => {
  await using rig = await project();
  const seen: string[] = [];
  const answer = planners({ backlog: TASKS });
  const story = await startPlan(
    rig,
    {},
    {
      auto: (request) => {
        if (request.label !== 'f/@plan') return answer(request);
        seen.push(request.prompt);
        return seen.length === 1 ? { 'specs/f/PLAN.md': '## Requirements\n\nNotes.\n' } : answer(request);
      },
    },
  ).done;
  expect(story.summary.exitCode).toBe(0);
  expect(seen[1]).toContain('there is no requirement');
  expect(story.ran().filter((label) => label.startsWith('f/@planner'))).toHaveLength(3);
});

test('a plan of a former version, without a reconciled document, is planned again over its files', async () => {
  await using rig = await project();
  await runPlan(rig, { backlog: TASKS });
  const lock = JSON.parse(rig.read('specs/f/.plan.json') ?? '') as Record<string, Record<string, string>>;
  const { plan: _plan, ...documents } = lock.documents as Record<string, string>;
  rig.write({ 'specs/f/.plan.json': JSON.stringify({ schema: 1, documents, files: lock.files }) });
  rig.write({ 'specs/f/REQUEST.md': '# Notes\n\nKeep more.\n' });
  const next = { ...TASKS, T01: { ...TASKS.T01, description: 'Write more.' } };
  const plan = `${PLAN_TEXT}\n## Decisions\n\n- More.\n`;
  const story = await runPlan(rig, { spec: '## Purpose\n\nMore.\n', plan, backlog: next });
  expect(story.summary.exitCode).toBe(0);
  expect(rig.read('specs/f/BACKLOG.yaml')).toContain('Write more.');
});

test('a dry run needs no agent: it tells what would be written', async () => {
  await using rig = await project();
  const agent = new ScriptedAgent({ tripwire: true });
  const host = { ...rig.host(agent), createAgent: async () => ok(undefined) };
  const events: BuildEvent[] = [];
  const asked = { ...PLAN, target: { kind: 'feature', name: 'f' } as const };
  const dry = (dryRun: boolean) =>
    plan(host, { ...asked, dryRun }, (event) => events.push(event), new AbortController().signal);
  expect((await dry(true)).summary).toMatchObject({ outcome: 'would-build', exitCode: 0 });
  const checked = events.flatMap((event) => (event.type === 'task.checked' ? [event.task] : []));
  expect(checked).toEqual(expect.arrayContaining(DOCUMENTS));
  expect((await dry(false)).summary.exitCode).toBe(1);
});

test('a plan that stays as it was for other drafts is asked for once more', async () => {
  await using rig = await project();
  await runPlan(rig, { backlog: TASKS });
  rig.write({ 'specs/f/REQUEST.md': '# Notes\n\nKeep more notes.\n' });
  const story = await runPlan(rig, { spec: '## Purpose\n\nMore notes.\n', backlog: TASKS });
  const failed = story.of('task.attempt-failed').map(({ task, failure }) => `${task} ${failure.kind}`);
  expect(failed).toContain('f/@plan nothing-done');
});
