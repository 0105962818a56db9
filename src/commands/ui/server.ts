/** The server of pages: loopback only, a key in the address, and nothing for those who do not have it. Knows no document. */

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { err, ok, type Result } from '../../base/result.js';
import { asFailure, readBytes } from '../../io/files.js';
import type { Failure } from '../../model/failure.js';
import { failureLine } from '../../report/failures/failure.js';
import { Access, SECURITY_HEADERS } from './access.js';
import { plain } from './answers.js';

/** What is behind the key. */
export interface Pages {
  /** A request that brought the key. */
  answer(at: URL, request: IncomingMessage, response: ServerResponse): Promise<void>;
  close(): void;
}

export interface UiServerOptions {
  /** How the person calls conductor. */
  readonly calledAs: string;
  /** Folder of the bundled page. */
  readonly assets: string;
  /** 0: a free one. */
  readonly port: number;
  /** Gets a bug that is found while a request is answered. */
  onError(error: unknown): void;
}

export interface UiServer {
  readonly port: number;
  /** With the key. */
  readonly address: string;
  close(): Promise<void>;
}

/** Fails where the page was not bundled, or the port is taken. */
export async function serve(options: UiServerOptions, pages: Pages): Promise<Result<UiServer, Failure>> {
  if ((await readBytes(`${options.assets}/app.js`)) === undefined) {
    return err({ kind: 'usage', message: 'the page was not bundled', hint: 'npm run build' });
  }
  const server = createServer();
  const listening = await listen(server, options.port);
  if (!listening.ok) return listening;
  const port = listening.value;
  const guarded = new GuardedPages(pages, new Access(port));
  server.on('request', (request, response) => {
    void guarded.answer(request, response).catch((error: unknown) => {
      const failure = asFailure(error);
      if (!failure) options.onError(error);
      if (response.headersSent) response.destroy();
      else plain(response, 500, failure ? failureLine(failure) : 'something went wrong');
    });
  });
  return ok({
    port,
    address: `http://127.0.0.1:${port}/?token=${guarded.access.token}`,
    async close() {
      pages.close();
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      await closed;
    },
  });
}

/** On 127.0.0.1; the port that was given, or a free one. */
export function listen(server: Server, port: number): Promise<Result<number, Failure>> {
  return new Promise((resolve) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const message =
        error.code === 'EADDRINUSE'
          ? `port ${port} is in use`
          : `port ${port} cannot be used (${error.code})`;
      resolve(err({ kind: 'usage', message, hint: 'choose another with --port, or leave it out' }));
    });
    server.listen({ host: '127.0.0.1', port }, () => resolve(ok((server.address() as AddressInfo).port)));
  });
}

class GuardedPages {
  readonly access: Access;
  private readonly pages: Pages;

  constructor(pages: Pages, access: Access) {
    this.pages = pages;
    this.access = access;
  }

  async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    for (const [name, value] of Object.entries(SECURITY_HEADERS)) response.setHeader(name, value);
    const { method = '', url = '/', headers } = request;
    if (!URL.canParse(url, 'http://127.0.0.1')) {
      plain(response, 400, 'this is not an address');
      return;
    }
    const at = new URL(url, 'http://127.0.0.1');
    const token = at.searchParams.get('token');
    const isExchange = method === 'GET' && at.pathname === '/' && token !== null;
    const refused = this.access.refusal({ method, url, headers }, !isExchange);
    if (refused) plain(response, refused.status, refused.reason);
    else if (isExchange) this.exchange(token, response);
    else await this.pages.answer(at, request, response);
  }

  private exchange(token: string, response: ServerResponse): void {
    if (!this.access.opens(token)) {
      const text =
        'this address is not valid any more: start the page again, and open the address that it prints';
      plain(response, 403, text);
      return;
    }
    response.writeHead(303, { location: '/', 'set-cookie': this.access.cookie }).end();
  }
}
