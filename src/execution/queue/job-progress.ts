/** What a worker measures and tells while it works on a job. Runs nothing. */

import type { TakenJob } from '../../io/queue/taken-job.js';
import type { BuildEventBody } from '../../model/event.js';
import type { JobPhase } from '../../model/fleet/worker-event.js';

/** Milliseconds in which events are gathered into one message. */
const NEWS_MS = 40;

/** How long each part of the work on a job takes: it begins with the first one. */
export class PhaseClock {
  private readonly done: JobPhase[] = [];
  private name: JobPhase['name'] = 'fetch';
  private since = performance.now();
  private readonly onRan: () => void;

  constructor(onRan: () => void) {
    this.onRan = onRan;
  }

  begin(name: JobPhase['name']): void {
    this.end();
    this.name = name;
    if (name === 'send') this.onRan();
  }

  phases(): readonly JobPhase[] {
    this.end();
    return this.done;
  }

  private end(): void {
    const now = performance.now();
    this.done.push({ name: this.name, ms: Math.round(now - this.since) });
    this.since = now;
  }
}

/** Events on their way to the builds: gathered, in order. */
export class News {
  private readonly job: TakenJob;
  private waiting: BuildEventBody[] = [];
  private sent: Promise<void> = Promise.resolve();
  private timer: NodeJS.Timeout | undefined;

  constructor(job: TakenJob) {
    this.job = job;
  }

  add(event: BuildEventBody): void {
    this.waiting.push(event);
    this.timer ??= setTimeout(() => void this.flush(), NEWS_MS);
  }

  flush(): Promise<void> {
    clearTimeout(this.timer);
    this.timer = undefined;
    const events = this.waiting;
    this.waiting = [];
    if (events.length > 0) this.sent = this.sent.then(() => this.job.tell(events)).catch(() => undefined);
    return this.sent;
  }
}
