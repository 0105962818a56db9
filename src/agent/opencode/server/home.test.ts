import { mkdir, readdir, readFile, rm, stat } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import type { OpencodeAgentConfig } from '../../../model/config.js';
import { fillHome, makeRoot, newRootPlace, type ServerHome } from './home.js';
import { configText, permissionPolicy } from './server-config.js';
import { homeFolders, serverEnvironment } from './server-environment.js';

const AGENT: OpencodeAgentConfig = {
  driver: 'opencode',
  model: 'near/small-1',
  providers: {
    near: {
      baseURL: 'http://127.0.0.1:9/v1',
      models: { 'small-1': { context: 1000, output: 100, cost: { input: 3, output: 15 } } },
    },
  },
};
const PLACES = { shell: '/shell', keyFiles: { near: '/keys/0' } };

const roots: string[] = [];
afterEach(async () => {
  for (const root of roots.splice(0)) await rm(root, { recursive: true, force: true });
});

async function home(path = 'agent/implementer.md'): Promise<ServerHome> {
  const root = await newRootPlace();
  await makeRoot(root, 'feed');
  roots.push(root);
  return fillHome(root, {
    mark: 'feed',
    config: { agent: AGENT, keys: { near: 'planted-key' } },
    files: [{ path, text: 'words' }],
    sandbox: undefined,
    readable: [],
  });
}

test('no permission asks, and what leaves the workspace is off', () => {
  const policy = permissionPolicy();
  expect(Object.keys(policy)[0]).toBe('*');
  expect(new Set(Object.values(policy))).toEqual(new Set(['allow', 'deny']));
  for (const name of ['external_directory', 'question', 'webfetch', 'websearch', 'doom_loop', 'task']) {
    expect(policy[name]).toBe('deny');
  }
  expect(permissionPolicy(['webfetch'])).toMatchObject({ webfetch: 'allow', task: 'deny' });
});

test('the configuration fetches nothing, shares nothing and knows a small model', () => {
  const config = JSON.parse(configText({ agent: AGENT }, PLACES));
  expect(config).toMatchObject({
    autoupdate: false,
    share: 'disabled',
    snapshot: false,
    lsp: false,
    formatter: false,
    shell: '/shell',
    small_model: 'near/small-1',
    enabled_providers: ['near'],
  });
  expect(config.provider.near).toMatchObject({
    npm: '@ai-sdk/openai-compatible',
    options: { baseURL: 'http://127.0.0.1:9/v1', apiKey: '{file:/keys/0}' },
    models: { 'small-1': { limit: { context: 1000, output: 100 }, cost: { input: 3, output: 15 } } },
  });
});

test('a provider of OpenCode’s own catalogue needs nothing but its key', () => {
  const agent: OpencodeAgentConfig = { driver: 'opencode', model: 'far/big', smallModel: 'near/small-1' };
  const config = JSON.parse(configText({ agent }, { shell: '/s', keyFiles: { far: '/keys/1' } }));
  expect(config.enabled_providers).toEqual(['far', 'near']);
  expect(config.provider.far).toEqual({
    options: { apiKey: '{file:/keys/1}', headerTimeout: 120_000, chunkTimeout: 120_000 },
  });
});

test('a server gets none of conductor’s variables but the way to programs and to its provider', () => {
  const env = serverEnvironment(homeFolders('/root-folder'), {
    env: {
      PATH: '/own/bin',
      HOME: '/me',
      FAR_API_KEY: 'planted',
      GIT_DIR: '/x',
      HTTPS_PROXY: 'http://proxy:1',
    },
    ripgrep: '/rg',
    password: 'word',
    mark: 'feed',
  });
  expect(env.PATH?.split(delimiter).slice(0, 2)).toEqual(['/rg', '/own/bin']);
  expect(env).toMatchObject({ HOME: '/root-folder/home', HTTPS_PROXY: 'http://proxy:1' });
  expect(env).not.toHaveProperty('GIT_DIR');
  expect(env).not.toHaveProperty('OPENCODE_CONFIG_CONTENT');
  expect(JSON.stringify(env)).not.toMatch(/planted|"\/me"/);
});

test('keys stand in files of their own that only this user reads', async () => {
  const { folders } = await home();
  expect((await stat(folders.root)).mode & 0o777).toBe(0o700);
  expect((await stat(join(folders.keys, '0'))).mode & 0o777).toBe(0o600);
  expect(await readFile(join(folders.keys, '0'), 'utf8')).toBe('planted-key');
  expect(await readFile(folders.configFile, 'utf8')).not.toContain('planted-key');
});

test('agents stand beside the guard, and no file of theirs takes its place', async () => {
  const { folders } = await home('plugin/conductor-guard.js');
  expect(await readFile(join(folders.configDir, 'plugin', 'conductor-guard.js'), 'utf8')).not.toBe('words');
  const other = await home();
  expect(await readFile(join(other.folders.configDir, 'agent', 'implementer.md'), 'utf8')).toBe('words');
});

test('a file for a place outside of the config folder is a bug', async () => {
  await expect(home('../../outside.md')).rejects.toThrow('BUG');
  await expect(home('/outside.md')).rejects.toThrow('BUG');
});

test('nothing is left of a home that is removed', async () => {
  const { folders, remove } = await home();
  await mkdir(join(folders.temporary, 'more'));
  await remove();
  await expect(readdir(folders.root)).rejects.toThrow('ENOENT');
});
