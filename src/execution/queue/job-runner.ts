/**
 * Runs one job on a worker: fetches its run, checks that the key is this machine's too, runs it as a build here would,
 * and sends the outcome. Takes no jobs.
 */

import { err, ok, type Result } from '../../base/result.js';
import { withinAfter } from '../../base/within.js';
import type { GitObjects } from '../../io/git/objects.js';
import { AWAY_MS } from '../../io/queue/connection.js';
import type { TakenJob } from '../../io/queue/taken-job.js';
import type { Failure } from '../../model/failure.js';
import { batchKey, CANCELLED, isJob, type Job } from '../../model/fleet/job.js';
import type { JobFate, JobPhase } from '../../model/fleet/worker-event.js';
import type { TaskOutcome, TaskRun } from '../../model/task-run.js';
import type { ObjectId } from '../../model/tree.js';
import { failureLine, failureReason } from '../../report/failures/failure.js';
import { type Parcels, worthAgain } from '../../store/parcels/parcels.js';
import type { ResultStore } from '../../store/result-store.js';
import { guarded } from '../attempt-failure.js';
import { type RunPlace, workBatch, workDigest } from './batch-work.js';
import type { Benches } from './bench.js';
import { News, PhaseClock } from './job-progress.js';
import { keyProblem } from './own-key.js';
import {
  type BatchOutcome,
  outcomeCommit,
  outcomesCommit,
  readOutcome,
  readOutcomes,
  readRun,
  readRuns,
} from './parcel.js';
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
  /** Jobs that run, each with its parcels. */
  private readonly running = new Map<TakenJob, ObjectId[]>();

  constructor(parts: JobRunnerParts) {
    this.parts = parts;
  }

  /** `onRan`: called when the task has run, and only its outcome is still to be sent. */
  async run(job: TakenJob, onRan: () => void = () => {}): Promise<JobEnded> {
    // One that was lost before keeps its place: the job that ended its worker may be the next one here, and would take it along again.
    const clock = new PhaseClock(job.isTakenUp ? () => {} : onRan);
    this.running.set(job, [job.data?.parcel]);
    try {
      const ended = await this.runOne(job, clock);
      return { ...ended, phases: clock.phases() };
    } finally {
      this.over.add(job.data?.parcel);
      this.drop(job);
      if (this.over.size >= FORGOTTEN_AT_ONCE) await this.forget();
    }
  }

  /** What only this process has of its parcels: the answer is sent. */
  private drop(job: TakenJob): void {
    const parcels = this.running.get(job) ?? [];
    this.running.delete(job);
    // A job whose lock was lost may be back before its first run has ended.
    const isBack = [...this.running.keys()].some(({ data }) => data?.parcel === job.data?.parcel);
    if (!isBack) this.parts.parcels.drop(parcels);
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
    const { ok: isOk, hasResult, parcel, why } = ran.value;
    this.over.add(parcel);
    this.running.get(job)?.push(parcel);
    if (job.signal.aborted && !isOk) return this.ended(job);
    const { host } = this.parts;
    const answer = { parcel, name: nameOf(job), worker: host, ok: hasResult };
    const delivered = await inTime(job.deliver(answer));
    if (delivered !== 'delivered') return { fate: 'lost' };
    return isOk ? { fate: 'done' } : { fate: 'failed', ...(why === undefined ? {} : { why }) };
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
  ): Promise<Result<Made | string, Failure>> {
    const { parcels, objects } = this.parts;
    const { data } = job;
    if (!isJob(data)) return ok('it is no job');
    const tries = () => ({ signal: job.signal, most: FETCH_TRIES, isWorth: worthAgain() });
    if (job.isRepeated) {
      // Its first worker may have finished it before it was lost: it is paid only once.
      const former = await tryAgain(() => parcels.find(nameOf(job)), tries());
      if (!former.ok) return err(former.error.failure);
      if (former.value !== undefined) return this.former(job, former.value);
    }
    const have = this.lastBase === undefined ? [] : [this.lastBase];
    const fetched = await tryAgain(() => parcels.fetch(data.parcel, have), tries());
    if (!fetched.ok) return err(fetched.error.failure);
    await this.holdBase(data.base);
    const runs = await runsOf(objects, data);
    if (!runs.ok) return runs;
    if (runs.value === undefined) return ok('the run is not the one of its job');
    const all = runs.value;
    return this.parts.benches.use(data.base, (bench) => this.work(all, { job, bench, news, clock }));
  }

  /** What the next parcels are fetched on is named here, once. */
  private async holdBase(base: ObjectId): Promise<void> {
    if (base === this.lastBase) return;
    if (this.lastBase !== undefined) this.over.add(this.lastBase);
    this.over.delete(base);
    this.lastBase = base;
    await this.parts.parcels.hold(base);
  }

  private async former({ data }: TakenJob, commit: ObjectId): Promise<Result<Made, Failure>> {
    const { objects } = this.parts;
    const outcomes = data.tasks ? await readOutcomes(objects, commit) : await readOutcome(objects, commit);
    return outcomes.ok ? ok(madeOf(outcomes.value, commit)) : outcomes;
  }

  private async work(runs: readonly TaskRun[], place: RunPlace): Promise<Result<Made | string, Failure>> {
    const { objects, signs } = this.parts;
    const { job, bench, news, clock } = place;
    // Nothing is paid for what no build would take.
    if (bench.base.signed && !signs)
      return ok('its results must be signed, and this worker has no `cache.sign`');
    const done = job.data.tasks
      ? await workBatch(this.parts, runs, place)
      : await this.workOne(runs[0] as TaskRun, place);
    if (typeof done === 'string') return ok(done);
    if (job.signal.aborted && !madeOf(done, '').ok) return err({ kind: 'cancelled' });
    clock.begin('send');
    const { parcel: run } = job.data;
    const parcel = isMany(done)
      ? await outcomesCommit(objects, done, run)
      : await outcomeCommit(objects, done, run);
    const sent = await this.send(job, parcel, news);
    if (sent.ok) return ok(madeOf(done, parcel));
    // Nobody reads it any more: it would stay in memory, or in the repository where it had been written.
    this.parts.parcels.drop([parcel]);
    this.over.add(parcel);
    return sent;
  }

  private async workOne(run: TaskRun, { job, bench, news, clock }: RunPlace): Promise<TaskOutcome | string> {
    const { objects, store } = this.parts;
    const problem = await keyProblem(run, bench.base, { ...bench, objects });
    if (problem !== undefined) return problem;
    clock.begin('run');
    const attempt = (run.recipe.kind === 'agent' ? (run.recipe.earlier?.attempts ?? 0) : 0) + 1;
    const known = (await store.gatesPassed(workDigest(run))) ? await store.find(run.key) : undefined;
    if (known?.ok && known.value)
      return { ok: true, result: known.value.commit, attempts: attempt, usage: {}, ms: 0 };
    const outcome = await bench.executor().run(run, { signal: job.signal, emit: (event) => news.add(event) });
    if (outcome.ok) await store.recordGates(workDigest(run));
    return outcome;
  }

  /** What was paid for is sent as long as the job is this machine's. */
  private async send(job: TakenJob, parcel: ObjectId, news: News): Promise<Result<void, Failure>> {
    const { label, tasks: [{ label: task } = { label }] = [] } = job.data;
    const sent = await tryAgain(() => this.parts.parcels.send(parcel, nameOf(job)), {
      ...{ signal: job.signal, isWorth: worthAgain() },
      onAgain: ({ failure }) => {
        const why = failureReason(failure, task);
        const message = `${this.parts.host} cannot send the result of ${label} and tries again: ${why}`;
        news.add({ type: 'warning', task, message });
      },
    });
    return sent.ok ? sent : err(sent.error.failure);
  }
}

/** Under which the outcome of a job is found by the worker that gets the same job again. */
const nameOf = (job: TakenJob): string => `done-${job.data.key}-${job.handedInAt}`;

/** What a job came to, in the commit that is sent. */
interface Made {
  readonly parcel: ObjectId;
  /** All that was to be done has a result. */
  readonly ok: boolean;
  /** Some of it has. */
  readonly hasResult: boolean;
  /** Of what failed. */
  readonly why?: string;
}

const isMany = (done: TaskOutcome | readonly BatchOutcome[]): done is readonly BatchOutcome[] =>
  Array.isArray(done);

function madeOf(done: TaskOutcome | readonly BatchOutcome[], parcel: ObjectId): Made {
  const all = isMany(done) ? done : [done];
  const hasResult = all.some((one) => one?.ok === true);
  const failed = all.find((one) => !one?.ok);
  if (failed === undefined) return { parcel, hasResult, ok: true };
  const why =
    failed === null ? 'some of its tasks are to come back as jobs of their own' : failed.failure.kind;
  return { parcel, hasResult, ok: false, why };
}

/** The runs of a job; undefined when they are others. */
async function runsOf(
  objects: GitObjects,
  { parcel, key, tasks }: Job,
): Promise<Result<readonly TaskRun[] | undefined, Failure>> {
  if (!tasks) {
    const run = await readRun(objects, parcel);
    return run.ok ? ok(run.value.key === key ? [run.value] : undefined) : run;
  }
  const runs = await readRuns(objects, parcel);
  if (!runs.ok) return runs;
  const isSame =
    runs.value.length === tasks.length && runs.value.every((run, i) => run.key === tasks[i]?.key);
  return ok(isSame && batchKey(tasks) === key ? runs.value : undefined);
}
