import { type ChildProcess, spawn } from 'node:child_process';
import { mkdir, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { identityOf, isSame, memoryBytes, type ProcessIdentity } from '../../../io/process/identity.js';
import { makeRoot, newRootPlace } from './home.js';
import { reapServers, type ServerRecord, writeRecord } from './reap.js';

const MARK = '0123456789abcdef0123456789abcdef';
let state: string;
let root: string;
const children: ChildProcess[] = [];

beforeEach(async () => {
  state = await mkdtemp(join(tmpdir(), 'conductor-reap-'));
  root = await newRootPlace();
  await makeRoot(root, MARK);
});
afterEach(async () => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
  await rm(state, { recursive: true, force: true });
  await rm(root, { recursive: true, force: true });
});

/** A process in a group of its own that runs until it is killed. */
async function sleeper(env: Record<string, string> = {}) {
  const child = spawn('sleep', ['60'], {
    detached: true,
    stdio: 'ignore',
    env: { PATH: '/usr/bin:/bin', ...env },
  });
  children.push(child);
  const ended = new Promise<string | null>((resolve) =>
    child.once('exit', (_code, signal) => resolve(signal)),
  );
  await new Promise((resolve) => child.once('spawn', resolve));
  return { identity: (await identityOf(child.pid as number)) as ProcessIdentity, ended };
}

/** A conductor that is gone: its number and start time are of a process that has ended. */
async function deadOwner(): Promise<ProcessIdentity> {
  const { identity, ended } = await sleeper();
  process.kill(identity.pid, 'SIGKILL');
  await ended;
  return identity;
}

async function recorded(record: Partial<ServerRecord> = {}): Promise<void> {
  await writeRecord(state, { mark: MARK, root, owner: await deadOwner(), ...record });
}

const records = () => readdir(join(state, 'opencode'));

test('a dead conductor’s server is killed, its folder and its record are removed', async () => {
  const server = await sleeper();
  await recorded({ server: server.identity });
  expect(await reapServers(state)).toEqual({ processes: 1, folders: 1 });
  expect(await server.ended).toBe('SIGKILL');
  await expect(stat(root)).rejects.toThrow('ENOENT');
  expect(await records()).toEqual([]);
});

test('a process that got the server’s number later is left alone', async () => {
  const other = await sleeper();
  await recorded({ server: { ...other.identity, start: '1' } });
  expect(await reapServers(state)).toEqual({ processes: 0, folders: 1 });
  expect(await isSame(other.identity)).toBe(true);
});

test('a record of another boot names no process', async () => {
  const other = await sleeper();
  await recorded({ server: { ...other.identity, boot: 'another' } });
  expect((await reapServers(state)).processes).toBe(0);
  expect(await isSame(other.identity)).toBe(true);
});

test('the server of a conductor that lives is left alone', async () => {
  const server = await sleeper();
  await recorded({ owner: (await identityOf(process.pid)) as ProcessIdentity, server: server.identity });
  expect(await reapServers(state)).toEqual({ processes: 0, folders: 0 });
  expect(await isSame(server.identity)).toBe(true);
  expect(await records()).toHaveLength(1);
  expect((await stat(root)).isDirectory()).toBe(true);
});

test.runIf(process.platform === 'linux')(
  'what left the server’s group, or was never recorded, is found by its mark',
  async () => {
    const orphan = await sleeper({ CONDUCTOR_SERVER: MARK });
    const stranger = await sleeper({ CONDUCTOR_SERVER: `${MARK}0` });
    await recorded();
    expect((await reapServers(state)).processes).toBe(1);
    expect(await orphan.ended).toBe('SIGKILL');
    expect(await isSame(stranger.identity)).toBe(true);
  },
);

test('a folder that does not say that it is this server’s is never removed', async () => {
  const foreign = join(state, 'conductor-opencode-foreign');
  await mkdir(foreign);
  await writeFile(join(foreign, 'file'), '');
  await recorded({ root: foreign });
  expect((await reapServers(state)).folders).toBe(0);
  expect((await stat(foreign)).isDirectory()).toBe(true);
});

test('a folder that a conductor was killed in the making of is removed', async () => {
  await rm(join(root, 'conductor-server'));
  await recorded();
  expect((await reapServers(state)).folders).toBe(1);
  await expect(stat(root)).rejects.toThrow('ENOENT');
});

test('a damaged record kills nothing and goes', async () => {
  await mkdir(join(state, 'opencode'));
  for (const text of ['{', 'null', JSON.stringify({ mark: MARK, root: 7 })]) {
    await writeFile(join(state, 'opencode', `${MARK}.json`), text);
    expect(await reapServers(state)).toEqual({ processes: 0, folders: 0 });
    expect(await records()).toEqual([]);
  }
});

test('a number that means a group or everything is no server', async () => {
  for (const pid of [-1, 0, 1, 1.5]) {
    await recorded({ server: { pid, start: '1', boot: 'x' } });
    expect((await reapServers(state)).processes).toBe(0);
  }
});

test('without a state folder there is nothing to do', async () => {
  expect(await reapServers(join(state, 'none'))).toEqual({ processes: 0, folders: 0 });
});

test('memory is that of the process, and none when it is gone', async () => {
  if (process.platform === 'linux') expect(await memoryBytes(process.pid)).toBeGreaterThan(10_000_000);
  expect(await memoryBytes((await deadOwner()).pid)).toBe(0);
});
