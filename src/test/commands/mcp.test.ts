/** `conductor mcp` with the client of the SDK: what it shows, what it lets a client write, and tasks that sessions build. */

import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import { expect, onTestFinished, test, vi } from 'vitest';
import { ensureBuilt, PACKAGE, processesNaming, TemporaryProject, until } from '../rig/command-line.js';
import { backlogYaml } from '../rig/rig-backlog.js';

vi.setConfig({ testTimeout: 120_000 });

const TASKS = {
  T1: { description: 'Write the colour.', outputs: ['one.txt'], verify: ['grep -q green one.txt'] },
  T2: { description: 'Write two.', outputs: ['two.txt'], depends_on: ['T1'] },
};

function project(tasks: Parameters<typeof backlogYaml>[1] = TASKS): TemporaryProject {
  const made = new TemporaryProject({
    'specs/f/BACKLOG.yaml': backlogYaml('f', tasks),
    '.gitignore': '.conductor/\n',
    'conductor.config.ts': "export default { rebase: 'off', sandbox: 'off', attempts: 3 };\n",
  });
  made.commit();
  onTestFinished(() => made.dispose());
  return made;
}

interface Called {
  readonly text: string;
  readonly isError: boolean;
}

class Session {
  readonly client = new Client({ name: 'tester', version: '1.0.0' });

  static async open(transport: unknown): Promise<Session> {
    const session = new Session();
    await session.client.connect(transport as Transport);
    onTestFinished(() => session.client.close());
    return session;
  }

  async call(name: string, args: object = {}): Promise<Called> {
    const result = await this.client.callTool({ name, arguments: { ...args } }, undefined, {
      timeout: 60_000,
    });
    const [content] = result.content as { text: string }[];
    return { text: content?.text ?? '', isError: result.isError === true };
  }

  /** Takes the next task. */
  async take(args: object = {}): Promise<{ request: string; task: string; workspace: string; text: string }> {
    const { text } = await this.call('take_task', args);
    const field = (name: string) => new RegExp(`^${name}: (\\S+)`, 'm').exec(text)?.[1] ?? '';
    if (field('request') === '') throw new Error(text);
    return { request: field('request'), task: field('task'), workspace: field('workspace'), text };
  }
}

async function stdio(of: TemporaryProject): Promise<{ session: Session; pid: number }> {
  ensureBuilt();
  const transport = new StdioClientTransport({
    command: process.execPath,
    args: [join(PACKAGE, 'bin/conductor.js'), 'mcp'],
    cwd: of.dir,
    env: { PATH: process.env.PATH ?? '', HOME: of.home },
  });
  const session = await Session.open(transport);
  return { session, pid: transport.pid as number };
}

function write(workspace: string, path: string, text: string): void {
  mkdirSync(dirname(join(workspace, path)), { recursive: true });
  writeFileSync(join(workspace, path), text);
}

test('a session on stdio takes tasks, learns what a gate said, and its results are published', async () => {
  const made = project();
  const { session } = await stdio(made);
  const first = await session.take();
  expect(first).toMatchObject({ task: 'f/T1' });
  expect(first.text).toContain('Write the colour.');
  expect(first.text).toContain('You may write these files only: one.txt.');
  // The same session gets its own task again, and not a second one.
  expect(await session.take()).toMatchObject({ request: first.request });
  write(first.workspace, 'one.txt', 'red');
  const rejected = await session.call('submit_task', { request: first.request });
  expect(rejected).toMatchObject({ isError: true });
  expect(rejected.text).toContain('grep -q green one.txt');
  const second = await session.take({ task: 'f/T1' });
  expect(second.text).toContain('attempt 2');
  write(second.workspace, 'one.txt', 'green');
  expect(await session.call('submit_task', { request: first.request })).toMatchObject({ isError: true });
  const built = await session.call('submit_task', { request: second.request, model: 'tester/mind' });
  expect(built).toEqual({ isError: false, text: expect.stringContaining('f/T1: built') });
  const third = await session.take();
  expect(third.task).toBe('f/T2');
  await session.call('submit_task', { request: third.request, files: { 'two.txt': 'two' } });
  const rest = await session.call('take_task');
  expect(rest).toMatchObject({ isError: false });
  expect(rest.text).toContain('there is no work');
  expect(made.read('one.txt')).toBe('green');
  expect(made.read('two.txt')).toBe('two');
  expect(JSON.parse(made.read('specs/f/.metadata.json')).tasks.T1).toMatchObject({ model: 'tester/mind' });
  // The key is that of the configured agent: for every other build the tasks are up to date.
  expect((await session.call('status')).text).toContain('"schema"');
  expect((await made.conductor('build', '--frozen')).code).toBe(0);
});

test('a server that is killed leaves no build behind', async () => {
  const made = project();
  const { session, pid } = await stdio(made);
  await session.take();
  expect(processesNaming(made.root)).not.toEqual([]);
  process.kill(pid, 'SIGKILL');
  await until('the build to end', () => processesNaming(made.root).length === 0);
});

test('it shows the project and edits specs, and no path leaves them', async () => {
  const made = project({ T1: { description: 'One.', outputs: ['one.txt'], run: 'echo 1 > one.txt' } });
  const { session } = await stdio(made);
  const { tools } = await session.client.listTools();
  expect(tools.map(({ name }) => name)).toEqual(
    expect.arrayContaining(['status', 'take_task', 'write_spec']),
  );
  expect((await session.call('list_specs')).text).toBe('specs/f/BACKLOG.yaml\n');
  expect((await session.call('plan_build')).text).toContain('f/T1');
  expect((await session.call('explain', { task: 'f/T1' })).text).toContain('stale');
  for (const path of ['specs/../out.txt', '/etc/passwd', 'src/a.ts', 'specs/f/.metadata.json']) {
    expect(await session.call('write_spec', { path, text: 'x' })).toMatchObject({ isError: true });
  }
  expect(await session.call('status', { targets: ['--help'] })).toMatchObject({ isError: true });
  const path = 'specs/f/BACKLOG.yaml';
  const broken = await session.call('write_spec', { path, text: 'tasks: [{}]\n' });
  expect(broken.text).toMatch(/specs\/f\/BACKLOG\.yaml:1:/);
  const text = backlogYaml('f', {
    T1: { description: 'One.', outputs: ['one.txt'], run: 'echo 2 > one.txt' },
  });
  expect((await session.call('write_spec', { path, text })).text).toContain('the specs are valid');
  expect((await session.call('build')).isError).toBe(false);
  expect(made.read('one.txt')).toBe('2\n');
});

test('over HTTP two sessions never hold the same task, and one that leaves gives its own back', async () => {
  const made = project({
    T1: { description: 'One.', outputs: ['one.txt'] },
    T2: { description: 'Two.', outputs: ['two.txt'] },
  });
  const token = 'a-token-for-tests-0123456789';
  const server = made.start(['mcp', '--http'], { CONDUCTOR_MCP_TOKEN: token });
  onTestFinished(async () => {
    server.process.kill('SIGTERM');
    await server.ended;
  });
  await until('the server to listen', () => server.printed().includes('/mcp'));
  const address = /http:\S+/.exec(server.printed())?.[0] ?? '';
  const ask = (headers: Record<string, string>) =>
    fetch(address, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: '{}',
    });
  const bearer = { authorization: `Bearer ${token}` };
  expect((await ask({})).status).toBe(401);
  expect((await ask({ authorization: 'Bearer wrong' })).status).toBe(401);
  expect((await ask({ ...bearer, origin: 'http://evil.example' })).status).toBe(403);
  expect((await ask(bearer)).status).toBe(400);
  expect(server.printed()).not.toContain(token);

  const open = () =>
    new StreamableHTTPClientTransport(new URL(address), { requestInit: { headers: bearer } });
  const leaving = open();
  const [one, two] = [await Session.open(leaving), await Session.open(open())];
  const mine = await one.take();
  const yours = await two.take();
  expect([mine.task, yours.task].sort()).toEqual(['f/T1', 'f/T2']);
  const other = await two.call('submit_task', { request: mine.request });
  expect(other).toMatchObject({ isError: true, text: expect.stringContaining('is not yours') });
  write(mine.workspace, 'half.txt', 'half');
  await leaving.terminateSession();
  const name = (label: string) => label.replace('f/T1', 'one.txt').replace('f/T2', 'two.txt');
  await two.call('submit_task', { request: yours.request, files: { [name(yours.task)]: 'x' } });
  const again = await two.take();
  expect(again).toMatchObject({ request: mine.request });
  expect(existsSync(join(again.workspace, 'half.txt'))).toBe(false);
  const needs = [{ kind: 'write', what: 'colours.txt', because: 'The colour is missing.' }];
  const asked = await two.call('report_needs', { request: again.request, needs });
  expect(asked.text).toContain('The colour is missing.');
  const rest = await two.call('take_task');
  expect(rest).toMatchObject({ isError: true, text: expect.stringContaining('The colour is missing.') });
});
