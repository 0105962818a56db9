/** Tasks on their way to another machine and back as one job: one parcel, one answer with the outcome of each. */

import { mapBounded } from '../../base/bounded.js';
import { err, ok, type Result } from '../../base/result.js';
import { withinAfter } from '../../base/within.js';
import { AWAY_MS } from '../../io/queue/connection.js';
import type { Failure } from '../../model/failure.js';
import {
  batchKey,
  type Job,
  type JobNews,
  type JobTask,
  type QueueLimits,
  type QueueNeeds,
} from '../../model/fleet/job.js';
import type { TaskOutcome, TaskRun } from '../../model/task-run.js';
import type { ObjectId } from '../../model/tree.js';
import type { ExecutionContext } from '../executor.js';
import { type BatchOutcome, readOutcomes, runsCommit } from './parcel.js';
import { admitOutcome, isOfRun, type QueueExecutorParts, UNHEARD_MS } from './remote-run.js';
import { fetchAnswer, jobOf, sendParcel } from './travel.js';

/** `alone`: it is to be a job of its own, which has the same end as ever. */
export type MemberEnd = Result<TaskOutcome, Failure> | 'alone';
/** By key. `again`: the job of another build that it had joined is gone, or says nothing of it that counts here. */
export type MemberEnds = ReadonlyMap<string, MemberEnd | 'again'>;

/** A task that travels with others. */
export interface BatchMember {
  readonly run: TaskRun;
  readonly context: ExecutionContext;
}

export interface BatchListener {
  /** No worker has taken it for a while. */
  unheard(needs: QueueNeeds, context: ExecutionContext): void;
  /** Names of parcels that nobody needs any more, and parcels of which this process may have something in memory. */
  left(names: readonly string[], read: readonly ObjectId[]): void;
}

/** What needs no model has no limits of a provider. */
export const NO_LIMITS: QueueLimits = {};

export class BatchJob {
  private readonly parts: QueueExecutorParts;
  private readonly needs: QueueNeeds;
  private readonly members: ReadonlyMap<string, BatchMember>;
  /** Of another build, which these tasks join. Absent: it is handed in here. */
  private readonly others: Job | undefined;
  private readonly told: BatchListener;
  private readonly read: ObjectId[] = [];
  private isHeard = false;
  private isTold = false;
  /** It runs for this build, and not for one before. */
  private isOurs = false;

  /** No two of the members have the same key. */
  constructor(
    parts: QueueExecutorParts,
    { needs, members, others }: { needs: QueueNeeds; members: readonly BatchMember[]; others?: Job },
    told: BatchListener,
  ) {
    this.parts = parts;
    this.needs = needs;
    this.members = new Map(members.map((member) => [member.run.key, member]));
    this.others = others;
    this.told = told;
  }

  /** `signal`: of all members. */
  async ends(signal: AbortSignal): Promise<MemberEnds> {
    const { board, detach } = this.parts;
    const { needs } = this;
    const limits = NO_LIMITS;
    const keys = [...this.members.keys()];
    board.prepare(needs, limits);
    const job = this.others ? ok(this.others) : await this.handedIn(signal);
    if (job === 'alone' || !job.ok) return this.all(job);
    if (!this.others) await withinAfter(board.nameBatch(keys, job.value.key), AWAY_MS, signal);
    const priority = Math.max(...[...this.members.values()].map(({ context }) => context.priority ?? 0));
    const isOthers = this.others ? { isOthers: true as const } : {};
    for (const member of this.members.values()) phase(member);
    const unheard = setTimeout(() => {
      if (!this.isHeard) this.told.unheard(needs, this.first.context);
    }, UNHEARD_MS);
    const leaves = () => detach;
    try {
      const { end, value, names } = await board.run(
        { job: job.value, needs, limits, priority, ...isOthers },
        { onHanded: (pays) => this.handed(pays), onNews: (news) => this.hear(news), signal, leaves },
        (answer) => this.receive(answer, job.value, signal),
      );
      this.told.left(names, this.read);
      const isLeft = this.others ? end.kind !== 'answered' : signal.aborted && detach;
      // A name that stays leads to a job that is gone.
      const forgetting = () => board.forgetBatch(keys, job.value.key).catch(() => undefined);
      if (!isLeft) await withinAfter(forgetting(), AWAY_MS, signal);
      if (end.kind === 'cancelled') return this.all(err({ kind: 'cancelled' }));
      return value ?? this.all(this.others ? 'again' : 'alone');
    } finally {
      clearTimeout(unheard);
    }
  }

  private get first(): BatchMember {
    const [first] = this.members.values();
    if (!first) throw new Error('BUG: a job of no task');
    return first;
  }

  private all(end: MemberEnd | 'again'): MemberEnds {
    return new Map([...this.members.keys()].map((key) => [key, end]));
  }

  private async handedIn(signal: AbortSignal): Promise<Result<Job, Failure> | 'alone'> {
    const { parts } = this;
    const runs = [...this.members.values()].map(({ run }) => run);
    const make = async (base: ObjectId) => {
      const parcel = await runsCommit(parts.objects, runs, base);
      this.read.push(parcel);
      return parcel;
    };
    const sent = await sendParcel(parts, make, { signal });
    if (sent === 'late' || !sent.ok) {
      this.told.left([], this.read);
      if (sent === 'late') return err({ kind: 'cancelled' });
      // One of them holds what is refused, and keeps the others out.
      return sent.error.refused ? 'alone' : err(sent.error.failure);
    }
    const tasks = runs.map(({ label, key }) => ({ label, key }));
    const { label = '' } = { ...tasks[0] };
    const work = { label: `${label} +${tasks.length - 1}`, key: batchKey(tasks), tasks };
    return ok(jobOf(parts, { work, sent: sent.value, traced: label }));
  }

  /** Undefined when nothing of the answer can be read. */
  private async receive(
    answer: ObjectId,
    { label, parcel, tasks = [] }: Job,
    signal: AbortSignal,
  ): Promise<MemberEnds | undefined> {
    const { objects, parcels } = this.parts;
    this.read.push(answer);
    const { run, context } = this.first;
    const awaited = { answer, parcel, task: run.label, name: label, emit: context.emit };
    const fetched = await fetchAnswer(parcels, awaited, signal);
    if (fetched === 'late' || !fetched.ok) return undefined;
    const read = await readOutcomes(objects, answer);
    if (!read.ok) return undefined;
    const endOf = async ({ key }: JobTask, i: number) => [key, await this.endOf(key, read.value[i])] as const;
    return new Map(await mapBounded(tasks, endOf));
  }

  private async endOf(key: string, outcome: BatchOutcome | undefined): Promise<MemberEnd | 'again'> {
    if (!this.members.has(key) || !outcome) return 'alone';
    // What failed may have failed before this build asked for it.
    if (!this.isOurs && !outcome.ok) return this.others ? 'again' : 'alone';
    return admitOutcome(this.parts, key, { ...outcome, usage: {} });
  }

  private handed(isOurs: boolean): void {
    this.isOurs ||= isOurs;
    if (this.isTold || (isOurs && !this.others)) return;
    this.isTold = true;
    const line = 'another build has this task in the queue: its result is waited for';
    for (const { run, context } of this.members.values())
      context.emit({ type: 'task.output', task: run.label, attempt: 1, line });
  }

  private hear({ worker, events }: JobNews): void {
    if (!this.isHeard) for (const member of this.members.values()) phase(member, worker);
    this.isHeard = true;
    const byLabel = new Map([...this.members.values()].map((member) => [member.run.label, member]));
    for (const event of events) {
      const member = 'task' in event && event.task !== undefined ? byLabel.get(event.task) : this.first;
      if (member && isOfRun(event, member.run.label)) member.context.emit(event);
    }
  }
}

function phase({ run, context }: BatchMember, detail?: string): void {
  const told = detail === undefined ? {} : { detail };
  context.emit({ type: 'task.phase', task: run.label, attempt: 1, phase: 'queue', ...told });
}
