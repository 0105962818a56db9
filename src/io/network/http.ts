/**
 * The adapter for HTTP: one request with limits on silence and size, redirects that never carry credentials to
 * another host, and bodies that are written straight to a file. Repeats nothing.
 */

import { setMaxListeners } from 'node:events';
import http from 'node:http';
import https from 'node:https';
import { err, ok, type Result } from '../../base/result.js';
import type { Environment } from '../process/environment.js';
import { extraCertificates, proxyAuthorization, proxyFor, TunnelAgent } from './proxy.js';
import { BodyTooLarge, type ReceivedBody, receiveBody } from './received-body.js';

export interface HttpRequest {
  readonly method: 'GET' | 'HEAD' | 'PUT' | 'POST' | 'DELETE';
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Buffer;
  readonly signal: AbortSignal;
  /** Milliseconds without a byte after which it is given up. */
  readonly silenceMs: number;
  /** A longer body is an error. */
  readonly maxBytes: number;
  /** The body of a 2xx answer goes here instead of into memory. */
  readonly toFile?: string;
}

export interface HttpAnswer extends ReceivedBody {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
}

export interface HttpFault {
  readonly kind: 'unreachable' | 'silent' | 'cut' | 'too-large' | 'stopped';
  readonly detail: string;
}

const REDIRECTS = new Set([301, 302, 303, 307, 308]);
const MOST_REDIRECTS = 5;
/** Headers that another host may see: any other one may hold a secret, under whatever name. */
const PUBLIC_HEADER = /^(accept|content-|if-|range$)/i;

/** Connections that are kept open between requests. */
export class HttpConnections {
  private readonly env: Environment;
  private readonly plain = new http.Agent({ keepAlive: true, maxSockets: 8 });
  private readonly secure: https.Agent;
  private readonly tunnels = new Map<string, TunnelAgent>();

  /** Proxies and certificates are those that the variables name. */
  constructor(env: Environment = process.env) {
    this.env = env;
    this.secure = new https.Agent({ keepAlive: true, maxSockets: 8, ...extraCertificates(env) });
  }

  async request(request: HttpRequest): Promise<Result<HttpAnswer, HttpFault>> {
    let { url, headers } = request;
    for (let hops = 0; ; hops++) {
      const answer = await this.once({ ...request, url, headers });
      if (!answer.ok || !REDIRECTS.has(answer.value.status)) return answer;
      const { location } = answer.value.headers;
      const isReading = request.method === 'GET' || request.method === 'HEAD';
      const goesOn = isReading || answer.value.status === 307 || answer.value.status === 308;
      if (location === undefined || !goesOn || hops === MOST_REDIRECTS) return answer;
      const from = new URL(url);
      const to = URL.canParse(location, url) ? new URL(location, url) : undefined;
      if (!to || !/^https?:$/.test(to.protocol) || (from.protocol === 'https:' && to.protocol !== 'https:')) {
        return err({ kind: 'unreachable', detail: 'it redirects to an address that is not safe' });
      }
      if (to.origin !== from.origin) {
        headers = Object.fromEntries(Object.entries(headers).filter(([name]) => PUBLIC_HEADER.test(name)));
      }
      url = to.href;
    }
  }

  close(): void {
    for (const agent of [this.plain, this.secure, ...this.tunnels.values()]) agent.destroy();
  }

  /** How one request is sent: directly, through a tunnel, or, without TLS, to the proxy with the whole address. */
  private route(url: URL, headers: Readonly<Record<string, string>>): http.RequestOptions {
    const isSecure = url.protocol === 'https:';
    const proxy = proxyFor(url, this.env);
    if (proxy === undefined)
      return { ...addressOf(url), agent: isSecure ? this.secure : this.plain, headers };
    if (!isSecure) {
      const path = `${url.origin}${url.pathname}${url.search}`;
      return {
        ...addressOf(proxy),
        path,
        agent: this.plain,
        headers: { host: url.host, ...headers, ...proxyAuthorization(proxy) },
      };
    }
    let agent = this.tunnels.get(proxy.href);
    if (agent === undefined) {
      agent = new TunnelAgent(proxy, { keepAlive: true, maxSockets: 8, ...extraCertificates(this.env) });
      this.tunnels.set(proxy.href, agent);
    }
    return { ...addressOf(url), agent, headers };
  }

  private async once(request: HttpRequest): Promise<Result<HttpAnswer, HttpFault>> {
    const { method, headers, body, signal, silenceMs } = request;
    if (signal.aborted) return err({ kind: 'stopped', detail: 'it was stopped' });
    // Every request listens; their number is no sign of a leak.
    setMaxListeners(0, signal);
    let answered = false;
    let silent = false;
    try {
      const url = new URL(request.url);
      const secure = url.protocol === 'https:';
      const length: Record<string, string> = body ? { 'content-length': String(body.length) } : {};
      const options = {
        ...this.route(url, { ...headers, ...length }),
        method,
        signal,
        timeout: silenceMs,
      };
      const response = await new Promise<http.IncomingMessage>((resolve, reject) => {
        const sent = (secure ? https : http).request(options, resolve);
        sent.on('error', reject);
        sent.on('timeout', () => {
          silent = true;
          sent.destroy(new Error('silent'));
        });
        // What a connection has kept quiet for so long is given up also while the body is under way.
        sent.end(body);
      });
      answered = true;
      return ok(await receive(response, request));
    } catch (error) {
      if (signal.aborted) return err({ kind: 'stopped', detail: 'it was stopped' });
      if (silent)
        return err({
          kind: 'silent',
          detail: `it sent no data for ${Math.round(silenceMs / 1000)} s`,
        });
      if (error instanceof BodyTooLarge)
        return err({ kind: 'too-large', detail: 'it sends more than it announced' });
      const { code, message } = error as NodeJS.ErrnoException;
      return err({
        kind: answered ? 'cut' : 'unreachable',
        detail: answered ? 'the connection was cut' : (code ?? message),
      });
    }
  }
}

function addressOf(url: URL): http.RequestOptions {
  return {
    protocol: url.protocol,
    hostname: url.hostname.replace(/^\[|\]$/g, ''),
    port: url.port || (url.protocol === 'https:' ? 443 : 80),
    path: `${url.pathname}${url.search}`,
    ...(url.username === '' && url.password === ''
      ? {}
      : { auth: `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}` }),
  };
}

async function receive(response: http.IncomingMessage, request: HttpRequest): Promise<HttpAnswer> {
  const status = response.statusCode ?? 0;
  const isGood = status >= 200 && status < 300;
  const toFile = isGood ? request.toFile : undefined;
  const received = await receiveBody(response, { maxBytes: request.maxBytes, toFile });
  return { status, headers: response.headers, ...received };
}
