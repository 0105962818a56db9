/**
 * The live stream of the page: rows and tasks as builds of any terminal change them. Looks at nothing while nobody
 * listens.
 */

import type { ServerResponse } from 'node:http';
import { asFailure } from '../../io/errors.js';
import type { LiveMessage } from '../../model/page.js';
import type { PageData } from '../page/page-data.js';

/** How often it is looked for news while a page is open. */
const EVERY_MS = 500;
/** A comment, so that a connection that is gone is noticed. */
const BEATS = 60;
/** A page that does not read is disconnected: it reconnects and reads everything again. */
const MAX_WAITING_BYTES = 16_000_000;
/** When a page connects again after an error of the disk. */
const RETRY_MS = 5000;

/** What a stream tells of. */
export interface News {
  /** For a page that was opened now. */
  first(): Promise<LiveMessage[]>;
  /** What has changed since. */
  next(): Promise<LiveMessage[]>;
}

export interface LiveOptions {
  readonly news: News;
  /** Makes a message harmless. */
  clean(message: LiveMessage): LiveMessage;
  /** As `setTimeout`; returns how to take it back. */
  after(ms: number, call: () => void): () => void;
  /** Gets a bug that is found while it looks. The stream goes on. */
  onError(error: unknown): void;
}

export class LiveStream {
  private readonly options: LiveOptions;
  private readonly listeners = new Set<ServerResponse>();
  private stop: (() => void) | undefined;
  private isLooking = false;
  private beat = 0;

  constructor(options: LiveOptions) {
    this.options = options;
  }

  /** Takes over an answer: it stays open until the page or the server goes. */
  async add(response: ServerResponse): Promise<void> {
    response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8' });
    response.write('retry: 500\n\n');
    this.listeners.add(response);
    response.on('close', () => {
      this.listeners.delete(response);
      if (this.listeners.size === 0) this.stop?.();
    });
    try {
      for (const message of await this.options.news.first()) this.send(message, response);
    } catch (error) {
      if (!asFailure(error)) throw error;
      this.disconnect([response]);
    }
    this.next();
  }

  broadcast(message: LiveMessage): void {
    for (const listener of this.listeners) this.send(message, listener);
  }

  close(): void {
    this.stop?.();
    for (const listener of this.listeners) listener.end();
    this.listeners.clear();
  }

  /** A page that cannot be told what changed connects again later and reads everything; its documents say why. */
  private disconnect(listeners: Iterable<ServerResponse>): void {
    for (const listener of listeners) {
      this.listeners.delete(listener);
      listener.end(`retry: ${RETRY_MS}\n\n`);
    }
  }

  private next(): void {
    this.stop?.();
    if (this.listeners.size === 0) return;
    this.stop = this.options.after(EVERY_MS, () => void this.look());
  }

  private async look(): Promise<void> {
    if (this.isLooking) return;
    this.isLooking = true;
    try {
      await this.tell();
    } catch (error) {
      if (asFailure(error)) this.disconnect(this.listeners);
      else this.options.onError(error);
    } finally {
      this.isLooking = false;
      this.next();
    }
  }

  private async tell(): Promise<void> {
    for (const message of await this.options.news.next()) this.broadcast(message);
    if (++this.beat % BEATS === 0) for (const listener of this.listeners) listener.write(': beat\n\n');
  }

  private send(message: LiveMessage, to: ServerResponse): void {
    if (to.writableLength > MAX_WAITING_BYTES) {
      to.destroy();
      return;
    }
    to.write(`data: ${JSON.stringify(this.options.clean(message))}\n\n`);
  }
}

/** Rows of all builds of a project, and the tasks of those that run. */
export class BuildNews implements News {
  private readonly data: PageData;

  constructor(data: PageData) {
    this.data = data;
  }

  async first(): Promise<LiveMessage[]> {
    const { data } = this;
    await data.refresh();
    const messages: LiveMessage[] = [{ kind: 'builds', rows: data.builds.rows() }];
    for (const name of data.builds.live()) {
      const document = await data.build(name);
      if (document) messages.push({ kind: 'build', ...document });
    }
    return messages;
  }

  async next(): Promise<LiveMessage[]> {
    const { data } = this;
    const changed = await data.refresh();
    const messages: LiveMessage[] = [];
    for (const name of new Set([...changed, ...data.builds.live()])) {
      await data.builds.readLastLines(name);
      const fold = data.builds.fold(name);
      const tasks = fold?.takeChanged() ?? [];
      if (!fold || (tasks.length === 0 && !changed.includes(name))) continue;
      messages.push({ kind: 'build', head: data.withEstimate(fold.headNow(), fold.document().tasks), tasks });
      // What a build leaves changes verdicts and files.
      if (fold.isEnded) data.forget();
    }
    if (changed.length > 0) messages.push({ kind: 'builds', rows: data.builds.rows() });
    return messages;
  }
}
