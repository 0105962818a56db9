/** The server of the page: loopback only, a key in the address, documents as JSON and a live stream. Builds nothing itself. */

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { err, ok, type Result } from '../../base/result.js';
import { readBytes } from '../../io/files.js';
import type { Failure } from '../../model/failure.js';
import { asCalled } from '../../model/output/called-as.js';
import type { LiveMessage, ProjectDocument } from '../../model/page.js';
import type { Host } from '../../project/host.js';
import { PageData } from '../page/page-data.js';
import { harmless, secretsIn } from '../page/plain-text.js';
import { Access, SECURITY_HEADERS } from './access.js';
import { ACTIONS, type ActionRequest, Actions, parseActionRequest, type StartConductor } from './actions.js';
import { LiveStream } from './live.js';
import { documentAt } from './routes.js';

export interface UiOptions {
  readonly host: Host;
  readonly name: string;
  /** How the person calls conductor. */
  readonly calledAs: string;
  /** Folder of the bundled page. */
  readonly assets: string;
  /** 0: a free one. */
  readonly port: number;
  /** Absent: the page is read-only. */
  readonly start?: StartConductor;
  after(ms: number, call: () => void): () => void;
  /** Gets what goes wrong while a request is answered: a bug. */
  onError(error: unknown): void;
}

export interface UiServer {
  readonly port: number;
  /** With the key. */
  readonly address: string;
  close(): Promise<void>;
}

const ASSETS: Readonly<Record<string, string>> = {
  'index.html': 'text/html; charset=utf-8',
  'app.js': 'text/javascript; charset=utf-8',
  'app.css': 'text/css; charset=utf-8',
};
const MAX_BODY = 100_000;

/** Fails where there is no repository, the page was not bundled, or the port is taken. */
export async function openUi(options: UiOptions): Promise<Result<UiServer, Failure>> {
  const data = await PageData.open(options.host);
  if (!data.ok) return data;
  if ((await readBytes(`${options.assets}/app.js`)) === undefined) {
    return err({ kind: 'usage', message: 'the page was not bundled', hint: 'npm run build' });
  }
  const server = createServer();
  const listening = await listen(server, options.port);
  if (!listening.ok) return listening;
  const port = listening.value;
  const answering = new Answering(options, data.value, new Access(port));
  server.on('request', (request, response) => {
    void answering.answer(request, response).catch((error: unknown) => {
      options.onError(error);
      if (!response.headersSent) plain(response, 500, 'something went wrong');
      else response.destroy();
    });
  });
  return ok({
    port,
    address: `http://127.0.0.1:${port}/?token=${answering.access.token}`,
    async close() {
      answering.live.close();
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

class Answering {
  readonly access: Access;
  readonly live: LiveStream;
  private readonly options: UiOptions;
  private readonly data: PageData;
  private readonly actions: Actions | undefined;
  private readonly project: ProjectDocument;
  private readonly secrets: readonly string[];

  constructor(options: UiOptions, data: PageData, access: Access) {
    this.options = options;
    this.data = data;
    this.access = access;
    const { host, name, calledAs, start, after, onError } = options;
    this.secrets = secretsIn(host.env);
    const clean = (message: LiveMessage) => harmless(message, this.secrets);
    this.live = new LiveStream({ data, after, onError, clean });
    const tell = this.live.broadcast.bind(this.live);
    this.actions = start && new Actions({ data, calledAs, start, tell });
    const actions = start ? ACTIONS : [];
    this.project = { name, version: host.version, calledAs, actions, report: false };
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
    else if (method === 'POST') await this.begin(at.pathname, request, response);
    else if (at.pathname === '/api/live') await this.live.add(response);
    else if (at.pathname.startsWith('/api/')) await this.document(at, response);
    else await this.asset(at.pathname, response);
  }

  private exchange(token: string, response: ServerResponse): void {
    if (!this.access.opens(token)) {
      plain(response, 403, this.said('this address is not valid any more: start `conductor ui` again'));
      return;
    }
    response.writeHead(303, { location: '/', 'set-cookie': this.access.cookie }).end();
  }

  private async document(at: URL, response: ServerResponse): Promise<void> {
    const path = at.pathname.slice('/api/'.length);
    const now = this.options.host.now();
    const found = await documentAt(this.data, this.project, { path, query: at.searchParams }, now);
    if (found === undefined) json(response, 404, { error: 'there is no such thing' });
    else json(response, 200, harmless(found, this.secrets));
  }

  private async begin(path: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await bodyOf(request);
    const asked = body === undefined ? undefined : parseActionRequest(body);
    if (path !== '/api/actions') json(response, 404, { error: 'there is no such thing' });
    else if (!this.actions)
      json(response, 403, {
        error: this.said('this page is read-only: start it with `conductor ui --actions`'),
      });
    else if (!asked) json(response, 400, { error: 'this is not a request' });
    else await this.start(this.actions, asked, response);
  }

  private async start(actions: Actions, asked: ActionRequest, response: ServerResponse): Promise<void> {
    const begun = await actions.begin(asked);
    if (begun.ok) json(response, 202, begun.value);
    else json(response, 409, harmless({ error: begun.error }, this.secrets));
  }

  /** A sentence with its commands as the person types them. */
  private said(text: string): string {
    return asCalled(text, this.options.calledAs);
  }

  private async asset(path: string, response: ServerResponse): Promise<void> {
    const name = path === '/' ? 'index.html' : path.slice(1);
    const type = Object.hasOwn(ASSETS, name) ? ASSETS[name] : undefined;
    const content = type === undefined ? undefined : await readBytes(`${this.options.assets}/${name}`);
    if (type === undefined || content === undefined) plain(response, 404, 'there is no such page');
    else response.writeHead(200, { 'content-type': type }).end(content);
  }
}

/** Undefined when it is too long. */
export async function bodyOf(request: IncomingMessage, maxBytes = MAX_BODY): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > maxBytes) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function json(response: ServerResponse, status: number, value: unknown): void {
  response
    .writeHead(status, { 'content-type': 'application/json; charset=utf-8' })
    .end(JSON.stringify(value));
}

function plain(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8' }).end(`${text}\n`);
}
