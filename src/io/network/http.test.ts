/** What another host sees after a redirect, and that a request which cannot be sent is an answer, no exception. */

import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, test, vi } from 'vitest';
import { HttpConnections } from './http.js';

const servers: http.Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

async function listen(listener: http.RequestListener): Promise<number> {
  const server = http.createServer(listener);
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}

async function ask(
  url: string,
  {
    env = {},
    ...more
  }: { env?: Record<string, string>; headers?: Record<string, string>; signal?: AbortSignal } = {},
) {
  const connections = new HttpConnections(env);
  try {
    return await connections.request({
      ...{ method: 'POST', url, headers: {}, body: Buffer.from('{}'), silenceMs: 5000, maxBytes: 1000 },
      ...{ signal: new AbortController().signal, ...more },
    });
  } finally {
    connections.close();
  }
}

const SECRETS = { authorization: 'Bearer s', 'x-api-key': 's', 'api-key': 's', cookie: 's', dd: 's' };
const OPEN = { accept: 'a/b', 'content-type': 'application/json', 'if-none-match': '*', range: 'bytes=0-1' };

test('a redirect to another host carries no header that may be a secret; on the same host it carries all', async () => {
  const seen: http.IncomingHttpHeaders[] = [];
  const end: http.RequestListener = (request, answer) => {
    seen.push(request.headers);
    answer.end();
  };
  const other = await listen(end);
  const first = await listen((request, answer) => {
    if (request.url === '/end') return end(request, answer);
    const location = request.url === '/same' ? '/end' : `http://127.0.0.1:${other}/end`;
    answer.writeHead(307, { location }).end();
  });
  const headers = { ...SECRETS, ...OPEN };
  for (const path of ['same', 'other'])
    expect(await ask(`http://127.0.0.1:${first}/${path}`, { headers })).toMatchObject({
      ok: true,
      value: { status: 200 },
    });
  expect(seen[0]).toMatchObject(headers);
  expect(seen[1]).toMatchObject({ ...OPEN, 'content-length': '2' });
  for (const name of Object.keys(SECRETS)) expect(seen[1]).not.toHaveProperty(name);
});

test.each([
  ['an address that is none', 'http://[', {}],
  ['a scheme that is not of HTTP', 'localhost:4318/v1', {}],
  ['a login that is not percent-encoded', 'http://u:50%@127.0.0.1:9/', {}],
  ['a login of the proxy', 'http://cache.example/', { HTTP_PROXY: 'http://u:50%@127.0.0.1:9' }],
  ['a login of the proxy for TLS', 'https://cache.example/', { HTTPS_PROXY: 'http://u:50%@127.0.0.1:9' }],
])('%s is a fault and throws nothing', async (_name, url, env) => {
  expect(await ask(url, { env })).toMatchObject({ ok: false, error: { kind: 'unreachable' } });
});

test('many requests of one build are no sign of a leak', async () => {
  const warned = vi.spyOn(process, 'emitWarning');
  const waiting: http.ServerResponse[] = [];
  const port = await listen((_request, answer) => {
    waiting.push(answer);
    if (waiting.length === 11) for (const one of waiting) one.end();
  });
  const { signal } = new AbortController();
  const asked = Array.from({ length: 11 }, () => ask(`http://127.0.0.1:${port}/`, { signal }));
  expect((await Promise.all(asked)).every(({ ok }) => ok)).toBe(true);
  expect(warned).not.toHaveBeenCalled();
  warned.mockRestore();
});
