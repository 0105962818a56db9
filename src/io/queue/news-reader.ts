/** Reads what runs of a job say, as it is published and from the job's log. */

import type { Redis } from 'ioredis';
import type { JobNews } from '../../model/fleet/job.js';
import { ignore } from './connection.js';
import { parsed } from './keys.js';

/** News from a text of the server; undefined where it is something else: other programs can write there, too. */
export function newsOf(text: string): JobNews | undefined {
  const news = parsed(text) as Partial<Record<keyof JobNews, unknown>> | null | undefined;
  const isNews =
    [news?.job, news?.run, news?.worker].every((one) => typeof one === 'string') &&
    Number.isSafeInteger(news?.seq) &&
    Array.isArray(news?.events) &&
    news.events.every((event: unknown) => typeof (event as { type?: unknown } | null)?.type === 'string');
  return isNews ? (news as unknown as JobNews) : undefined;
}

/**
 * Puts the news of one job in order: what was published while nobody listened is read from the job's log, and what a
 * worker says after another one has taken over counts no more.
 */
export class NewsReader {
  private readonly redis: Redis;
  private readonly log: string;
  private readonly on: (news: JobNews) => void;
  private run: string | undefined;
  private readonly former = new Set<string>();
  private seq = 0;
  private turn: Promise<void> = Promise.resolve();

  constructor(redis: Redis, log: string, on: (news: JobNews) => void) {
    this.redis = redis;
    this.log = log;
    this.on = on;
  }

  hear(news: JobNews): Promise<void> {
    const work = async () => {
      const isNext = news.run === this.run ? news.seq === this.seq + 1 : news.seq === 1;
      if (isNext) this.take(news);
      else await this.readLog();
    };
    this.turn = this.turn.then(work).catch(ignore);
    return this.turn;
  }

  catchUp(): Promise<void> {
    this.turn = this.turn.then(() => this.readLog()).catch(ignore);
    return this.turn;
  }

  private async readLog(): Promise<void> {
    for (const [, fields] of await this.redis.xrange(this.log, '-', '+')) this.take(newsOf(fields[1] ?? ''));
  }

  private take(news: JobNews | undefined): void {
    if (!news || this.former.has(news.run)) return;
    if (news.run !== this.run) {
      if (this.run !== undefined) this.former.add(this.run);
      this.run = news.run;
      this.seq = 0;
    }
    if (news.seq <= this.seq) return;
    this.seq = news.seq;
    this.on(news);
  }
}
