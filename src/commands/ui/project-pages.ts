/** The page of one project: documents as JSON, a live stream, and commands that it may start. Builds nothing itself. */

import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Result } from '../../base/result.js';
import type { Failure } from '../../model/failure.js';
import type { LiveMessage, ProjectDocument } from '../../model/page.js';
import type { Host } from '../../project/host.js';
import { PageData } from '../page/page-data.js';
import { harmless, secretsIn } from '../page/plain-text.js';
import { ACTIONS, type ActionRequest, Actions, parseActionRequest, type StartConductor } from './actions.js';
import { answerAsset, bodyOf, json } from './answers.js';
import { BuildNews, LiveStream } from './live.js';
import { documentAt } from './routes.js';
import { type Pages, serve, type UiServer, type UiServerOptions } from './server.js';

export interface ProjectPagesOptions extends Omit<UiServerOptions, 'port'> {
  readonly host: Host;
  readonly name: string;
  /** The page of all projects, relative to this one. Absent: there is none. */
  readonly home?: string;
  /** Absent: the page is read-only. */
  readonly start?: StartConductor;
  after(ms: number, call: () => void): () => void;
}

export type UiOptions = ProjectPagesOptions & UiServerOptions;

/** Fails where there is no repository, the page was not bundled, or the port is taken. */
export async function openUi(options: UiOptions): Promise<Result<UiServer, Failure>> {
  const data = await PageData.open(options.host);
  return data.ok ? serve(options, new ProjectPages(options, data.value)) : data;
}

export class ProjectPages implements Pages {
  private readonly live: LiveStream;
  private readonly options: ProjectPagesOptions;
  private readonly data: PageData;
  private readonly actions: Actions | undefined;
  private readonly project: ProjectDocument;
  private readonly secrets: readonly string[];

  constructor(options: ProjectPagesOptions, data: PageData) {
    this.options = options;
    this.data = data;
    const { host, name, home, calledAs, start, after, onError } = options;
    this.secrets = secretsIn(host.env);
    const clean = (message: LiveMessage) => harmless(message, this.secrets);
    this.live = new LiveStream({ news: new BuildNews(data), after, onError, clean });
    const tell = this.live.broadcast.bind(this.live);
    this.actions = start && new Actions({ data, calledAs, start, tell });
    const actions = start ? ACTIONS : [];
    this.project = {
      ...{ name, version: host.version, calledAs, actions, report: false },
      ...(home === undefined ? {} : { home }),
    };
  }

  close(): void {
    this.live.close();
  }

  async answer(at: URL, request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (request.method === 'POST') await this.begin(at.pathname, request, response);
    else if (at.pathname === '/api/live') await this.live.add(response);
    else if (at.pathname.startsWith('/api/')) await this.document(at, response);
    else await answerAsset(this.options.assets, at.pathname, response);
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
    else if (!this.actions) json(response, 403, { error: 'this page is read-only: start it with --actions' });
    else if (!asked) json(response, 400, { error: 'this is not a request' });
    else await this.start(this.actions, asked, response);
  }

  private async start(actions: Actions, asked: ActionRequest, response: ServerResponse): Promise<void> {
    const begun = await actions.begin(asked);
    if (begun.ok) json(response, 202, begun.value);
    else json(response, 409, harmless({ error: begun.error }, this.secrets));
  }
}
