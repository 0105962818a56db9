import { expect, test } from 'vitest';
import { parseDefinition } from './definition.js';
import type { Template, TemplateFile } from './folder.js';
import { instantiate } from './instance.js';

async function template(files: Record<string, string>): Promise<Template> {
  const definition = await parseDefinition('description: x\n', 'template.yaml');
  if (!definition.ok) throw new Error('not valid');
  const part = (name: string): TemplateFile[] =>
    Object.entries(files)
      .filter(([path]) => path.startsWith(`${name}/`))
      .map(([path, text]) => ({
        path: path.slice(name.length + 1),
        shown: `crud/${path}`,
        content: Buffer.from(text),
      }));
  return {
    name: 'crud',
    origin: 'path',
    folder: '/none',
    shown: 'crud',
    definition: definition.value,
    spec: part('spec'),
    build: part('build'),
    partials: part('partials'),
  };
}

const NAMES = { name: 'invoices', feature: 'feature-003-invoices', number: '003', needs: {} };

async function make(files: Record<string, string>, values = {}) {
  const made = await instantiate(await template(files), values, NAMES);
  if (!made.ok) return made.error;
  const texts = (some: readonly { path: string; content: Buffer }[]) =>
    Object.fromEntries(some.map(({ path, content }) => [path, content.toString('utf8')]));
  return { spec: texts(made.value.spec), build: texts(made.value.build) };
}

test('specs are rendered with the values and the names of the feature; other files are copied', async () => {
  const files = {
    'spec/a.md.hbs': '{{x}} {{name}} {{number}} {{feature}} {{template}}\n',
    'spec/b.md': '{{x}}\n',
  };
  expect(await make(files, { x: 'X' })).toEqual({
    spec: { 'a.md': 'X invoices 003 feature-003-invoices crud\n', 'b.md': '{{x}}\n' },
    build: {},
  });
});

test('what renders as nothing is left out', async () => {
  const files = { 'spec/a.md.hbs': '{{#if x}}text{{/if}}\n \n', 'spec/empty': '' };
  expect(await make(files, { x: false })).toEqual({ spec: { empty: '' }, build: {} });
});

test('a script that the backlog names as a file of the project comes along, as it stands', async () => {
  const files = {
    'spec/BACKLOG.yaml.hbs': 'tasks:\n  - verify: [node templates/{{template}}/check.mjs a]\n',
    'build/check.mjs': 'const a = {{ b: 1 }};\n',
    'build/other.mjs': '',
  };
  expect(await make(files)).toMatchObject({ build: { 'crud/check.mjs': 'const a = {{ b: 1 }};\n' } });
  expect(Object.keys(((await make(files)) as { build: object }).build)).toEqual(['crud/check.mjs']);
});

test('only what a render step names comes along, with the partials that it uses', async () => {
  const files = {
    'spec/BACKLOG.yaml.hbs':
      'tasks:\n  - render: [{ template: {{template}}/sub/a.hbs, to: a }, { template: other/b.hbs, to: b }]\n',
    'build/sub/a.hbs': '{{> crud/row}}',
    'build/unused.hbs': '',
    'partials/row.hbs': '{{> crud/cell}}',
    'partials/cell.hbs': 'cell',
    'partials/unused.hbs': '',
  };
  const made = await make(files);
  expect('build' in made && made.build).toEqual({
    'crud/sub/a.hbs': '{{> crud/row}}',
    'partials/crud/row.hbs': '{{> crud/cell}}',
    'partials/crud/cell.hbs': 'cell',
  });
});

test('specs may use partials, too', async () => {
  const made = await make({ 'spec/a.md.hbs': '{{> crud/row}}\n', 'partials/row.hbs': 'row of {{name}}' });
  expect(made).toMatchObject({ spec: { 'a.md': 'row of invoices' } });
});

test('an unknown variable and a file that is not there are reported with the template', async () => {
  expect(await make({ 'spec/a.md.hbs': 'x\n{{nme}}\n', 'spec/b.md.hbs': '{{#if}}' })).toMatchObject({
    kind: 'invalid-template',
    diagnostics: [
      { file: 'crud/spec/a.md.hbs', line: 2, message: 'the variable `nme` is unknown' },
      { file: 'crud/spec/b.md.hbs' },
    ],
  });
  const missing = { 'spec/BACKLOG.yaml.hbs': 'tasks: [{ render: [{ template: crud/gone.hbs, to: a }] }]\n' };
  expect(await make(missing)).toMatchObject({
    diagnostics: [{ message: 'a render step names crud/gone.hbs, but build/ has no gone.hbs' }],
  });
});
