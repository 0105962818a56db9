/** The shipped templates in projects without packages: instantiated, built, and the generated code used as people would. */

import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { type FeatureRequest, TemplateProject } from './template-project.js';

// Whole builds with many gates: far below this on an idle machine.
vi.setConfig({ testTimeout: 240_000, hookTimeout: 240_000 });

/** Made without a model and without a package. */
const plain: FeatureRequest[] = [
  {
    template: 'crud-feature',
    name: 'invoices',
    set: { entity: 'Invoice', fields: 'number:string!,total:number,paid:boolean' },
  },
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
