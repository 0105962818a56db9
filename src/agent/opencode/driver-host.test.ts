/** Holds how one server is shared: started once, replaced when it dies or grows, given up when it dies for ever. */

import { expect, test } from 'vitest';
import { err, ok } from '../../base/result.js';
import { type HostOptions, type Lease, ServerHost } from './driver-host.js';
import type { OpencodeServer, ServerExit } from './server/opencode-server.js';

interface Fake extends OpencodeServer {
  size: number;
  readonly disposed: string[];
  readonly asked: string[];
  die(): void;
}

function fake(): Fake {
  let exit: (exit: ServerExit) => void = () => {};
  const exited = new Promise<ServerExit>((resolve) => {
    exit = resolve;
  });
  const disposed: string[] = [];
  const asked: string[] = [];
  async function* stream(signal: AbortSignal) {
    yield { directory: '', payload: { id: 'e', type: 'server.connected', properties: {} } };
    await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
  }
  const server = {
    size: 0,
    disposed,
    asked,
    exited,
    memory: async () => server.size,
    client: {
      global: { event: async ({ signal }: { signal: AbortSignal }) => ({ stream: stream(signal) }) },
      instance: { dispose: async ({ directory }: { directory: string }) => disposed.push(directory) },
    },
    die: () => exit({ asked: false, detail: 'died', tail: '' }),
    stop: async () => exit({ asked: true, detail: 'stopped', tail: '' }),
  };
  return server as unknown as Fake;
}

function hosted(options: Partial<HostOptions> = {}) {
  const servers: Fake[] = [];
  const host = new ServerHost({
    async start() {
      servers.push(fake());
      return ok(servers.at(-1) as Fake);
    },
    trimBytes: 100,
    maxBytes: 200,
    ...options,
  });
  return { host, servers };
}

const never = new AbortController().signal;
async function lease(host: ServerHost, folder = '/a'): Promise<Lease> {
  const leased = await host.lease(folder, never);
  if (!leased.ok) throw new Error(JSON.stringify(leased.error));
  return leased.value;
}

test('all runs share the server that the first one starts', async () => {
  const { host, servers } = hosted();
  const leases = await Promise.all([lease(host, '/a'), lease(host, '/b')]);
  expect(leases.map((one) => one.server)).toEqual([servers[0], servers[0]]);
  expect(servers).toHaveLength(1);
  await host.close();
  expect(await leases[0]?.lost).toBe('stopped');
});

test('a folder is opened once, until it is closed', async () => {
  const { host, servers } = hosted();
  const first = await lease(host, '/a');
  const [server] = servers as [Fake];
  const answers = [undefined, false, true, true, true];
  server.guarded = async (folder) => {
    server.asked.push(folder);
    return answers.shift();
  };
  expect([await first.open(), await first.open(), await first.open(), await first.open()]).toEqual([
    ...[undefined, false, true, true],
  ]);
  await first.release();
  const again = await lease(host, '/a');
  const other = await lease(host, '/b');
  expect([await again.open(), await other.open()]).toEqual([true, true]);
  expect(server.asked).toEqual(['/a', '/a', '/a', '/b']);
  server.size = 150;
  await again.release();
  expect(server.disposed).toEqual(['/a']);
  await (await lease(host, '/a')).open();
  expect(server.asked.slice(4)).toEqual(['/a']);
  await host.close();
});

test('a server that died is replaced, but not for ever', async () => {
  const { host, servers } = hosted({ maxDeaths: 2 });
  for (const place of [0, 1]) {
    const one = await lease(host);
    servers[place]?.die();
    expect(await one.lost).toBe('died');
    await one.release();
  }
  expect(await host.lease('/a', never)).toMatchObject({ error: { kind: 'agent-start-failed' } });
  expect(await servers[2]?.exited).toMatchObject({ asked: true });
  await host.close();
});

test('a server that has grown is replaced when the last run has left it', async () => {
  const { host, servers } = hosted();
  const one = await lease(host);
  (servers[0] as Fake).size = 300;
  const waiting = lease(host);
  await Promise.resolve();
  expect(servers).toHaveLength(1);
  await one.release();
  expect((await waiting).server).toBe(servers[1]);
  await host.close();
});

test('folders stay open while there is room, then those that nobody works in are closed', async () => {
  const { host, servers } = hosted();
  const [a, b] = [await lease(host, '/a'), await lease(host, '/b')];
  await (await lease(host, '/c')).release();
  expect(servers[0]?.disposed).toEqual([]);
  (servers[0] as Fake).size = 150;
  await a.release();
  expect(servers[0]?.disposed.sort()).toEqual(['/a', '/c']);
  await b.release();
  await host.close();
});

test('a start that is killed or too slow is made again with more time, and given up after the third', async () => {
  const late = { kind: 'agent-start-failed', detail: 'too late', output: { tail: '' } } as const;
  for (const failures of [1, 2, 3]) {
    const patiences: number[] = [];
    const { host } = hosted({
      async start(_, patience) {
        patiences.push(patience);
        return patiences.length <= failures ? err(late) : ok(fake());
      },
    });
    const leases = await Promise.all([host.lease('/a', never), host.lease('/b', never)]);
    expect(leases.map((one) => one.ok)).toEqual(Array(2).fill(failures < 3));
    expect(patiences).toEqual([1, 2, 4].slice(0, failures + 1));
    await host.close();
  }
});

test('a start that fails is not tried again by each task', async () => {
  let starts = 0;
  const { host } = hosted({
    async start() {
      starts++;
      return err({ kind: 'agent-missing', program: 'opencode' });
    },
  });
  for (const folder of ['/a', '/b']) {
    expect(await host.lease(folder, never)).toMatchObject({ error: { kind: 'agent-missing' } });
  }
  expect(starts).toBe(1);
  await host.close();
});

test('who is stopped while a server starts does not wait for it', async () => {
  const { host } = hosted({ start: () => new Promise(() => {}) });
  const stop = new AbortController();
  const leased = host.lease('/a', stop.signal);
  stop.abort();
  expect(await leased).toEqual({ ok: false, error: { kind: 'cancelled' } });
});
