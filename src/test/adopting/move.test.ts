/** Other names for features, tasks and outputs: results, versions and accepted edits are kept, and nothing is built. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { inspectProject } from '../../build/dry-run.js';
import { blame } from '../../commands/blame.js';
import { listFeatures } from '../../commands/feature-list.js';
import { featureVersions } from '../../commands/versions/version-history.js';
import { rewritingText } from '../../report/adopting/rewriting.js';
import { plainStyle } from '../../report/style.js';
import { createRig, type Rig } from '../rig/rig.js';
import { moveIn, removeIn, silentHost } from './adopting-rig.js';

const GATES = { config: { gates: { task: ['test -d .'] } } };

/** An agent's task, a command's task on it, one in another feature on both, and an accepted edit. */
async function built(rig: Rig): Promise<void> {
  rig.write({
    'specs/shop/BACKLOG.yaml': [
      'feature: shop # the shop',
      'tasks:',
      '  - id: T1 # first',
      '    description: prices',
      '    outputs: [src/prices.ts]',
      '    spec_refs: [PLAN.md#prices]',
      '  - id: T2',
      '    depends_on: [T1]',
      '    outputs: [src/copy.ts]',
      '    run: cp src/prices.ts src/copy.ts',
      '',
    ].join('\n'),
    'specs/shop/PLAN.md': '# Plan\n\n## Prices\n\nIn cents.\n',
    'specs/page/BACKLOG.yaml': [
      'tasks:',
      '  - id: P1',
      '    # needs the prices',
      '    depends_on:',
      '      - shop/T1 # prices',
      '      - shop/T2',
      '    inputs: [specs/shop/PLAN.md]',
      '    outputs: [src/page.ts]',
      '',
    ].join('\n'),
    'specs/lone.spec.md': '---\noutputs: [lone.txt]\n---\nA file.\n',
  });
  rig.answer('shop/T1', { 'src/prices.ts': 'export const prices = 1;\n' });
  rig.answer('page/P1', { 'src/page.ts': 'export const page = 1;\n' });
  rig.answer('lone/main', { 'lone.txt': 'alone\n' });
  await rig.build();
  rig.write({ 'src/page.ts': 'export const page = 2;\n' });
  await rig.build({ accept: true, targets: ['page/P1'] });
  rig.commit();
}

async function versionsIn(rig: Rig, name: string) {
  const versions = await inspectProject(silentHost(rig), [], async ({ project, store }) => {
    const feature = project.features.get(name);
    return feature ? featureVersions(project, store, feature) : [];
  });
  if (!versions.ok) throw new Error(JSON.stringify(versions.error));
  return versions.value;
}

test('where a build gate fails, nothing is moved or removed, and the command fails', async () => {
  await using rig = await createRig({ config: { gates: { build: ['test -f a.txt'] } } });
  rig.backlog('f', { T1: { inputs: [], outputs: ['a.txt'], run: 'echo a > a.txt' } });
  await rig.build();
  for (const { done } of [await moveIn(rig, 'a.txt', 'b.txt'), await removeIn(rig, ['f'])]) {
    expect(done).toMatchObject({ rewritten: undefined, summary: { outcome: 'failed', exitCode: 1 } });
    expect(rig.read('a.txt')).toBe('a\n');
    expect(rig.read('b.txt')).toBeUndefined();
  }
  // Code has to follow the move: the gates are left to the next build.
  const moved = await moveIn(rig, 'a.txt', 'b.txt', { withoutBuildGates: true });
  expect(moved.failure).toBeUndefined();
  expect(rig.read('b.txt')).toBe('a\n');
  const next = await rig.buildWithoutAgent();
  expect(next.of('build.failure')).toMatchObject([{ failure: { kind: 'gate-failed' } }]);
});

test.each(['a', 'b'])('a move that a gate refuses keeps the result that %s had before', async (name) => {
  await using rig = await createRig();
  const tasks = { T1: { description: 'x', inputs: [], outputs: ['one.txt'] } };
  rig.backlog('a', tasks);
  rig.answer('a/T1', { 'one.txt': '1\n' });
  await rig.build();
  const other = name === 'a' ? 'b' : 'a';
  expect((await moveIn(rig, 'a', 'b')).failure).toBeUndefined();
  if (name === 'b') expect((await moveIn(rig, 'b', 'a')).failure).toBeUndefined();
  rig.config = { ...rig.config, gates: { build: ['false'] } };
  expect((await moveIn(rig, other, name)).done.summary.outcome).toBe('failed');
  rig.config = { ...rig.config, gates: {} };
  rig.remove(`specs/${other}/BACKLOG.yaml`, `specs/${other}/.metadata.json`, 'one.txt');
  rig.backlog(name, tasks);
  expect((await rig.buildWithoutAgent()).outcomes()).toEqual({ [`${name}/T1`]: 'cached' });
});

test('a feature gets another name: its plan, references, results and versions go with it', async () => {
  await using rig = await createRig(GATES);
  await built(rig);
  const { done, failure } = await moveIn(rig, 'shop', 'store');
  expect(failure).toBeUndefined();
  expect(done.rewritten).toMatchObject({ kept: 3, stale: [], told: { kind: 'feature', mentions: [] } });
  expect(rig.read('specs/shop/BACKLOG.yaml')).toBeUndefined();
  expect(rig.read('specs/store/PLAN.md')).toContain('In cents.');
  expect(rig.read('specs/store/BACKLOG.yaml')).toContain('feature: store # the shop\n');
  expect(rig.read('specs/page/BACKLOG.yaml')).toContain('      - store/T1 # prices\n      - store/T2\n');
  expect(rig.read('specs/page/BACKLOG.yaml')).toContain('specs/store/PLAN.md');
  const built2 = await rig.buildWithoutAgent();
  expect(built2.summary).toMatchObject({ outcome: 'up-to-date', counts: { fresh: 4 } });
  rig.commit();
  expect((await versionsIn(rig, 'store')).map(({ version }) => version)).toEqual(['1.0.1', '1.0.0']);
  const blamed = await blame(silentHost(rig), 'src/prices.ts');
  expect(blamed).toMatchObject({
    value: { tasks: [{ label: 'store/T1', version: '1.0.1', making: { recipe: 'agent', attempts: 1 } }] },
  });
  const edited = await blame(silentHost(rig), 'src/page.ts');
  expect(edited).toMatchObject({ value: { tasks: [{ making: { recipe: 'accepted' } }] } });
  // A clone without any of conductor's records, and one with them but without its store.
  rig.temporary.git('clone', '-q', '.', 'clone');
  const main = rig.dir;
  rig.dir = `${main}/clone`;
  expect((await rig.buildWithoutAgent({ frozen: true })).summary.exitCode).toBe(0);
  const back = await moveIn(rig, 'store', 'shop');
  expect(back.failure).toBeUndefined();
  expect((await rig.buildWithoutAgent({ frozen: true })).summary.exitCode).toBe(0);
  rig.dir = main;
});

test('a new feature under a former name has a history of its own', async () => {
  await using rig = await createRig();
  const say = (text: string) => ({ inputs: [], outputs: [`${text}.txt`], run: `echo ${text} > ${text}.txt` });
  rig.backlog('shop', { T1: say('one') });
  await rig.build();
  rig.commit();
  expect((await moveIn(rig, 'shop', 'store')).failure).toBeUndefined();
  await rig.build();
  rig.commit();
  const moved = await versionsIn(rig, 'store');
  expect(moved).toMatchObject([{ version: '1.0.0' }]);
  for (const text of ['two', 'three']) {
    rig.backlog('shop', { T1: say(text), T2: say('other') });
    await rig.build();
    rig.commit();
    expect(await versionsIn(rig, 'store')).toEqual(moved);
    const own = await versionsIn(rig, 'shop');
    const listed = await listFeatures(silentHost(rig));
    expect(listed.ok && listed.value.features).toMatchObject([
      { feature: 'shop', version: own[0]?.version },
      { feature: 'store', version: '1.0.0' },
    ]);
  }
});

test('tasks and specs of one file get other ids and names; an id that is gone is no removed criterion', async () => {
  await using rig = await createRig(GATES);
  await built(rig);
  expect((await moveIn(rig, 'shop/T1', 'prices')).done.rewritten?.kept).toBe(3);
  expect(rig.read('specs/shop/BACKLOG.yaml')).toContain('  - id: prices # first\n');
  expect(rig.read('specs/shop/BACKLOG.yaml')).toContain('depends_on: [prices]');
  expect(rig.read('specs/page/BACKLOG.yaml')).toContain('shop/prices # prices');
  expect((await moveIn(rig, 'lone', 'single')).failure).toBeUndefined();
  expect(rig.read('specs/single.spec.md')).toContain('A file.');
  const after = await rig.buildWithoutAgent();
  expect(after.summary).toMatchObject({ outcome: 'up-to-date', counts: { fresh: 4 } });
  expect(JSON.parse(rig.read('specs/shop/.metadata.json') ?? '').tasks.prices.formerly).toEqual(['T1']);
});

test('what a feature proposes for tasks of others follows their names and paths, and patterns of gates and formatters do', async () => {
  await using rig = await createRig();
  await built(rig);
  rig.write({
    'specs/page/BACKLOG.yaml': `${rig.read('specs/page/BACKLOG.yaml')}    verify:
      - { run: test -d ., inputs: [src/prices.ts] }
    format:
      - { run: 'true', files: src/prices.ts }
changes:
  # of the shop
  - task: shop/T1 # the prices
    because: the page needs more
    inputs: [src/prices.ts]
    outputs: [src/more.ts]
  - task: lone/main
    because: it is alone
    edits: [src/prices.ts]
`,
  });
  expect((await moveIn(rig, 'shop', 'store')).failure).toBeUndefined();
  expect((await moveIn(rig, 'store/T1', 'first')).failure).toBeUndefined();
  expect((await moveIn(rig, 'src/prices.ts', 'lib/prices.ts')).failure).toBeUndefined();
  const { changes, tasks } = parse(rig.read('specs/page/BACKLOG.yaml') ?? '');
  expect(changes).toMatchObject([
    { task: 'store/first', inputs: ['lib/prices.ts'], outputs: ['src/more.ts'] },
    { task: 'lone/main', edits: ['lib/prices.ts'] },
  ]);
  expect(tasks[0]).toMatchObject({
    verify: [{ inputs: ['lib/prices.ts'] }],
    format: [{ files: 'lib/prices.ts' }],
  });
  expect(rig.read('specs/page/BACKLOG.yaml')).toContain(
    '  # of the shop\n  - task: store/first # the prices\n',
  );
  // A task that is gone gets no proposal.
  expect((await removeIn(rig, ['lone'])).failure).toBeUndefined();
  expect(parse(rig.read('specs/page/BACKLOG.yaml') ?? '').changes).toHaveLength(1);
});

test('commands and settings that name the old path are named, as whole parts of paths', async () => {
  await using rig = await createRig();
  await built(rig);
  rig.write({
    'package.json': '{"description":"without mysrc","files":["dist/src-map"]}',
    'src/own.ts': 'mine\n',
  });
  const { done } = await moveIn(rig, 'src', 'lib', { dryRun: true });
  if (!done.rewritten) throw new Error('nothing was planned');
  const { told } = done.rewritten;
  expect(told).toMatchObject({
    mentions: [],
    left: ['src/own.ts'],
    commands: ['specs/shop/BACKLOG.yaml:10'],
  });
  const text = rewritingText({ ...told, ...done.rewritten }, { dryRun: true, style: plainStyle });
  expect(text).toContain('leaves   src/own.ts');
  expect(text).toContain('folders and globs that named src name lib now');
  expect(text).toContain('commands still name src: specs/shop/BACKLOG.yaml:10;');
  rig.write({
    'package.json': '{"files":["dist/src"]}',
    'package-lock.json': '{"packages":{"src":{}}}',
    'pyproject.toml': '[tool.pytest.ini_options]\ntestpaths = ["src"]\n',
  });
  rig.backlog('extra', { T1: { inputs: ['src/own.ts', 'src'], outputs: ['extra.txt'], run: 'true' } });
  expect((await moveIn(rig, 'src', 'lib')).done.rewritten?.told.mentions).toEqual([
    'package.json:1',
    'pyproject.toml:2',
  ]);
  // A file that stays keeps its name.
  expect(parse(rig.read('specs/extra/BACKLOG.yaml') ?? '').tasks[0].inputs).toEqual(['src/own.ts', 'lib']);
});

test('an output gets another path: the file moves, dependents keep their results, and only gates run', async () => {
  await using rig = await createRig(GATES);
  await built(rig);
  const { done, failure } = await moveIn(rig, 'src/prices.ts', 'src/shop/[prices].ts');
  expect(failure).toBeUndefined();
  expect(done.rewritten).toMatchObject({ kept: 3, told: { unproven: ['shop/T1', 'shop/T2', 'page/P1'] } });
  expect(rig.read('src/prices.ts')).toBeUndefined();
  expect(rig.read('src/shop/[prices].ts')).toBe('export const prices = 1;\n');
  const checked = await rig.buildWithoutAgent();
  expect(checked.summary).toMatchObject({ exitCode: 0, counts: { fresh: 1, verified: 3, built: 0 } });
  expect((await rig.buildWithoutAgent()).summary.outcome).toBe('up-to-date');
  const folder = await moveIn(rig, 'src', 'lib');
  expect(folder.failure).toBeUndefined();
  expect(Object.keys(rig.files()).filter((path) => /^(?:src|lib)\//.test(path))).toEqual([
    'lib/copy.ts',
    'lib/page.ts',
    'lib/shop/[prices].ts',
  ]);
});

test('what agents were seen to read of a moved output goes with it, so that nothing is rebuilt for the move', async () => {
  await using rig = await createRig({
    config: { agent: { driver: 'opencode', model: 'a/b', observed: 'rebuild' } },
  });
  const tasks = {
    T1: {
      description: 'x',
      inputs: [],
      outputs: ['lib/open.txt', 'lib/own.txt'],
      interface: ['lib/open.txt'],
    },
    T2: { description: 'y', depends_on: ['T1'], outputs: ['two.txt'] },
  };
  rig.backlog('f', tasks);
  rig.answer('f/T1', { 'lib/open.txt': '1', 'lib/own.txt': '2' });
  rig.answer('f/T2', { 'two.txt': '3' });
  await rig.build({}, { observed: ['lib/own.txt', 'lib/open.txt'] });
  rig.commit();
  const observed = () => Object.keys(JSON.parse(rig.read('specs/f/.metadata.json') ?? '').tasks.T2.observed);
  // A name that is not in the reader's key, then one that is.
  for (const [from, to] of [
    ['lib/own.txt', 'lib/mine.txt'],
    ['lib', 'src'],
  ] as const) {
    expect((await moveIn(rig, from, to)).failure).toBeUndefined();
    expect((await rig.buildWithoutAgent()).summary.outcome).toBe('up-to-date');
    rig.remove('two.txt');
    expect((await rig.buildWithoutAgent()).outcomes()).toMatchObject({ 'f/T2': 'cached' });
  }
  expect(observed()).toEqual(['src/mine.txt']);
});

test('what would lose something is refused, and a dry run writes nothing', async () => {
  await using rig = await createRig(GATES);
  await built(rig);
  const before = rig.files();
  const shown = await moveIn(rig, 'shop', 'store', { dryRun: true });
  expect(shown.done.rewritten?.written).toContain('specs/store/PLAN.md');
  expect(
    rewritingText(
      { ...(shown.done.rewritten as NonNullable<typeof shown.done.rewritten>), kept: 0 },
      { dryRun: true, style: plainStyle },
    ),
  ).toMatch(/^writes {3}specs\/.*\n(?:.*\n)*removes {2}specs\/shop\/PLAN\.md$/m);
  rig.write({
    'own.ts': 'mine\n',
    'src/taken.ts': 'mine\n',
    'specs/each/BACKLOG.yaml':
      'tasks:\n  - { id: all, foreach: [a, b], outputs: ["{{item}}.txt"], inputs: [], run: "true" }\n',
  });
  for (const [from, to, message] of [
    ['shop', 'page', 'there is a feature page already'],
    ['shop', '-x', 'cannot be the name of a feature'],
    ['shop/T1', 'T2', 'there is a task shop/T2 already'],
    ['shop/T1', 'page/T9', 'cannot become a task of another feature'],
    ['own.ts', 'other.ts', 'no task owns own.ts'],
    ['nothing', 'other', 'there is no feature, task or output nothing'],
    ['each/all', 'every', 'each/all stands for the tasks of a `foreach`'],
  ] as const) {
    const refused = await moveIn(rig, from, to);
    expect(refused.failure, from).toMatchObject({ kind: 'usage', message: expect.stringContaining(message) });
  }
  const taken = await moveIn(rig, 'src/prices.ts', 'src/taken.ts');
  expect(taken.failure).toEqual({ kind: 'files-in-the-way', paths: ['src/taken.ts'] });
  rig.write({ 'src/prices.ts': 'export const prices = 3;\n' });
  const drifted = await moveIn(rig, 'shop', 'store');
  expect(drifted.failure).toEqual({ kind: 'drifted-outputs', paths: ['src/prices.ts'], accept: ['shop/T1'] });
  rig.write({ 'src/prices.ts': 'export const prices = 1;\n' });
  rig.remove('own.ts', 'src/taken.ts', 'specs/each');
  expect(rig.files()).toEqual(before);
});

test('patches of files that people own stay on them under the new name, also in a clone', async () => {
  await using rig = await createRig();
  rig.write({ 'routes.txt': 'one\n' });
  rig.backlog('a', {
    A1: { inputs: [], edits: ['routes.txt'], run: ['sh', '-c', 'echo two >> routes.txt'] },
  });
  await rig.build();
  rig.commit();
  const main = rig.dir;
  for (const dir of [main, `${main}/clone`]) {
    if (dir !== main) rig.git('clone', '-q', '.', 'clone');
    rig.dir = dir;
    const [from, to] = dir === main ? ['a', 'b'] : ['b', 'c'];
    expect((await moveIn(rig, from as string, to as string)).done.rewritten).toMatchObject({
      // The name is not in the key of a command.
      kept: 0,
      stale: [],
    });
    expect(rig.read('routes.txt')).toBe('one\ntwo\n');
    expect((await rig.buildWithoutAgent({ frozen: true })).summary.exitCode).toBe(0);
    if (dir === main) rig.commit();
  }
  rig.dir = main;
  // The patch is taken out with its task.
  expect((await removeIn(rig, ['b'])).failure).toBeUndefined();
  expect(rig.read('routes.txt')).toBe('one\n');
});

test('what was out of date before is still: it is built once, from its former files', async () => {
  await using rig = await createRig();
  await built(rig);
  const spec = rig.read('specs/shop/BACKLOG.yaml') ?? '';
  rig.write({ 'specs/shop/BACKLOG.yaml': spec.replace('description: prices', 'description: all prices') });
  const { done } = await moveIn(rig, 'shop', 'store');
  expect(done.rewritten).toMatchObject({ kept: 0, stale: ['store/T1', 'store/T2', 'page/P1'] });
  let seen: string | undefined;
  rig.answer('store/T1', ({ cwd }) => {
    seen = readFileSync(join(cwd, 'src/prices.ts'), 'utf8');
    return { 'src/prices.ts': 'export const prices = 2;\n' };
  });
  rig.answer('page/P1', { 'src/page.ts': 'export const page = 3;\n' });
  const next = await rig.build();
  expect(next.ran()).toEqual(['store/T1', 'store/T2', 'page/P1']);
  expect(seen).toBe('export const prices = 1;\n');
});

test('a result that waits under the former name is used under the new one, and belongs to no task that gets the name', async () => {
  await using rig = await createRig();
  const one = (word: string) => ({ inputs: [], outputs: [`${word}.txt`], run: `echo ${word} > ${word}.txt` });
  rig.backlog('f', { T1: one('a'), T2: { ...one('b'), run: 'false' } });
  await rig.build();
  expect((await moveIn(rig, 'f', 'g')).failure).toBeUndefined();
  rig.backlog('f', { T1: one('kept') });
  expect((await rig.build({ targets: ['f'] })).outcomes()).toEqual({ 'f/T1': 'built' });
  rig.backlog('g', { T1: one('a'), T2: one('b') });
  const built = await rig.build();
  expect(built.outcomes()).toMatchObject({ 'g/T1': 'cached', 'g/T2': 'built' });
  expect([rig.read('a.txt'), rig.read('b.txt'), rig.read('kept.txt')]).toEqual(['a\n', 'b\n', 'kept\n']);
});
