/** The shipped templates: instantiated, built, and the generated code used as people would. */

import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { ScriptedAgent } from '../../agent/scripted-agent.js';
import type { Result } from '../../base/result.js';
import { planFeature, writeFeature } from '../../commands/new/new-feature.js';
import { readDefinition } from '../../templates/folder.js';
import { listTemplates } from '../../templates/places.js';
import { PACKAGE } from '../rig/command-line.js';
import { createRig } from '../rig/rig.js';
import { type FeatureRequest, TemplateProject } from '../rig/template-project.js';

// Whole builds with many gates: far below this on an idle machine.
vi.setConfig({ testTimeout: 240_000, hookTimeout: 240_000 });

const invoices: FeatureRequest = {
  template: 'crud-feature',
  name: 'invoices',
  set: { entity: 'Invoice', fields: 'number:string!,total:number,paid:boolean' },
};

/** Made without a model and without a package. */
const plain: FeatureRequest[] = [
  invoices,
  {
    template: 'crud-feature',
    name: 'people',
    set: { entity: 'Person', fields: 'born:date,title:string,status:string' },
  },
  {
    template: 'api-endpoint',
    name: 'refunds',
    set: {
      operation: 'create refund',
      path: '/orders/{orderId}/refunds',
      request: 'amount:integer!,reason:string',
      response: 'refundId:string!,accepted:boolean!',
    },
  },
  {
    template: 'api-endpoint',
    name: 'search',
    set: {
      operation: 'find articles',
      method: 'GET',
      path: '/articles',
      request: 'text:string!,limit:integer,since:date,exact:boolean,weight:number',
    },
  },
  {
    template: 'cli-command',
    name: 'word-count',
    set: {
      command: 'word count',
      about: "Counts people's words",
      options: 'minLength:integer,json:boolean,title:string!,since:date,ratio:number!',
      operand: 'file',
    },
  },
  { template: 'cli-command', name: 'tidy', set: { command: 'tidy', about: 'Tidies', dir: 'packages/tidy' } },
  {
    template: 'library-module',
    name: 'money',
    set: {
      module: 'Money',
      about: 'An amount in a currency',
      fields: 'amount:integer!,currency:string!,due:date,rate:number,paid:boolean',
    },
  },
  {
    template: 'docs-page',
    name: 'backups',
    set: {
      title: 'Backups: where, how',
      about: 'Where the backups lie, and how to bring one back.',
      agent: 'false',
      sections: JSON.stringify([
        { heading: 'Where they lie', text: 'In `backups/`. See [how](#bring-one-back).' },
        { heading: 'Bring one back', text: '```js\nawait restore("monday");\n```' },
      ]),
    },
  },
];

describe('a project with nothing installed', () => {
  // As `npm init` writes it: the generated modules have to run all the same.
  const project = new TemplateProject({ 'package.json': '{ "type": "commonjs" }\n' });
  beforeAll(async () => {
    await project.build(plain);
  });
  afterAll(() => project.dispose());

  test('has complete features of JavaScript, whose tests were the gates', async () => {
    expect(project.generated()).toEqual(
      expect.arrayContaining([
        'bin/word-count.mjs',
        'docs/backups.md',
        'packages/tidy/bin/tidy.mjs',
        'src/create-refund/handler.mjs',
        'src/create-refund/openapi.json',
        'src/find-articles/handler.mjs',
        'src/invoices/README.md',
        'src/invoices/handler.mjs',
        'src/invoices/server.mjs',
        'src/money/index.mjs',
        'src/people/handler.mjs',
        'src/shared/http.mjs',
      ]),
    );
    // Four features over HTTP share it.
    expect(project.generated().filter((path) => path.includes('http'))).toEqual([
      'src/shared/http.mjs',
      'src/shared/http.test.mjs',
    ]);
    expect(project.noise()).toEqual([]);
    expect(project.layoutProblems()).toBe('');
  });

  test('has nothing to do afterwards', async () => {
    const again = await project.conductor('build');
    expect(again.text).toMatch(/nothing to do/);
    expect(again.code).toBe(0);
  });

  test('has types that a strict compiler believes', () => {
    project.linkPackages();
    expect(project.typeProblems()).toBe('');
    project.remove('node_modules');
  });

  test('has a command that people can type', () => {
    const run = (...argv: string[]) => runNode(project, 'bin/word-count.mjs', ...argv);
    expect(run('--help').stdout).toContain("Counts people's words\n\nUsage: word-count [options] <file>...");
    const wrong = run('--min-length=many', '--colour');
    expect(wrong.status).toBe(2);
    expect(wrong.stderr.split('\n').slice(0, 5)).toEqual([
      "word-count: --min-length needs a whole number, not 'many'",
      'word-count: --colour is no option',
      'word-count: --title is required',
      'word-count: --ratio is required',
      'word-count: name at least one file',
    ]);
    const right = run('--title=a b', '--ratio', '0.5', '--json', 'one', 'two');
    expect(JSON.parse(right.stdout)).toEqual({
      json: true,
      title: 'a b',
      ratio: 0.5,
      operands: ['one', 'two'],
    });
  });

  test('has an OpenAPI fragment of its endpoint', () => {
    const { paths } = JSON.parse(project.read('src/create-refund/openapi.json'));
    const { post } = paths['/orders/{orderId}/refunds'];
    expect(post.parameters.map(({ name }: { name: string }) => name)).toEqual(['orderId']);
    const { schema } = post.requestBody.content['application/json'];
    expect(schema).toMatchObject({ required: ['amount'], properties: { reason: { type: 'string' } } });
  });

  test('has a server that keeps what it is sent', async () => {
    const server = await serve(project, 'src/invoices/server.mjs', '--file', 'data/invoices.json');
    try {
      expect(server.address).toMatch(/\/invoices$/);
      const made = await call(server.address, 'POST', { number: 'A-1', total: 12.5 });
      expect(made.status).toBe(201);
      const place = new URL(String(made.headers.get('location')), server.address).href;
      await call(server.address, 'POST', { number: 'A-2', paid: true });
      await call(server.address, 'POST', { number: 'A-3', paid: true });

      const page = await call(`${server.address}?limit=1&paid=true&sort=-number`, 'GET');
      expect(page.body).toMatchObject({ items: [{ number: 'A-3' }], next: expect.any(String) });
      const next = `${server.address}?limit=1&paid=true&sort=-number&cursor=${page.body.next}`;
      expect((await call(next, 'GET')).body).toMatchObject({ items: [{ number: 'A-2' }] });

      const refused = await call(server.address, 'POST', { total: '1', paid: 1, colour: 'red' });
      expect(refused.status).toBe(422);
      expect(refused.headers.get('content-type')).toBe('application/problem+json');
      expect(refused.body.errors).toEqual([
        { pointer: '#/number', detail: 'is required' },
        { pointer: '#/total', detail: 'must be a number' },
        { pointer: '#/paid', detail: 'must be true or false' },
        { pointer: '#/colour', detail: 'is not known' },
      ]);

      expect((await call(place, 'PATCH', { total: null, paid: true })).body).toMatchObject({
        paid: true,
        version: 2,
      });
      expect((await call(place, 'PUT', { number: 'A-9' }, { 'if-match': '"1"' })).status).toBe(412);
      expect((await call(place, 'DELETE')).status).toBe(204);
      expect((await call(place, 'GET')).status).toBe(404);
    } finally {
      await server.end();
    }
    const kept = JSON.parse(project.read('data/invoices.json'));
    expect(kept.map(({ number }: { number: string }) => number)).toEqual(['A-2', 'A-3']);
    project.remove('data');
  });

  test('builds again only what a change of the spec reaches', async () => {
    const spec = 'specs/feature-001-invoices/BACKLOG.yaml';
    project.write(spec, project.read(spec).replace('maxLength: 1000', 'maxLength: 500'));
    const built = await project.conductor('build');
    // The handler sees another validation, but comes out as it was, so the server and the page are left alone.
    expect(tasksOf(built.stdout)).toEqual(['feature-001-invoices/T02', 'feature-001-invoices/T04']);
    expect(project.read('src/invoices/validation.mjs')).toContain('MAX_LENGTH = 500');
  });

  test('has gates that do not let broken code through', async () => {
    const template = 'templates/crud-feature/store.hbs';
    const whole = project.read(template);
    project.write(template, whole.replace('if (at === -1) return false;', ''));
    const broken = await project.conductor('build');
    expect(broken.code).toBe(1);
    expect(broken.text).toMatch(/error: feature-001-invoices\/T03: a gate failed/);
    project.write(template, whole);
    expect((await project.conductor('build')).code).toBe(0);
  });
});

describe('a project with vitest and happy-dom', () => {
  const project = TemplateProject.linked({ 'package.json': '{ "devDependencies": { "vitest": "*" } }\n' });
  const ts = { language: 'ts' };
  const features: FeatureRequest[] = [
    {
      template: 'crud-feature',
      name: 'line-items',
      set: {
        entity: 'line item',
        fields: 'article:string!,count:integer!,price:number,due:date,gift:boolean',
        ...ts,
      },
    },
    {
      template: 'api-endpoint',
      name: 'close',
      set: {
        operation: 'close',
        method: 'DELETE',
        path: '/a/{b}/{c}',
        request: 'why:string!,at:date',
        ...ts,
      },
    },
    {
      template: 'api-endpoint',
      name: 'refund',
      set: {
        operation: 'create refund',
        path: '/refunds',
        request: 'amount:integer!',
        response: 'id:string!',
        ...ts,
      },
    },
    {
      template: 'library-module',
      name: 'address',
      set: { module: 'postal address', about: 'Where people live.', ...ts },
    },
    {
      template: 'ui-component',
      name: 'form',
      set: {
        component: 'Category',
        fields: 'fullName:string!,rank:integer,share:number,since:date,open:boolean',
      },
    },
    {
      template: 'ui-component',
      name: 'ts-form',
      set: { component: 'Person', fields: 'fullName:string,agreed:boolean', ...ts },
    },
    invoices,
    { template: 'cli-command', name: 'tidy', set: { command: 'tidy', about: 'Tidies', operand: 'file' } },
  ];
  afterAll(() => project.dispose());

  test('has the same features in TypeScript, and components that were tested in a DOM', async () => {
    await project.build(features);
    expect(project.generated()).toEqual(
      expect.arrayContaining([
        'src/close/handler.ts',
        'src/components/category-form/category-form.mjs',
        'src/components/person-form/person-form.ts',
        'src/line-items/handler.ts',
        'src/postal-address/index.ts',
        'src/shared/http.mjs',
        'src/shared/http.ts',
      ]),
    );
    expect(project.typeProblems()).toBe('');
    expect(project.layoutProblems()).toBe('');
    expect(project.noise()).toEqual([]);
    expect((await project.conductor('build')).text).toMatch(/nothing to do/);
  });

  test('runs the tests of all of them with its own runner, those of JavaScript too', () => {
    expect(project.read('src/invoices/store.test.mjs')).toContain("import { test } from 'vitest';");
    const vitest = join(PACKAGE, 'node_modules/vitest/vitest.mjs');
    const run = spawnSync(process.execPath, [vitest, 'run', '--root', project.dir], {
      cwd: project.dir,
      encoding: 'utf8',
      env: { PATH: process.env.PATH, HOME: project.home, NO_COLOR: '1' },
    });
    expect(run.stdout + run.stderr).toMatch(/Test Files {2}\d+ passed \(\d+\)/);
    expect(run.status).toBe(0);
  });

  test('has gates that see it when a component is not accessible any more', async () => {
    const template = 'templates/ui-component/element.hbs';
    project.write(template, project.read(template).replace('caption.htmlFor = name;', ''));
    const broken = await project.conductor('build', 'feature-005-form');
    expect(broken.text).toMatch(/error: feature-005-form\/T02: a gate failed/);
  });
});

test('a component says what it needs when there is no DOM to test it in', async () => {
  const project = new TemplateProject();
  try {
    await project.new({
      template: 'ui-component',
      name: 'form',
      set: { component: 'Note', fields: 'text:string' },
    });
    const built = await project.conductor('build');
    expect(built.code).toBe(1);
    const log = await project.conductor('log', 'feature-001-form/T02');
    expect(built.text + log.text).toContain('npm install --save-dev happy-dom@');
  } finally {
    project.dispose();
  }
});

test('plain JavaScript fits into a project of modules', async () => {
  const project = new TemplateProject({ 'package.json': '{ "type": "module" }\n' });
  try {
    await project.build([
      {
        template: 'crud-feature',
        name: 'pages',
        set: { entity: 'Page', fields: 'title:string!,position:integer', language: 'js', dir: 'lib/parts' },
      },
      { template: 'cli-command', name: 'go', set: { command: 'go', about: 'Goes', language: 'js' } },
    ]);
    expect(project.generated()).toContain('lib/parts/pages/handler.js');
    expect(runNode(project, 'bin/go.js', '--help').status).toBe(0);
  } finally {
    project.dispose();
  }
});

test('names that the generated code could not bear are refused, all at once', async () => {
  const project = new TemplateProject();
  try {
    const refused = await project.new({
      template: 'crud-feature',
      name: 'errors',
      set: { entity: 'Error', fields: 'id:string,Total:number,note:text', dir: '../out' },
    });
    expect(refused.code).toBe(2);
    for (const variable of ['entity', 'fields', 'dir']) expect(refused.text).toContain(variable);
    expect(refused.text).toMatch(/`version`/);
    expect(readdirSync(project.dir).sort()).toEqual(['.git', '.gitignore']);
  } finally {
    project.dispose();
  }
});

test('a script for sh runs, tells everything that is wrong, and has gates that see a fault', async () => {
  const project = new TemplateProject();
  try {
    await project.build([
      {
        template: 'shell-script',
        name: 'count',
        set: {
          command: 'word count',
          about: "Counts people's words",
          options: 'minLength:integer!,json:boolean,title:string',
          operand: 'file',
        },
      },
      { template: 'shell-script', name: 'tidy', set: { command: 'tidy', about: 'Tidies `all` of $HOME' } },
    ]);
    expect(project.generated()).toEqual([
      'scripts/tidy.sh',
      'scripts/tidy.test.sh',
      'scripts/word-count.sh',
      'scripts/word-count.test.sh',
    ]);
    expect(project.noise()).toEqual([]);
    const run = (...argv: string[]) => spawnSync('sh', argv, { cwd: project.dir, encoding: 'utf8' });
    expect(run('scripts/tidy.sh', '--help').stdout).toMatch(/^Tidies `all` of \$HOME\n/);
    const wrong = run('scripts/word-count.sh', '--min-length', 'many', '--colour');
    expect([wrong.status, wrong.stdout]).toEqual([2, '']);
    expect(wrong.stderr.split('\n').slice(0, 3)).toEqual([
      'word-count: --colour is no option',
      "word-count: --min-length needs a whole number, not 'many'",
      'word-count: name at least one file',
    ]);
    const script = 'templates/shell-script/script.sh.hbs';
    project.write(script, project.read(script).replace('exit 2', 'exit 1'));
    const broken = await project.conductor('build', 'feature-001-count');
    expect(broken.text).toMatch(/error: feature-001-count\/T01: a gate failed/);
  } finally {
    project.dispose();
  }
});

test('what features share is made once, and once more for another folder; former templates stay', async () => {
  await using rig = await createRig();
  const host = rig.host(new ScriptedAgent({ tripwire: true }));
  const roots = { project: rig.dir, shipped: join(PACKAGE, 'templates'), cwd: rig.dir };
  // As the former templates left it: a feature with a file of its own, and templates of these names.
  const former = '/** As it was. */\n';
  rig.write({
    'templates/crud-feature/handler.hbs': former,
    'templates/crud-feature/http.hbs': former,
    'specs/feature-001-old/BACKLOG.yaml': `tasks:
  - id: T04
    inputs: []
    outputs: [src/old/http.mjs]
    render: [{ template: crud-feature/http.hbs, to: src/old/http.mjs }]
`,
  });
  const make = async (template: string, name: string, set: Record<string, string>) => {
    const plan = right(await planFeature(host, roots, { template, name, set }));
    expect(right(await writeFeature(host, plan)).warnings).toEqual([]);
    const backlog = rig.read(`${plan.folder}/BACKLOG.yaml`) ?? '';
    const [label] = /feature-000-[\w-]+\/T01/.exec(backlog) ?? [];
    return { needed: plan.needed.map(({ folder }) => folder), label };
  };
  const crud = { entity: 'Note', fields: 'text:string' };
  const shared = 'feature-000-shared-http';
  expect(await make('crud-feature', 'notes', crud)).toEqual({
    needed: [`specs/${shared}`],
    label: `${shared}/T01`,
  });
  const endpoint = { operation: 'find it', method: 'GET', path: '/it' };
  expect(await make('api-endpoint', 'it', endpoint)).toEqual({ needed: [], label: `${shared}/T01` });
  expect(await make('api-endpoint', 'other', { ...endpoint, operation: 'ping', dir: 'lib' })).toEqual({
    needed: [`specs/${shared}-2`],
    label: `${shared}-2/T01`,
  });
  const outcomes = Object.values((await rig.buildWithoutAgent()).outcomes());
  expect(new Set(outcomes)).toEqual(new Set(['built']));
  expect(outcomes.length).toBe(17);
  expect(rig.read('src/old/http.mjs')).toBe(former);
  expect(rig.read('lib/shared/http.mjs')).toBe(rig.read('src/shared/http.mjs'));
  expect(rig.read('src/notes/handler.mjs')).toContain("from '../shared/http.mjs'");
});

test('every example that a template gives works as it stands', async () => {
  await using rig = await createRig();
  // Pages of documentation read these: in a project without them they would be warned about.
  rig.write({ 'README.md': '# A project\n', 'src/index.ts': 'export {};\n' });
  const host = rig.host(new ScriptedAgent({ tripwire: true }));
  const roots = { project: rig.dir, shipped: join(PACKAGE, 'templates'), cwd: rig.dir };
  const places = await listTemplates(roots);
  expect(places.map(({ name }) => name)).toEqual(
    expect.arrayContaining([
      'api-endpoint',
      'bugfix',
      'cli-command',
      'crud-feature',
      'docs-page',
      'go-package',
      'library-module',
      'python-cli',
      'python-module',
      'shared-http',
      'shell-script',
      'ui-component',
    ]),
  );
  let count = 0;
  for (const place of places) {
    const definition = right(await readDefinition(place, new Set()));
    expect(definition.examples.length, place.name).toBeGreaterThan(0);
    for (const { set } of definition.examples) {
      const request = { template: place.name, name: `example-${++count}`, set };
      const plan = right(await planFeature(host, roots, request));
      const { warnings, missingPrograms } = right(await writeFeature(host, plan));
      expect(warnings).toEqual([]);
      // Not everybody has the tools of every language.
      if (definition.language === 'javascript') expect(missingPrograms).toEqual([]);
      rig.remove('specs');
    }
  }
});

function right<T>(result: Result<T, unknown>): T {
  if (!result.ok) throw new Error(JSON.stringify(result.error));
  return result.value;
}

/** Tasks that a build made, in order of their labels. */
function tasksOf(stdout: string): string[] {
  return [...stdout.matchAll(/^built\s+(\S+)/gm)].map(([, label]) => label as string).sort();
}

function runNode(project: TemplateProject, program: string, ...argv: string[]) {
  const child = spawnSync(process.execPath, [project.path(program), ...argv], {
    cwd: project.dir,
    encoding: 'utf8',
  });
  return { status: child.status, stdout: child.stdout, stderr: child.stderr };
}

interface Served {
  readonly address: string;
  end(): Promise<void>;
}

async function serve(project: TemplateProject, program: string, ...argv: string[]): Promise<Served> {
  const child: ChildProcess = spawn(process.execPath, [project.path(program), '--port', '0', ...argv], {
    cwd: project.dir,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const closed = once(child, 'close');
  const [printed] = await once(child.stdout as NodeJS.ReadableStream, 'data');
  return {
    address: String(printed).trim(),
    end: async () => {
      child.kill('SIGTERM');
      await closed;
    },
  };
}

async function call(address: string, method: string, body?: object, headers: Record<string, string> = {}) {
  const sent = body ? { body: JSON.stringify(body) } : {};
  const type = body ? { 'content-type': 'application/json' } : {};
  const response = await fetch(address, {
    method,
    headers: { connection: 'close', ...type, ...headers },
    ...sent,
  });
  const text = await response.text();
  return {
    status: response.status,
    headers: response.headers,
    body: text === '' ? undefined : JSON.parse(text),
  };
}
