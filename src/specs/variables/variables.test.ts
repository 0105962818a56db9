/** Holds what `vars` and `foreach` make of a spec, and where their mistakes are told. */

import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { type ConductorConfig, resolveConfig } from '../../model/config.js';
import { Listing } from '../../model/tree.js';
import { loadSpecs } from '../load.js';

const B = 'specs/f/BACKLOG.yaml';

async function result(files: Readonly<Record<string, string>>, settings: ConductorConfig = {}) {
  const blobs = new Map<string, Buffer>();
  const entries = Object.entries({ 'templates/t.hbs': '', ...files }).map(([path, text]) => {
    const id = createHash('sha1').update(text).digest('hex');
    blobs.set(id, Buffer.from(text));
    return [path, { mode: '100644', id }] as const;
  });
  const read = async (ids: readonly string[]) =>
    new Map(ids.map((id) => [id, blobs.get(id) as Buffer] as const));
  const cache = { get: () => undefined, set: () => undefined };
  return loadSpecs({ listing: new Listing(new Map(entries)), read, cache }, resolveConfig(settings, 2));
}

async function tasks(files: Readonly<Record<string, string>>, settings: ConductorConfig = {}) {
  const loaded = await result(files, settings);
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.error, null, 1));
  return new Map(loaded.value.features.flatMap((one) => one.tasks).map((task) => [task.label, task]));
}

async function problems(files: Readonly<Record<string, string>>, settings: ConductorConfig = {}) {
  const loaded = await result(files, settings);
  if (loaded.ok) return [];
  return loaded.error.map(({ line, column, message, hint }) => `${line}:${column} ${message} (${hint})`);
}

test('a foreach over a glob makes a task for each file that people wrote, and depends_on means all or one', async () => {
  const spec = `
tasks:
  - id: gen
    foreach: src/models/*.ts
    title: Types of {{name}}
    description: Write the types of {{pascalCase name}} ({{ext}}, {{dir}}).
    inputs: ["{{item}}"]
    outputs: ["src/models/{{name}}.gen.ts"]
    verify: ["node check.js {{file}}"]
  - { id: all, run: cat, inputs: [], outputs: [all.txt], depends_on: [gen] }
  - { id: one, run: cat, inputs: [], outputs: [one.txt], depends_on: [gen/user, f/gen/note] }
`;
  const before = await tasks({ [B]: spec, 'src/models/user.ts': '', 'src/models/note.ts': '' });
  expect([...before.keys()]).toEqual(['f/gen/note', 'f/gen/user', 'f/all', 'f/one']);
  expect(before.get('f/gen/user')).toMatchObject({
    title: 'Types of user',
    description: 'Write the types of User (ts, src/models).',
    inputs: ['src/models/user.ts'],
    outputs: ['src/models/user.gen.ts'],
    verify: [{ command: 'node check.js user.ts' }],
  });
  expect(before.get('f/all')?.dependsOn).toEqual(['f/gen/note', 'f/gen/user']);
  expect(before.get('f/one')?.dependsOn).toEqual(['f/gen/user', 'f/gen/note']);
  // What the tasks write is no entry, so that a build changes no graph.
  const built = { 'src/models/user.gen.ts': '', 'src/models/note.gen.ts': '' };
  const after = await tasks({ [B]: spec, 'src/models/user.ts': '', 'src/models/note.ts': '', ...built });
  expect([...after]).toEqual([...before]);
});

test('variables of the project, the feature and the entry fill every text, values of `with` as they are', async () => {
  const spec = `
vars: { prefix: api, entities: [{ name: user, fields: [a, b] }, { name: note, fields: [] }] }
defaults: { inputs: ["{{root}}/{{prefix}}.yaml"] }
tasks:
  - id: T1
    foreach: "{{entities}}"
    render: [{ template: t.hbs, to: "{{root}}/{{item.name}}.ts", with: { fields: "{{item.fields}}", of: "{{prefix}} {{item.name}}" } }]
  - id: T2
    foreach: { items: [a b, 7], label: "{{prefix}}-{{item}}" }
    outputs: ["{{item}}.txt"]
    run: [echo, "{{item}}"]
`;
  const found = await tasks({ [B]: spec, 'src/api.yaml': '' }, { vars: { root: 'src', prefix: 'no' } });
  expect([...found.keys()]).toEqual(['f/T1/user', 'f/T1/note', 'f/T2/api-a-b', 'f/T2/api-7']);
  expect(found.get('f/T1/user')).toMatchObject({
    inputs: ['src/api.yaml'],
    outputs: ['src/user.ts'],
    recipe: { steps: [{ to: 'src/user.ts', with: { fields: ['a', 'b'], of: 'api user' } }] },
  });
  expect(found.get('f/T2/api-a-b')?.recipe).toEqual({ kind: 'run', command: ['echo', 'a b'] });
});

test('a single-file spec has variables and foreach; without either, braces are text', async () => {
  const single = '---\nforeach: [a, b]\noutputs: ["{{item}}.ts"]\n---\nWrite {{item}}.\n';
  const plain = '---\noutputs: [c.ts]\n---\nWrite {{item}}.\n';
  const found = await tasks({ 'specs/s.spec.md': single, 'specs/t.spec.md': plain });
  expect([...found].map(([label, task]) => [label, task.description])).toEqual([
    ['s/main/a', 'Write a.'],
    ['s/main/b', 'Write b.'],
    ['t/main', 'Write {{item}}.'],
  ]);
});

const wrong: [what: string, task: string, expected: RegExp][] = [
  [
    'an unknown variable',
    'outputs: ["{{prefx}}.ts"]',
    /^4:15 the variable `prefx` is unknown \(did you mean `prefix`\?/,
  ],
  [
    'entries with one name',
    'foreach: [a b, a-b]\n    outputs: ["{{item}}"]',
    /^4:14 the entries a b and a-b both name their task `a-b` \(give the tasks names with `label`/,
  ],
  ['a variable that is no list', 'foreach: "{{prefix}}"\n    outputs: [a]', /^4:14 names no list in `vars`/],
  ['a mapping that is printed', 'outputs: ["{{map}}"]', /^4:15 prints a whole mapping/],
  [
    'a file name in a shell line',
    'foreach: { glob: "odd/*", label: x }\n    run: "cat {{item}}"\n    outputs: [a]',
    /^5:10 puts the name of a file into a shell line, and `odd\/\$\(id\)` is not a plain word/,
  ],
  [
    'a dependency on an entry that is not there',
    'foreach: [a]\n    outputs: ["{{item}}"]\n  - { id: T2, outputs: [z], depends_on: [T1/b] }',
    /^6:4\d there is no task `f\/T1\/b` \(did you mean `f\/T1\/a`/,
  ],
];

test.each(wrong)('%s is told with its place', async (_what, task, expected) => {
  const spec = `vars: { prefix: api, map: { a: 1 } }\ntasks:\n  - id: T1\n    ${task}\n`;
  const [first = '', ...more] = await problems({ [B]: spec, 'odd/$(id)': '' });
  expect(first).toMatch(expected);
  expect(more).toEqual([]);
});

test('a foreach without entries is a warning, and depends_on then means nothing', async () => {
  const spec =
    'tasks:\n  - { id: T1, foreach: none/*.ts, outputs: ["{{name}}"] }\n  - { id: T2, outputs: [z], depends_on: [T1] }\n';
  const loaded = await result({ [B]: spec });
  expect(loaded).toMatchObject({
    ok: true,
    value: { warnings: [{ line: 2, message: '`foreach` of T1 has no entries, so it makes no task' }] },
  });
});
