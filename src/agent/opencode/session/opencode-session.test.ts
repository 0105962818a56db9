/** Holds one session against the real server where its connection is bad: lost answers, lost events. */

import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { createScriptedModel, type ScriptedModel } from '../../scripted-model/model-server.js';
import type { OpencodeClient } from '../client.js';
import { findOpencode } from '../server/binary.js';
import { type OpencodeServer, startServer } from '../server/opencode-server.js';
import { EventStream, type ServerEvent, type SessionListener } from './events.js';
import type { SessionLimits } from './limits.js';
import { ObservedFiles } from './observed.js';
import { runSession } from './opencode-session.js';
import { StatedReport } from './reported.js';
import type { SessionTools } from './session-plan.js';
import { Transcript } from './session-transcript.js';
import { SessionUsage } from './session-usage.js';

let root: string;
let model: ScriptedModel;
let server: OpencodeServer;
let events: EventStream;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'conductor-session-'));
  model = await createScriptedModel();
  const env = { PATH: process.env.PATH };
  const found = await findOpencode({ env });
  if (!found.ok) throw new Error(JSON.stringify(found.error));
  const started = await startServer({
    program: found.value.program,
    stateDir: join(root, 'state'),
    env,
    config: {
      agent: {
        driver: 'opencode',
        model: 'scripted/model-1',
        providers: {
          scripted: { baseURL: `${model.url}/v1`, models: { 'model-1': { context: 200_000, output: 8192 } } },
        },
      },
    },
  });
  if (!started.ok) throw new Error(JSON.stringify(started.error));
  server = started.value;
  events = new EventStream(server.client);
  await events.open();
});
afterAll(async () => {
  await events.close();
  await server.stop();
  await model.close();
  await rm(root, { recursive: true, force: true });
});

async function session(
  script: string,
  tools: Partial<SessionTools>,
  directory = join(root, script),
  limits: Partial<SessionLimits> = {},
) {
  await mkdir(directory, { recursive: true });
  const logFile = join(root, `${script}.log`);
  const now = Date.now;
  return runSession(
    {
      directory,
      title: script,
      prompt: `Go. [script:${script}]`,
      model: { providerID: 'scripted', modelID: 'model-1' },
      limits: {
        steps: 9,
        wallMs: 60_000,
        endsAt: now() + 60_000,
        silenceMs: 60_000,
        toolSilenceMs: 60_000,
        retryWaitMs: 1000,
        ...limits,
      },
      logFile,
    },
    {
      client: server.client,
      events,
      lost: new Promise(() => {}),
      transcript: new Transcript({ logFile, secrets: [], now, onLine: () => {} }),
      usage: new SessionUsage(false),
      observed: new ObservedFiles(directory),
      stated: new StatedReport(),
      now,
      onUsage: () => {},
      ...tools,
    },
    new AbortController().signal,
  );
}

/** The client, with one of its session's calls replaced. */
function client(replaced: Partial<OpencodeClient['session']>): OpencodeClient {
  const real = server.client;
  const calls = new Proxy(real.session, {
    get: (target, name) =>
      name in replaced ? Reflect.get(replaced, name) : Reflect.get(target, name).bind?.(target),
  });
  return new Proxy(real, {
    get: (target, name) => (name === 'session' ? calls : Reflect.get(target, name)),
  });
}

test('a prompt whose confirmation is lost is posted again and answered once', async () => {
  model.script('lost', [{ say: 'Done.' }]);
  const posted: unknown[] = [];
  const promptAsync = async (request: { messageID?: string }) => {
    posted.push(request.messageID);
    const answer = await server.client.session.promptAsync(request as never);
    return posted.length === 1 ? { error: new Error('ECONNRESET') } : answer;
  };
  const end = await session('lost', { client: client({ promptAsync: promptAsync as never }) });
  expect(end).toEqual({ kind: 'finished' });
  expect(posted).toHaveLength(2);
  expect(posted[0]).toBe(posted[1]);
  expect(model.requests.filter((request) => request.script === 'lost')).toHaveLength(1);
});

test('a session whose events were lost is seen to be over all the same', async () => {
  model.script('deaf', [{ say: 'Done.' }]);
  // All that comes through is that something was missed.
  class Deaf extends EventStream {
    override follow(session: string, listener: SessionListener): () => void {
      const onEvent = (event: ServerEvent) => event.type === 'session.idle' && listener.onGap();
      return events.follow(session, { onEvent, onGap: () => {} });
    }
  }
  expect(await session('deaf', { events: new Deaf(server.client) })).toEqual({ kind: 'finished' });
});

test('a session is read from the server only where its events do not say how it ended', async () => {
  model.script('well', [{ say: 'Done.' }]);
  model.script('long', [{ say: 'And so on', finish: 'length' }]);
  const asked: string[] = [];
  const reading = (name: string) => {
    const messages = (request: never) => {
      asked.push(name);
      return server.client.session.messages(request);
    };
    return { client: client({ messages: messages as never }) };
  };
  expect(await session('well', reading('well'))).toEqual({ kind: 'finished' });
  expect(await session('long', reading('long'))).toMatchObject({ kind: 'failed' });
  expect(asked).toEqual(['long']);
});

test('a session that ends while the server is asked how it stands sets no timer any more', async () => {
  model.script('asked', [{ hold: 'asked' }, { say: 'Done.' }]);
  const silenceMs = 2000;
  let answer = () => {};
  const held = new Promise<void>((resolve) => {
    answer = resolve;
  });
  let ended = false;
  const read = server.client.session.messages.bind(server.client.session);
  const asking = {
    // Asked because nothing was heard for so long; meanwhile the model goes on.
    status: async () => {
      model.release('asked');
      await held;
      return { data: {} };
    },
    messages: async (request: never) => (ended ? { data: [] } : read(request)),
  };
  const timers = vi.spyOn(globalThis, 'setTimeout');
  try {
    const end = await session('asked', { client: client(asking as never) }, undefined, { silenceMs });
    expect(end).toEqual({ kind: 'finished' });
    ended = true;
    timers.mockClear();
    answer();
    for (let turn = 0; turn < 50; turn++) await setImmediate();
    expect(timers.mock.calls.map(([, ms]) => Number(ms)).filter((ms) => ms <= silenceMs)).toEqual([]);
  } finally {
    timers.mockRestore();
  }
});

test('a session leaves nothing on the server', async () => {
  model.script('gone', [{ say: 'Done.' }]);
  await session('gone', {});
  const left = await server.client.session.list({ directory: join(root, 'gone') });
  expect(left.data).toEqual([]);
});

test('a folder that was closed on the server is opened again, and its events are heard', async () => {
  model.script('closed', [{ say: 'Done.' }]);
  const directory = join(root, 'closed');
  expect(await session('closed', {})).toEqual({ kind: 'finished' });
  await server.client.instance.dispose({ directory });
  expect(await session('closed', {}, directory)).toEqual({ kind: 'finished' });
  expect(model.requests.filter((request) => request.script === 'closed')).toHaveLength(2);
});
