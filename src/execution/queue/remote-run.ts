/** One task on its way to another machine and back: parcel, job, events, budget, outcome. */

import type { Agent } from '../../agent/agent.js';
import type { Turns } from '../../base/limiter.js';
import { err, ok, type Result } from '../../base/result.js';
import type { GitObjects } from '../../io/git/objects.js';
import type { JobEnd } from '../../io/queue/awaited-job.js';
import type { JobBoard } from '../../io/queue/job-board.js';
import type { ActionKey } from '../../model/action.js';
import type { BuildEventBody } from '../../model/event.js';
import type { Failure } from '../../model/failure.js';
import type { JobNews, QueueNeeds } from '../../model/fleet/job.js';
import type { Label } from '../../model/task.js';
import type { TaskOutcome, TaskRun } from '../../model/task-run.js';
import type { ObjectId } from '../../model/tree.js';
import type { Parcels } from '../../store/parcels/parcels.js';
import type { ResultStore } from '../../store/result-store.js';
import type { ExecutionContext, Executor } from '../executor.js';
import type { Spending } from '../spending.js';
import { limitsOf, type NeedsParts, needsOf } from './job-needs.js';
import { readOutcome, runCommit } from './parcel.js';
import { RemoteSpending } from './remote-spending.js';
import { fetchAnswer, jobOf, type SentParcel, sendParcel } from './travel.js';

export interface QueueExecutorParts extends NeedsParts {
  /** For everything that is no job. */
  readonly local: Executor;
  readonly board: JobBoard;
  readonly parcels: Parcels;
  readonly objects: GitObjects;
  readonly store: ResultStore;
  readonly agent: Agent | undefined;
  readonly spending: Spending;
  /** The commit with what all jobs share; it is on the other side when this resolves. */
  base(signal: AbortSignal): Promise<Result<ObjectId, Failure>>;
  readonly build: string;
  /** Jobs go on when the build is interrupted. */
  readonly detach: boolean;
  /** Of agents' tasks at the same time over all projects. Absent: no limit but that of the workers. */
  readonly agents?: Turns | undefined;
  traceparent(task: Label): string | undefined;
}

/** Milliseconds after which it is said that no worker takes a task. */
export const UNHEARD_MS = 5000;

export interface RunListener {
  /** No worker has taken it for a while. */
  unheard(needs: QueueNeeds): void;
  /** A limit is reached, which may be that of all tasks. */
  exceeded(): void;
}

export class RemoteRun {
  /** Names of parcels that nobody needs any more. */
  readonly left: string[] = [];
  /** Parcels of which this process may have something in memory. */
  readonly read: ObjectId[] = [];
  private readonly parts: QueueExecutorParts;
  private readonly run: TaskRun;
  private readonly context: ExecutionContext;
  private readonly told: RunListener;
  private readonly spending: RemoteSpending | undefined;
  private readonly stop = new AbortController();
  private exceeded: Failure | undefined;
  private isJoined = false;
  private isHeard = false;

  constructor(parts: QueueExecutorParts, run: TaskRun, context: ExecutionContext, told: RunListener) {
    this.parts = parts;
    this.run = run;
    this.context = context;
    this.told = told;
    if (run.recipe.kind === 'agent' && parts.agent)
      this.spending = new RemoteSpending(parts.spending, { agent: parts.agent, run }, context.emit);
  }

  get usage() {
    return this.isJoined ? {} : (this.spending?.sum ?? {});
  }

  async outcome(): Promise<Result<TaskOutcome, Failure>> {
    const { run, parts } = this;
    const model = run.recipe.kind === 'agent' ? run.recipe.choices[0]?.model : undefined;
    const refusal = this.spending?.refusal(model);
    if (refusal) return err(refusal);
    const signal = AbortSignal.any([this.context.signal, this.stop.signal]);
    const needs = needsOf(parts, run, model);
    const limits = limitsOf(parts, model);
    parts.board.prepare(needs, limits);
    const sent = await this.send(signal);
    if (!sent.ok) return sent;
    const { label, key } = run;
    const job = jobOf(parts, { work: { label, key }, sent: sent.value, traced: label });
    const handed = { job, needs, limits, priority: this.context.priority ?? 0 };
    this.phase('queue');
    const unheard = setTimeout(() => this.isHeard || this.told.unheard(needs), UNHEARD_MS);
    try {
      for (let mistrusted: ObjectId | undefined; ; ) {
        const listener = {
          onHanded: (pays: boolean) => this.handed(pays),
          onNews: (news: JobNews) => this.hear(news),
          signal,
          leaves: () => parts.detach && !this.stop.signal.aborted,
          ...(mistrusted === undefined ? {} : { mistrusted }),
        };
        const end = await parts.board.run(handed, listener, (answered) =>
          this.receive(answered, sent.value.parcel, signal),
        );
        this.left.push(...end.names);
        if (end.end.kind !== 'answered') return err(this.failureOf(end.end));
        if (end.value) return end.value;
        // Its answer is of an earlier build, and is not there any more.
        if (mistrusted !== undefined)
          return err({ kind: 'job-failed', reason: 'its answer cannot be fetched' });
        mistrusted = end.end.answer.parcel;
      }
    } finally {
      clearTimeout(unheard);
    }
  }

  private async send(signal: AbortSignal): Promise<Result<SentParcel, Failure>> {
    const { parts, run } = this;
    const make = async (base: ObjectId) => {
      const parcel = await runCommit(parts.objects, run, base);
      this.read.push(parcel);
      return parcel;
    };
    // The base is for all tasks: a limit of this one does not end it.
    const sent = await sendParcel(parts, make, { signal, ofAll: this.context.signal });
    if (sent === 'late') return err(this.ended);
    return sent.ok ? sent : err(sent.error.failure);
  }

  /** The outcome, with its result in the store; undefined when it cannot be fetched. */
  private async receive(
    answer: ObjectId,
    parcel: ObjectId,
    signal: AbortSignal,
  ): Promise<Result<TaskOutcome, Failure> | undefined> {
    const { objects } = this.parts;
    this.read.push(answer);
    const { label } = this.run;
    const awaited = { answer, parcel, task: label, name: label, emit: this.context.emit };
    const fetched = await fetchAnswer(this.parts.parcels, awaited, signal);
    // Another run would be paid, and bring what is refused again.
    if (fetched !== 'late' && !fetched.ok && fetched.error.refused) return err(fetched.error.failure);
    if (fetched === 'late' || !fetched.ok) return undefined;
    const read = await readOutcome(objects, answer);
    if (!read.ok) return read;
    const usage = this.isJoined ? {} : read.value.usage;
    this.context.meter?.used(usage);
    const outcome = { ...read.value, usage };
    return admitOutcome(this.parts, this.run.key, outcome);
  }

  /** A build that joins the job of another one pays nothing, and emits no event that the other one emits. */
  private handed(pays: boolean): void {
    const isTold = pays || this.isJoined;
    this.isJoined = !pays;
    if (isTold) return;
    const message = 'another build has this task in the queue: its result is waited for';
    this.context.emit({ type: 'task.output', task: this.run.label, attempt: this.attempt, line: message });
  }

  private hear({ worker, events }: JobNews): void {
    if (!this.isHeard) this.phase('queue', worker);
    this.payable();
    this.isHeard = true;
    for (const event of events) {
      if (!isOfRun(event, this.run.label)) continue;
      const isCost = event.type === 'task.usage' || event.type === 'agent.finished';
      if (this.isJoined && isCost) continue;
      this.context.emit(event);
      const exceeded = this.spending?.on(event);
      if (this.spending) this.context.meter?.used(this.spending.sum);
      if (exceeded) this.end(exceeded);
    }
  }

  /** Ends a task that has not begun when a limit of the build or the day is reached meanwhile. */
  payable(): void {
    const refusal = this.isHeard || this.isJoined ? undefined : this.spending?.refusal(undefined);
    if (refusal) this.end(refusal);
  }

  private end(failure: Failure): void {
    if (this.exceeded) return;
    this.exceeded = failure;
    this.stop.abort();
    this.told.exceeded();
  }

  private failureOf(end: Exclude<JobEnd, { kind: 'answered' }>): Failure {
    if (end.kind === 'failed') return { kind: 'job-failed', reason: end.reason };
    return this.ended;
  }

  private get ended(): Failure {
    return this.exceeded ?? { kind: 'cancelled' };
  }

  private get attempt(): number {
    const { recipe } = this.run;
    return (recipe.kind === 'agent' ? (recipe.earlier?.attempts ?? 0) : 0) + 1;
  }

  private phase(phase: 'queue', detail?: string): void {
    const { label: task } = this.run;
    this.context.emit({
      type: 'task.phase',
      ...{ task, attempt: this.attempt, phase },
      ...(detail === undefined ? {} : { detail }),
    });
  }
}

/** The outcome of a worker whose objects are here: a result counts once the store has let it in. */
export async function admitOutcome(
  { store, config: { cache } }: Pick<QueueExecutorParts, 'store' | 'config'>,
  key: ActionKey,
  outcome: TaskOutcome,
): Promise<Result<TaskOutcome, Failure>> {
  if (!outcome.ok) return ok(outcome);
  if (!store.admit) throw new Error('BUG: a store that takes no results of workers');
  const admitted = await store.admit(key, outcome.result);
  if (!admitted.ok) return admitted;
  const { commit, adopted = outcome.adopted } = admitted.value;
  const { attempts, usage, ms } = outcome;
  return ok({
    ...{ ok: true, result: commit, attempts, usage, ms },
    ...(adopted ? { adopted: true } : {}),
    // Nobody signs, as something of its own, what gates have said on another machine.
    ...(cache.verify || cache.sign ? { unseen: true } : {}),
  });
}

/** Events that workers send of a run. Others come from a program that pretends to be a worker: they are not passed on. */
const OF_RUNS = new Set<BuildEventBody['type']>([
  'warning',
  'task.started',
  'task.phase',
  'task.output',
  'task.usage',
  'task.attempt-failed',
  'task.rebased',
  'agent.finished',
  'gate.started',
  'gate.finished',
]);

export function isOfRun(event: BuildEventBody, label: Label): boolean {
  return OF_RUNS.has(event.type) && (!('task' in event) || event.task === label);
}
