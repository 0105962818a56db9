/** Who may talk to a server of conductor: this machine, with the key that was printed, and no foreign page. Pure but for random numbers. */

import { randomBytes, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';

export interface Refusal {
  readonly status: 400 | 401 | 403 | 405 | 415 | 421;
  readonly reason: string;
}

export interface Asked {
  readonly method: string;
  /** Path with query, as it was sent. */
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
}

/** Nothing runs but the page's own script; nothing is loaded from elsewhere; nothing may show the page inside another. */
export const SECURITY_HEADERS: Readonly<Record<string, string>> = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'x-frame-options': 'DENY',
  'cache-control': 'no-store',
};

export class Access {
  /** Part of the printed address. */
  readonly token: string;
  private readonly session = randomBytes(24).toString('base64url');
  private readonly port: number;

  constructor(port: number, token: string = randomBytes(24).toString('base64url')) {
    this.port = port;
    this.token = token;
  }

  /** For `Set-Cookie`. Cookies do not know ports: the name does, so that two pages on one machine do not mix. */
  get cookie(): string {
    return `${this.name}=${this.session}; HttpOnly; SameSite=Strict; Path=/`;
  }

  opens(token: string | null): boolean {
    return token !== null && same(token, this.token);
  }

  /** Why a request of a program that has the token is refused; undefined when it may be answered. */
  bearerRefusal(headers: IncomingHttpHeaders): Refusal | undefined {
    const foreign = this.foreign(headers);
    if (foreign) return foreign;
    const [, token = ''] = /^Bearer (\S+)$/i.exec(headers.authorization ?? '') ?? [];
    return same(token, this.token) ? undefined : { status: 401, reason: 'the token is missing or wrong' };
  }

  /** Why a request is refused; undefined when it may be answered. `needsCookie`: all but the exchange of the token. */
  refusal({ method, headers }: Asked, needsCookie: boolean): Refusal | undefined {
    const foreign = this.foreign(headers);
    if (foreign) return foreign;
    const isOwn = headers.origin !== undefined;
    const site = headers['sec-fetch-site'];
    if (method !== 'GET' && method !== 'POST') return { status: 405, reason: 'GET and POST only' };
    if (needsCookie && !this.hasCookie(headers.cookie)) {
      return {
        status: 403,
        reason: 'open the address that conductor printed: it holds the key to this page',
      };
    }
    if (method !== 'POST') return undefined;
    if (!isOwn || (site !== undefined && site !== 'same-origin'))
      return { status: 403, reason: 'only the page itself may start something' };
    if (headers['content-type'] !== 'application/json') return { status: 415, reason: 'JSON only' };
    return undefined;
  }

  private foreign({ host = '', origin }: IncomingHttpHeaders): Refusal | undefined {
    // A name that leads here from elsewhere (DNS rebinding) is in the Host header.
    if (!this.hosts.includes(host)) return { status: 421, reason: 'this host is not served' };
    if (origin === undefined || this.hosts.some((own) => origin === `http://${own}`)) return undefined;
    return { status: 403, reason: 'another page may not ask' };
  }

  private get name(): string {
    return `conductor-${this.port}`;
  }

  private get hosts(): string[] {
    return [`127.0.0.1:${this.port}`, `localhost:${this.port}`];
  }

  private hasCookie(header: string | undefined): boolean {
    const start = `${this.name}=`;
    return (header ?? '')
      .split(';')
      .map((one) => one.trim())
      .some((one) => one.startsWith(start) && same(one.slice(start.length), this.session));
  }
}

function same(a: string, b: string): boolean {
  const [one, other] = [Buffer.from(a), Buffer.from(b)];
  return one.length === other.length && timingSafeEqual(one, other);
}
