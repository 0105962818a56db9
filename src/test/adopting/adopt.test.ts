/** Existing code becomes specs: no byte of it changes, and the next build has nothing to do. */

import { chmodSync } from 'node:fs';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { planAdoption } from '../../commands/adopt/adopt.js';
import { createRig, type Rig } from '../rig/rig.js';
import { adoptIn, silentHost } from './adopting-rig.js';

const CODE = {
  'src/money.ts': '/** Amounts in whole cents. */\nexport const cents = (euros: number) => euros * 100;\n',
  'src/money.test.ts': "import { cents } from './money.js';\nif (cents(1) !== 100) throw new Error();\n",
  'src/a.ts': "import { b } from './b.js';\nexport const a = () => b;\n",
  'src/b.ts': "import { a } from './a.js';\nexport const b = () => a;\n",
  'src/shop/cart.ts': "import { cents } from '../money';\nexport const cart = [cents(2)];\n",
  'src/shop/index.ts': "export * from './cart.js';\n",
  'src/main.ts': "// Opens the shop.\nimport { cart } from './shop';\nimport './a.js';\nexport { cart };\n",
  'src/notes.txt': 'mine\n',
  'src/vite.config.ts': 'export default {};\n',
};

interface Written {
  readonly tasks: readonly {
    readonly id: string;
    readonly outputs: readonly string[];
    readonly depends_on?: readonly string[];
    readonly interface?: readonly string[];
    readonly description: string;
  }[];
}

function backlogOf(rig: Rig, feature: string): Written {
  return parse(rig.read(`specs/${feature}/BACKLOG.yaml`) ?? '') as Written;
}

test('a folder becomes tasks by its files, tests and imports; nothing changes and nothing is to be done', async () => {
  await using rig = await createRig();
  rig.write(CODE);
  rig.commit();
  const before = rig.files();
  const { done, failure } = await adoptIn(rig, ['src'], { as: 'code' });
  expect(failure).toBeUndefined();
  expect(done.summary.exitCode).toBe(0);
  const { tasks } = backlogOf(rig, 'code');
  expect(tasks.map(({ id, outputs, depends_on = [] }) => [id, outputs, depends_on])).toEqual([
    ['src', ['src/a.ts', 'src/b.ts'], []],
    ['money', ['src/money.ts', 'src/money.test.ts'], []],
    ['shop', ['src/shop/cart.ts', 'src/shop/index.ts'], ['money']],
    ['main', ['src/main.ts'], ['src', 'shop']],
  ]);
  expect(tasks[1]).toMatchObject({
    interface: ['src/money.ts'],
    description: 'Amounts in whole cents. It offers `cents`.',
  });
  expect(done.adoption?.skipped).toEqual([
    { path: 'src/vite.config.ts', because: 'it holds settings of a tool' },
  ]);
  expect(done.adoption?.others).toBe(1);
  const after = rig.files();
  for (const [path, text] of Object.entries(before)) expect(after[path]).toBe(text);
  expect(Object.keys(after).filter((path) => before[path] === undefined)).toEqual([
    'specs/code/.metadata.json',
    'specs/code/BACKLOG.yaml',
  ]);
  const built = await rig.buildWithoutAgent();
  expect(built.summary.outcome).toBe('up-to-date');
  rig.remove('.conductor');
  rig.commit();
  const frozen = await rig.buildWithoutAgent({ frozen: true });
  expect(frozen.summary.exitCode).toBe(0);
});

test('a changed spec is built once, from the code, and may be built back; the files outlive their spec', async () => {
  await using rig = await createRig();
  rig.write(CODE);
  await adoptIn(rig, ['src'], { as: 'code' });
  const text = rig.read('specs/code/BACKLOG.yaml') ?? '';
  const longer = text.replace('Opens the shop.', 'Opens the shop with two carts.');
  rig.write({ 'specs/code/BACKLOG.yaml': longer });
  let seen: string | undefined;
  rig.answer('code/main', async ({ cwd }) => {
    const { readFileSync } = await import('node:fs');
    seen = readFileSync(`${cwd}/src/main.ts`, 'utf8');
    return { 'src/main.ts': seen.replace('{ cart }', '{ cart, cart as two }') };
  });
  const second = await rig.build();
  expect(second.ran()).toEqual(['code/main']);
  expect(seen).toBe(CODE['src/main.ts']);
  expect(rig.read('src/main.ts')).toContain('as two');
  // Back, and forth again: from the store both times.
  rig.write({ 'specs/code/BACKLOG.yaml': text });
  expect((await rig.buildWithoutAgent()).summary.exitCode).toBe(0);
  expect(rig.read('src/main.ts')).toBe(CODE['src/main.ts']);
  rig.write({ 'specs/code/BACKLOG.yaml': longer });
  expect((await rig.buildWithoutAgent()).summary.exitCode).toBe(0);
  expect(rig.read('src/main.ts')).toContain('as two');
  // Also what an agent built since stays when the spec goes.
  rig.backlog('other', { T1: { outputs: ['o.txt'], run: ['touch', 'o.txt'] } });
  rig.remove('specs/code');
  const third = await rig.build();
  expect(third.warnings()).toContainEqual(expect.stringContaining('no task owns src/main.ts any more'));
  expect(rig.read('src/main.ts')).toContain('as two');
  expect(rig.read('src/a.ts')).toBe(CODE['src/a.ts']);
});

test('another agent or model makes no adopted task stale, until something was built on it', async () => {
  await using rig = await createRig();
  rig.write(CODE);
  await adoptIn(rig, ['src'], { as: 'code' });
  const other = { tripwire: true, identity: 'other' } as const;
  const { summary } = await rig.start({ targets: ['code'] }, other).done;
  expect(summary).toMatchObject({ exitCode: 0, counts: { fresh: 4 } });
  rig.commit();
  expect((await rig.start({ frozen: true }, other).done).summary.exitCode).toBe(0);
  const text = rig.read('specs/code/BACKLOG.yaml') ?? '';
  rig.write({ 'specs/code/BACKLOG.yaml': text.replace('Opens the shop.', 'Opens two shops.') });
  rig.answer('code/main', { 'src/main.ts': 'export const built = 1;\n' });
  expect((await rig.build({}, { identity: 'other' })).ran()).toEqual(['code/main']);
  rig.answer('code/main', { 'src/main.ts': 'export const built = 2;\n' });
  expect((await rig.build({ targets: ['code'] }, { identity: 'third' })).ran()).toEqual(['code/main']);
});

test('where a gate fails on the code nothing is written, and what was stored is forgotten', async () => {
  await using rig = await createRig({ config: { gates: { task: ['! grep -rq "\\[cents" src'] } } });
  rig.write(CODE);
  const before = rig.files();
  const refused = await adoptIn(rig, ['src'], { as: 'code' });
  expect(refused.failure).toMatchObject({ kind: 'gate-failed' });
  expect(refused.done).toMatchObject({ adoption: undefined, summary: { exitCode: 1 } });
  expect(rig.files()).toEqual(before);
  rig.config = { ...rig.config, gates: { task: ['test -d src'] } };
  const { failure } = await adoptIn(rig, ['src'], { as: 'code' });
  expect(failure).toBeUndefined();
  expect((await rig.buildWithoutAgent()).summary.outcome).toBe('up-to-date');
  rig.commit();
  const frozen = await rig.buildWithoutAgent({ frozen: true });
  expect(frozen.summary).toMatchObject({ exitCode: 0, counts: { fresh: 4 } });
});

test('gates of a folder of a monorepo are found, also those of hoisted programs that its config links', async () => {
  await using rig = await createRig();
  const root = rig.dir;
  rig.write({
    '.gitignore': 'node_modules\n.conductor/\n',
    'packages/a/src/money.ts': CODE['src/money.ts'],
    'packages/a/package.json': JSON.stringify({ devDependencies: { typescript: '1' } }),
    'packages/a/tsconfig.json': '{}',
  });
  // As `tsc` is found: an empty PATH has no other.
  rig.write({ 'node_modules/.bin/tsc': '#!/bin/sh\n' });
  chmodSync(`${root}/node_modules/.bin/tsc`, 0o755);
  rig.dir = `${root}/packages/a`;
  const gates = async () => {
    const planned = await planAdoption(
      { ...silentHost(rig), env: { PATH: '' } },
      { paths: ['src'], as: 'code', detectsGates: true, wait: true, command: 'conductor adopt' },
    );
    if (!planned.ok) throw new Error(JSON.stringify(planned.error));
    return planned.value.gates;
  };
  expect(await gates()).toEqual([]);
  rig.config = { ...rig.config, workspace: { link: ['../../node_modules'] } };
  expect(await gates()).toEqual(['tsc --noEmit']);
  rig.dir = root;
});

test('what cannot be adopted is named: owned, patched, secret, binary, ignored, used by tasks', async () => {
  await using rig = await createRig();
  rig.write({
    ...CODE,
    'src/own.ts': "import './used.js';\n",
    'src/used.ts': 'export {};\n',
    'src/claimed.ts': 'export {};\n',
    'src/patched.ts': 'export {};\n',
    'src/key.pem': 'secret\n',
    'src/blob.js': 'a\0b',
    'src/ignored.ts': 'export {};\n',
    '.gitignore': '.conductor/\nsrc/ignored.ts\nsrc/key.pem\n',
  });
  rig.link('src/link.ts', 'main.ts');
  rig.backlog('f', {
    T1: { outputs: ['src/own.ts'] },
    T3: { outputs: ['src/claimed.ts'] },
    T2: { run: ['sh', '-c', 'echo >> src/patched.ts'], edits: ['src/patched.ts'] },
  });
  rig.commit();
  await rig.build({ accept: true, targets: ['f/T1'] });
  for (const [path, because] of [
    ['src/own.ts', 'f/T1 owns it'],
    ['src/patched.ts', 'f/T2 edits it'],
    ['src/used.ts', 'f/T1 uses it as a hand-written file'],
    ['src/claimed.ts', 'f/T3 names it in `outputs`; take it out there first'],
    ['src/key.pem', 'its name looks like that of a secret'],
    ['src/blob.js', 'it is binary'],
    ['src/ignored.ts', 'git ignores it, or it is empty'],
    ['src/link.ts', 'it is a link'],
    ['specs/f/BACKLOG.yaml', "it belongs to conductor's own settings"],
    ['src/none.ts', 'does not exist'],
    ['src/*.none', 'src/*.none matches no file'],
    ['..', 'it leaves the project'],
    ['../none.ts', 'it leaves the project'],
    ['.git', 'it is inside .git'],
  ] as const) {
    const { failure } = await adoptIn(rig, [path]);
    expect(failure, path).toMatchObject({ kind: 'usage', message: expect.stringContaining(because) });
  }
  rig.write(Object.fromEntries([...'abcdef'].map((name) => [`specs/f/${name}.md`, 'note\n'])));
  const { failure: many } = await adoptIn(rig, ['specs']);
  expect(many).toMatchObject({ message: expect.stringMatching(/: (?:\S+ \([^)]*\)(?:, )?){5} and 3 more$/) });
  // Beside other files, conductor's own ones are not worth a line.
  const all = { paths: ['.'], as: 'all', detectsGates: false, wait: true, command: '' };
  const planned = await planAdoption(silentHost(rig), all);
  const skipped = planned.ok ? planned.value.skipped.map(({ path }) => path) : [];
  expect([skipped.length > 0, skipped.filter((path) => path.startsWith('specs/'))]).toEqual([true, []]);
  const { done } = await adoptIn(rig, ['src']);
  expect(done.adoption?.feature).toBe('feature-001-src');
  expect(done.adoption?.skipped.map(({ path }) => path)).toEqual([
    'src/blob.js',
    'src/claimed.ts',
    'src/key.pem',
    'src/link.ts',
    'src/own.ts',
    'src/patched.ts',
    'src/used.ts',
    'src/vite.config.ts',
  ]);
  expect(rig.read('src/key.pem')).toBe('secret\n');
});

test('an accepted edit of adopted code outlives a spec that is as it was before the edit', async () => {
  await using rig = await createRig();
  rig.write({ 'src/a.ts': 'export const a = 1;\n' });
  await adoptIn(rig, ['src'], { as: 'code', detectsGates: false });
  const path = 'specs/code/BACKLOG.yaml';
  const before = rig.read(path) ?? '';
  const accepted = { accept: true, targets: ['code'] };
  rig.write({ [path]: before.replace(/description: .*/, 'description: Another word.') });
  await rig.buildWithoutAgent(accepted);
  rig.write({ 'src/a.ts': 'export const a = 2;\n' });
  await rig.buildWithoutAgent(accepted);
  rig.write({ [path]: before });
  const built = await rig.buildWithoutAgent();
  expect(built.summary.exitCode).toBe(0);
  expect(rig.read('src/a.ts')).toBe('export const a = 2;\n');
  expect((await rig.buildWithoutAgent()).summary.outcome).toBe('up-to-date');
  // Nothing was built for it yet, so an agent goes on from what a person left.
  expect(rig.read('specs/code/.metadata.json')).toContain('handWork');
  rig.write({ [path]: before.replace(/description: .*/, 'description: A third word.') });
  rig.answer('code/a', { 'src/a.ts': 'export const a = 3;\n' });
  expect((await rig.build()).outcomes()).toEqual({ 'code/a': 'built' });
  expect(rig.read('src/a.ts')).toBe('export const a = 3;\n');
});
