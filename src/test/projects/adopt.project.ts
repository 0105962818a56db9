/** A real library of some fifty files, as the package registry ships it, is adopted: nothing is to be done, and one spec edit changes one file. */

import { execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { parse, stringify } from 'yaml';
import { adoptIn, disownIn, moveIn } from '../adopting/adopting-rig.js';
import { createRig } from '../rig/rig.js';

/** MIT; 55 CommonJS modules with their types beside them, no build step. */
const LIBRARY = 'mnemonist@0.39.8';

/** Loads every module of the library that a task sees: it fails where a task does not see what it imports. */
const LOADS = `import { existsSync, readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
const require = createRequire(import.meta.url);
for (const folder of ['lib', 'lib/utils'])
  for (const name of existsSync(folder) ? readdirSync(folder) : [])
    if (name.endsWith('.js')) require('./' + folder + '/' + name);
`;

let installed: string;

beforeAll(() => {
  installed = mkdtempSync(join(tmpdir(), 'conductor-library-'));
  const options = ['install', '--no-audit', '--no-fund', '--no-save', '--ignore-scripts', LIBRARY];
  execFileSync('npm', options, { cwd: installed, stdio: ['ignore', 'ignore', 'inherit'] });
});
afterAll(() => rmSync(installed, { recursive: true, force: true }));

test('a library is adopted with a gate that loads each module, edited by one spec, renamed and disowned', async () => {
  await using rig = await createRig({
    config: { gates: { task: ['node loads.mjs'] }, workspace: { link: ['node_modules'] }, workers: 2 },
  });
  const library = `${installed}/node_modules/mnemonist`;
  const isSource = (path: string) => !/\.(?:md|json|txt)$/.test(path);
  cpSync(library, rig.path('lib'), { recursive: true, filter: isSource });
  cpSync(`${installed}/node_modules`, rig.path('node_modules'), {
    recursive: true,
    filter: (path) => !path.startsWith(library),
  });
  rig.write({ 'loads.mjs': LOADS, '.gitignore': '.conductor/\nnode_modules/\n' });
  rig.commit();
  const before = rig.files();

  const { done, failure } = await adoptIn(rig, ['lib'], { as: 'mnemonist' });
  expect(failure).toBeUndefined();
  const tasks = done.adoption?.tasks ?? [];
  expect(done.adoption?.files).toBeGreaterThan(50);
  expect(tasks.length).toBeGreaterThan(30);
  for (const [path, text] of Object.entries(before)) expect(rig.files()[path]).toBe(text);
  rig.commit();
  const nothing = await rig.buildWithoutAgent({ frozen: true });
  expect(nothing.summary).toMatchObject({ exitCode: 0, counts: { fresh: tasks.length } });

  // A task on which no other one depends: its words change, and only its file.
  const needed = new Set(tasks.flatMap((task) => task.depends_on ?? []));
  const leaf = tasks.find(({ id }) => !needed.has(id));
  const output = leaf?.outputs.find((path) => path.endsWith('.js')) ?? '';
  const file = 'specs/mnemonist/BACKLOG.yaml';
  const spec = parse(rig.read(file) ?? '') as { tasks: { id: string; description: string }[] };
  for (const task of spec.tasks) if (task.id === leaf?.id) task.description += ' Its first line says so.';
  rig.write({ [file]: stringify(spec) });
  const label = `mnemonist/${leaf?.id}`;
  rig.answer(label, ({ cwd }) => ({ [output]: `// Says so.\n${readFileSync(join(cwd, output), 'utf8')}` }));
  const built = await rig.build();
  expect(built.ran()).toEqual([label]);
  const changed = Object.entries(rig.files()).filter(
    ([path, text]) => before[path] !== undefined && before[path] !== text,
  );
  expect(changed.map(([path]) => path)).toEqual([output]);

  expect((await moveIn(rig, 'mnemonist', 'structures')).done.rewritten?.kept).toBe(tasks.length);
  const moved = await rig.buildWithoutAgent();
  expect(moved.summary).toMatchObject({ outcome: 'up-to-date', counts: { fresh: tasks.length } });
  const after = rig.files();
  expect((await disownIn(rig, ['structures'])).failure).toBeUndefined();
  for (const path of Object.keys(before)) expect(rig.files()[path]).toBe(after[path]);
  expect(rig.read('specs/structures/BACKLOG.yaml')).toBeUndefined();
});
