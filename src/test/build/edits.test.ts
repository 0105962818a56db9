/** Files that tasks patch and do not own. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { AgentRequest } from '../../agent/agent.js';
import { createRig, type Rig } from '../rig/rig.js';

const ROUTES = ['// routes', 'const table = [', '];', '', '// more', 'export default table;', ''].join('\n');

const look = (request: AgentRequest) => readFileSync(join(request.cwd, 'routes.ts'), 'utf8');

/** Puts a line into the table, as an agent would: into the file as it is shown. */
const adds =
  (line: string, output: string, seen: string[] = []) =>
  (request: AgentRequest) => {
    seen.push(look(request));
    return { [output]: line, 'routes.ts': look(request).replace('];', `  ${line},\n];`) };
  };

/** Puts another line in the place of its former one. */
const becomes =
  (former: string, line: string, output: string, seen: string[] = []) =>
  (request: AgentRequest) => {
    seen.push(look(request));
    return { [output]: line, 'routes.ts': look(request).replace(`  ${former},\n`, `  ${line},\n`) };
  };

const task = (description: string, output: string, more: object = {}) => ({
  description,
  inputs: [],
  outputs: [output],
  edits: ['routes.ts'],
  ...more,
});

async function patched(rig: Rig): Promise<void> {
  rig.write({ 'routes.ts': ROUTES });
  rig.backlog('f', { T1: task('one', 'one.ts') });
  rig.answer('f/T1', adds('one', 'one.ts'));
  expect((await rig.build()).outcomes()).toEqual({ 'f/T1': 'built' });
}

test('a patch is put on the file and then there is nothing to do', async () => {
  await using rig = await createRig();
  await patched(rig);
  expect(rig.read('routes.ts')).toBe(ROUTES.replace('];', '  one,\n];'));
  const second = await rig.buildWithoutAgent();
  expect(second.ran()).toEqual([]);
  expect(second.summary).toMatchObject({ outcome: 'up-to-date', published: 0 });
  rig.write({ 'unrelated.ts': 'x' });
  expect((await rig.buildWithoutAgent()).verdicts()).toEqual({ 'f/T1': 'fresh' });
});

test('a task that is rebuilt goes on from the file with its former patch', async () => {
  await using rig = await createRig();
  await patched(rig);
  const seen: string[] = [];
  rig.backlog('f', { T1: task('other', 'one.ts') });
  rig.answer('f/T1', becomes('one', 'other', 'one.ts', seen));
  const second = await rig.build();
  expect(second.outcomes()).toEqual({ 'f/T1': 'built' });
  expect(seen).toEqual([ROUTES.replace('];', '  one,\n];')]);
  const [prompt] = second.agent.runs.map((run) => run.prompt);
  expect(prompt).toContain('## Your former change');
  expect(prompt).toContain('+  one,');
  expect(prompt).toContain('-one\n+other');
  expect(rig.read('routes.ts')).toBe(ROUTES.replace('];', '  other,\n];'));

  rig.backlog('f', { T1: task('third', 'one.ts', { strategy: 'fresh' }) });
  rig.answer('f/T1', adds('third', 'one.ts', seen));
  expect((await rig.build()).outcomes()).toEqual({ 'f/T1': 'built' });
  expect(seen.at(-1)).toBe(ROUTES);
  expect(rig.read('routes.ts')).toBe(ROUTES.replace('];', '  third,\n];'));
});

test("a person's edit elsewhere in the file is kept and nothing reruns", async () => {
  await using rig = await createRig();
  await patched(rig);
  rig.write({ 'routes.ts': `${rig.read('routes.ts')}// by hand\n` });
  const second = await rig.buildWithoutAgent();
  expect(second.ran()).toEqual([]);
  expect(second.summary.exitCode).toBe(0);
  expect(rig.read('routes.ts')).toBe(`${ROUTES.replace('];', '  one,\n];')}// by hand\n`);
  rig.write({ 'routes.ts': `// top\n${rig.read('routes.ts')}` });
  expect((await rig.buildWithoutAgent()).ran()).toEqual([]);
  expect(rig.read('routes.ts')).toBe(`// top\n${ROUTES.replace('];', '  one,\n];')}// by hand\n`);
  expect((await rig.buildWithoutAgent()).summary.outcome).toBe('up-to-date');
});

test('two tasks patch one file at one place', async () => {
  await using rig = await createRig();
  rig.write({ 'routes.ts': ROUTES });
  rig.backlog('f', {
    T1: task('one', 'one.ts'),
    T2: task('two', 'two.ts', { depends_on: ['T1'] }),
  });
  const seen: string[] = [];
  rig.answer('f/T1', adds('one', 'one.ts'));
  rig.answer('f/T2', adds('two', 'two.ts', seen));
  expect((await rig.build()).outcomes()).toEqual({ 'f/T1': 'built', 'f/T2': 'built' });
  const both = ROUTES.replace('];', '  one,\n  two,\n];');
  expect(rig.read('routes.ts')).toBe(both);
  expect(seen[0]).toContain('  one,');
  expect((await rig.buildWithoutAgent()).ran()).toEqual([]);

  rig.write({ 'routes.ts': `${both}// by hand\n` });
  const third = await rig.buildWithoutAgent();
  expect(third.ran()).toEqual([]);
  expect(rig.read('routes.ts')).toBe(`${both}// by hand\n`);
});

test('two tasks that know nothing of each other patch one file at one place', async () => {
  await using rig = await createRig();
  rig.write({ 'routes.ts': ROUTES });
  rig.backlog('f', { T1: task('one', 'one.ts'), T2: task('two', 'two.ts') });
  rig.answer('f/T1', adds('one', 'one.ts'));
  rig.answer('f/T2', adds('two', 'two.ts'));
  const first = await rig.build();
  expect(first.outcomes()).toEqual({ 'f/T1': 'built', 'f/T2': 'built' });
  expect(first.buildFailure()).toBeUndefined();
  expect(rig.read('routes.ts')).toContain('  one,\n');
  expect(rig.read('routes.ts')).toContain('  two,\n');
  expect((await rig.buildWithoutAgent()).ran()).toEqual([]);
});

test("removing a task takes its patch back and leaves the other's", async () => {
  await using rig = await createRig();
  rig.write({ 'routes.ts': ROUTES });
  rig.backlog('f', { T1: task('one', 'one.ts'), T2: task('two', 'two.ts', { depends_on: ['T1'] }) });
  rig.answer('f/T1', adds('one', 'one.ts'));
  rig.answer('f/T2', adds('two', 'two.ts'));
  await rig.build();
  rig.backlog('f', { T1: task('one', 'one.ts') });
  const second = await rig.buildWithoutAgent();
  expect(second.summary.exitCode).toBe(0);
  expect(rig.read('routes.ts')).toBe(ROUTES.replace('];', '  one,\n];'));
  expect(rig.read('two.ts')).toBeUndefined();

  rig.backlog('f', { T3: { inputs: [], outputs: ['three.ts'], run: 'echo 3 > three.ts' } });
  expect((await rig.build()).summary.exitCode).toBe(0);
  expect(rig.read('routes.ts')).toBe(ROUTES);
});

test('removing a whole feature takes its patches back', async () => {
  await using rig = await createRig();
  await patched(rig);
  rig.backlog('g', { T1: { inputs: [], outputs: ['g.ts'], run: 'echo g > g.ts' } });
  rig.remove('specs/f');
  expect((await rig.build()).summary.exitCode).toBe(0);
  expect(rig.read('one.ts')).toBeUndefined();
  expect(rig.read('routes.ts')).toBe(ROUTES);
});

test('a patch that fits no more leads to a new run, and the new one lands', async () => {
  await using rig = await createRig();
  await patched(rig);
  const rewritten = 'const table = { };\n';
  rig.write({ 'routes.ts': rewritten });
  expect(await rig.inspect()).toEqual({ 'f/T1': 'stale' });
  const seen: string[] = [];
  rig.answer('f/T1', (request) => {
    seen.push(look(request));
    return { 'one.ts': 'one', 'routes.ts': look(request).replace('{ }', '{ one }') };
  });
  const second = await rig.build();
  expect(second.verdict('f/T1')).toMatchObject({
    kind: 'stale',
    reasons: [{ kind: 'patch-conflict', path: 'routes.ts' }],
  });
  expect(second.outcomes()).toEqual({ 'f/T1': 'built' });
  expect(seen).toEqual([rewritten]);
  expect(rig.read('routes.ts')).toBe('const table = { one };\n');
  expect((await rig.buildWithoutAgent()).ran()).toEqual([]);
  rig.write({ 'unrelated.ts': 'x' });
  expect((await rig.buildWithoutAgent()).verdicts()).toEqual({ 'f/T1': 'fresh' });
});

test('a line that a person changed right beside a patch: the patch is made again on their text, and not put in twice', async () => {
  await using rig = await createRig();
  rig.write({ 'notes.txt': 'title\n\nRotates logs.\n' });
  rig.backlog('f', { T1: { description: 'x', inputs: [], edits: ['notes.txt'] } });
  rig.answer('f/T1', ({ cwd }) => ({
    'notes.txt': `${readFileSync(join(cwd, 'notes.txt'), 'utf8')}added\n`,
  }));
  await rig.build();
  rig.commit();
  rig.write({ 'notes.txt': 'title\n\nRotates all logs.\nadded\n' });
  await rig.build();
  expect(rig.read('notes.txt')).toBe('title\n\nRotates all logs.\nadded\n');
  // A line of theirs right behind the patch stays where it is.
  rig.write({ 'notes.txt': 'title\n\nRotates all logs.\nadded\nmine\n' });
  await rig.build();
  expect(rig.read('notes.txt')).toBe('title\n\nRotates all logs.\nadded\nmine\n');
});

test('a patch that a person took out is put on again without a run', async () => {
  await using rig = await createRig();
  await patched(rig);
  rig.write({ 'routes.ts': ROUTES });
  const second = await rig.buildWithoutAgent();
  expect(second.ran()).toEqual([]);
  expect(rig.read('routes.ts')).toBe(ROUTES.replace('];', '  one,\n];'));
});

test('a file that only a patch makes goes with the task', async () => {
  await using rig = await createRig();
  rig.backlog('f', { T1: task('one', 'one.ts') });
  rig.answer('f/T1', { 'one.ts': '1', 'routes.ts': 'export {};\n' });
  expect((await rig.build()).outcomes()).toEqual({ 'f/T1': 'built' });
  expect(rig.read('routes.ts')).toBe('export {};\n');
  expect((await rig.buildWithoutAgent()).ran()).toEqual([]);
  rig.backlog('f', { T2: { inputs: [], outputs: ['two.ts'], run: 'echo 2 > two.ts' } });
  expect((await rig.build()).summary.exitCode).toBe(0);
  expect(rig.read('routes.ts')).toBeUndefined();
});

test('a patch is restored from the store when the spec goes back', async () => {
  await using rig = await createRig();
  await patched(rig);
  const one = rig.read('routes.ts');
  rig.backlog('f', { T1: task('other', 'one.ts') });
  rig.answer('f/T1', adds('other', 'one.ts'));
  await rig.build();
  rig.backlog('f', { T1: task('one', 'one.ts') });
  expect((await rig.buildWithoutAgent()).outcomes()).toEqual({ 'f/T1': 'cached' });
  expect(rig.read('routes.ts')).toBe(one);
});

test("a person's edit of the file and a change of the spec at the same time are both kept", async () => {
  await using rig = await createRig();
  await patched(rig);
  rig.write({ 'routes.ts': `${rig.read('routes.ts')}// by hand\n` });
  rig.backlog('f', { T1: task('other', 'one.ts') });
  const seen: string[] = [];
  rig.answer('f/T1', becomes('one', 'other', 'one.ts', seen));
  expect((await rig.build()).outcomes()).toEqual({ 'f/T1': 'built' });
  expect(seen).toEqual([`${ROUTES.replace('];', '  one,\n];')}// by hand\n`]);
  expect(rig.read('routes.ts')).toBe(`${ROUTES.replace('];', '  other,\n];')}// by hand\n`);
});

test("a person's edit survives when only one of two patching tasks was built after it", async () => {
  await using rig = await createRig();
  rig.write({ 'routes.ts': ROUTES });
  const first = { T1: task('one', 'one.ts') };
  const second = { T2: task('two', 'two.ts', { depends_on: ['T1'] }) };
  rig.backlog('f', { ...first, ...second });
  rig.answer('f/T1', adds('one', 'one.ts'));
  rig.answer('f/T2', adds('two', 'two.ts'));
  await rig.build();
  rig.write({ 'routes.ts': `${rig.read('routes.ts')}// by hand\n` });
  expect((await rig.buildWithoutAgent({ targets: ['f/T1'] })).summary.exitCode).toBe(0);
  expect(rig.read('routes.ts')).toContain('// by hand');
  rig.backlog('f', { ...first, T2: task('zwei', 'two.ts', { depends_on: ['T1'] }) });
  rig.answer('f/T2', becomes('two', 'zwei', 'two.ts'));
  expect((await rig.build()).ran()).toEqual(['f/T2']);
  expect(rig.read('routes.ts')).toBe(`${ROUTES.replace('];', '  one,\n  zwei,\n];')}// by hand\n`);
});

test('a task may delete a file that it patches, and the file comes back when the task goes', async () => {
  await using rig = await createRig();
  rig.write({ 'routes.ts': ROUTES });
  rig.backlog('f', { T1: task('one', 'one.ts') });
  rig.answer('f/T1', { 'one.ts': '1', 'routes.ts': null });
  expect((await rig.build()).outcomes()).toEqual({ 'f/T1': 'built' });
  expect(rig.read('routes.ts')).toBeUndefined();
  rig.write({ 'unrelated.ts': 'x' });
  expect((await rig.buildWithoutAgent()).verdicts()).toEqual({ 'f/T1': 'fresh' });
  rig.backlog('f', { T2: { inputs: [], outputs: ['two.ts'], run: 'echo 2 > two.ts' } });
  expect((await rig.build()).summary.exitCode).toBe(0);
  expect(rig.read('routes.ts')).toBe(ROUTES);
});

test('a task that lists its edits in no order is fresh after its build, and its dependents too', async () => {
  await using rig = await createRig();
  rig.write({ 'routes.ts': ROUTES, 'app.ts': 'start\n' });
  rig.backlog('f', {
    T1: task('one', 'one.ts', { edits: ['routes.ts', 'app.ts'], verify: ['node -e 0'] }),
    T2: { inputs: [], outputs: ['two.ts'], depends_on: ['T1'], description: 'two' },
  });
  rig.answer('f/T1', (request) => ({ ...adds('one', 'one.ts')(request), 'app.ts': 'start\none\n' }));
  rig.answer('f/T2', { 'two.ts': '2' });
  await rig.build();
  expect(await rig.inspect()).toEqual({ 'f/T1': 'fresh', 'f/T2': 'fresh' });
  expect((await rig.buildWithoutAgent()).summary.outcome).toBe('up-to-date');
});
