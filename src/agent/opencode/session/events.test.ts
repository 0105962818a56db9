/** Holds that events reach their session, through lost connections. */

import { expect, test } from 'vitest';
import type { OpencodeClient } from '../client.js';
import { EventStream } from './events.js';

type Connection = (signal: AbortSignal) => AsyncGenerator<unknown>;

/** A client whose first connection plays the first list and so on; the last one stays open. */
function client(...connections: readonly Connection[]): OpencodeClient {
  let next = 0;
  const event = async ({ signal }: { signal: AbortSignal }) => ({
    stream: (connections[next++] ?? silent)(signal),
  });
  return { global: { event } } as unknown as OpencodeClient;
}

const aborted = (signal: AbortSignal) =>
  new Promise<void>((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
async function* silent(signal: AbortSignal) {
  yield connected;
  await aborted(signal);
}
const of = (type: string, properties: object) => ({
  directory: '/w',
  payload: { id: 'e', type, properties },
});
const connected = of('server.connected', {});
const idle = (sessionID: string) => of('session.idle', { sessionID });

test('an event goes to its own session, that of a sub-agent to the one that began it', async () => {
  const stream = new EventStream(
    client(async function* (signal) {
      yield connected;
      await Promise.resolve();
      yield of('session.created', { sessionID: 'child', info: { id: 'child', parentID: 'mine' } });
      yield of('session.created', { sessionID: 'grandchild', info: { id: 'grandchild', parentID: 'child' } });
      for (const one of ['other', 'grandchild', 'mine']) yield idle(one);
      yield 'noise';
      yield { payload: { type: 'sync' } };
      yield idle('last');
      await aborted(signal);
    }),
  );
  const heard: string[] = [];
  stream.follow('mine', {
    onEvent: (event, session) => heard.push(`${event.type} ${session}`),
    onGap: () => {},
  });
  await new Promise<void>((resolve) => {
    stream.follow('last', { onEvent: () => resolve(), onGap: () => {} });
    void stream.open();
  });
  expect(heard).toEqual([
    'session.created child',
    'session.created grandchild',
    'session.idle grandchild',
    'session.idle mine',
  ]);
  await stream.close();
});

test.each<[string, Connection]>([
  [
    'ends',
    async function* () {
      yield connected;
    },
  ],
  [
    'breaks',
    async function* () {
      yield connected;
      throw new Error('reset');
    },
  ],
  ['falls silent', silent],
])('a connection that %s is opened again, and every session is told of the gap', async (_, first) => {
  const stream = new EventStream(client(first), 50);
  const gap = new Promise<void>((resolve) => {
    stream.follow('mine', { onEvent: () => {}, onGap: resolve });
  });
  await stream.open();
  await gap;
  await stream.close();
});

test('who has stopped following hears nothing more', async () => {
  let send = () => {};
  const sent = new Promise<void>((resolve) => {
    send = resolve;
  });
  const stream = new EventStream(
    client(async function* (signal) {
      yield connected;
      await sent;
      yield idle('mine');
      yield idle('last');
      await aborted(signal);
    }),
  );
  const heard: string[] = [];
  const unfollow = stream.follow('mine', { onEvent: (event) => heard.push(event.type), onGap: () => {} });
  await stream.open();
  unfollow();
  await new Promise<void>((resolve) => {
    stream.follow('last', { onEvent: () => resolve(), onGap: () => {} });
    send();
  });
  expect(heard).toEqual([]);
  await stream.close();
});
