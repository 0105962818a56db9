/** Reads what runs of a job say, as it is published and from the job's log. */

import type { Redis } from 'ioredis';
import type { JobNews } from '../../model/fleet/job.js';
import { ignore } from './connection.js';

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
    const isNext = news.run === this.run ? news.seq === this.seq + 1 : news.seq === 1;
    const work = isNext ? async () => this.take(news) : () => this.readLog();
    this.turn = this.turn.then(work).catch(ignore);
    return this.turn;
  }

  catchUp(): Promise<void> {
    this.turn = this.turn.then(() => this.readLog()).catch(ignore);
    return this.turn;
  }

  private async readLog(): Promise<void> {
    for (const [, fields] of await this.redis.xrange(this.log, '-', '+'))
      this.take(JSON.parse(fields[1] as string) as JobNews);
  }

  private take(news: JobNews): void {
    if (this.former.has(news.run)) return;
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
