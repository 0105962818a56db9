/** Holds what `conductor new` promises: all problems at once, all files or none, nothing written over, valid specs. */

import { mkdirSync, renameSync, symlinkSync } from 'node:fs';
import { afterEach, expect, test } from 'vitest';
import { filesBelow, TemporaryProject } from '../rig/command-line.js';

const PYTHON = {
  'pyproject.toml': '[project]\nname = "acme"\n[project.optional-dependencies]\ndev = ["pytest>=8"]\n',
  'package.json': '{ "devDependencies": { "conductor-build": "1.0.0" } }',
};

const projects: TemporaryProject[] = [];
afterEach(() => {
  for (const one of projects.splice(0)) one.dispose();
});

function project(files: Readonly<Record<string, string>> = {}): TemporaryProject {
  const one = new TemporaryProject({ '.gitignore': '.conductor/\n', ...files });
  projects.push(one);
  return one;
}

/** The files of a template that renders one line into a file. */
function template(folder: string, text = 'Hello {{who}}\n', output = 'hello.txt'): Record<string, string> {
  return {
    [`${folder}/template.yaml`]: [
      `description: A greeting from ${folder}`,
      'variables:',
      '  who: { description: Who is greeted, schema: { type: string, format: name }, example: Ada }',
      '  fields: { description: What is known, schema: { type: array, format: fields, default: "" } }',
      '  count: { description: How often, schema: { type: integer, minimum: 1, default: 1 } }',
      'examples: [{ title: Ada, set: { who: Ada, count: 2 } }]',
    ].join('\n'),
    [`${folder}/spec/BACKLOG.yaml.hbs`]: [
      'tasks:',
      '  - id: T1',
      '    inputs: []',
      '    render:',
      '      - template: {{template}}/hello.hbs',
      `        to: ${output}`,
      '        with: { who: {{json who}}, fields: {{json fields}}, count: {{count}} }',
    ].join('\n'),
    [`${folder}/spec/context.md.hbs`]: '{{#if fields}}{{#each fields}}{{name}} {{/each}}{{/if}}\n',
    [`${folder}/spec/NOTES.md`]: '{{copied}} as it is\n',
    [`${folder}/build/hello.hbs`]: text,
    [`${folder}/build/unused.hbs`]: 'of no use here\n',
  };
}

test('a feature gets the next number, its files, the templates it is built from, and builds', async () => {
  const one = project({ ...template('mine/greeting'), 'specs/feature-007-old/REQUEST.md': 'x\n' });
  const made = await one.conductor(
    'new',
    '--template',
    './mine/greeting',
    '--name',
    'first',
    '--set',
    'who=order item',
  );
  expect([made.code, made.stderr]).toEqual([0, '']);
  expect(Object.keys(filesBelow(one.path('specs/feature-008-first')))).toEqual(['BACKLOG.yaml', 'NOTES.md']);
  expect(one.read('specs/feature-008-first/NOTES.md')).toBe('{{copied}} as it is\n');
  expect(one.read('specs/feature-008-first/BACKLOG.yaml')).toMatch(
    /^# yaml-language-server: \$schema=https:\/\/unpkg\.com\/conductor-build@\d+\.\d+\.\d+\/schemas\/backlog\.schema\.json\ntasks:/,
  );
  expect(Object.keys(filesBelow(one.path('templates')))).toEqual(['greeting/hello.hbs']);
  expect(made.stdout).toContain('feature-008-first');

  const built = await one.conductor('build');
  expect(built.text).toContain('built 1');
  expect(one.read('hello.txt')).toBe('Hello order item\n');
  expect((await one.conductor('build')).text).toContain('nothing to do');
});

test('everything that is wrong or missing is said at once, and nothing is written', async () => {
  const one = project(template('templates/greeting'));
  const before = filesBelow(one.dir, ['.git']);
  const refused = await one.conductor(
    ...[
      'new',
      '--template',
      'greeting',
      '--name',
      'My Thing',
      '--set',
      'fields=a:strng,class:string,a:number,b',
    ],
    ...['--set', 'cuont=3', 'name=x', '--set', 'count=0'],
  );
  expect(refused.code).toBe(2);
  expect(refused.stdout).toBe('');
  expect(refused.stderr).toMatchInlineSnapshot(`
    "error: greeting cannot be used with these values
      name    \`My Thing\` cannot be the name of a feature: use lower-case words joined by \`-\`; did you mean \`my-thing\`?
      who     is missing: Who is greeted (for example Ada)
      fields  \`b\` is not a field: write a name, a colon and a type, such as \`total:number!\`
      fields  \`a\`: \`type\` must be one of \`string\`, \`number\`, \`boolean\`; did you mean \`string\`?
      fields  \`class\`: \`name\` \`class\` is a reserved word
      fields  the field \`a\` appears twice
      count   must be at least 1
      cuont   is not a variable of this template; did you mean \`count\`?
      name    is given with \`--name\`
      hint: set each one with \`--set\` (\`--set who=Ada\`); \`conductor new --list\` describes them
    "
  `);
  expect(filesBelow(one.dir, ['.git'])).toEqual(before);
});

test('without a terminal, what is missing is a mistake of usage', async () => {
  const one = project(template('templates/greeting'));
  const nothing = await one.conductor('new');
  expect([nothing.code, nothing.stderr]).toEqual([
    2,
    expect.stringContaining('a template and --name are missing'),
  ]);
  const some = await one.conductor('new', '--template', 'greeting');
  expect([some.code, some.stderr]).toEqual([
    2,
    expect.stringMatching(/name +is missing[\s\S]*who +is missing/),
  ]);
  const odd = await one.conductor('new', '--template', 'greeting', '--name', 'a', '--set', 'who');
  expect([odd.code, odd.stderr]).toEqual([
    2,
    expect.stringContaining('--set takes <variable>=<value>, not who'),
  ]);
});

test('the template may stand alone, but not beside another', async () => {
  const one = project(template('templates/greeting'));
  const made = await one.conductor('new', 'greeting', '--name', 'a', '--set', 'who=Ada');
  expect([made.code, made.stdout]).toEqual([0, expect.stringContaining('feature-001-a is written')]);
  const two = await one.conductor('new', 'greeting', '--template', 'other', '--name', 'b');
  expect([two.code, two.stderr]).toEqual([
    2,
    expect.stringContaining('two templates are given: greeting and'),
  ]);
});

test('a mistyped template gets the nearest one named', async () => {
  const one = project(template('templates/greeting'));
  const refused = await one.conductor('new', '--template', 'greting', '--name', 'a');
  expect([refused.code, refused.stderr]).toEqual([
    2,
    expect.stringMatching(/no template is called greting\n +nearest +greeting/),
  ]);
});

test('what would not be valid is taken back, and said with its place', async () => {
  const one = project(template('templates/greeting'));
  const args = ['new', '--template', 'greeting', '--set', 'who=Ada', '--name'];
  expect((await one.conductor(...args, 'first')).code).toBe(0);
  const before = filesBelow(one.dir, ['.git']);
  const second = await one.conductor(...args, 'second');
  expect(second.code).toBe(2);
  expect(second.stderr).toMatch(
    /specs\/feature-002-second\/BACKLOG\.yaml:\d+:\d+: `hello\.txt` has two owners/,
  );
  expect(second.stderr).toContain('feature-002-second from greeting would not be valid');
  expect(filesBelow(one.dir, ['.git'])).toEqual(before);
});

test('specs that were wrong before stop it, and a folder that git ignores is no feature', async () => {
  const one = project({ ...template('templates/greeting'), 'specs/broken/BACKLOG.yaml': 'tasks: 7\n' });
  const args = ['new', '--template', 'greeting', '--name', 'first', '--set', 'who=Ada'];
  const wrong = await one.conductor(...args);
  expect([wrong.code, wrong.stderr]).toEqual([2, expect.stringContaining('specs/broken/BACKLOG.yaml:1:8')]);
  one.write('specs/broken/BACKLOG.yaml', 'tasks: []\n');
  one.write('.gitignore', '.conductor/\nspecs/feature-*\n');
  const before = filesBelow(one.dir, ['.git']);
  const ignored = await one.conductor(...args);
  expect([ignored.code, ignored.stderr]).toEqual([
    2,
    expect.stringContaining('git ignores specs/feature-001-first'),
  ]);
  expect(filesBelow(one.dir, ['.git'])).toEqual(before);
});

test('a template that the project has stands as it is, and that is said', async () => {
  const one = project({ ...template('mine/greeting'), 'templates/greeting/hello.hbs': 'Mine: {{who}}\n' });
  const made = await one.conductor(
    'new',
    '--template',
    './mine/greeting',
    '--name',
    'first',
    '--set',
    'who=Ada',
  );
  expect(made.stdout).toContain('kept     templates/greeting/hello.hbs');
  expect(one.read('templates/greeting/hello.hbs')).toBe('Mine: {{who}}\n');
});

test('--dry-run shows the files with their content and writes none', async () => {
  const one = project(template('templates/greeting'));
  const before = filesBelow(one.dir, ['.git']);
  const shown = await one.conductor(
    'new',
    '--template',
    'greeting',
    '--name',
    'first',
    '--set',
    'who=Ada',
    '--dry-run',
  );
  expect(shown.code).toBe(0);
  expect(shown.stdout).toMatch(/=== specs\/feature-001-first\/BACKLOG\.yaml\n[\s\S]*who: "Ada"/);
  expect(shown.stdout).toContain('nothing was written');
  expect(filesBelow(one.dir, ['.git'])).toEqual(before);
});

test('--list describes templates, the project’s own before shipped ones and those of packages', async () => {
  const one = project({
    ...template('templates/welcome'),
    ...template('node_modules/@acme/spec/conductor-template'),
    'package.json': JSON.stringify({ devDependencies: { '@acme/spec': '1.0.0' } }),
  });
  const text = await one.conductor('new', '--list');
  expect(text.code).toBe(0);
  expect(text.stdout).toContain('welcome (own): A greeting from templates/welcome');
  expect(text.stdout).toContain('go-package (go): ');
  expect(text.stdout).toMatch(/who +Who is greeted \(must be given, for example Ada\)/);
  expect(text.stdout).toContain(
    '$ conductor new --template welcome --name my-feature --set who=Ada --set count=2',
  );
  const json = JSON.parse((await one.conductor('new', '--list', '--json')).stdout);
  const named = json.templates.find((each: { name: string }) => each.name === 'acme-spec');
  expect(named).toMatchObject({ origin: 'package', variables: [{ name: 'who', required: true }, {}, {}] });

  const made = await one.conductor(
    'new',
    '--template',
    '@acme/spec',
    '--name',
    'first',
    '--set',
    'who=Ada',
    '--json',
  );
  expect(JSON.parse(made.stdout)).toMatchObject({
    feature: 'feature-001-first',
    new: expect.arrayContaining(['specs/feature-001-first/BACKLOG.yaml', 'templates/acme-spec/hello.hbs']),
  });
});

test('a template that is not valid is reported with its places, beside those that are', async () => {
  const one = project({
    ...template('templates/greeting'),
    'templates/odd/template.yaml': 'description: Odd\nvariables:\n  a-b: { schema: {} }\nvarables: {}\n',
  });
  const listed = await one.conductor('new', '--list');
  expect(listed.code).toBe(2);
  expect(listed.stdout).toContain('greeting (own)');
  expect(listed.stderr).toMatch(/templates\/odd\/template\.yaml:3:3: `a-b` may hold only letters/);
  expect(listed.stderr).toMatch(/templates\/odd\/template\.yaml:4:1: `varables` is not a known key/);
});

test('links are not followed, neither in a template nor on the way to what is written', async () => {
  const one = project(template('templates/greeting'));
  const args = ['new', '--template', 'greeting', '--name', 'first', '--set', 'who=Ada'];
  symlinkSync('/etc/hostname', one.path('templates/greeting/spec/stolen.md'));
  const stolen = await one.conductor(...args);
  expect([stolen.code, stolen.stderr]).toEqual([
    2,
    expect.stringContaining('spec/stolen.md: is not a regular file'),
  ]);
  one.remove('templates/greeting/spec/stolen.md');
  const secrets = `${one.root}/secrets`;
  mkdirSync(secrets);
  symlinkSync(secrets, one.path('templates/greeting/partials'));
  expect((await one.conductor(...args)).stderr).toContain(
    'partials: is not a folder; conductor follows no links',
  );
  one.remove('templates/greeting/partials');
  renameSync(one.path('templates/greeting'), `${secrets}/greeting`);
  symlinkSync(`${secrets}/greeting`, one.path('templates/greeting'));
  expect((await one.conductor(...args)).stderr).toContain('no template is called greeting');
  one.remove('templates/greeting');
  renameSync(`${secrets}/greeting`, one.path('templates/greeting'));
  const outside = `${one.root}/outside`;
  mkdirSync(outside);
  symlinkSync(outside, one.path('specs'));
  const away = await one.conductor(...args);
  expect([away.code, away.stderr]).toEqual([2, expect.stringContaining('specs is not a folder')]);
  expect(filesBelow(outside)).toEqual({});
});

test('two at the same time do not write into one another', async () => {
  const one = project({ ...template('mine/a', 'a\n', 'a.txt'), ...template('mine/b', 'b\n', 'b.txt') });
  const start = (name: string) =>
    one.conductor('new', '--template', `./mine/${name}`, '--name', name, '--set', 'who=Ada');
  const ended = await Promise.all([start('a'), start('b')]);
  expect(ended.map(({ code, stderr }) => [code, stderr])).toEqual([
    [0, ''],
    [0, ''],
  ]);
  expect((await one.conductor('validate')).text).toContain('2 features with 2 tasks: no problems');
});

test('--list puts first what fits the project; a default follows the packages that Python files name', async () => {
  const one = project(PYTHON);
  const listed = JSON.parse((await one.conductor('new', '--list', '--json')).stdout);
  expect(listed.languages).toEqual(['python']);
  const names = listed.templates.map(({ name }: { name: string }) => name);
  expect(names.slice(0, 4)).toEqual(['bugfix', 'docs-page', 'python-cli', 'python-module']);
  expect(names).toContain('ui-component');
  const module = listed.templates.find(({ name }: { name: string }) => name === 'python-module');
  expect(module.language).toBe('python');
  expect(module.variables).toContainEqual(expect.objectContaining({ name: 'runner', default: 'pytest' }));
});
