/** The session of `docs/sample.md`, on a copy of this repository: what it says is what happens. */

import { execFileSync, spawn } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readFileSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Ended, filesBelow, PACKAGE, TemporaryProject } from '../rig/command-line.js';

const CORE = 'specs/feature-001-notes-core/BACKLOG.yaml';
const APP = 'generated/notes';
const TASKS = 12;
/** Pages of the reference: committed with their lock file, so that a fresh clone has nothing to do for them. */
const PAGES = (
  readFileSync(join(PACKAGE, 'specs/feature-004-reference/BACKLOG.yaml'), 'utf8').match(/^ {2}- id: /gm) ?? []
).length;
const ALL = TASKS + PAGES;

let copy: TemporaryProject;
/** The application as the first build made it. */
let first: Record<string, string>;

beforeAll(() => {
  copy = new TemporaryProject();
  const listed = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
    cwd: PACKAGE,
    encoding: 'utf8',
  });
  for (const path of listed.split('\0').filter((one) => one !== '' && existsSync(join(PACKAGE, one)))) {
    mkdirSync(dirname(copy.path(path)), { recursive: true });
    cpSync(join(PACKAGE, path), copy.path(path));
  }
  symlinkSync(join(PACKAGE, 'node_modules'), copy.path('node_modules'));
  symlinkSync(join(PACKAGE, 'dist'), copy.path('dist'));
  copy.commit();
});

afterAll(() => copy?.dispose());

interface Event {
  readonly type: string;
  readonly task?: string;
  readonly outcome?: string;
  readonly gate?: string;
  readonly ok?: boolean;
}

async function build(): Promise<
  Ended & { readonly events: readonly Event[]; outcomes(kind: string): string[] }
> {
  const ended = await copy.conductor('build', '--json');
  const events = ended.stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Event);
  const outcomes = (kind: string) =>
    events.flatMap((event) =>
      event.type === 'task.finished' && event.outcome === kind ? [event.task as string] : [],
    );
  return { ...ended, events, outcomes: (kind) => outcomes(kind).sort() };
}

const application = () => filesBelow(copy.path(APP));

function changedFiles(before: Record<string, string>, after: Record<string, string>): string[] {
  const paths = new Set([...Object.keys(before), ...Object.keys(after)]);
  return [...paths].filter((path) => before[path] !== after[path]).sort();
}

test('the first build makes the application, and every gate passes', async () => {
  const { code, text, events, outcomes } = await build();
  expect(code, text).toBe(0);
  expect(outcomes('built')).toHaveLength(TASKS);
  expect(outcomes('fresh')).toHaveLength(PAGES);
  const gates = events.filter((event) => event.type === 'gate.finished');
  expect(gates.length).toBeGreaterThan(TASKS / 2);
  expect(gates.filter((event) => !event.ok)).toEqual([]);
  expect(gates.some((event) => event.gate === 'all tests of the application')).toBe(true);
  first = application();
  expect([...new Set(Object.keys(first).map((path) => path.split('/')[0]))].sort()).toEqual([
    'README.md',
    'bin',
    'openapi.json',
    'package.json',
    'src',
    'test',
  ]);
  // What it writes into the repository: its record beside each backlog, and nothing else.
  const status = copy.git('status', '--porcelain').split('\n').filter(Boolean);
  expect(
    status.every((line) => /^(\?\?| M) specs\/[^/]+\/\.metadata\.json$/.test(line)),
    status.join(),
  ).toBe(true);
});

test('a second build has nothing to do', async () => {
  const { code, text } = await copy.conductor('build');
  expect({ code, text }).toEqual({ code: 0, text: `conductor: nothing to do (${ALL} fresh)\n` });
  const status = await copy.conductor('status');
  expect(status.text).toBe(`conductor: ${ALL} tasks, ${ALL} fresh\n`);
});

test('the application works at a terminal and over HTTP', async () => {
  const env = { PATH: process.env.PATH, HOME: copy.home };
  const args = [copy.path(`${APP}/bin/notes.js`), '--file', join(copy.root, 'notes.json')];
  const notes = (...more: string[]) =>
    execFileSync(process.execPath, [...args, ...more], { encoding: 'utf8', env });
  expect(notes('add', 'Buy milk', '--tag', 'home')).toMatch(/^[0-9a-f]{8} \[ \] Buy milk {2}#home\n$/);
  expect(notes('list')).toMatch(/^[0-9a-f]{8} \[ \] Buy milk {2}#home\n$/);

  const server = spawn(process.execPath, [...args, 'serve', '--port', '0'], {
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  try {
    const url = await new Promise<string>((resolve, reject) => {
      let said = '';
      server.stdout.on('data', (chunk: Buffer) => {
        said += chunk;
        const found = /http:\/\/\S+/.exec(said);
        if (found) resolve(found[0]);
      });
      server.on('exit', (code) => reject(new Error(`the server ended with ${code}: ${said}`)));
    });
    const bad = await fetch(url, { method: 'POST', body: '{"title":"","tags":"x","colour":1}' });
    expect(bad.status).toBe(400);
    expect(await bad.json()).toEqual({
      error: {
        status: 400,
        message: 'the note is not valid',
        problems: [
          { field: 'title', message: 'must not be empty' },
          { field: 'tags', message: 'must be a list' },
          { field: 'colour', message: 'is not a field of a note' },
        ],
      },
    });
    const list = (await (await fetch(url)).json()) as unknown;
    expect(JSON.stringify(list)).toContain('Buy milk');
  } finally {
    server.kill('SIGKILL');
  }
});

test('after the edit of one spec only what depends on it is built again', async () => {
  copy.write(CORE, copy.read(CORE).replace('max: 120', 'max: 80'));
  const status = await copy.conductor('status');
  expect(status.code).toBe(0);
  expect(status.stdout).toContain('feature-001-notes-core/T03  stale: changed: variables of ');
  const explained = await copy.conductor('explain', 'feature-001-notes-core/T03');
  expect(explained.stdout).toMatch(/^ +-.*120/m);
  expect(explained.stdout).toMatch(/^ +\+.*80/m);

  const { code, text, outcomes } = await build();
  expect(code, text).toBe(0);
  const made = outcomes('built');
  for (const label of [
    'feature-001-notes-core/T01',
    'feature-001-notes-core/T04',
    'feature-002-notes-http/T02',
  ])
    expect(made).not.toContain(label);
  expect(made).toContain('feature-001-notes-core/T03');
  expect(made.length).toBeLessThan(TASKS - 3);
  expect(changedFiles(first, application())).toEqual([
    'openapi.json',
    'src/schema.js',
    'src/validation.js',
    'test/validation.test.js',
  ]);
});

test('the first spec again is a restore, and so are deleted outputs', async () => {
  copy.git('checkout', '-q', '--', CORE);
  const back = await build();
  expect(back.code, back.text).toBe(0);
  expect(back.events.filter((event) => event.type === 'task.started')).toEqual([]);
  expect(application()).toEqual(first);

  copy.remove('generated');
  const restored = await build();
  expect(restored.code, restored.text).toBe(0);
  expect(restored.outcomes('cached')).toHaveLength(TASKS);
  expect(restored.events.filter((event) => event.type === 'task.started')).toEqual([]);
  expect(application()).toEqual(first);
  expect((await copy.conductor('build')).text).toBe(`conductor: nothing to do (${ALL} fresh)\n`);
});

test('a broken gate fails with its log, and leaves what was there', async () => {
  const template = 'templates/app/validation.js.hbs';
  const text = copy.read(template);
  expect(text).toContain('problems.push({ field, message })');
  copy.write(template, text.replace('problems.push({ field, message })', 'problems.push({ message })'));
  const failed = await copy.conductor('build');
  expect(failed.code).toBe(1);
  expect(failed.text).toContain('error: feature-001-notes-core/T03: a gate failed\n');
  expect(failed.text).toContain(`node --test ${APP}/test/validation.test.js`);
  expect(failed.text).toMatch(/log +\.conductor\/logs\/.*gate-1\.1\.log/);
  expect(failed.text).toMatch(/^ {2}\| .*title must not be empty/m);
  expect(failed.text).toMatch(/skipped +feature-002-notes-http\/T01/);
  expect(failed.text.match(/^error: /gm)).toHaveLength(1);
  expect(application()).toEqual(first);

  copy.git('checkout', '-q', '--', 'templates');
  const next = await build();
  expect(next.code, next.text).toBe(0);
  expect(next.events.filter((event) => event.type === 'task.started')).toEqual([]);
  expect(application()).toEqual(first);
});
