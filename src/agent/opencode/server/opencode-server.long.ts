import { execFileSync, spawn } from 'node:child_process';
import {
  chmod,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  realpath,
  rm,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { exists } from '../../../io/files.js';
import { findProgram } from '../../../io/process/environment.js';
import { processesWith } from '../../../io/process/identity.js';
import { findSandbox } from '../../../io/process/sandbox/sandbox.js';
import { createScriptedModel, type ScriptedModel } from '../../scripted-model/model-server.js';
import { SCRIPTED_MODEL, SCRIPTED_PROVIDER } from '../../scripted-model/provider.js';
import type { Step } from '../../scripted-model/step.js';
import { findOpencode, ripgrepFolder } from './binary.js';
import { findLifeline } from './lifeline.js';
import { type OpencodeServer, type ServerOptions, startServer } from './opencode-server.js';
import { reapServers } from './reap.js';

const KEY = 'sk-planted-key';
const ENV = { PATH: process.env.PATH ?? '/usr/bin:/bin', HOME: process.env.HOME };
const found = await findOpencode({ env: ENV });
const search = await findSandbox(ENV);
const sandbox = 'program' in search ? search.program : undefined;
const strace = findProgram('strace', ENV);
const lifeline = await findLifeline(ENV);

let base: string;
let model: ScriptedModel;

beforeAll(async () => {
  base = await realpath(await mkdtemp(join(tmpdir(), 'conductor-server-')));
  model = await createScriptedModel({ key: KEY });
});
afterAll(async () => {
  await model.close();
  await rm(base, { recursive: true, force: true });
});

function options(state: string, program = found.ok ? found.value.program : ''): ServerOptions {
  const ripgrep = ripgrepFolder({ env: ENV });
  return {
    program,
    stateDir: join(base, state),
    env: ENV,
    config: {
      agent: {
        driver: 'opencode',
        model: SCRIPTED_MODEL,
        providers: {
          [SCRIPTED_PROVIDER]: {
            baseURL: `${model.url}/v1`,
            models: { 'model-1': { context: 100_000, output: 8000 } },
          },
        },
      },
      keys: { [SCRIPTED_PROVIDER]: KEY },
    },
    ...(ripgrep === undefined ? {} : { ripgrep }),
    ...(sandbox === undefined ? {} : { sandbox }),
  };
}

async function started(of: ServerOptions): Promise<OpencodeServer> {
  const server = await startServer(of);
  if (!server.ok) throw new Error(JSON.stringify(server.error));
  return server.value;
}

async function repository(name: string): Promise<string> {
  const path = join(base, 'pool', name);
  await mkdir(path, { recursive: true });
  execFileSync('git', ['init', '-q', path]);
  return path;
}

/** Root folders of servers of this state folder, from their records. */
async function recordsOf(state: string): Promise<{ root: string; mark: string; server?: { pid: number } }[]> {
  const folder = join(base, state, 'opencode');
  // A record is written beside its name and renamed, so the process that writes it has another file here for a moment.
  const names = (await readdir(folder).catch(() => [])).filter((name) => name.endsWith('.json'));
  return Promise.all(names.map(async (name) => JSON.parse(await readFile(join(folder, name), 'utf8'))));
}

let scripts = 0;
/** What the tools answered to the model, each as text. */
async function play(server: OpencodeServer, directory: string, steps: readonly Step[]): Promise<string[]> {
  const name = `script-${++scripts}`;
  model.script(name, [...steps, { say: 'done' }]);
  const session = await server.client.session.create({ directory, title: name });
  const sessionID = session.data?.id as string;
  const parts = [{ type: 'text' as const, text: `[script:${name}]` }];
  await server.client.session.prompt({ directory, sessionID, agent: 'build', parts });
  const messages = (await server.client.session.messages({ directory, sessionID })).data ?? [];
  return messages.flatMap((message) =>
    message.parts.flatMap((part) => {
      if (part.type !== 'tool') return [];
      return part.state.status === 'completed' ? part.state.output : JSON.stringify(part.state);
    }),
  );
}

const call = (tool: string, args: Record<string, unknown>): Step => ({ call: tool, args });
const bash = (command: string): Step => call('bash', { command, description: 'a command' });

describe('a real server', { timeout: 60_000 }, () => {
  let server: OpencodeServer;
  let workspace: string;
  let root: string;

  beforeAll(async () => {
    server = await started(options('state'));
    workspace = await repository('one');
    await server.grant({ workspace, env: { PATH: ENV.PATH }, network: false });
    root = (await recordsOf('state'))[0]?.root as string;
  }, 60_000);
  afterAll(() => server.stop());

  test('it answers with the password and not without', async () => {
    expect(await server.healthy()).toBe(true);
    expect((await fetch(`${server.url}/session`)).status).toBe(401);
    expect(await server.memory()).toBeGreaterThan(50_000_000);
    expect((await recordsOf('state'))[0]?.server?.pid).toBe(server.pid);
  });

  test('the key reaches the provider from its file, and a command sees neither it nor the password', async () => {
    const before = model.calls;
    const seen = await play(server, workspace, [
      bash(`env; tr '\\0' '\\n' < /proc/self/environ`),
      bash(
        `for f in /proc/[0-9]*/environ; do tr '\\0' '\\n' < $f; done; grep -r planted ${root} $HOME; true`,
      ),
    ]);
    // The model answers 401 to any other key.
    expect(model.calls - before).toBe(3);
    expect(seen.join('')).toContain('CONDUCTOR_SERVER=');
    if (sandbox) for (const secret of server.secrets) expect(seen.join('')).not.toContain(secret);
  });

  test('a file tool that a link leads out of the workspace is refused', async () => {
    await symlink(join(root, 'keys', '0'), join(workspace, 'key'));
    await symlink(join(root, 'keys'), join(workspace, 'keys'));
    await symlink('/proc/self/environ', join(workspace, 'environ'));
    await symlink(join(base, 'outside.txt'), join(workspace, 'dangling'));
    await symlink(base, join(workspace, 'up'));
    const seen = await play(server, workspace, [
      call('read', { filePath: join(workspace, 'key') }),
      call('read', { filePath: join(workspace, 'environ') }),
      call('grep', { pattern: 'planted', path: join(workspace, 'keys') }),
      call('write', { filePath: join(workspace, 'dangling'), content: 'x' }),
      call('write', { filePath: join(workspace, 'up', 'outside.txt'), content: 'x' }),
      call('write', { filePath: join(base, 'outside.txt'), content: 'x' }),
      call('write', { filePath: join(workspace, 'new', 'inside.txt'), content: 'inside' }),
    ]);
    expect(seen).toHaveLength(7);
    for (const secret of server.secrets) expect(seen.join('')).not.toContain(secret);
    await expect(stat(join(base, 'outside.txt'))).rejects.toThrow('ENOENT');
    expect(await readFile(join(workspace, 'new', 'inside.txt'), 'utf8')).toBe('inside');
    expect(await server.guarded(workspace)).toBe(true);
  });

  test('grep and glob find what is there, with the ripgrep of a package', async () => {
    await writeFile(join(workspace, 'needle.txt'), 'a needle\n');
    const seen = await play(server, workspace, [
      call('grep', { pattern: 'a needle' }),
      call('glob', { pattern: '**/needle*' }),
    ]);
    expect(seen[0]).toContain('needle.txt');
    expect(seen[1]).toContain('needle.txt');
  });

  test.skipIf(!sandbox)('a redirect and a program cannot write outside of the workspace', async () => {
    const target = join(dirname(process.execPath), 'conductor-escaped');
    const other = join(base, 'escaped');
    const seen = await play(server, workspace, [bash(`echo x >${target}; echo x >${other}; echo over`)]);
    expect(seen[0]).toContain('over');
    for (const file of [target, other]) await expect(stat(file)).rejects.toThrow('ENOENT');
  });

  test('a folder that was not granted runs no command', async () => {
    const stranger = await repository('stranger');
    const seen = await play(server, stranger, [bash('echo ran > ran.txt')]);
    expect(seen.join('')).toContain('in the workspace of the task only');
    await expect(stat(join(stranger, 'ran.txt'))).rejects.toThrow('ENOENT');
  });

  test('nothing is installed into any config folder, and a project’s own config is not read', async () => {
    const project = await repository('with-config');
    await mkdir(join(project, '.opencode', 'agent'), { recursive: true });
    await writeFile(join(project, '.opencode', 'agent', 'planted.md'), '---\nmode: primary\n---\nwords');
    const agents = (await server.client.app.agents({ directory: project })).data ?? [];
    expect(agents.map((agent) => agent.name)).toContain('build');
    expect(agents.map((agent) => agent.name)).not.toContain('planted');
    expect(await readdir(join(project, '.opencode'))).toEqual(['agent']);
    for (const folder of ['opencode', 'config/opencode', 'home/.opencode']) {
      expect(await readdir(join(root, folder, 'node_modules'))).toEqual([]);
    }
  });
});

describe('the end of a server', { timeout: 60_000 }, () => {
  /** Stands for OpenCode where only its process matters. */
  async function script(name: string, text: string): Promise<string> {
    const path = join(base, name);
    await writeFile(path, `#!/bin/bash\n${text}\n`);
    await chmod(path, 0o755);
    return path;
  }
  const LISTENS = 'echo "opencode server listening on http://127.0.0.1:9"';

  /** Nothing of the server is left: no process with its mark, no folder, no record. */
  async function nothingLeft(state: string, mark: string, root: string): Promise<void> {
    expect(await processesWith('CONDUCTOR_SERVER', mark)).toEqual([]);
    await expect(stat(root)).rejects.toThrow('ENOENT');
    expect(await recordsOf(state)).toEqual([]);
  }

  test('a server that swallows SIGTERM is killed after the grace', async () => {
    const program = await script('deaf', `trap '' TERM; ${LISTENS}; while :; do sleep 0.05; done`);
    const server = await started({ ...options('deaf-state', program), graceMs: 100 });
    const { root, mark } = (await recordsOf('deaf-state'))[0] as { root: string; mark: string };
    await server.stop();
    expect(await server.exited).toMatchObject({ asked: true });
    await nothingLeft('deaf-state', mark, root);
  });

  test('what left the server’s group goes with the server, also when that is killed', async () => {
    const program = await script('father', `setsid sleep 60 & ${LISTENS}; wait`);
    const server = await started(options('father-state', program));
    const { root, mark } = (await recordsOf('father-state'))[0] as { root: string; mark: string };
    expect((await processesWith('CONDUCTOR_SERVER', mark)).length).toBeGreaterThanOrEqual(2);
    process.kill(server.pid, 'SIGKILL');
    expect(await server.exited).toMatchObject({ asked: false, detail: expect.stringContaining('SIGKILL') });
    await nothingLeft('father-state', mark, root);
    expect(await server.healthy()).toBe(false);
    expect(await server.memory()).toBe(0);
  });

  test('one that ends before it listens says why, without the password', async () => {
    const program = await script('broken', 'echo "no space for $OPENCODE_SERVER_PASSWORD" >&2; exit 3');
    const server = await startServer(options('broken-state', program));
    if (server.ok) throw new Error('it runs');
    expect(server.error).toMatchObject({
      kind: 'agent-start-failed',
      detail: expect.stringContaining('code 3'),
      output: { tail: 'no space for [secret]\n' },
    });
    expect(await recordsOf('broken-state')).toEqual([]);
  });

  test('one that never listens is given up, and one that is not there is missing', async () => {
    const program = await script('silent', 'sleep 60');
    expect(await startServer({ ...options('silent-state', program), startTimeoutMs: 50 })).toMatchObject({
      ok: false,
      error: { kind: 'agent-start-failed', detail: expect.stringContaining('in time') },
    });
    expect(await startServer(options('absent-state', join(base, 'absent')))).toMatchObject({
      ok: false,
      error: { kind: 'agent-missing' },
    });
    expect([...(await recordsOf('silent-state')), ...(await recordsOf('absent-state'))]).toEqual([]);
  });

  test('a start that is cancelled leaves nothing', async () => {
    const abort = new AbortController();
    const program = await script('slow', 'sleep 60');
    const start = startServer({ ...options('slow-state', program), signal: abort.signal });
    await vi.waitUntil(async () => (await recordsOf('slow-state'))[0]?.server !== undefined, {
      timeout: 20_000,
    });
    abort.abort();
    expect(await start).toEqual({ ok: false, error: { kind: 'cancelled' } });
    expect(await recordsOf('slow-state')).toEqual([]);
  });

  test('three that start at once share nothing, and all of them answer', async () => {
    const servers = await Promise.all(['p', 'q', 'r'].map((name) => started(options(`${name}-state`))));
    expect(await Promise.all(servers.map((server) => server.healthy()))).toEqual([true, true, true]);
    expect(new Set(servers.map((server) => server.url)).size).toBe(3);
    await Promise.all(servers.map((server) => server.stop()));
    expect(await recordsOf('q-state')).toEqual([]);
  });

  test.skipIf(lifeline.length === 0)('kill -9 of conductor ends a tethered server at once', async () => {
    const program = await script('tied', `${LISTENS}; while :; do sleep 0.05; done`);
    const own = { ...options('tied-state', program), lifeline };
    const source = `
      import { createJiti } from ${JSON.stringify(import.meta.resolve('jiti'))};
      const { startServer } = await createJiti(${JSON.stringify(import.meta.url)}).import('./opencode-server.js');
      await startServer(${JSON.stringify(own)});
    `;
    const conductor = spawn(process.execPath, ['--input-type=module', '-e', source], { stdio: 'inherit' });
    await vi.waitUntil(async () => (await recordsOf('tied-state'))[0]?.server !== undefined, {
      timeout: 30_000,
    });
    const { mark } = (await recordsOf('tied-state'))[0] as { mark: string };
    expect(await processesWith('CONDUCTOR_SERVER', mark)).not.toEqual([]);
    conductor.kill('SIGKILL');
    await vi.waitUntil(async () => (await processesWith('CONDUCTOR_SERVER', mark)).length === 0, {
      timeout: 20_000,
    });
    expect(await reapServers(join(base, 'tied-state'))).toEqual({ processes: 0, folders: 1 });
  });

  test('after kill -9 of conductor the next start ends the server and its commands', async () => {
    const workspace = await repository('killed');
    const own = options('killed-state');
    const source = `
      import { createJiti } from ${JSON.stringify(import.meta.resolve('jiti'))};
      const { startServer } = await createJiti(${JSON.stringify(import.meta.url)}).import('./opencode-server.js');
      const started = await startServer(${JSON.stringify(own)});
      const server = started.value;
      await server.grant({ workspace: ${JSON.stringify(workspace)}, env: { PATH: process.env.PATH }, network: false });
      const directory = ${JSON.stringify(workspace)};
      const { data } = await server.client.session.create({ directory, title: 'killed' });
      await server.client.session.promptAsync({ directory, sessionID: data.id, agent: 'build', parts: [{ type: 'text', text: '[script:killed]' }] });
    `;
    model.script('killed', [bash('touch running; sleep 60')]);
    const conductor = spawn(process.execPath, ['--input-type=module', '-e', source], { stdio: 'inherit' });
    await vi.waitUntil(() => exists(join(workspace, 'running')), { timeout: 30_000 });
    const { root, mark } = (await recordsOf('killed-state'))[0] as { root: string; mark: string };
    expect(await reapServers(join(base, 'killed-state'))).toEqual({ processes: 0, folders: 0 });
    const gone = new Promise((resolve) => conductor.once('exit', resolve));
    conductor.kill('SIGKILL');
    await gone;
    expect((await processesWith('CONDUCTOR_SERVER', mark)).length).toBeGreaterThanOrEqual(2);
    expect(await reapServers(join(base, 'killed-state'))).toMatchObject({ folders: 1 });
    await nothingLeft('killed-state', mark, root);
  });

  test.skipIf(!strace)('from start to end nothing but loopback is connected to', async () => {
    const trace = join(base, 'trace');
    const real = options('traced').program;
    const program = await script(
      'traced-opencode',
      `exec ${strace} -f -qq --seccomp-bpf -e trace=connect -o ${trace} ${real} "$@"`,
    );
    const server = await started(options('traced-state', program));
    const workspace = await repository('traced');
    await server.grant({ workspace, env: { PATH: ENV.PATH }, network: false });
    await play(server, workspace, [
      call('write', { filePath: join(workspace, 'a.txt'), content: 'a' }),
      call('grep', { pattern: 'a' }),
      call('glob', { pattern: '*' }),
      bash('cat a.txt'),
    ]);
    await server.stop();
    const connects = (await readFile(trace, 'utf8')).split('\n').filter((line) => line.includes('connect('));
    expect(connects.some((line) => line.includes('127.0.0.1'))).toBe(true);
    const away = connects.filter((line) => /AF_INET/.test(line) && !/"127\.0\.0\.1"|"::1"/.test(line));
    expect(away).toEqual([]);
  });
});
