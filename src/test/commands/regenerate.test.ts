/** Outputs made again: compared, measured, published when asked; from the store byte for byte the same. */

import { existsSync, readdirSync } from 'node:fs';
import { expect, test } from 'vitest';
import { ScriptedAgent } from '../../agent/scripted-agent.js';
import { type RegenerateOptions, regenerate } from '../../commands/regenerate/regenerate.js';
import type { BuildEvent } from '../../model/event.js';
import type { Regeneration } from '../../model/regeneration.js';
import { regenerationPage } from '../../report/pages/regeneration-page.js';
import { regenerationText } from '../../report/regeneration.js';
import { plainStyle } from '../../report/style.js';
import { createRig, type Rig } from '../rig/rig.js';

const CODE = "export function greet(name: string): string {\n  return 'hello ' + name;\n}\n";
const TESTS = 'grep -q greet src/greet.ts\n';

const specs = (description = 'v1') => ({
  T1: { description, inputs: [], outputs: ['src/greet.ts'], verify: ['test -f src/greet.ts'] },
  T2: {
    type: 'test',
    description: 'tests',
    depends_on: ['T1'],
    inputs: [],
    outputs: ['test/greet.sh'],
    verify: ['sh test/greet.sh'],
  },
  T3: { inputs: [], outputs: ['three.txt'], run: 'echo 3 > three.txt' },
  T4: { inputs: [], render: [{ template: 'four.hbs', to: 'four.txt', with: { word: 'four' } }] },
});

async function built(): Promise<Rig> {
  const rig = await createRig();
  rig.write({ 'templates/four.hbs': '{{word}}\n' });
  rig.backlog('f', specs());
  rig.answer('f/T1', { 'src/greet.ts': CODE });
  rig.answer('f/T2', { 'test/greet.sh': TESTS });
  expect((await rig.build({}, {})).summary.outcome).toBe('built');
  return rig;
}

async function again(
  rig: Rig,
  options: Partial<RegenerateOptions>,
  agent = new ScriptedAgent({ tripwire: true }),
) {
  const events: BuildEvent[] = [];
  const done = await regenerate(
    rig.host(agent),
    {
      targets: [],
      fresh: false,
      runs: 1,
      apply: false,
      workers: undefined,
      wait: true,
      command: 'conductor regenerate',
      ...options,
    },
    (event) => events.push(event),
    new AbortController().signal,
  );
  if (!done.ok) throw new Error(JSON.stringify(done.error));
  const started = events.flatMap((event) =>
    event.type === 'task.started' && event.recipe !== 'gates' ? [event.task] : [],
  );
  return { ...done.value, started, events };
}

const byLabel = (report: Regeneration) => Object.fromEntries(report.tasks.map((task) => [task.label, task]));

test('from the store everything is byte for byte the same, and no recipe is run', async () => {
  await using rig = await built();
  const files = rig.files();
  const { report, started } = await again(rig, {});
  expect(started).toEqual([]);
  const same = { source: 'store', identical: true };
  expect(byLabel(report)).toMatchObject({ 'f/T1': same, 'f/T2': same, 'f/T3': same, 'f/T4': same });
  // With the outputs gone it is the same: they are not looked at.
  rig.remove('src', 'test', 'three.txt', 'four.txt');
  const bare = await again(rig, { apply: true });
  expect(bare.started).toEqual([]);
  expect(bare.report.tasks.every((task) => task.identical)).toBe(true);
  expect(rig.files()).toEqual(files);
});

test('what is rebuilt is compared and not published, and the agent does not see the old files', async () => {
  await using rig = await built();
  const files = rig.files();
  const seen: string[][] = [];
  const agent = new ScriptedAgent({
    auto: (request) => {
      seen.push(readdirSync(request.cwd).filter((name) => name !== '.git'));
      expect(request.prompt).not.toContain('What changed');
      return request.label === 'f/T1'
        ? { 'src/greet.ts': CODE.replace('greet(name: string)', 'welcome(name: string, loud?: boolean)') }
        : { 'test/greet.sh': 'grep -q welcome src/greet.ts\n' };
    },
    usage: { costUsd: 0.5, tokensIn: 10, tokensOut: 5 },
  });
  const { report, failure } = await again(rig, { fresh: true }, agent);
  expect(failure).toBeUndefined();
  expect(seen).toEqual([[], ['src']]);
  expect(rig.files()).toEqual(files);
  const { 'f/T1': one, 'f/T3': three } = byLabel(report);
  expect(one).toMatchObject({
    source: 'made',
    identical: false,
    unchanged: 0,
    files: [{ path: 'src/greet.ts', change: 'changed', insertions: 1, deletions: 1 }],
    after: { recipe: 'agent', agent: 'scripted', usage: { costUsd: 0.5 } },
  });
  expect(one?.files[0]?.exports).toEqual([
    { name: 'greet', before: 'function greet(name: string): string', after: undefined },
    { name: 'welcome', before: undefined, after: 'function welcome(name: string, loud?: boolean): string' },
  ]);
  expect(three).toMatchObject({ source: 'made', identical: true });
  expect(report.usage.costUsd).toBe(1);
  // Each generation's tests refuse the other one's code.
  expect(report.oldTestsOnNewCode).toMatchObject({
    state: 'ran',
    gates: [
      { gate: 'test -f src/greet.ts', ok: true },
      { gate: 'sh test/greet.sh', ok: false },
    ],
  });
  expect(report.newTestsOnOldCode.gates.map(({ ok }) => ok)).toEqual([true, false]);
  const logs = report.oldTestsOnNewCode.gates[1]?.log;
  expect(logs && existsSync(rig.path(logs))).toBe(true);
  expect(logs).not.toBe(report.newTestsOnOldCode.gates[1]?.log);
  expect(await rig.inspect()).toEqual({ 'f/T1': 'fresh', 'f/T2': 'fresh', 'f/T3': 'fresh', 'f/T4': 'fresh' });

  const text = regenerationText(report, plainStyle);
  expect(text).toContain('- function greet(name: string): string');
  expect(text).toContain('old tests on new code: 1 of 2 gates passed');
  expect(text).toMatch(/regenerated 4 tasks: 2 identical, 2 different .*nothing was published\n$/);
});

test('what depends on a target is tested on what is new, though it is not made again itself', async () => {
  await using rig = await built();
  const agent = new ScriptedAgent({ auto: () => ({ 'src/greet.ts': 'export const other = 1;\n' }) });
  const { report } = await again(rig, { targets: ['f/T1'], fresh: true }, agent);
  expect(agent.runs.map(({ label }) => label)).toEqual(['f/T1']);
  expect(report.oldTestsOnNewCode.gates).toMatchObject([
    { ok: true },
    { gate: 'sh test/greet.sh', ok: false },
  ]);
  expect(report.newTestsOnOldCode.state).toBe('same-tests');
});

test('several runs measure what the spec leaves open, each with a purse of its own', async () => {
  await using rig = await built();
  let run = 0;
  const agent = new ScriptedAgent({
    auto: (request) => {
      if (request.label === 'f/T2') return { 'test/greet.sh': TESTS };
      run++;
      return { 'src/greet.ts': run === 2 ? `${CODE}export const extra = 1;\n` : CODE.replace('hello', 'hi') };
    },
  });
  const { report } = await again(rig, { runs: 3 }, agent);
  const { 'f/T1': one, 'f/T2': two, 'f/T4': four } = byLabel(report);
  expect(one?.open).toEqual([{ path: 'src/greet.ts', versions: [1, 2, 1], lines: 3, exportsDiffer: true }]);
  expect(two?.open).toEqual([]);
  expect(four?.open).toEqual([]);
  const text = regenerationText(report, plainStyle);
  expect(text).toContain('src/greet.ts  2 versions in 3 runs, up to 3 lines, exports differ');
});

test('what was made is published on demand, with its record; edits by hand are not overwritten', async () => {
  await using rig = await built();
  const agent = () => new ScriptedAgent({ auto: () => ({ 'src/greet.ts': `${CODE}// new\n` }) });
  rig.write({ 'src/greet.ts': 'mine\n' });
  await expect(again(rig, { targets: ['f/T1'], fresh: true, apply: true }, agent())).rejects.toThrow(
    'drifted-outputs',
  );
  expect(rig.read('src/greet.ts')).toBe('mine\n');
  rig.write({ 'src/greet.ts': CODE });
  const { report } = await again(rig, { targets: ['f/T1'], fresh: true, apply: true }, agent());
  expect(report.published).toContain('src/greet.ts');
  expect(rig.read('src/greet.ts')).toBe(`${CODE}// new\n`);
  // A comment changes no declaration that T2 sees, but its gates read the file.
  expect(await rig.inspect()).toMatchObject({ 'f/T1': 'fresh', 'f/T2': 'unverified' });
});

test("edits by hand of a patch are not overwritten either, and a person's text beside it does not stand in the way", async () => {
  await using rig = await createRig();
  rig.write({ 'README.md': '# Title\n' });
  const run = 'echo 1 > one.txt; echo "line of f" >> README.md';
  rig.backlog('f', { T1: { inputs: [], outputs: ['one.txt'], edits: ['README.md'], run } });
  expect((await rig.buildWithoutAgent()).summary.exitCode).toBe(0);
  rig.write({ 'README.md': '# Title\nline of mine\n' });
  for (const fresh of [false, true])
    await expect(again(rig, { fresh, apply: true })).rejects.toThrow('drifted-outputs');
  expect(rig.read('README.md')).toBe('# Title\nline of mine\n');
  expect((await again(rig, {})).report.tasks).toMatchObject([{ label: 'f/T1', identical: true }]);
  rig.write({ 'README.md': 'mine\n# Title\nline of f\n' });
  expect((await again(rig, { fresh: true, apply: true })).failure).toBeUndefined();
  expect(rig.read('README.md')).toBe('mine\n# Title\nline of f\n');
});

test('edits by hand of what a target depends on are not overwritten, and accepted ones stay', async () => {
  await using rig = await built();
  const agent = () => new ScriptedAgent({ auto: () => ({ 'test/greet.sh': TESTS }) });
  const target = { targets: ['f/T2'], fresh: true, apply: true };
  rig.write({ 'src/greet.ts': `${CODE}// mine\n` });
  await expect(again(rig, target, agent())).rejects.toThrow(/drifted-outputs.*f\/T1/);
  expect(rig.read('src/greet.ts')).toBe(`${CODE}// mine\n`);

  const made = (word: string) => ({
    ...specs(),
    T1: { inputs: [], outputs: ['src/greet.ts'], run: `printf '${word}\n2\n3\n4\n' > src/greet.ts` },
  });
  rig.remove('src/greet.ts');
  rig.backlog('f', made('greet'));
  expect((await rig.build()).summary.exitCode).toBe(0);
  rig.write({ 'src/greet.ts': 'greet\n2\n3\nmine\n' });
  expect((await rig.buildWithoutAgent({ targets: ['f/T1'], accept: true })).summary.exitCode).toBe(0);
  rig.backlog('f', made('greet all'));
  // That the file is gone from disk is no edit of it.
  rig.remove('src/greet.ts');
  const { failure } = await again(rig, target, agent());
  expect(failure).toBeUndefined();
  expect(rig.read('src/greet.ts')).toBe('greet all\n2\n3\nmine\n');
});

test('what a target depends on stands if its gates pass on it: only targets are built again', async () => {
  await using rig = await built();
  rig.backlog('f', { ...specs(), T5: { description: 'use', depends_on: ['T2'], outputs: ['five.txt'] } });
  rig.answer('f/T5', { 'five.txt': '5\n' });
  expect((await rig.build()).summary.exitCode).toBe(0);
  const changed = { ...specs('v2'), T5: { description: 'use', depends_on: ['T2'], outputs: ['five.txt'] } };
  rig.backlog('f', changed);
  rig.answer('f/T1', { 'src/greet.ts': CODE.replace('name: string', 'name: string, loud?: boolean') });
  expect((await rig.build({ targets: ['f/T1'] })).outcomes()).toMatchObject({ 'f/T1': 'built' });
  const agent = new ScriptedAgent({ auto: () => ({ 'five.txt': '5\n' }) });
  const { failure } = await again(rig, { targets: ['f/T5'], fresh: true }, agent);
  expect(failure).toBeUndefined();
  expect(agent.runs.map(({ label }) => label)).toEqual(['f/T5']);
});

test('a stale task is made from its new spec, and what fails is told with the rest', async () => {
  await using rig = await built();
  rig.backlog('f', specs('v2'));
  rig.config = { ...rig.config, attempts: 1 };
  const agent = new ScriptedAgent({ auto: () => ({ 'src/wrong.ts': 'x' }) });
  const { report, failure } = await again(rig, {}, agent);
  expect(failure).toMatchObject({ kind: 'wrote-outside-outputs' });
  expect(byLabel(report)).toMatchObject({
    'f/T1': { source: 'failed', failure: { kind: 'wrote-outside-outputs' } },
    'f/T2': { source: 'skipped' },
    'f/T3': { source: 'store', identical: true },
  });
  expect(report.oldTestsOnNewCode.state).toBe('not-complete');
  expect(regenerationText(report, plainStyle)).toContain('2 not made');
});

test('the page needs nothing from elsewhere and shows foreign text as text', async () => {
  await using rig = await built();
  const hostile = "export const a = '<script>alert(1)</script>\u001b[31m';\n";
  const agent = new ScriptedAgent({ auto: () => ({ 'src/greet.ts': CODE + hostile }) });
  const { report } = await again(rig, { targets: ['f/T1'], fresh: true }, agent);
  const page = await regenerationPage(report, 'p <b>');
  expect(page).toContain('&lt;script&gt;alert(1)&lt;/script&gt;');
  expect(page).not.toMatch(/<script|https?:|src=|@import|url\(/);
  expect(page).not.toContain('\u001b');
  expect(page).toContain('<title>p &lt;b&gt;</title>');
});

test('recorded files that are not here are told, and a remote that does not answer is not said to have lost them', async () => {
  await using rig = await createRig();
  rig.write({ '.gitignore': '.conductor/\nthree.txt\n' });
  rig.backlog('f', { T3: { inputs: [], outputs: ['three.txt'], run: 'date +%s%N > three.txt' } });
  await rig.build();
  rig.remove('.git/conductor', 'three.txt');
  const told = async () => {
    const { events } = await again(rig, { fresh: true });
    return events.flatMap((event) => (event.type === 'warning' ? [event.message] : []));
  };
  expect(await told()).toEqual([
    '1 recorded file cannot be found in any store: the comparison shows new files',
  ]);
  rig.remove('.git/conductor');
  rig.config = { ...rig.config, cache: { remotes: ['git:../nowhere.git'] } };
  expect(await told()).toContainEqual(
    expect.stringMatching(/^1 recorded file cannot be found here, and .*nowhere.git could not be reached/),
  );
});
