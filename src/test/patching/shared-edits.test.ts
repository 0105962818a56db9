/** Features that know nothing of each other and patch one file: each sees it as it is, and all patches fit in the end. */

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { AgentRequest } from '../../agent/agent.js';
import { createRig, type Rig } from '../rig/rig.js';

const ROUTES = ['const table = {', '};', '', 'const port = 80;', 'export default table;', ''].join('\n');

const look = ({ cwd }: AgentRequest) => readFileSync(join(cwd, 'src/routes.ts'), 'utf8');
const gate =
  "node -e \"require('fs').readFileSync('src/routes.ts','utf8').includes('];') && process.exit(1)\"";

/** What agents found in the file. */
type Seen = string[];

const routes = (seen: Seen, change: (text: string) => string, output: string) => (request: AgentRequest) => {
  seen.push(look(request));
  return { [output]: 'x', 'src/routes.ts': change(look(request)) };
};

const adds = (line: string) => (text: string) => text.replace('};', `  ${line},\n};`);

const spec = (description: string, output: string, more: object = {}) => ({
  T1: { description, inputs: [], outputs: [output], edits: ['src/routes.ts'], verify: [gate], ...more },
});

const table = (...lines: string[]) =>
  ROUTES.replace('};', `${lines.map((line) => `  ${line},\n`).join('')}};`);

async function oneFeature(rig: Rig, name: 'a' | 'b', seen: Seen): Promise<void> {
  rig.backlog(name, spec(`add ${name}`, `${name}.ts`));
  rig.answer(`${name}/T1`, routes(seen, adds(`${name}: 1`), `${name}.ts`));
  expect((await rig.build()).outcomes()).toMatchObject({ [`${name}/T1`]: 'built' });
}

async function nothingToDo(rig: Rig): Promise<void> {
  const story = await rig.buildWithoutAgent();
  expect(story.summary).toMatchObject({ outcome: 'up-to-date', published: 0 });
  rig.write({ 'unrelated.txt': `${Math.random()}` });
  const looked = await rig.buildWithoutAgent();
  expect(new Set(Object.values(looked.verdicts()))).toEqual(new Set(['fresh']));
  expect(looked.gates()).toEqual([]);
}

test.each([
  ['a', 'b'],
  ['b', 'a'],
] as const)(
  'two features patch one route file, %s first: built, changed and removed',
  async (first, second) => {
    await using rig = await createRig();
    rig.write({ 'src/routes.ts': ROUTES });
    const seen: Seen = [];
    await oneFeature(rig, first, seen);
    await oneFeature(rig, second, seen);
    // The second one sees the patch of the first; the file is the same whichever was first.
    expect(seen).toEqual([ROUTES, table(`${first}: 1`)]);
    expect(rig.read('src/routes.ts')).toBe(table('a: 1', 'b: 1'));
    await nothingToDo(rig);

    rig.backlog(first, spec('change it', `${first}.ts`));
    rig.answer(
      `${first}/T1`,
      routes(seen, (text) => text.replace(`${first}: 1`, `${first}: 2`), `${first}.ts`),
    );
    const changed = await rig.build();
    expect(changed.ran()).toEqual([`${first}/T1`]);
    // The other task's gates judge the new file, and no model is asked.
    expect(changed.outcomes()).toEqual({ [`${first}/T1`]: 'built', [`${second}/T1`]: 'verified' });
    expect(seen.at(-1)).toBe(table('a: 1', 'b: 1'));
    const both = first === 'a' ? table('a: 2', 'b: 1') : table('a: 1', 'b: 2');
    expect(rig.read('src/routes.ts')).toBe(both);
    await nothingToDo(rig);

    rig.remove(`specs/${first}`);
    const removed = await rig.buildWithoutAgent();
    expect(removed.outcomes()).toEqual({ [`${second}/T1`]: 'verified' });
    expect(rig.read('src/routes.ts')).toBe(table(`${second}: 1`));
    expect(existsSync(rig.path(`${first}.ts`))).toBe(false);
    await nothingToDo(rig);
    rig.remove(`specs/${second}`);
    rig.backlog('c', { T1: { outputs: ['c.txt'], inputs: [], run: 'echo c > c.txt' } });
    await rig.buildWithoutAgent();
    expect(rig.read('src/routes.ts')).toBe(ROUTES);
  },
);

test('patches that do not fit on each other: the second is built again on the first, in the same build', async () => {
  await using rig = await createRig();
  rig.write({ 'src/routes.ts': ROUTES });
  const seen: Seen = [];
  const port = (to: string) => (text: string) =>
    text.replace(/port = .*;/, (old) => `${old.slice(0, -1)} + ${to};`);
  rig.backlog('a', spec('add 1', 'a.ts'));
  rig.backlog('b', spec('add 2', 'b.ts'));
  rig.answer('a/T1', routes([], port('1'), 'a.ts'));
  rig.answer('b/T1', routes(seen, port('2'), 'b.ts'));
  const held = rig.start();
  const [one, two] = [await held.agent.next('a/T1'), await held.agent.next('b/T1')];
  await one.write('a.ts', 'x');
  await one.write('src/routes.ts', port('1')(ROUTES));
  await two.write('b.ts', 'x');
  await two.write('src/routes.ts', port('2')(ROUTES));
  one.finish();
  await held.until((story) => story.outcomes()['a/T1'] === 'built');
  two.finish();
  const again = await held.agent.next('b/T1');
  expect(readFileSync(join(again.cwd, 'src/routes.ts'), 'utf8')).toBe(port('1')(ROUTES));
  expect(again.prompt).toContain('a/T1 changes `src/routes.ts` too');
  await again.write('b.ts', 'x');
  await again.write('src/routes.ts', port('2')(port('1')(ROUTES)));
  again.finish();
  const story = await held.done;
  expect(story.outcomes()).toEqual({ 'a/T1': 'built', 'b/T1': 'built' });
  expect(rig.read('src/routes.ts')).toBe(port('2')(port('1')(ROUTES)));
  await nothingToDo(rig);
  // Without the first, the second was made on lines that are gone: it is found before anybody is asked.
  rig.remove('specs/a');
  const verdict = (await rig.build({ dryRun: true })).verdict('b/T1');
  expect(verdict).toMatchObject({
    kind: 'stale',
    reasons: [{ kind: 'patch-conflict', path: 'src/routes.ts' }],
  });
  rig.answer('b/T1', routes(seen, port('2'), 'b.ts'));
  expect((await rig.build()).outcomes()).toEqual({ 'b/T1': 'built' });
  expect(rig.read('src/routes.ts')).toBe(port('2')(ROUTES));
});

test('gates pass on what is published: patches that fit alone and fail together are built again', async () => {
  await using rig = await createRig();
  rig.write({ 'src/routes.ts': ROUTES });
  const once = `node -e "const t = require('fs').readFileSync('src/routes.ts', 'utf8'); process.exit((t.match(/same/g) ?? []).length > 1 ? 1 : 0)"`;
  const more = { verify: [once] };
  rig.backlog('a', spec('top', 'a.ts', more));
  rig.backlog('b', spec('bottom', 'b.ts', more));
  const last = (line: string) => (text: string) => `${text}${line}\n`;
  const held = rig.start();
  const [one, two] = [await held.agent.next('a/T1'), await held.agent.next('b/T1')];
  await one.write('a.ts', 'x');
  await one.write('src/routes.ts', `// same\n${ROUTES}`);
  await two.write('b.ts', 'x');
  await two.write('src/routes.ts', last('same();')(ROUTES));
  one.finish();
  await held.until((story) => story.outcomes()['a/T1'] === 'built');
  two.finish();
  const again = await held.agent.next('b/T1');
  // What its gates rejected is not in the file, the patch of the other is.
  expect(readFileSync(join(again.cwd, 'src/routes.ts'), 'utf8')).toBe(`// same\n${ROUTES}`);
  await again.write('b.ts', 'x');
  await again.write('src/routes.ts', `// same\n${last('other();')(ROUTES)}`);
  again.finish();
  const story = await held.done;
  expect(story.outcomes()).toEqual({ 'a/T1': 'built', 'b/T1': 'built' });
  expect(rig.read('src/routes.ts')).toBe(`// same\n${last('other();')(ROUTES)}`);
  await nothingToDo(rig);
});

test('two features need one import and a dependency each: both are there once, and nothing conflicts', async () => {
  await using rig = await createRig();
  const manifest = (...names: string[]) =>
    `${JSON.stringify({ name: 'x', dependencies: Object.fromEntries(names.map((name) => [name, '1.0.0'])) }, null, 2)}\n`;
  const app = (imports: string, calls: string) =>
    `import { app } from './app';\n${imports}\n${calls}export default app;\n`;
  rig.write({ 'package.json': manifest('m'), 'src/index.ts': app('', '') });
  const edits = ['package.json', 'src/index.ts'];
  const verify = [`node -e "JSON.parse(require('fs').readFileSync('package.json', 'utf8'))"`];
  for (const name of ['a', 'z'])
    rig.backlog(name, { T1: { description: name, inputs: [], outputs: [`${name}.ts`], edits, verify } });
  const held = rig.start();
  for (const name of ['a', 'z']) {
    const run = await held.agent.next(`${name}/T1`);
    await run.write(`${name}.ts`, 'x');
    await run.write('package.json', name === 'a' ? manifest('a', 'm') : manifest('m', 'z'));
    const imports = `import { guard } from './guard';\nimport { ${name} } from './${name}';\n`;
    await run.write('src/index.ts', app(imports, `app.use(guard(${name}));\n`));
    run.finish();
  }
  const story = await held.done;
  expect(story.outcomes()).toEqual({ 'a/T1': 'built', 'z/T1': 'built' });
  expect(rig.read('package.json')).toBe(manifest('a', 'm', 'z'));
  const imports = "import { guard } from './guard';\nimport { a } from './a';\nimport { z } from './z';\n";
  expect(rig.read('src/index.ts')).toBe(app(imports, 'app.use(guard(a));\napp.use(guard(z));\n'));
  await nothingToDo(rig);
  rig.remove('specs/a');
  await rig.buildWithoutAgent();
  expect(rig.read('package.json')).toBe(manifest('m', 'z'));
  expect(rig.read('src/index.ts')).toBe(
    app("import { guard } from './guard';\nimport { z } from './z';\n", 'app.use(guard(z));\n'),
  );
});
