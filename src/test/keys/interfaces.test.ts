/** Interfaces by signature: a change inside a module stops there, and a change of what it declares does not. */

import { expect, test, vi } from 'vitest';
import { ScriptedAgent } from '../../agent/scripted-agent.js';
import { stayedSince } from '../../analysis/interfaces/interface-changes.js';
import { inspect } from '../../build/dry-run.js';
import { loadTypescript } from '../../io/typescript.js';
import type { Verdict } from '../../model/verdict.js';
import { styleOf } from '../../report/style.js';
import { describeVerdict, explainText } from '../../report/verdict.js';
import { createRig, type Rig } from '../rig/rig.js';

vi.mock('../../io/typescript.js', async (original) => {
  const real = await original<typeof import('../../io/typescript.js')>();
  return { ...real, loadTypescript: vi.fn(real.loadTypescript) };
});

const LOCK = 'specs/f/.metadata.json';
const csv = (inside: string, parameters = 'text: string', value = "','") => `
export const COLUMNS: number = 3;
export const NAME = ${value};
/** Splits text into rows. */
export function parseCsv(${parameters}): string[][] {
  ${inside}
}
`;
const BEFORE = csv("return text.split('\\n').map((row) => row.split(','));");
const AFTER = csv("const separator = ';'; return text.split('\\n').map((row) => row.split(separator));");
const withDefault = (value: string) => csv('return [];', `text: string, separator = ${value}`);

/** A module, and tasks that build on it. */
function backlog(rig: Rig, more: Record<string, unknown> = {}, description = 'csv', readers = 6): void {
  const outputs = ['src/csv.ts', 'src/csv.test.ts'];
  const tasks: Record<string, Record<string, unknown>> = { CSV: { description, outputs, ...more } };
  for (let i = 1; i <= readers; i++)
    tasks[`R${i}`] = {
      description: `reader ${i}`,
      depends_on: ['CSV'],
      inputs: [],
      outputs: [`src/r${i}.ts`],
    };
  rig.backlog('f', tasks);
}

function answer(rig: Rig, text: string, tests = 'test'): void {
  rig.answer('f/CSV', { 'src/csv.ts': text, 'src/csv.test.ts': tests });
  for (let i = 1; i <= 6; i++)
    rig.answer(`f/R${i}`, { [`src/r${i}.ts`]: `export const r${i} = ${text.length};\n` });
}

/** A built project. */
async function project(more: Record<string, unknown> = {}, readers = 6): Promise<Rig> {
  const rig = await createRig();
  backlog(rig, more, 'csv', readers);
  answer(rig, BEFORE);
  const built = await rig.build();
  expect(built.ran()).toHaveLength(readers + 1);
  return rig;
}

test.each([
  ['another separator within a function', 6, BEFORE, AFTER],
  ['another separator by default', 6, withDefault("','"), withDefault("';'")],
  ['a private constant', 5, `const LIMIT = 7;\n${BEFORE}`, `const LIMIT = 8;\n${BEFORE}`],
])('%s rebuilds one task, and not its %i dependents', async (_what, readers, before, text) => {
  await using rig = await createRig();
  backlog(rig, {}, 'csv', readers);
  answer(rig, before);
  await rig.build();
  backlog(rig, {}, 'csv, otherwise', readers);
  answer(rig, text, 'other tests');
  const built = await rig.build();
  expect(built.ran()).toEqual(['f/CSV']);
  expect(Object.values(built.outcomes()).sort()).toEqual(['built', ...Array<string>(readers).fill('fresh')]);
  expect(rig.read('src/csv.ts')).toBe(text);
  expect((await rig.buildWithoutAgent({ frozen: true })).summary.exitCode).toBe(0);
});

test('what is said of a changed interface names the declaration, and one that stayed is told of', async () => {
  await using rig = await project({}, 1);
  const explained = async () => {
    const host = rig.host(new ScriptedAgent({ tripwire: true }));
    const options = { targets: ['f/R1'], force: false, discardEdits: false };
    const looked = await inspect(host, options, async ({ prepared, tasks }) => {
      const row = tasks.find(({ task }) => task.label === 'f/R1');
      if (!row?.check) throw new Error('R1 waits');
      return explainText(
        { label: 'f/R1', verdict: row.verdict, stayed: await stayedSince(prepared.store, row.check) },
        styleOf(false),
      );
    });
    return looked.ok ? looked.value : '';
  };
  backlog(rig, {}, 'csv, otherwise', 1);
  answer(rig, AFTER);
  await rig.build();
  expect(await explained()).toBe(
    'f/R1: fresh\n  the interface of f/CSV is as it was; only its inside has changed since\n',
  );
  backlog(rig, {}, 'csv, by any separator', 1);
  answer(rig, csv('return [];', 'text: string, separator: string'));
  const built = await rig.build();
  expect(describeVerdict(built.verdict('f/R1') as Verdict)).toBe(
    'stale: changed: the interface of f/CSV (parseCsv(text: string, separator: string): string[][])',
  );
  expect(await explained()).toBe('f/R1: fresh\n');
});

test.each([
  ['a parameter', csv('return [];', 'text: string, separator: string')],
  ['a literal that is a type', csv('return [];', 'text: string', "';'")],
  ['an inferred type', BEFORE.replace(': string[][]', '')],
])('%s that changes rebuilds its dependents', async (_what, text) => {
  await using rig = await project({}, 2);
  backlog(rig, {}, 'csv, otherwise', 2);
  answer(rig, text);
  expect((await rig.build()).outcomes()).toEqual({ 'f/CSV': 'built', 'f/R1': 'built', 'f/R2': 'built' });
});

test.each([
  ['whose dependency says so', { interface: { by: 'bytes' } }, {}],
  ['that runs a command', {}, { run: 'cp src/csv.ts src/r1.ts' }],
  ['that documents', {}, { type: 'documentation' }],
  ['that names the file as an input', {}, { inputs: ['src/csv.ts'] }],
])('the bytes count for a task %s', async (_what, need, reader) => {
  await using rig = await createRig();
  const specs = (description: string) =>
    rig.backlog('f', {
      CSV: { description, outputs: ['src/csv.ts', 'src/csv.test.ts'], ...need },
      R1: { description: 'reader', depends_on: ['CSV'], inputs: [], outputs: ['src/r1.ts'], ...reader },
    });
  specs('csv');
  answer(rig, BEFORE);
  await rig.build();
  specs('csv, otherwise');
  answer(rig, AFTER);
  expect((await rig.build()).ran()).toEqual(['f/CSV', 'f/R1']);
});

test('the gates of dependents run again on what changed inside', async () => {
  await using rig = await createRig();
  const specs = (description: string) =>
    rig.backlog('f', {
      CSV: { description, outputs: ['src/csv.ts'] },
      R1: {
        description: 'reader',
        depends_on: ['CSV'],
        inputs: [],
        outputs: ['src/r1.ts'],
        verify: [{ name: 'separator', run: '! grep -q "\';\'" src/csv.ts || grep -q new src/r1.ts' }],
      },
    });
  specs('csv');
  rig.answer('f/CSV', { 'src/csv.ts': BEFORE });
  rig.answer('f/R1', { 'src/r1.ts': 'export const r = 1;\n' });
  await rig.build();
  specs('csv, otherwise');
  rig.answer('f/CSV', { 'src/csv.ts': AFTER });
  rig.answer('f/R1', { 'src/r1.ts': 'export const r = "new";\n' });
  const built = await rig.build();
  // The gate that fails on the former result twice is what has it rebuilt.
  expect(built.outcomes()).toEqual({ 'f/CSV': 'built', 'f/R1': 'built' });
  expect(built.verdict('f/R1')?.kind).toBe('unverified');
});

test('a result from when bytes counted is found, and its record gets the new key', async () => {
  await using rig = await project({ interface: { by: 'bytes' } }, 2);
  const keyOf = (lock: string | undefined) => JSON.parse(lock ?? '').tasks.R1;
  const before = keyOf(rig.read(LOCK));
  backlog(rig, {}, 'csv', 2);
  // Nothing has to be committed for it, but a build that writes puts the record in order.
  expect((await rig.buildWithoutAgent({ frozen: true })).summary.exitCode).toBe(0);
  expect((await rig.buildWithoutAgent()).verdicts()).toEqual({
    'f/CSV': 'fresh',
    'f/R1': 'fresh',
    'f/R2': 'fresh',
  });
  const after = keyOf(rig.read(LOCK));
  expect(after).toEqual({ ...before, key: after.key, resultKey: before.key });
  expect(after.key).not.toBe(before.key);
  backlog(rig, {}, 'csv, otherwise', 2);
  answer(rig, AFTER);
  expect((await rig.build()).ran()).toEqual(['f/CSV']);
});

test('a result from when bytes counted is found in the store alone', async () => {
  await using rig = await project({ interface: { by: 'bytes' } }, 2);
  backlog(rig, {}, 'csv', 2);
  rig.remove(LOCK, 'src/csv.ts', 'src/csv.test.ts', 'src/r1.ts', 'src/r2.ts');
  const built = await rig.buildWithoutAgent();
  expect(built.outcomes()).toEqual({ 'f/CSV': 'cached', 'f/R1': 'cached', 'f/R2': 'cached' });
  expect(rig.read('src/r2.ts')).toContain('r2');
});

test.each([
  ['warn', ['f/CSV']],
  ['rebuild', ['f/CSV', 'f/R1']],
] as const)('of a file that was read, with `observed: %s`', async (observed, ran) => {
  await using rig = await createRig({ config: { agent: { driver: 'opencode', model: 'a/b', observed } } });
  backlog(rig, {}, 'csv', 1);
  answer(rig, BEFORE);
  await rig.build({}, { observed: ['src/csv.ts'] });
  expect(JSON.parse(rig.read(LOCK) ?? '').tasks.R1.observed).toHaveProperty(['src/csv.ts']);
  backlog(rig, {}, 'csv, otherwise', 1);
  answer(rig, AFTER);
  const built = await rig.build({}, { observed: ['src/csv.ts'] });
  expect(built.ran()).toEqual(ran);
  expect(built.warnings()).toEqual([]);
});

test('agents with inputs see the files of an interface, and no tests of a dependency', async () => {
  await using rig = await createRig();
  backlog(rig, {}, 'csv', 1);
  answer(rig, BEFORE);
  let seen: string[] = [];
  rig.answer('f/R1', async ({ cwd }) => {
    const { readdirSync } = await import('node:fs');
    seen = readdirSync(`${cwd}/src`).sort();
    return { 'src/r1.ts': 'export const r1 = 1;\n' };
  });
  const built = await rig.build();
  expect(seen).toEqual(['csv.ts']);
  const typing = 'Declare the types of exports';
  expect(built.agent.runs.map(({ prompt }) => prompt.includes(typing))).toEqual([true, false]);
  const prompt = built.agent.runs.at(-1)?.prompt;
  expect(prompt).not.toContain('csv.test.ts');
  expect(prompt).toContain(
    "`src/csv.ts` of f/CSV:\n\n```ts\nexport const COLUMNS: number\nexport const NAME = ','\n/** Splits text into rows. */\nexport function parseCsv(text: string): string[][]\n```",
  );
});

test('recorded interfaces need no compiler, and without one the bytes count', async () => {
  await using rig = await project({}, 1);
  const loads = vi.mocked(loadTypescript);
  rig.commit();
  loads.mockClear();
  loads.mockResolvedValue(undefined);
  try {
    expect(await rig.inspect()).toEqual({ 'f/CSV': 'fresh', 'f/R1': 'fresh' });
    expect(loads).not.toHaveBeenCalled();
    backlog(rig, {}, 'csv, otherwise', 1);
    answer(rig, AFTER);
    expect((await rig.build()).outcomes()).toEqual({ 'f/CSV': 'built', 'f/R1': 'built' });
  } finally {
    loads.mockReset();
    const real = await vi.importActual<typeof import('../../io/typescript.js')>('../../io/typescript.js');
    loads.mockImplementation(real.loadTypescript);
  }
  // With a compiler again, what was built without one is found.
  expect(await rig.inspect()).toEqual({ 'f/CSV': 'fresh', 'f/R1': 'fresh' });
});
