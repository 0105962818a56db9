/**
 * The documents that the page asks for, each made from what builds and the store have recorded. Holds nothing that they do
 * not have; what it keeps is only kept for a moment.
 */

import { Limiter } from '../../base/limiter.js';
import { ok, type Result } from '../../base/result.js';
import { type Inspection, inspect, inspectProject } from '../../build/dry-run.js';
import { historyFolder, readHistory } from '../../build/history/history-files.js';
import { openRepository } from '../../io/git/open-repository.js';
import type { Repository } from '../../io/git/repository.js';
import type { BuildDocument, BuildHead, BuildRow, TaskView } from '../../model/build-view.js';
import type { Failure } from '../../model/failure.js';
import type { HistoryLine } from '../../model/history.js';
import type { FilesDocument, GraphDocument, ReviewDocument, TaskDocument } from '../../model/page.js';
import type { Label } from '../../model/task.js';
import { Durations, readDurations } from '../../project/durations/durations.js';
import type { Host } from '../../project/host.js';
import { failureView } from '../../report/build-view/failure-view.js';
import { type Metrics, metricsOf } from '../../report/metrics/metrics.js';
import { selectLines } from '../../report/metrics/selection.js';
import { type ReviewRange, reviewIn } from '../review/review.js';
import { BuildFollower } from './build-follower.js';
import { buildsReview } from './builds-review.js';
import { leftMs } from './left.js';
import { pastBuilds } from './past-builds.js';
import { filesDocument, graphDocument } from './project-views.js';
import { recordedTask, type TaskQuestion, taskDocument } from './task-document.js';

/** How long an answer about today's project is given again: several views ask for it at the same time. */
const FRESH_MS = 1500;
/** Bytes of one text on the page. */
const MAX_TEXT_BYTES = 256_000;

export interface MetricsQuestion {
  readonly since?: number;
  readonly features: readonly string[];
  readonly models: readonly string[];
}

export class PageData {
  readonly repository: Repository;
  readonly builds: BuildFollower;
  private readonly host: Host;
  /** One read of the project at a time, because each starts git processes. */
  private readonly looks = new Limiter(1);
  private readonly answers = new Map<string, { readonly at: number; readonly value: Promise<unknown> }>();
  private durations = new Durations();

  constructor(host: Host, repository: Repository) {
    this.host = host;
    this.repository = repository;
    this.builds = new BuildFollower(repository.project, repository.state);
  }

  /** Fails where there is no repository. */
  static async open(host: Host): Promise<Result<PageData, Failure>> {
    const repository = await openRepository(host.directory);
    return repository.ok ? ok(new PageData(host, repository.value)) : repository;
  }

  /** Reads what builds have left since. Names of builds that changed. */
  async refresh(): Promise<string[]> {
    const changed = await this.builds.refresh();
    if (changed.length > 0) this.durations = await readDurations(this.repository.state);
    return changed;
  }

  /** What was said of today's project may be out of date. */
  forget(): void {
    this.answers.clear();
  }

  history(): Promise<HistoryLine[]> {
    return readHistory(historyFolder(this.repository));
  }

  async rows(): Promise<BuildRow[]> {
    await this.refresh();
    const kept = this.builds.rows();
    const names = new Set(kept.map(({ build }) => build));
    return [...kept, ...pastBuilds(await this.history(), names)];
  }

  async build(name: string): Promise<BuildDocument | undefined> {
    const document = await this.builds.document(name);
    return document && { ...document, head: this.withEstimate(document.head, document.tasks) };
  }

  /** With the time that is probably left, while it runs. */
  withEstimate(head: BuildHead, tasks: readonly TaskView[]): BuildHead {
    const left =
      head.outcome === 'running' ? leftMs(head, tasks, this.durations, this.host.now()) : undefined;
    return left === undefined ? head : { ...head, leftMs: left };
  }

  graph(): Promise<GraphDocument> {
    return this.once('graph', async () => {
      const graph = await this.inspected([], graphDocument);
      return graph.ok ? graph.value : { features: [], tasks: [], problem: failureView(graph.error) };
    });
  }

  files(): Promise<FilesDocument> {
    return this.once('files', async () => {
      const files = await this.inspected([], filesDocument);
      return files.ok ? files.value : { files: [], problem: failureView(files.error) };
    });
  }

  /** `build`: the one to describe; by default the last one that did something with the task. Undefined: unknown. */
  async task(label: Label, build: string | undefined): Promise<TaskDocument | undefined> {
    const run = await this.runOf(label, build);
    const asked: TaskQuestion = {
      label,
      project: this.repository.project,
      history: await this.history(),
      ...(run ? { run } : {}),
      maxBytes: MAX_TEXT_BYTES,
    };
    const found = await this.inspected([label], async (inspection) => {
      const inspected = inspection.tasks.find(({ task }) => task.label === label);
      return inspected ? taskDocument(inspection, inspected, asked) : undefined;
    });
    if (found.ok && found.value) return found.value;
    const recorded = await recordedTask(asked);
    if (!run && recorded.history.length === 0) return undefined;
    return found.ok ? recorded : { ...recorded, problem: failureView(found.error) };
  }

  async reviewCommits(range: ReviewRange): Promise<ReviewDocument> {
    const found = await this.looks.run(() =>
      inspectProject(this.host, [], (prepared) => reviewIn(prepared, range)),
    );
    const review = found.ok ? found.value : found;
    if (review.ok) return review.value;
    return { ...range, tasks: [], others: [], usage: {}, problem: failureView(review.error) };
  }

  /** What builds changed after `from`, up to `to`. An empty `from`: what `to` alone changed. */
  async reviewBuilds(from: string, to: string): Promise<ReviewDocument> {
    const names = this.builds.rows().map(({ build }) => build);
    const last = names.indexOf(to);
    const first = from === '' ? last + 1 : names.indexOf(from);
    const between = last < 0 ? [] : names.slice(last, Math.max(first, last + 1)).reverse();
    const documents: BuildDocument[] = [];
    for (const name of between) {
      const document = await this.builds.document(name);
      if (document) documents.push(document);
    }
    const found = await this.looks.run(() =>
      inspectProject(this.host, [], (prepared) => buildsReview(prepared, documents, { from, to })),
    );
    if (found.ok) return found.value;
    return { from, to, tasks: [], others: [], usage: {}, problem: failureView(found.error) };
  }

  async metrics(asked: MetricsQuestion): Promise<Metrics> {
    return metricsOf(selectLines(await this.history(), asked));
  }

  /** Looks at today's project beside whatever runs. */
  inspected<T>(
    targets: readonly string[],
    use: (inspection: Inspection) => Promise<T>,
  ): Promise<Result<T, Failure>> {
    return this.looks.run(() => inspect(this.host, { targets, force: false, discardEdits: false }, use));
  }

  private async runOf(label: Label, build: string | undefined) {
    const names = build === undefined ? this.builds.rows().map((row) => row.build) : [build];
    for (const name of names) {
      const document = await this.builds.document(name);
      const view = document?.tasks.find((task) => task.label === label);
      const worked = view && (view.startedAt !== undefined || (view.outcome ?? 'fresh') !== 'fresh');
      if (view && (worked || build !== undefined)) return { build: name, view };
    }
    return undefined;
  }

  private once<T>(name: string, make: () => Promise<T>): Promise<T> {
    const known = this.answers.get(name);
    const now = this.host.now();
    if (known && now - known.at < FRESH_MS) return known.value as Promise<T>;
    const value = make();
    this.answers.set(name, { at: now, value });
    value.catch(() => this.answers.delete(name));
    return value;
  }
}
