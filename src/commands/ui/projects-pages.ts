/** The pages of several projects behind one key: a start page with all of them, and the page of each below `/p/<name>/`. */

import type { IncomingMessage, ServerResponse } from 'node:http';
import { mapBounded } from '../../base/bounded.js';
import { err, ok, type Result } from '../../base/result.js';
import type { Failure } from '../../model/failure.js';
import type { LiveMessage, ProjectDocument, ProjectPageRow } from '../../model/page.js';
import type { ListedProject } from '../../model/projects/project-list.js';
import type { Host } from '../../project/host.js';
import { failureLine } from '../../report/failures/failure.js';
import { PageData } from '../page/page-data.js';
import { harmless, secretsIn } from '../page/plain-text.js';
import { orFailure } from '../projects/build-projects.js';
import { absence } from '../projects/checkouts.js';
import { PROJECTS_AT_ONCE } from '../projects/project-status.js';
import type { StartConductor } from './actions.js';
import { answerAsset, json, plain } from './answers.js';
import { LiveStream, type News } from './live.js';
import { ProjectPages, type ProjectPagesOptions } from './project-pages.js';
import { type Pages, serve, type UiServer, type UiServerOptions } from './server.js';

export interface ProjectsUiOptions
  extends UiServerOptions,
    Pick<ProjectPagesOptions, 'after'>,
    Pick<Host, 'version' | 'env'> {
  readonly projects: readonly ListedProject[];
  hostOf(project: ListedProject): Host;
  /** How conductor is called in the folder of a project, because what its page says holds there. */
  calledIn(project: string): string;
  /** Absent: the pages are read-only. */
  startIn?(project: ListedProject): StartConductor;
}

/** Fails where the page was not bundled, or the port is taken. A project that has no folder yet is shown when it has one. */
export function openProjectsUi(options: ProjectsUiOptions): Promise<Result<UiServer, Failure>> {
  return serve(options, new ProjectsPages(options));
}

class ProjectsPages implements Pages {
  private readonly options: ProjectsUiOptions;
  private readonly news: ProjectsNews;
  private readonly live: LiveStream;
  private readonly pages = new Map<string, ProjectPages>();
  private readonly document: ProjectDocument;

  constructor(options: ProjectsUiOptions) {
    this.options = options;
    const { projects, hostOf, after, onError, version, calledAs, env } = options;
    this.news = new ProjectsNews(projects, hostOf);
    const secrets = secretsIn(env);
    const clean = (message: LiveMessage) => harmless(message, secrets);
    this.live = new LiveStream({ news: this.news, after, onError, clean });
    const name = `${projects.length} projects`;
    this.document = { name, version, calledAs, actions: [], report: false, projects: true };
  }

  close(): void {
    this.live.close();
    for (const pages of this.pages.values()) pages.close();
  }

  async answer(at: URL, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const [, encoded, rest] = /^\/p\/([^/]+)(\/.*)?$/.exec(at.pathname) ?? [];
    if (encoded !== undefined) {
      const project = this.options.projects.find(({ name }) => encodeURIComponent(name) === encoded);
      const pages = project && (await this.pagesOf(project));
      if (!pages) plain(response, 404, 'there is no such page');
      else if (rest === undefined) response.writeHead(303, { location: `${at.pathname}/` }).end();
      else await pages.answer(within(at, rest), request, response);
    } else if (request.method === 'POST') plain(response, 404, 'there is nothing to start here');
    else if (at.pathname === '/api/live') await this.live.add(response);
    else if (at.pathname === '/api/project') json(response, 200, this.document);
    else if (at.pathname.startsWith('/api/')) json(response, 404, { error: 'there is no such thing' });
    else await answerAsset(this.options.assets, at.pathname, response);
  }

  private async pagesOf(project: ListedProject): Promise<ProjectPages | undefined> {
    const known = this.pages.get(project.name);
    if (known) return known;
    const { hostOf, startIn, calledIn, ...options } = this.options;
    const { name } = project;
    const data = await orFailure(() => openData(project, hostOf));
    if (!data.ok) return undefined;
    const start = startIn ? { start: startIn(project) } : {};
    const own = { host: hostOf(project), name, calledAs: calledIn(name), home: '../../' };
    const pages = new ProjectPages({ ...options, ...start, ...own }, data.value);
    const meanwhile = this.pages.get(name);
    if (meanwhile) return meanwhile;
    this.pages.set(name, pages);
    return pages;
  }
}

/** Rows of all projects, as their builds change them. */
class ProjectsNews implements News {
  private readonly projects: readonly ListedProject[];
  private readonly hostOf: (project: ListedProject) => Host;
  /** Of its own: what a page of a project reads is new for that page only. */
  private readonly data = new Map<string, PageData>();
  private last = '';

  constructor(projects: readonly ListedProject[], hostOf: (project: ListedProject) => Host) {
    this.projects = projects;
    this.hostOf = hostOf;
  }

  async first(): Promise<LiveMessage[]> {
    return [{ kind: 'projects', rows: await this.rows() }];
  }

  async next(): Promise<LiveMessage[]> {
    const rows = await this.rows();
    const text = JSON.stringify(rows);
    if (text === this.last) return [];
    this.last = text;
    return [{ kind: 'projects', rows }];
  }

  private rows(): Promise<ProjectPageRow[]> {
    return mapBounded(
      this.projects,
      async (project) => {
        const row = await orFailure(() => this.row(project));
        return row.ok ? row.value : { ...known(project), why: failureLine(row.error) };
      },
      PROJECTS_AT_ONCE,
    );
  }

  private async row(project: ListedProject): Promise<Result<ProjectPageRow, Failure>> {
    const { name } = project;
    const opened = await openData(project, this.hostOf, this.data.get(name));
    if (!opened.ok) return opened;
    const data = opened.value;
    this.data.set(name, data);
    await data.refresh();
    const row = { ...known(project), page: `p/${encodeURIComponent(name)}/` };
    const [last] = data.builds.rows();
    if (!last) return ok(row);
    if (last.outcome !== 'running') return ok({ ...row, build: last });
    await data.builds.readLastLines(last.build);
    const tasks = (await data.build(last.build))?.tasks ?? [];
    return ok({
      ...{ ...row, build: last },
      done: { tasks: tasks.filter(({ state }) => state === 'done').length, of: tasks.length },
      running: tasks.filter(({ state }) => state === 'running'),
    });
  }
}

/** What the list says of a project. */
function known({ name, needs }: ListedProject): ProjectPageRow {
  return { name, needs: needs.map((need) => need.project) };
}

/** Fails where the project cannot be looked at. `data`: that of an earlier look. */
async function openData(
  project: ListedProject,
  hostOf: (project: ListedProject) => Host,
  data?: PageData,
): Promise<Result<PageData, Failure>> {
  const absent = await absence(project);
  if (absent) return err(absent);
  return data ? ok(data) : PageData.open(hostOf(project));
}

/** The address with another path: as a text, `//` at its beginning would name a host. */
function within(at: URL, path: string): URL {
  const inner = new URL(at);
  inner.pathname = path;
  return inner;
}
