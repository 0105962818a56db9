/**
 * Runs one job on a worker: fetches its run, checks that the key is this machine's too, runs it as a build here would,
 * and sends the outcome. Takes no jobs.
 */

import { err, ok, type Result } from '../../base/result.js';
import { withinAfter } from '../../base/within.js';
import type { GitObjects } from '../../io/git/objects.js';
import { AWAY_MS } from '../../io/queue/connection.js';
import type { TakenJob } from '../../io/queue/taken-job.js';
import { digestFields } from '../../model/digest.js';
import type { BuildEventBody } from '../../model/event.js';
import type { Failure } from '../../model/failure.js';
import { CANCELLED, isJob } from '../../model/fleet/job.js';
import type { JobFate, JobPhase } from '../../model/fleet/worker-event.js';
import type { TaskOutcome, TaskRun } from '../../model/task-run.js';
import type { ObjectId } from '../../model/tree.js';
import { failureLine, failureReason } from '../../report/failures/failure.js';
import { type Parcels, worthAgain } from '../../store/parcels/parcels.js';
import type { ResultStore } from '../../store/result-store.js';
import { guarded } from '../attempt-failure.js';
import type { Bench, Benches } from './bench.js';
import { keyProblem } from './own-key.js';
import { judgedBy, outcomeCommit, readOutcome, readRun } from './parcel.js';
import { tryAgain } from './tries.js';

export interface JobRunnerParts {
  readonly objects: GitObjects;
  readonly store: ResultStore;
  readonly parcels: Parcels;
  readonly benches: Benches;
  readonly host: string;
  /** Whether results that are made here are signed. */
  readonly signs: boolean;
}

export interface JobEnded {
  readonly fate: JobFate;
  readonly why?: string;
  /** Those that it came to. */
  readonly phases: readonly JobPhase[];
}

/** Names that are removed in one step. */
const FORGOTTEN_AT_ONCE = 200;
/** Milliseconds in which events are gathered into one message. */
const NEWS_MS = 40;
/** Tries to find or fetch a parcel: then another worker may reach what this one cannot. */
const FETCH_TRIES = 5;

export class JobRunner {
  private readonly parts: JobRunnerParts;
  /** What fetches are made on: the last base. */
  private lastBase: ObjectId | undefined;

  /** Jobs that this machine cannot do, with the reason: they come back until another worker has taken them. */
  private readonly refusals = new Map<string, string>();
  /** Parcels of jobs that are over. */
  private readonly over = new Set<ObjectId>();

  constructor(parts: JobRunnerParts) {
    this.parts = parts;
  }

  /** `onRan`: called when the task has run, and only its outcome is still to be sent. */
  async run(job: TakenJob, onRan: () => void = () => {}): Promise<JobEnded> {
    const clock = new PhaseClock(onRan);
    try {
      const ended = await this.runOne(job, clock);
      return { ...ended, phases: clock.phases() };
    } finally {
      this.over.add(job.data?.parcel);
      if (this.over.size >= FORGOTTEN_AT_ONCE) await this.forget();
    }
  }

  /** Removes what names the parcels of jobs that are over. */
  async forget(): Promise<void> {
    const names = [...this.over].filter((name) => name !== this.lastBase);
    this.over.clear();
    // Those that stay cost a file each.
    await this.parts.parcels.forget(names).catch(() => undefined);
  }

  private async runOne(job: TakenJob, clock: PhaseClock): Promise<Omit<JobEnded, 'phases'>> {
    const news = new News(job);
    const inTime = <T>(work: Promise<T>) => withinAfter(work, AWAY_MS, job.signal);
    const refusal = this.refusals.get(nameOf(job));
    const ran = await guarded(async () =>
      refusal === undefined ? this.outcome(job, news, clock) : ok(refusal),
    );
    if (!ran.ok) {
      await inTime(news.flush());
      if (job.signal.aborted) return this.ended(job);
      const { error } = ran;
      if (error.kind === 'job-failed') {
        // The place would refuse the outcome of every other worker, too, and each of them would be paid.
        await inTime(job.fail(`${this.parts.host}: ${error.reason}`));
        return { fate: 'failed', why: error.reason };
      }
      const why = 'detail' in error ? `${error.kind}: ${error.detail}` : failureLine(error, job.data?.label);
      // Nothing of the task has failed here: another machine may reach what this one cannot.
      await inTime(job.refuse(why));
      return { fate: 'refused', why };
    }
    await inTime(news.flush());
    if (typeof ran.value === 'string') {
      this.refusals.set(nameOf(job), ran.value);
      await inTime(job.refuse(ran.value));
      return { fate: 'refused', why: ran.value };
    }
    const { outcome, parcel } = ran.value;
    this.over.add(parcel);
    if (job.signal.aborted && !outcome.ok) return this.ended(job);
    const { host } = this.parts;
    const answer = { parcel, name: nameOf(job), worker: host, ok: outcome.ok };
    const delivered = await inTime(job.deliver(answer));
    if (delivered !== 'delivered') return { fate: 'lost' };
    return outcome.ok ? { fate: 'done' } : { fate: 'failed', why: outcome.failure.kind };
  }

  private async ended(job: TakenJob): Promise<{ fate: JobFate }> {
    if (job.isGivenBack) {
      const given = await withinAfter(job.giveBack(), AWAY_MS, job.signal);
      return { fate: given === 'late' ? 'lost' : 'given-back' };
    }
    const failed = await withinAfter(job.fail(CANCELLED), AWAY_MS, job.signal);
    return { fate: failed === 'delivered' ? 'cancelled' : 'lost' };
  }

  /** The outcome, sent; or why this machine does not do it. */
  private async outcome(
    job: TakenJob,
    news: News,
    clock: PhaseClock,
  ): Promise<Result<{ outcome: TaskOutcome; parcel: ObjectId } | string, Failure>> {
    const { parcels, objects } = this.parts;
    const { data } = job;
    if (!isJob(data)) return ok('it is no job');
    const tries = () => ({ signal: job.signal, most: FETCH_TRIES, isWorth: worthAgain() });
    if (job.isRepeated) {
      // Its first worker may have finished it before it was lost: it is paid only once.
      const former = await tryAgain(() => parcels.find(nameOf(job)), tries());
      if (!former.ok) return err(former.error.failure);
      if (former.value !== undefined) return this.former(former.value);
    }
    const have = this.lastBase === undefined ? [] : [this.lastBase];
    const fetched = await tryAgain(() => parcels.fetch(data.parcel, have), tries());
    if (!fetched.ok) return err(fetched.error.failure);
    await this.holdBase(data.base);
    const run = await readRun(objects, data.parcel);
    if (!run.ok) return run;
    if (run.value.key !== data.key) return ok('the run is not the one of its job');
    return this.parts.benches.use(data.base, (bench) => this.work(job, run.value, bench, { news, clock }));
  }

  /** What the next parcels are fetched on is named here, once. */
  private async holdBase(base: ObjectId): Promise<void> {
    if (base === this.lastBase) return;
    if (this.lastBase !== undefined) this.over.add(this.lastBase);
    this.over.delete(base);
    this.lastBase = base;
    await this.parts.parcels.hold(base);
  }

  private async former(
    commit: ObjectId,
  ): Promise<Result<{ outcome: TaskOutcome; parcel: ObjectId }, Failure>> {
    const outcome = await readOutcome(this.parts.objects, commit);
    return outcome.ok ? ok({ outcome: outcome.value, parcel: commit }) : outcome;
  }

  private async work(
    job: TakenJob,
    run: TaskRun,
    bench: Bench,
    { news, clock }: { readonly news: News; readonly clock: PhaseClock },
  ): Promise<Result<{ outcome: TaskOutcome; parcel: ObjectId } | string, Failure>> {
    const { objects, store, signs } = this.parts;
    // Nothing is paid for what no build would take.
    if (bench.base.signed && !signs)
      return ok('its results must be signed, and this worker has no `cache.sign`');
    const problem = await keyProblem(run, bench.base, { ...bench, objects });
    if (problem !== undefined) return ok(problem);
    clock.begin('run');
    const attempt = (run.recipe.kind === 'agent' ? (run.recipe.earlier?.attempts ?? 0) : 0) + 1;
    const done = digestFields('conductor.job.1', [judgedBy(run)]);
    const known = (await store.gatesPassed(done)) ? await store.find(run.key) : undefined;
    const outcome: TaskOutcome =
      known?.ok && known.value
        ? { ok: true, result: known.value.commit, attempts: attempt, usage: {}, ms: 0 }
        : await bench.executor().run(run, { signal: job.signal, emit: (event) => news.add(event) });
    if (outcome.ok && !known) await store.recordGates(done);
    if (!outcome.ok && job.signal.aborted) return err({ kind: 'cancelled' });
    clock.begin('send');
    const parcel = await outcomeCommit(objects, outcome, job.data.parcel);
    const sent = await this.send(job, parcel, news);
    if (sent.ok) return ok({ outcome, parcel });
    // Nobody reads it any more: it would stay in memory, or in the repository where it had been written.
    this.parts.parcels.drop([parcel]);
    this.over.add(parcel);
    return sent;
  }

  /** What was paid for is sent as long as the job is this machine's. */
  private async send(job: TakenJob, parcel: ObjectId, news: News): Promise<Result<void, Failure>> {
    const { label: task } = job.data;
    const sent = await tryAgain(() => this.parts.parcels.send(parcel, nameOf(job)), {
      ...{ signal: job.signal, isWorth: worthAgain() },
      onAgain: ({ failure }) => {
        const why = failureReason(failure, task);
        const message = `${this.parts.host} cannot send the result of ${task} and tries again: ${why}`;
        news.add({ type: 'warning', task, message });
      },
    });
    return sent.ok ? sent : err(sent.error.failure);
  }
}

/** Under which the outcome of a job is found by the worker that gets the same job again. */
const nameOf = (job: TakenJob): string => `done-${job.data.key}-${job.handedInAt}`;

/** How long each part of the work on a job takes: it begins with the first one. */
class PhaseClock {
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
class News {
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
