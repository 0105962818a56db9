/** Requests through a real proxy on this machine, and which addresses need none. */

import http from 'node:http';
import net, { type AddressInfo } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { HttpConnections } from './http.js';
import { proxyFor } from './proxy.js';

const servers: (http.Server | net.Server)[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

async function listen<T extends http.Server | net.Server>(server: T): Promise<number> {
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}

test.each([
  ['http://a.example/x', { HTTP_PROXY: 'http://p:1' }, 'p:1'],
  ['https://a.example/x', { HTTP_PROXY: 'http://p:1' }, undefined],
  ['https://a.example/x', { https_proxy: 'p:2', HTTPS_PROXY: 'http://q:3' }, 'p:2'],
  ['https://a.example/x', { ALL_PROXY: 'http://p:1' }, 'p:1'],
  ['https://a.example/x', { ALL_PROXY: 'socks5://p:1' }, undefined],
  ['https://a.example/x', { HTTPS_PROXY: 'http://p:1', NO_PROXY: 'b.example, .example' }, undefined],
  ['https://a.example/x', { HTTPS_PROXY: 'http://p:1', NO_PROXY: 'le' }, 'p:1'],
  ['https://a.example:8443/x', { HTTPS_PROXY: 'http://p:1', NO_PROXY: 'a.example:443' }, 'p:1'],
  ['https://a.example/x', { HTTPS_PROXY: 'http://p:1', no_proxy: '*' }, undefined],
  ['http://127.0.0.1:80/x', { HTTP_PROXY: 'http://p:1', NO_PROXY: 'localhost,127.0.0.1' }, undefined],
  ['http://[::1]/x', { HTTP_PROXY: 'http://p:1', NO_PROXY: '[::1]' }, undefined],
])('%s with %o goes to %s', (url, env, proxy) => {
  expect(proxyFor(new URL(url), env)?.host).toBe(proxy);
});

const request = {
  method: 'GET',
  headers: {},
  signal: new AbortController().signal,
  silenceMs: 5000,
  maxBytes: 1000,
} as const;

test('a request without TLS goes to the proxy with its whole address and the login', async () => {
  const seen: (string | undefined)[] = [];
  const port = await listen(
    http.createServer((asked, answer) => {
      seen.push(asked.url, asked.headers.host, asked.headers['proxy-authorization']);
      answer.end('through the proxy');
    }),
  );
  const connections = new HttpConnections({ HTTP_PROXY: `http://ada:p%40ss@127.0.0.1:${port}` });
  const answer = await connections.request({ ...request, url: 'http://cache.example/a?b=1' });
  connections.close();
  expect(answer).toMatchObject({ ok: true, value: { status: 200 } });
  expect(seen).toEqual([
    'http://cache.example/a?b=1',
    'cache.example',
    `Basic ${Buffer.from('ada:p@ss').toString('base64')}`,
  ]);
});

test('a request with TLS asks the proxy for a tunnel, and says so when there is none', async () => {
  const asked: (string | undefined)[] = [];
  const proxy = http.createServer();
  proxy.on('connect', (tunnel, socket) => {
    asked.push(tunnel.url, tunnel.headers['proxy-authorization']);
    socket.end('HTTP/1.1 407 Proxy Authentication Required\r\n\r\n');
  });
  const port = await listen(proxy);
  const connections = new HttpConnections({ HTTPS_PROXY: `http://127.0.0.1:${port}` });
  const answer = await connections.request({ ...request, url: 'https://cache.example/a' });
  connections.close();
  expect(asked).toEqual(['cache.example:443', undefined]);
  expect(answer).toMatchObject({
    ok: false,
    error: { kind: 'unreachable', detail: 'the proxy answered 407' },
  });
});

test('a tunnel carries TLS to the server that was meant', async () => {
  const first: number[] = [];
  const target = await listen(
    net.createServer((socket) => {
      socket.once('data', (bytes) => {
        first.push(bytes[0] as number);
        socket.destroy();
      });
      socket.on('error', () => {});
    }),
  );
  const proxy = http.createServer();
  proxy.on('connect', (_, socket) => {
    const onward = net.connect(target, '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n');
      onward.pipe(socket).pipe(onward);
    });
    onward.on('error', () => socket.destroy());
    socket.on('error', () => onward.destroy());
  });
  const connections = new HttpConnections({ HTTPS_PROXY: `http://127.0.0.1:${await listen(proxy)}` });
  const answer = await connections.request({ ...request, url: 'https://cache.example/a' });
  connections.close();
  // The first byte of a TLS handshake.
  expect(first).toEqual([22]);
  expect(answer).toMatchObject({ ok: false });
});
