/** Connections through the proxy that the environment names, with the company's certificates. Sends no request. */

import { readFileSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import type { Duplex } from 'node:stream';
import tls from 'node:tls';
import type { Environment } from '../process/environment.js';

/** The proxy for an address, as curl and others read the variables; undefined: none. */
export function proxyFor(url: URL, env: Environment): URL | undefined {
  const of = (name: string) => env[name.toLowerCase()] || env[name];
  const named = of(url.protocol === 'https:' ? 'HTTPS_PROXY' : 'HTTP_PROXY') || of('ALL_PROXY');
  if (!named || isExcepted(url, of('NO_PROXY') ?? '')) return undefined;
  const text = /^[a-z][a-z0-9+.-]*:\/\//i.test(named) ? named : `http://${named}`;
  const proxy = URL.canParse(text) ? new URL(text) : undefined;
  return proxy && /^https?:$/.test(proxy.protocol) ? proxy : undefined;
}

function isExcepted(url: URL, list: string): boolean {
  const port = url.port || (url.protocol === 'https:' ? '443' : '80');
  const host = url.hostname.toLowerCase().replace(/^\[|\]$/g, '');
  return list.split(/[\s,]+/).some((entry) => {
    if (entry === '') return false;
    if (entry === '*') return true;
    const [, name = '', itsPort] = /^\[?(.*?)\]?(?::(\d+))?$/.exec(entry.toLowerCase()) ?? [];
    if (itsPort !== undefined && itsPort !== port) return false;
    const suffix = name.replace(/^\*?\.?/, '');
    return suffix !== '' && (host === suffix || host.endsWith(`.${suffix}`));
  });
}

/** Certificates beside Node's own, from the file that OpenSSL's programs read; Node itself reads `NODE_EXTRA_CA_CERTS`. */
export function extraCertificates(env: Environment): { readonly ca?: string[] } {
  if (!env.SSL_CERT_FILE) return {};
  try {
    return { ca: [...tls.rootCertificates, readFileSync(env.SSL_CERT_FILE, 'utf8')] };
  } catch {
    return {};
  }
}

/** What a request to the proxy says of who asks. */
export function proxyAuthorization(proxy: URL): Record<string, string> {
  if (proxy.username === '' && proxy.password === '') return {};
  const login = `${decodeURIComponent(proxy.username)}:${decodeURIComponent(proxy.password)}`;
  return { 'proxy-authorization': `Basic ${Buffer.from(login).toString('base64')}` };
}

/** TLS connections that go through a tunnel of an HTTP proxy. */
export class TunnelAgent extends https.Agent {
  private readonly proxy: URL;

  constructor(proxy: URL, options: https.AgentOptions) {
    super(options);
    this.proxy = proxy;
  }

  override createConnection(
    options: https.RequestOptions,
    callback: (error: Error | null, stream: Duplex) => void,
  ): undefined {
    const { proxy } = this;
    const host = options.hostname ?? options.host ?? '';
    const port = options.port ?? 443;
    const address = host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
    const asked = (proxy.protocol === 'https:' ? https : http).request({
      host: proxy.hostname.replace(/^\[|\]$/g, ''),
      port: proxy.port || (proxy.protocol === 'https:' ? 443 : 80),
      method: 'CONNECT',
      path: address,
      headers: { host: address, ...proxyAuthorization(proxy) },
      agent: false,
      ...(options.timeout === undefined ? {} : { timeout: options.timeout }),
    });
    const fail = (error: Error) => callback(error, undefined as unknown as Duplex);
    asked.once('timeout', () => asked.destroy(new Error('the proxy sent no answer')));
    asked.once('error', fail);
    asked.once('response', (response) => {
      response.resume();
      fail(new Error(`the proxy answered ${response.statusCode}`));
    });
    asked.once('connect', (response, socket) => {
      if (response.statusCode !== 200) {
        socket.destroy();
        fail(new Error(`the proxy answered ${response.statusCode}`));
        return;
      }
      const { ca } = this.options;
      const secure = tls.connect({
        socket,
        servername: options.servername || host,
        ...(ca === undefined ? {} : { ca }),
      });
      secure.once('error', fail);
      secure.once('secureConnect', () => {
        secure.off('error', fail);
        callback(null, secure);
      });
    });
    asked.end();
    return undefined;
  }
}
