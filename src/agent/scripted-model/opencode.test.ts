/** The scripted model as the real OpenCode server sees it: one server, found in the installed packages. */

import { type ChildProcess, spawn } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createOpencodeClient, type OpencodeClient } from '@opencode-ai/sdk/v2';
import { expect, it } from 'vitest';
import { createScriptedModel } from './model-server.js';
import { SCRIPTED_MODEL, scriptedProviderConfig } from './provider.js';

function installedBinary(): string | undefined {
  try {
    const found = createRequire(import.meta.url).resolve(
      `opencode-${process.platform}-${process.arch}/package.json`,
    );
    return join(dirname(found), 'bin', 'opencode');
  } catch {
    return undefined;
  }
}

const thrown = { throwOnError: true } as const;
const PASSWORD = 'for-this-test';
const binary = installedBinary();

it.runIf(binary !== undefined)(
  'the real OpenCode writes what a script says, counts its tokens and cost, and gets titles and summaries',
  async () => {
    const root = await mkdtemp(join(tmpdir(), 'scripted-opencode-'));
    const model = await createScriptedModel({ key: 'sk-scripted' });
    let server: ChildProcess | undefined;
    try {
      model.script('greet', [
        {
          call: 'write',
          args: { filePath: 'hi.txt', content: 'hello\n' },
          usage: { input: 1000, cached: 500, output: 100 },
        },
        { say: 'done', usage: { input: 2000, output: 10, reasoning: 40 } },
      ]);
      const work = join(root, 'work');
      await mkdir(work);
      server = await startServer(root, model.url);
      const client = createOpencodeClient({
        baseUrl: await listening(server),
        directory: work,
        headers: { authorization: `Basic ${Buffer.from(`opencode:${PASSWORD}`).toString('base64')}` },
      });
      const { data: session } = await client.session.create({ title: 'greet' }, thrown);
      await prompt(client, session.id, 'Write it. [script:greet]');
      const { data: messages } = await client.session.messages({ sessionID: session.id }, thrown);
      const last = messages.at(-1)?.info;
      expect(last).toMatchObject({ role: 'assistant', finish: 'stop' });
      expect(last).not.toHaveProperty('error');
      expect(await readFile(join(work, 'hi.txt'), 'utf8')).toBe('hello\n');

      const { data: after } = await client.session.get({ sessionID: session.id }, thrown);
      expect(after.tokens).toMatchObject({
        input: 3000,
        output: 110,
        reasoning: 40,
        cache: { read: 500, write: 0 },
      });
      // Per million: input 3, cached 0.3, output and reasoning 15.
      expect(after.cost).toBeCloseTo((3000 * 3 + 500 * 0.3 + 150 * 15) / 1_000_000, 9);
      expect(model.calls).toBe(2);
      expect(model.refused).toEqual([]);
      expect(model.requests.map((one) => [one.session, one.kind, one.script, one.place])).toEqual([
        [session.id, 'turn', 'greet', 0],
        [session.id, 'turn', 'greet', 1],
      ]);
      expect(model.requests[0]?.tools.map((one) => one.function.name)).toContain('write');
      expect(JSON.stringify(model.requests)).not.toContain('sk-scripted');

      // What OpenCode asks on its own, a title and a summary, takes no step of the script.
      model.script('long', [{ status: 400, overflow: true }, { say: 'done after all' }]);
      const { data: untitled } = await client.session.create({}, thrown);
      await prompt(client, untitled.id, 'Go on. [script:long]');
      await model.seen((one) => one.kind === 'title');
      const kinds = model.requests.filter((one) => one.session === untitled.id).map((one) => one.kind);
      expect(kinds.filter((one) => one !== 'title')).toEqual(['turn', 'summary', 'turn']);
      expect(model.requests.filter((one) => one.problem !== undefined)).toEqual([]);
    } finally {
      if (server !== undefined) await stop(server);
      await model.close();
      await rm(root, { recursive: true, force: true });
    }
  },
);

/** Prompts a session and waits for its end by the one stream of events. */
async function prompt(client: OpencodeClient, sessionID: string, text: string): Promise<void> {
  const leaving = new AbortController();
  const events = await client.global.event({ signal: leaving.signal });
  // The client connects with the first event it is asked for: nothing of the turn may come before.
  await events.stream.next();
  await client.session.promptAsync({ sessionID, parts: [{ type: 'text', text }] }, thrown);
  for await (const { payload } of events.stream) {
    if (payload.type === 'session.idle' && payload.properties.sessionID === sessionID) break;
  }
  leaving.abort();
}

async function startServer(root: string, url: string): Promise<ChildProcess> {
  const folder = async (name: string): Promise<string> => {
    await mkdir(join(root, name), { recursive: true });
    return join(root, name);
  };
  const config = await folder('config/opencode');
  // OpenCode installs its plugin package into every config folder unless it finds it listed there.
  const dependencies = { '@opencode-ai/plugin': '*' };
  await mkdir(join(config, 'node_modules'));
  await writeFile(join(config, 'package.json'), JSON.stringify({ dependencies }));
  await writeFile(
    join(config, 'package-lock.json'),
    JSON.stringify({ lockfileVersion: 3, packages: { '': { dependencies } } }),
  );
  await writeFile(join(root, 'key'), 'sk-scripted');
  const file = join(root, 'opencode.json');
  await writeFile(
    file,
    JSON.stringify({
      autoupdate: false,
      share: 'disabled',
      snapshot: false,
      lsp: false,
      formatter: false,
      model: SCRIPTED_MODEL,
      small_model: SCRIPTED_MODEL,
      enabled_providers: ['scripted'],
      provider: scriptedProviderConfig(url, { apiKey: `{file:${join(root, 'key')}}` }),
      permission: { '*': 'allow', external_directory: 'deny', question: 'deny', webfetch: 'deny' },
    }),
  );
  return spawn(binary as string, ['serve', '--hostname=127.0.0.1', '--port=0'], {
    cwd: await folder('home'),
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      PATH: '/usr/bin:/bin',
      LANG: 'C.UTF-8',
      HOME: join(root, 'home'),
      TMPDIR: await folder('tmp'),
      XDG_DATA_HOME: await folder('data'),
      XDG_CONFIG_HOME: join(root, 'config'),
      XDG_STATE_HOME: await folder('state'),
      XDG_CACHE_HOME: await folder('cache'),
      OPENCODE_CONFIG: file,
      OPENCODE_SERVER_PASSWORD: PASSWORD,
      OPENCODE_DISABLE_AUTOUPDATE: '1',
      OPENCODE_DISABLE_MODELS_FETCH: '1',
      OPENCODE_DISABLE_LSP_DOWNLOAD: '1',
      OPENCODE_DISABLE_DEFAULT_PLUGINS: '1',
      OPENCODE_DISABLE_CLAUDE_CODE: '1',
      OPENCODE_DISABLE_EXTERNAL_SKILLS: '1',
      OPENCODE_DISABLE_EMBEDDED_WEB_UI: '1',
      OPENCODE_DISABLE_SHARE: '1',
      OPENCODE_DISABLE_PROJECT_CONFIG: '1',
      npm_config_offline: 'true',
    },
  });
}

/** The address that the server prints when it is ready; rejects with what it said when it ends instead. */
function listening(server: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let said = '';
    const hear = (data: Buffer): void => {
      said += data.toString('utf8');
      const url = /listening on (http\S+)/.exec(said)?.[1];
      if (url !== undefined) resolve(url);
    };
    server.stdout?.on('data', hear);
    server.stderr?.on('data', hear);
    server.once('error', reject);
    server.once('exit', (code) => reject(new Error(`opencode ended with ${code}: ${said}`)));
  });
}

/** Ends the server and waits until it is gone. */
async function stop(server: ChildProcess): Promise<void> {
  if (server.pid === undefined || server.exitCode !== null || server.signalCode !== null) return;
  const gone = new Promise((resolve) => server.once('exit', resolve));
  server.kill('SIGKILL');
  await gone;
}
