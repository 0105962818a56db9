/** What an agent asks for: it is kept with the work so far, a person grants it, and the task goes on from there. */

import { expect, test } from 'vitest';
import { ScriptedAgent, type ScriptedRun } from '../../agent/scripted-agent.js';
import { inspect } from '../../build/dry-run.js';
import { approve } from '../../commands/approve.js';
import type { AgentReport } from '../../model/agents/agent-report.js';
import type { ConductorConfig } from '../../model/config.js';
import { WorkStore } from '../../store/kept-work.js';
import { filesBelow } from '../rig/command-line.js';
import { createRig, type Rig } from '../rig/rig.js';

const SPEC = `# The feature of the shop.
tasks:
  - id: T1
    description: x
    inputs: []
    outputs: [one.txt] # one file
    verify: ["grep -q zod package.json"]
`;

async function rigAsking(config: ConductorConfig = {}): Promise<Rig> {
  const rig = await createRig({ config });
  rig.write({ 'package.json': '{}\n', 'specs/f/BACKLOG.yaml': SPEC });
  return rig;
}

const NEED: AgentReport = {
  needs: [{ kind: 'write', what: 'package.json', because: 'the task needs the package zod' }],
};

async function session(run: ScriptedRun, report: AgentReport | undefined): Promise<void> {
  await run.write('one.txt', 'half\n');
  if (report) run.report(report);
  run.say('I need package.json');
  run.finish();
}

const all = { what: [], list: false, wait: true, signal: new AbortController().signal };
const host = (rig: Rig) => rig.host(new ScriptedAgent({ tripwire: true }));

test('a task whose agent asks for a file fails once, keeps its work, and goes on when a person grants it', async () => {
  await using rig = await rigAsking();
  const first = rig.start();
  await session(await first.agent.next('f/T1'), NEED);
  const failed = await first.done;
  expect(failed.failure('f/T1')).toEqual({ kind: 'needs', ...NEED, said: 'I need package.json' });
  expect(failed.agent.runs).toHaveLength(1);

  const options = { targets: [], force: false, discardEdits: false };
  const seen = await inspect(host(rig), options, ({ prepared: { project } }) =>
    new WorkStore(project.objects, project.repository.project).all(),
  );
  expect(seen).toMatchObject({ ok: true, value: [{ label: 'f/T1', needs: NEED.needs }] });

  const listed = await approve(host(rig), { ...all, target: undefined, list: true });
  const grant = { need: NEED.needs?.[0], adds: [{ key: 'edits', path: 'package.json' }] };
  expect(listed).toMatchObject({ ok: true, value: [{ label: 'f/T1', grants: [grant], diff: '' }] });
  expect(rig.read('specs/f/BACKLOG.yaml')).toBe(SPEC);

  expect(await approve(host(rig), { ...all, target: 'f/T1', what: ['other.json'] })).toMatchObject({
    ok: false,
    error: { kind: 'usage', message: 'f/T1 does not ask for other.json' },
  });
  expect((await approve(host(rig), { ...all, target: 'f/T1' })).ok).toBe(true);
  expect(rig.read('specs/f/BACKLOG.yaml')).toBe(
    SPEC.replace('# one file\n', '# one file\n    edits:\n      - package.json\n'),
  );
  expect(await approve(host(rig), { ...all, target: 'f/T1' })).toMatchObject({
    ok: false,
    error: { kind: 'usage', message: 'f/T1 asks for nothing' },
  });

  const second = rig.start();
  const run = await second.agent.next('f/T1');
  expect(filesBelow(run.cwd, ['.git'])).toEqual({ 'one.txt': 'f:half\n', 'package.json': 'f:{}\n' });
  expect(run.prompt).toContain('An earlier session asked to write package.json: this is granted now.');
  expect(run.prompt).toContain('+half');
  await run.write('package.json', '{"zod": 1}\n');
  run.finish();
  expect((await second.done).outcomes()).toEqual({ 'f/T1': 'built' });
  expect(rig.read('one.txt')).toBe('half\n');
  expect(rig.read('package.json')).toBe('{"zod": 1}\n');
  expect(await approve(host(rig), { ...all, target: undefined, list: true })).toEqual({
    ok: true,
    value: [],
  });
});

test('a package needs its manifest and the lock file; specs, settings and unknown files are never granted', async () => {
  await using rig = await rigAsking();
  rig.write({ 'package-lock.json': '{}\n' });
  const held = rig.start();
  const needs: AgentReport['needs'] = [
    { kind: 'dependency', what: 'zod', because: 'a' },
    { kind: 'write', what: 'src/new.ts', because: 'b' },
    { kind: 'read', what: 'package.json', because: 'c' },
    { kind: 'read', what: 'missing.ts', because: 'd' },
    { kind: 'write', what: 'specs/f/BACKLOG.yaml', because: 'e' },
    { kind: 'write', what: '../elsewhere', because: 'f' },
    { kind: 'write', what: 'conductor.config.ts', because: 'g' },
    { kind: 'contradiction', because: 'h' },
  ];
  await session(await held.agent.next('f/T1'), { needs });
  await held.done;
  const listed = await approve(host(rig), { ...all, target: 'f/T1', list: true });
  const grants = listed.ok ? (listed.value[0]?.grants ?? []) : [];
  expect(grants.map(({ adds }) => adds.map(({ key, path }) => `${key} ${path}`))).toEqual([
    ['edits package.json', 'edits package-lock.json'],
    ['outputs src/new.ts'],
    ['inputs package.json'],
    [],
    [],
    [],
    [],
    [],
  ]);
  expect(grants.filter(({ problem }) => problem !== undefined)).toHaveLength(5);
  expect(await approve(host(rig), { ...all, target: 'f/T1' })).toMatchObject({ ok: false });
  expect(rig.read('specs/f/BACKLOG.yaml')).toBe(SPEC);
});

test('only what the config allows is granted without a person', async () => {
  await using rig = await rigAsking({ grow: { allow: ['package.json'] } });
  const held = rig.start();
  await session(await held.agent.next('f/T1'), NEED);
  await held.done;
  const granted = await approve(host(rig), { ...all, target: 'f/T1', onlyAllowed: true });
  expect(granted).toMatchObject({
    ok: true,
    value: [{ diff: expect.stringContaining('+      - package.json') }],
  });
});

test('what looks like a secret is granted by a person alone', async () => {
  await using rig = await rigAsking({ grow: { allow: ['**'] } });
  const held = rig.start();
  const need = { kind: 'write', what: 'config/.env', because: 'a' } as const;
  await session(await held.agent.next('f/T1'), { needs: [need] });
  await held.done;
  const allowed = await approve(host(rig), { ...all, target: 'f/T1', onlyAllowed: true });
  expect(allowed).toMatchObject({ ok: true, value: [{ diff: '' }] });
  expect(rig.read('specs/f/BACKLOG.yaml')).toBe(SPEC);
  const agreed = await approve(host(rig), { ...all, target: 'f/T1' });
  expect(agreed).toMatchObject({ ok: true, value: [{ diff: expect.stringContaining('config/.env') }] });
});

test('without a word of the config nothing is granted without a person, lock files neither', async () => {
  await using rig = await rigAsking();
  rig.write({ 'package-lock.json': '{}\n' });
  const held = rig.start();
  const need = { kind: 'write', what: 'package-lock.json', because: 'a' } as const;
  await session(await held.agent.next('f/T1'), { needs: [need] });
  await held.done;
  const granted = await approve(host(rig), { ...all, target: 'f/T1', onlyAllowed: true });
  expect(granted).toMatchObject({ ok: true, value: [{ diff: '' }] });
  expect(rig.read('specs/f/BACKLOG.yaml')).toBe(SPEC);
});

test('the next session is told what was granted, and not what else was asked for', async () => {
  await using rig = await rigAsking();
  const held = rig.start();
  const other = { kind: 'write', what: 'src/new.ts', because: 'b' } as const;
  await session(await held.agent.next('f/T1'), { needs: [...(NEED.needs ?? []), other] });
  await held.done;
  expect((await approve(host(rig), { ...all, target: 'f/T1', what: ['package.json'] })).ok).toBe(true);
  const next = rig.start();
  const run = await next.agent.next('f/T1');
  expect(run.prompt).toContain('package.json: this is granted now');
  expect(run.prompt).not.toContain('src/new.ts');
  next.cancel();
  await next.done;
});

test('a secret that was written is told, whatever its agent asks for', async () => {
  await using rig = await rigAsking({ attempts: 1 });
  const key = 'sk-planted-beside-a-need';
  const held = rig.start();
  Object.assign(held.agent, { secrets: [key] });
  const run = await held.agent.next('f/T1');
  await run.write('one.txt', `${key}\n`);
  run.report(NEED);
  run.finish();
  expect((await held.done).failure('f/T1')?.kind).toBe('leaked-secret');
});

test('an agent that may not ask does without, and its gates decide', async () => {
  await using rig = await rigAsking({ grow: 'never', attempts: 2 });
  const held = rig.start();
  await session(await held.agent.next('f/T1'), NEED);
  const second = await held.agent.next('f/T1');
  expect(second.prompt).toContain('It asked to write package.json. That is not granted: do without it.');
  await session(second, NEED);
  expect((await held.done).failure('f/T1')).toMatchObject({ kind: 'gate-failed' });
});

test('a result stands if its gates pass without what its agent asked for', async () => {
  await using rig = await rigAsking();
  rig.write({ 'specs/f/BACKLOG.yaml': SPEC.replace('grep -q zod package.json', 'true') });
  const held = rig.start();
  await session(await held.agent.next('f/T1'), NEED);
  const built = await held.done;
  expect(built.outcomes()).toEqual({ 'f/T1': 'built' });
  expect(built.of('warning').map(({ message }) => message)).toContainEqual(
    'its agent asked to write package.json (the task needs the package zod); its gates pass without it',
  );
});
