/** Holds what specs mean, and that every mistake in them is told with its place. */

import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type ConductorConfig, resolveConfig } from '../model/config.js';
import { type Entry, Listing } from '../model/tree.js';
import { loadSpecs, type SpecSource } from './load.js';
import { idsIn } from './spec-files.js';

const config = resolveConfig({}, 2);

type Project = Record<string, string | Buffer>;

function source(files: Project, kept = new Map<string, unknown>(), reads: string[] = []): SpecSource {
  const blobs = new Map<string, Buffer>();
  const entries = new Map<string, Entry>();
  for (const [path, content] of Object.entries(files)) {
    const blob = Buffer.from(content);
    const id = createHash('sha1').update(blob).digest('hex');
    blobs.set(id, blob);
    entries.set(path, { mode: '100644', id });
  }
  return {
    listing: new Listing(entries),
    async read(ids) {
      reads.push(...ids);
      return new Map(ids.flatMap((id) => (blobs.has(id) ? [[id, blobs.get(id) as Buffer] as const] : [])));
    },
    cache: {
      get: (id) => kept.get(id),
      set: (id, value) => void kept.set(id, JSON.parse(JSON.stringify(value))),
    },
  };
}

/** Templates that the backlogs below name. */
const TEMPLATES: Project = { 'templates/t': '', 'templates/t.hbs': '' };

async function load(files: Project, settings: ConductorConfig = {}) {
  const resolved = resolveConfig(settings, 2);
  const result = await loadSpecs(source({ ...TEMPLATES, ...files }), resolved);
  if (!result.ok) throw new Error(JSON.stringify(result.error, null, 1));
  return result.value;
}

async function problems(files: Project) {
  const result = await loadSpecs(source({ ...TEMPLATES, ...files }), config);
  return result.ok ? [] : result.error;
}

const B = 'specs/f/BACKLOG.yaml';
/** A backlog whose first task starts at line 2, column 5. */
const one = (...lines: string[]) => ({
  [B]: `tasks:\n  - id: T1\n${lines.map((l) => `    ${l}\n`).join('')}`,
});

const rows: [what: string, files: Project, place: string, message: RegExp, hint?: RegExp][] = [
  [
    'a template that does not exist',
    one('render: [{ template: none.hbs, to: x }]'),
    `${B}:3:26`,
    /no template `templates\/none.hbs`/,
  ],
  ['YAML that is none', one('outputs: [a'), `${B}:4:1`, /./],
  [
    'an unknown key',
    one('outputs: [a]', 'depend_on: []'),
    `${B}:4:5`,
    /`depend_on` is not a known key/,
    /`depends_on`/,
  ],
  ['an unknown key at the top', { [B]: 'taskz: []\ntasks: []\n' }, `${B}:1:1`, /`taskz`/, /`tasks`/],
  ['a value of the wrong kind', one('outputs: a'), `${B}:3:14`, /must be a list, not a string/, /\["a"\]/],
  [
    'outputs that differ only in case',
    one('outputs: [src/A.ts, src/a.ts]'),
    `${B}:3:25`,
    /`src\/a.ts` and `src\/A.ts` of f\/T1 differ only in the case of letters/,
  ],
  [
    'outputs that differ only in the form of an accent',
    one('outputs: ["\u00e9.ts", "e\u0301.ts"]'),
    `${B}:3:23`,
    /differ only in the Unicode form of a letter/,
  ],
  [
    'a path with backslashes between folders',
    one('outputs: [src\\models\\a.ts]'),
    `${B}:3:15`,
    /has a backslash before a plain character: folders are written with `\/`/,
  ],
  ['a task without id', { [B]: 'tasks:\n  - outputs: [a]\n' }, `${B}:2:5`, /has no `id`/],
  [
    'an id with bad characters',
    { [B]: 'tasks:\n  - { id: a/b, outputs: [a] }\n' },
    `${B}:2:11`,
    /only letters/,
  ],
  [
    'an id that leaves its folder',
    { [B]: 'tasks:\n  - { id: .., outputs: [a] }\n' },
    `${B}:2:11`,
    /only letters/,
  ],
  [
    'an id that stands twice',
    { [B]: 'tasks:\n  - { id: a, outputs: [a] }\n  - { id: a, outputs: [b] }\n' },
    `${B}:3:11`,
    /used twice/,
    /task 1/,
  ],
  ['no tasks at all', { [B]: 'title: x\n' }, `${B}:1:1`, /no `tasks`/],
  [
    'another feature than the folder',
    { [B]: 'feature: g\ntasks: []\n' },
    `${B}:1:10`,
    /is `f`, not `g`/,
    /feature: f/,
  ],
  [
    'an unknown dependency',
    one('outputs: [a]', 'depends_on: [T1x]'),
    `${B}:4:18`,
    /no task `f\/T1x`/,
    /`T1`/,
  ],
  [
    'an unknown dependency elsewhere',
    {
      ...one('outputs: [a]', 'depends_on:', '  - core/T1'),
      'specs/cores/BACKLOG.yaml': 'tasks: [{ id: T1, outputs: [b] }]\n',
    },
    `${B}:5:9`,
    /no task `core\/T1`/,
    /`cores\/T1`/,
  ],
  [
    'a dependency of another feature by its id',
    {
      ...one('outputs: [a]', 'depends_on: [schema]'),
      'specs/g/BACKLOG.yaml': 'tasks: [{ id: schema, outputs: [b] }]\n',
    },
    `${B}:4:18`,
    /no task `f\/schema`/,
    /`g\/schema`/,
  ],
  [
    'a cycle',
    {
      [B]: 'tasks:\n  - { id: a, outputs: [a], depends_on: [b] }\n  - { id: b, outputs: [b], depends_on: [f/a] }\n',
    },
    `${B}:2:41`,
    /f\/a → f\/b → f\/a/,
  ],
  ['a task that waits for itself', one('outputs: [a]', 'depends_on: [T1]'), `${B}:4:18`, /f\/T1 → f\/T1/],
  [
    'two owners of one path',
    { [B]: 'tasks:\n  - { id: a, outputs: [x] }\n  - { id: b, outputs: [y, x] }\n' },
    `${B}:3:27`,
    /two owners: f\/b and f\/a/,
    /one owner/,
  ],
  [
    'a path and a glob',
    { [B]: 'tasks:\n  - { id: a, outputs: [src/a/x.ts] }\n  - { id: b, outputs: ["src/**/*.ts"] }\n' },
    `${B}:2:24`,
    /two owners: f\/a and f\/b \(as `src\/\*\*\/\*\.ts`\)/,
  ],
  [
    'two globs',
    { [B]: 'tasks:\n  - { id: a, outputs: [src/] }\n  - { id: b, outputs: ["src/b/*.ts"] }\n' },
    `${B}:3:24`,
    /two owners: f\/b and f\/a/,
  ],
  [
    'an edit of what another owns',
    { [B]: 'tasks:\n  - { id: a, outputs: [src/] }\n  - { id: b, edits: [src/x] }\n' },
    `${B}:3:22`,
    /owned by f\/a/,
    /depend on the owner/,
  ],
  [
    'an edit of what it owns itself',
    one('outputs: [x]', 'edits: [x]'),
    `${B}:4:13`,
    /also an output of f\/T1/,
  ],
  [
    'an exclude of nothing',
    one('edits: ["!src/a.ts", src/b.ts]'),
    `${B}:3:13`,
    /excludes files from an empty list/,
  ],
  ['an exclude outside', one('outputs: [x, "!../y"]'), `${B}:3:18`, /leaves the project/],
  ['an output outside the project', one('outputs: [../x]'), `${B}:3:15`, /leaves the project/],
  ['an absolute output', one('outputs: [/etc/x]'), `${B}:3:15`, /absolute/],
  ['an edit outside', one('edits: [a/../../x]'), `${B}:3:13`, /leaves the project/],
  ['an input outside', one('outputs: [x]', 'inputs: [../y]'), `${B}:4:14`, /leaves the project/],
  ['an interface outside', one('outputs: [x]', 'interface: [/x]'), `${B}:4:17`, /absolute/],
  ['an output in .git', one('outputs: [.git/hooks/x]'), `${B}:3:15`, /inside .git/],
  ['an output among the specs', one('outputs: [specs/g/x.md]'), `${B}:3:15`, /inside the specs folder/],
  ['a glob that meets the specs', one('outputs: ["**/*.yaml"]'), `${B}:3:15`, /inside the specs folder/],
  ['an edit of a spec', one('edits: [specs/f/PLAN.md]'), `${B}:3:13`, /inside the specs folder/],
  [
    'a file of an interface that is no output',
    one('outputs: [x]', 'interface: { files: [y], by: bytes }'),
    `${B}:4:26`,
    /`y` is not in the outputs/,
  ],
  [
    'an interface by something else',
    one('outputs: [x]', 'interface: { by: name }'),
    `${B}:4:22`,
    /signature/,
  ],
  [
    'an interface that is no output',
    one('outputs: [x]', 'interface: [y]'),
    `${B}:4:17`,
    /not in the outputs/,
  ],
  [
    'a rendered file that is no output',
    one('outputs: [x]', 'render:', '  - { template: t.hbs, to: y }'),
    `${B}:5:32`,
    /`y` is not in the outputs/,
    /remove `outputs`/,
  ],
  [
    'two renders of one path',
    { [B]: 'tasks:\n  - { id: a, outputs: [x] }\n  - id: b\n    render: [{ template: t, to: x }]\n' },
    `${B}:4:33`,
    /two owners/,
  ],
  ['neither outputs nor edits', one('title: x'), `${B}:2:9`, /neither outputs nor edits/],
  [
    'render and run',
    one('render: [{ template: t, to: x }]', 'run: make'),
    `${B}:4:5`,
    /both `render` and `run`/,
  ],
  [
    'a document that is not there',
    { ...one('outputs: [x]', 'spec_refs: [PLN.md]'), 'specs/f/PLAN.md': '# A\n' },
    `${B}:4:17`,
    /no document `specs\/f\/PLN.md`/,
    /`PLAN.md`/,
  ],
  [
    'a heading that is not there',
    { ...one('outputs: [x]', 'spec_refs: ["PLAN.md#sesions"]'), 'specs/f/PLAN.md': '# Plan\n## Sessions\n' },
    `${B}:4:17`,
    /no heading `#sesions`/,
    /`PLAN.md#sessions`/,
  ],
  [
    'a document outside of the feature',
    one('outputs: [x]', 'spec_refs: [../g/PLAN.md]'),
    `${B}:4:17`,
    /leaves the project/,
  ],
  [
    'a backlog with another ending',
    { 'specs/f/BACKLOG.yml': 'tasks: []\n' },
    'specs/f/BACKLOG.yml:undefined:undefined',
    /named BACKLOG.yaml/,
    /rename it to specs\/f\/BACKLOG.yaml/,
  ],
  [
    'a backlog in no feature',
    { 'specs/BACKLOG.yaml': 'tasks: []\n' },
    'specs/BACKLOG.yaml:undefined:undefined',
    /folder of its feature/,
    /move it/,
  ],
  [
    'a feature with a bad name',
    { 'specs/a b/BACKLOG.yaml': 'tasks: []\n' },
    'specs/a b/BACKLOG.yaml:undefined:undefined',
    /cannot be the name/,
  ],
  [
    'a feature with two specs',
    { [B]: 'tasks: []\n', 'specs/f.spec.md': '---\noutputs: [x]\n---\n' },
    `${B}:undefined:undefined`,
    /another spec/,
  ],
  ['a spec that is not UTF-8', { [B]: Buffer.from([0x74, 0xff, 0xfe]) }, `${B}:undefined:undefined`, /UTF-8/],
  [
    'a single-file spec without front matter',
    { 'specs/n.spec.md': '# Hello\n' },
    'specs/n.spec.md:1:1',
    /no front matter/,
  ],
  ['front matter without end', { 'specs/n.spec.md': '---\nid: x\n' }, 'specs/n.spec.md:1:1', /not closed/],
  [
    'front matter with an unknown key',
    { 'specs/n.spec.md': '---\noutputs: [x]\nverfy: [a]\n---\nText\n' },
    'specs/n.spec.md:3:1',
    /`verfy`/,
    /`verify`/,
  ],
  [
    'front matter with broken YAML',
    { 'specs/n.spec.md': '---\nid: x\nid: y\n---\nText\n' },
    'specs/n.spec.md:3:1',
    /twice/,
  ],
  [
    'front matter with a bad output',
    { 'specs/n.spec.md': '---\nid: x\noutputs: [../x]\n---\nText\n' },
    'specs/n.spec.md:3:11',
    /leaves the project/,
  ],
  [
    'defaults with a bad input, once',
    {
      [B]: 'defaults:\n  inputs: [../x]\ntasks:\n  - { id: a, outputs: [a] }\n  - { id: b, outputs: [b] }\n',
    },
    `${B}:2:12`,
    /leaves the project/,
  ],
];

test.each(rows)('%s', async (_what, files, place, message, hint) => {
  const found = await problems(files);
  expect(found.map(({ file, line, column }) => `${file}:${line}:${column}`)).toEqual([place]);
  expect(found[0]?.message).toMatch(message);
  if (hint) expect(found[0]?.hint).toMatch(hint);
  if (found[0]?.line !== undefined) {
    expect(String(files[found[0].file]).split('\n')[found[0].line - 1]).toBe(found[0].sourceLine);
    expect(found[0].length).toBeGreaterThan(0);
  }
});

test('the problems of all specs are told at once, in the order of files and lines', async () => {
  const found = await problems({
    'specs/b/BACKLOG.yaml':
      'tasks:\n  - { id: a, outputs: [/x], depends_on: [zzzz] }\n  - { id: c, outputz: [x] }\n',
    'specs/a/BACKLOG.yaml': 'tasks: [\n',
    'specs/c.spec.md': '---\noutputs: [../x]\n---\n',
  });
  expect(found.map(({ file, line }) => `${file}:${line}`)).toEqual([
    'specs/a/BACKLOG.yaml:2',
    'specs/b/BACKLOG.yaml:2',
    'specs/b/BACKLOG.yaml:2',
    'specs/b/BACKLOG.yaml:3',
    'specs/b/BACKLOG.yaml:3',
    'specs/c.spec.md:2',
  ]);
});

test('an error of YAML hides no mistake beside it, and makes none up', async () => {
  const text = `tasks:
  - id: T1
    title: Sizes: small
    outputs: [a, ../b]
    depends_on: [T2, T3, T9]
    spec_refs: ["PLAN.md#none"]
    colour: red
  - id: T2
    title: "Two" and more
    outputs: 7
    interface: [x]
    depends_on: [T8]
  - id: T3
    outputs: [a]
    verify: *none
`;
  const found = await problems({ [B]: text, 'specs/f/PLAN.md': '# Plan\n' });
  const told = found.map(({ line, message }) => `${line}: ${message}`);
  const wanted = [
    [3, /mapping/],
    [4, /leaves the project/],
    [5, /no task `f\/T9`/],
    [6, /no heading `#none`/],
    [7, /`colour` is not a known key/],
    [9, /./],
    [10, /`outputs` must be a list/],
    [12, /no task `f\/T8`/],
    [14, /two owners/],
    [15, /alias/],
  ] as const;
  for (const [line, message] of wanted)
    expect(told.some((one) => one.startsWith(`${line}: `) && message.test(one)) || told).toBe(true);
  expect(new Set(found.map(({ line }) => line))).toEqual(new Set(wanted.map(([line]) => line)));
});

test('nobody is told that a task of an unreadable file does not exist', async () => {
  const found = await problems({
    [B]: 'tasks: [\n',
    'specs/g/BACKLOG.yaml': 'tasks: [{ id: a, outputs: [a], depends_on: [f/T1] }]\n',
  });
  expect(found.map(({ file }) => file)).toEqual([B]);
});

test('a task that is broken is still there for those that need it', async () => {
  const found = await problems({
    [B]: 'tasks:\n  - { id: a, outputs: 7 }\n  - { id: b, outputs: [b], depends_on: [a] }\n',
  });
  expect(found.map(({ line }) => line)).toEqual([2]);
});

test('a task is filled in with what it leaves out', async () => {
  const { features, graph } = await load({
    [B]: 'title: Feature\ntasks:\n  - id: T1\n    outputs: [a]\n',
    'specs/f/context.md': 'Facts.\n',
  });
  expect(features[0]).toMatchObject({
    name: 'f',
    file: B,
    lockFile: 'specs/f/.metadata.json',
    title: 'Feature',
    context: 'Facts.\n',
  });
  expect(graph.task('f/T1')).toEqual({
    label: 'f/T1',
    feature: 'f',
    id: 'T1',
    title: 'T1',
    type: 'implementation',
    complexity: 'medium',
    description: '',
    acceptance: [],
    dependsOn: [],
    inputs: undefined,
    outputs: ['a'],
    edits: [],
    interface: undefined,
    specRefs: [],
    context: { constraints: [], patterns: [], gotchas: [] },
    verify: [],
    budget: {},
    network: false,
    agent: undefined,
    model: undefined,
    notes: {},
    recipe: { kind: 'agent', strategy: 'evolve' },
    source: { file: B, path: ['tasks', 0] },
  });
});

test('defaults stand before what a task says itself', async () => {
  const { graph } = await load({
    [B]: `
defaults:
  type: test
  complexity: low
  inputs: [base/]
  verify: [npm test]
  edits: [app.ts]
  context: { constraints: [c0] }
tasks:
  - id: a
    type: bugfix
    outputs: [a]
    inputs: [own/, base/]
    verify: [{ run: [node, x.js], name: X, timeout: 2 }]
    context: { constraints: [c1], gotchas: [g] }
  - { id: b, outputs: [b], inputs: [], depends_on: [a, f/a] }
`,
  });
  const a = graph.task('f/a');
  expect([a.type, a.complexity, a.inputs, a.edits]).toEqual(['bugfix', 'low', ['base/', 'own/'], ['app.ts']]);
  expect(a.verify).toEqual([
    { name: 'npm test', command: 'npm test' },
    { name: 'X', command: ['node', 'x.js'], timeoutMinutes: 2 },
  ]);
  expect(a.context).toEqual({ constraints: ['c0', 'c1'], patterns: [], gotchas: ['g'] });
  expect(graph.task('f/b')).toMatchObject({ type: 'test', dependsOn: ['f/a'], inputs: ['base/'] });
});

test('recipes', async () => {
  const { graph } = await load({
    [B]: `tasks:
  - { id: a, outputs: [a], strategy: fresh }
  - { id: r, render: [{ template: t.hbs, to: r1, with: { n: 1 } }, { template: t.hbs, to: r2 }] }
  - { id: c, outputs: [c], run: make c }
  - { id: v, outputs: [v], run: [make, v] }
`,
  });
  expect(graph.task('f/a').recipe).toEqual({ kind: 'agent', strategy: 'fresh' });
  expect(graph.task('f/r')).toMatchObject({
    outputs: ['r1', 'r2'],
    recipe: {
      kind: 'render',
      steps: [
        { template: 't.hbs', to: 'r1', with: { n: 1 } },
        { template: 't.hbs', to: 'r2', with: {} },
      ],
    },
  });
  expect(graph.task('f/c').recipe).toEqual({ kind: 'run', command: 'make c' });
  expect(graph.task('f/v').recipe).toEqual({ kind: 'run', command: ['make', 'v'] });
});

test('a single file is a feature of one task whose description is the prose', async () => {
  const { features, graph } = await load({
    'specs/search.spec.md':
      '---\r\ntitle: Search\r\noutputs: [s.ts]\r\nspec_refs: ["notes.md#a"]\r\n---\r\n\r\nFind *things*.\r\n\r\n---\r\nMore.\r\n',
    'specs/notes.md': '# A\ntext\n',
    'specs/context.md': 'not of this feature',
  });
  expect(features[0]).toMatchObject({
    name: 'search',
    lockFile: 'specs/search.spec.metadata.json',
    title: 'Search',
    context: '',
  });
  expect(graph.task('search/main')).toMatchObject({
    description: 'Find *things*.\n\n---\nMore.',
    outputs: ['s.ts'],
  });
  expect([...(features[0]?.sections ?? [])]).toEqual([['notes.md#a', '# A\ntext']]);
});

test('sections are what the references name', async () => {
  const { features } = await load({
    ...one('outputs: [x]', 'spec_refs: ["PLAN.md#sessions", REQUEST.md]'),
    'specs/f/PLAN.md': '# Plan\n## Sessions\ntext\n### Expiry\nmore\n## Other\nno\n',
    'specs/f/REQUEST.md': 'all of it\n',
  });
  expect(Object.fromEntries(features[0]?.sections ?? [])).toEqual({
    'PLAN.md#sessions': '## Sessions\ntext\n### Expiry\nmore',
    'REQUEST.md': 'all of it',
  });
});

test('a single requirement is named by its number: as a heading, a list item or a paragraph', async () => {
  const { features } = await load({
    ...one('outputs: [x]', 'spec_refs: ["PLAN.md#R2", "PLAN.md#r1", "PLAN.md#AC-3", "PLAN.md#7"]'),
    'specs/f/PLAN.md': [
      '# Plan',
      '## R1 Sessions expire',
      'after a day',
      '## R10 Other',
      'no',
      '- **R2**: notes are kept',
      '  - for ever',
      '- R20: other',
      '',
      'AC-3 is a paragraph.',
      '',
      '```',
      '- R2: in code',
      '```',
      '6. six',
      '7. seven',
      '',
    ].join('\n'),
  });
  expect(Object.fromEntries(features[0]?.sections ?? [])).toEqual({
    'PLAN.md#R2': '- **R2**: notes are kept\n  - for ever',
    'PLAN.md#r1': '## R1 Sessions expire\nafter a day',
    'PLAN.md#AC-3': 'AC-3 is a paragraph.',
    'PLAN.md#7': '7. seven',
  });
});

test('a requirement that stands twice, or nowhere, is a problem', async () => {
  const found = await problems({
    ...one('outputs: [x]', 'spec_refs: ["PLAN.md#R1", "PLAN.md#R3"]'),
    'specs/f/PLAN.md': '# Plan\n- R1 a\n- R1 b\n## End\n',
  });
  expect(found.map(({ message }) => message)).toEqual([
    '`#R1` stands 2 times in specs/f/PLAN.md',
    'specs/f/PLAN.md has no heading and no item `#R3`',
  ]);
});

test('what is probably not meant is a warning with its place', async () => {
  const { warnings } = await load({
    ...one('run: make', 'strategy: fresh', 'outputs: [x]', 'inputs: [src/tpyes.ts, src/types.ts, x2/]'),
    'src/types.ts': '',
  });
  expect(warnings.map(({ line, column, message, hint }) => [line, column, message, hint])).toEqual([
    [4, 5, '`strategy` has no effect: the task has `run` and no agent', undefined],
    [6, 14, '`src/tpyes.ts` is not in the project, and no task writes it', 'did you mean `src/types.ts`?'],
    [6, 42, '`x2/` matches no file of the project, and no task makes one', undefined],
  ]);
});

test('inputs behind a link are a warning that names the link', async () => {
  const inputs = 'inputs: [linked/x.txt, "linked/in/**", linked, real/x.txt]';
  const given = source({ ...one('run: make', 'outputs: [x]', inputs), 'real/x.txt': '', linked: 'real' });
  const id = given.listing.get('linked')?.id ?? '';
  const listing = given.listing.with(new Map([['linked', { mode: '120000', id }]]));
  const loaded = await loadSpecs({ ...given, listing }, config);
  expect(loaded.ok && loaded.value.warnings.map(({ message, hint }) => [message, hint])).toEqual(
    ['linked/x.txt', 'linked/in/**'].map((path) => [
      `\`${path}\` is behind \`linked\`, which is a link: conductor follows no links`,
      'write the path below the folder to which the link leads',
    ]),
  );
});

test('a glob that matches no file is a warning, unless a task makes what it matches', async () => {
  const { warnings } = await load(
    {
      [B]: [
        'tasks:',
        '  - { id: a, run: make, outputs: [gen/a.ts, out/] }',
        '  - { id: b, run: make, inputs: ["gen/*.ts", "out/*.md", "lib/**"], edits: ["src/*.js"], depends_on: [a] }',
        '',
      ].join('\n'),
    },
    { gates: { build: [{ run: 'make check', inputs: ['checks/**', 'gen/**'] }] } },
  );
  expect(warnings.map(({ file, message }) => [file, message])).toEqual([
    [
      'conductor.config.ts',
      '`checks/**` matches no file of the project, and no task makes one (inputs of make check)',
    ],
    [B, '`lib/**` matches no file of the project, and no task makes one'],
    [B, '`src/*.js` matches no file that the task could edit'],
  ]);
});

test('patterns of edits are the files that no task owns, without what is excluded', async () => {
  const files = {
    [B]: [
      'defaults:',
      '  edits: ["src/**"]',
      'tasks:',
      '  - { id: a, run: make, outputs: [src/own.ts], edits: ["!src/**/*.test.ts"] }',
      `  - { id: b, run: make, edits: ['!src/**', 'app/[slug]/page.tsx', 'app/\\[x].ts'] }`,
      '',
    ].join('\n'),
    'src/a.ts': '',
    'src/b/c.ts': '',
    'src/b/c.test.ts': '',
    'src/own.ts': '',
  };
  const { graph } = await load(files);
  expect(graph.task('f/a').edits).toEqual(['src/a.ts', 'src/b/c.ts']);
  expect(graph.task('f/b').edits).toEqual(['app/[slug]/page.tsx', 'app/[x].ts']);
});

test('an exclude gives a folder of one task to another', async () => {
  const two = (wide: string) => ({
    [B]: `tasks:\n  - { id: a, outputs: [${wide}] }\n  - { id: b, outputs: ["src/gen/**"] }\n  - { id: c, outputs: [src/c.ts] }\n`,
  });
  expect((await problems(two('"src/**", "!src/gen/**", "!src/c.ts"'))).map(({ message }) => message)).toEqual(
    [],
  );
  expect(await problems(two('"src/**", "!src/gen/a.ts"'))).not.toEqual([]);
});

test('a project without specs has no tasks', async () => {
  expect((await load({ 'src/a.ts': '' })).graph.tasks.size).toBe(0);
});

test('what was parsed is not read again; what changed is; damaged leftovers are no matter', async () => {
  const kept = new Map<string, unknown>();
  const reads: string[] = [];
  const files: Project = {
    ...one('outputs: [x]', 'spec_refs: [PLAN.md]'),
    'specs/f/PLAN.md': 'p',
    'specs/f/context.md': 'c',
    'specs/n.spec.md': '---\noutputs: [n]\n---\nProse\n',
  };
  const first = await loadSpecs(source(files, kept, reads), config);
  expect(reads).toHaveLength(4);
  const second = await loadSpecs(source(files, kept, reads), config);
  expect(reads).toHaveLength(4);
  expect(second).toEqual(first);
  await loadSpecs(source({ ...files, 'specs/f/context.md': 'new' }, kept, reads), config);
  expect(reads).toHaveLength(5);
  for (const id of kept.keys()) kept.set(id, { form: 1, kind: 'nonsense', value: 7 });
  expect(await loadSpecs(source(files, kept, reads), config)).toEqual(first);
});

test('whatever stands in a spec, loading gives a value', async () => {
  const keys = [
    'id',
    'outputs',
    'edits',
    'inputs',
    'depends_on',
    'render',
    'run',
    'verify',
    'spec_refs',
    'interface',
    'context',
    'defaults',
    'tasks',
    '__proto__',
  ];
  const tree = fc.letrec((tie) => ({
    value: fc.oneof(
      { depthSize: 'small' },
      fc.constantFrom('a', 'b', '../x', '', '*', 'f/a', 'PLAN.md#x', '[', 'a/'),
      fc.integer(),
      fc.constant(null),
      fc.array(tie('value'), { maxLength: 3 }),
      fc.dictionary(fc.constantFrom(...keys), tie('value'), { maxKeys: 5 }),
    ),
  })).value;
  const text = fc.oneof(
    fc.string(),
    tree.map((value) => JSON.stringify(value)),
    fc
      .array(fc.dictionary(fc.constantFrom(...keys), tree), { maxLength: 3 })
      .map((tasks) => JSON.stringify({ tasks })),
  );
  await fc.assert(
    fc.asyncProperty(text, text, async (backlog, front) => {
      const files = { [B]: backlog, 'specs/n.spec.md': `---\n${front}\n---\n`, 'specs/f/PLAN.md': front };
      const result = await loadSpecs(source({ ...TEMPLATES, ...files }), config);
      if (!result.ok) expect(result.error.length).toBeGreaterThan(0);
    }),
    { numRuns: 150 },
  );
});

/** Features of 20 tasks each; every task needs the one before, owns two files and a glob, and edits one file. */
function large(tasks: number): Project {
  const files: Project = {};
  for (let f = 0; f < tasks / 20; f++) {
    const lines = ['tasks:'];
    for (let t = 0; t < 20; t++) {
      lines.push(
        `  - id: T${t}`,
        `    outputs: [src/f${f}/t${t}.ts, src/f${f}/t${t}.test.ts, "src/f${f}/gen${t}/**/*.ts"]`,
        `    inputs: [src/types/]`,
        `    edits: [app.ts]`,
        t > 0
          ? `    depends_on: [T${t - 1}]`
          : f > 0
            ? `    depends_on: [feature-${f - 1}/T19]`
            : '    priority: 1',
      );
    }
    files[`specs/feature-${f}/BACKLOG.yaml`] = `${lines.join('\n')}\n`;
  }
  return files;
}

test('with what was loaded before, the same is said of every change', async () => {
  const entry = (id: string, more: string) => `  - { id: ${id}, ${more} }`;
  const two = (first: string, second: string): Project => ({
    [B]: `tasks:\n${entry('T1', first)}\n${entry('T2', second)}\n`,
  });
  const kept = new Map<string, unknown>();
  const begun = await loadSpecs(source(two('outputs: [a]', 'outputs: [b], depends_on: [T1]'), kept), config);
  const former = begun.ok ? begun.value : undefined;
  expect(former?.graph.order).toEqual(['f/T1', 'f/T2']);
  const others = [
    two('outputs: [a], title: Other', 'outputs: [b], depends_on: [T1]'),
    two('outputs: [a]', 'outputs: [a], depends_on: [T1]'),
    two('outputs: [a]', 'outputs: [b], depends_on: [T3]'),
    two('outputs: [a], depends_on: [T2]', 'outputs: [b], depends_on: [T1]'),
    two('outputs: [a], depends_on: [T2]', 'outputs: [b]'),
    two('outputs: [a], edits: [b]', 'outputs: [b], depends_on: [T1]'),
    two('outputs: [a], inputs: [c]', 'outputs: [b], depends_on: [T1]'),
    { ...two('outputs: [a]', 'outputs: [b], depends_on: [T1]'), 'specs/g/BACKLOG.yaml': 'tasks: []' },
  ];
  for (const files of others) {
    const alone = await loadSpecs(source(files, new Map(kept)), config);
    expect(await loadSpecs({ ...source(files, new Map(kept)), former }, config)).toEqual(alone);
  }
  const same = await loadSpecs({ ...source(others[0] as Project), former }, config);
  expect(same.ok && same.value.graph.shape === former?.graph.shape).toBe(true);
  expect(same.ok && same.value.graph.task('f/T1').title).toBe('Other');
});

test('a load that remembers asks for every entry of the cache that another process would need', async () => {
  const files = one('outputs: [a]');
  const kept = new Map<string, unknown>();
  const first = await loadSpecs(source(files, kept), config);
  const asked = new Set<string>();
  const { cache, ...rest } = source(files, kept);
  const noticing = {
    ...cache,
    get(id: string) {
      asked.add(id);
      return cache.get(id);
    },
  };
  const second = await loadSpecs(
    { ...rest, cache: noticing, former: first.ok ? first.value : undefined },
    config,
  );
  expect(second).toEqual(first);
  expect([...asked].sort()).toEqual([...kept.keys()].sort());
  expect(kept.size).toBe(2);
});

test('two thousand tasks are loaded in seconds, and again in much less', async () => {
  const files = large(2000);
  const kept = new Map<string, unknown>();
  const begin = process.cpuUsage();
  const cold = await loadSpecs(source(files, kept), config);
  const first = process.cpuUsage(begin);
  const between = process.cpuUsage();
  const warm = await loadSpecs(source(files, kept), config);
  const again = process.cpuUsage(between);
  expect(cold.ok && cold.value.graph.tasks.size).toBe(2000);
  expect(warm).toEqual(cold);
  // Processor time, in microseconds: others may use the machine too.
  expect(first.user).toBeLessThan(15_000_000);
  expect(again.user).toBeLessThan(3_000_000);
});

test('a problem in each of a thousand tasks is told without walking all for each', async () => {
  const lines = Array.from(
    { length: 1000 },
    (_, i) => `  - { id: T${i}, outputs: [../x${i}, same], depends_on: [nope${i}] }`,
  );
  const begin = process.cpuUsage();
  const found = await problems({ [B]: `tasks:\n${lines.join('\n')}\n` });
  expect(found).toHaveLength(2999);
  expect(process.cpuUsage(begin).user / 1000).toBeLessThan(10_000);
});

test('both sides of a merge in a spec are one problem with its line', async () => {
  const text = 'tasks:\n<<<<<<< HEAD\n  - id: T1\n=======\n  - id: T2\n>>>>>>> theirs\n';
  expect(await problems({ [B]: text })).toEqual([
    expect.objectContaining({ file: B, line: 2, message: 'has the conflict markers of a merge' }),
  ]);
});

test('ids are found in every form that YAML has for them, and not in sentences', () => {
  const found = idsIn(
    [
      'tasks:',
      '  - id : T01 # first',
      '  - "id": "T02"',
      "  - title: answers with id: 5, or {id: ''}",
      '    id: T03',
      '  - { title: flow, id: T04 outputs: [x] }',
      '  - {id: T05}',
      '    my-id: T06',
      '    id: no/name',
    ].join('\n'),
  );
  expect(found).toEqual(['T01', 'T02', 'T03', 'T04', 'T05']);
});

test('checks that are not made again change nothing of what is found', async () => {
  const entry = fc.record({
    id: fc.constantFrom('T1', 'T2'),
    outputs: fc.constantFrom(['a.txt'], ['b/**'], ['b/c.txt'], ['specs/x.txt']),
    inputs: fc.constantFrom([], ['in.txt'], ['gone.txt'], ['in*']),
    needs: fc.constantFrom([], ['f/T1'], ['g/T2']),
    template: fc.constantFrom('t', 't.hbs'),
    word: fc.constantFrom(1, 2),
  });
  const text = fc.array(entry, { minLength: 1, maxLength: 2 }).map((tasks) =>
    JSON.stringify({
      tasks: tasks.map(({ id, outputs, inputs, needs, template, word }) => ({
        ...{ id, outputs, inputs, depends_on: needs, title: `Title ${word}` },
        ...(outputs[0] === 'a.txt' ? { render: [{ template, to: 'a.txt' }] } : { run: `echo ${word}` }),
      })),
    }),
  );
  const state = fc.record({ f: text, g: fc.option(text), hasTemplate: fc.boolean(), hasInput: fc.boolean() });
  await fc.assert(
    fc.asyncProperty(fc.array(state, { minLength: 2, maxLength: 6 }), async (states) => {
      const kept = new Map<string, unknown>();
      for (const { f, g, hasTemplate, hasInput } of states) {
        const files: Project = {
          'templates/t': '',
          ...(hasTemplate ? { 'templates/t.hbs': '' } : {}),
          ...(hasInput ? { 'in.txt': '' } : {}),
          'specs/f/BACKLOG.yaml': f,
          ...(g === null ? {} : { 'specs/g/BACKLOG.yaml': g }),
        };
        const found = async (from: SpecSource) => {
          const result = await loadSpecs(from, config);
          return result.ok
            ? { warnings: result.value.warnings, order: result.value.graph.order }
            : result.error;
        };
        expect(await found(source(files, kept))).toEqual(await found(source(files)));
      }
    }),
    { numRuns: 60 },
  );
});
