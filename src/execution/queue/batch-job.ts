/** Tasks on their way to another machine and back as one job: one parcel, one answer with the outcome of each. */

import { mapBounded } from '../../base/bounded.js';
import { err, ok, type Result } from '../../base/result.js';
import { withinAfter } from '../../base/within.js';
import { AWAY_MS } from '../../io/queue/connection.js';
import type { Failure } from '../../model/failure.js';
import {
  batchKey,
  JOB_PROTOCOL,
  type Job,
  type JobNews,
  type JobTask,
  type QueueLimits,
  type QueueNeeds,
} from '../../model/fleet/job.js';
import type { TaskOutcome, TaskRun } from '../../model/task-run.js';
import type { ObjectId } from '../../model/tree.js';
import { worthAgain } from '../../store/parcels/parcels.js';
import type { ExecutionContext } from '../executor.js';
import { type BatchOutcome, readOutcomes, runsCommit } from './parcel.js';
import { admitOutcome, isOfRun, type QueueExecutorParts, UNHEARD_MS } from './remote-run.js';
import { SEND_TRIES, tryAgain } from './tries.js';

/** `alone`: it is to be a job of its own, which has the same end as ever. */
export type MemberEnd = Result<TaskOutcome, Failure> | 'alone';

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

export interface BatchQueue {
  readonly needs: QueueNeeds;
  readonly limits: QueueLimits;
}

export class BatchJob {
  private readonly parts: QueueExecutorParts;
  private readonly queue: BatchQueue;
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
    { queue, members, others }: { queue: BatchQueue; members: readonly BatchMember[]; others?: Job },
    told: BatchListener,
  ) {
    this.parts = parts;
    this.queue = queue;
    this.members = new Map(members.map((member) => [member.run.key, member]));
    this.others = others;
    this.told = told;
  }

  /** By key. `signal`: of all members. */
  async ends(signal: AbortSignal): Promise<ReadonlyMap<string, MemberEnd>> {
    const { board, detach } = this.parts;
    const { needs, limits } = this.queue;
    const keys = [...this.members.keys()];
    board.prepare(needs, limits);
    const job = this.others ? ok(this.others) : await this.handedIn(signal);
    if (job === 'alone' || !job.ok) return this.all(job);
    if (!this.others) await withinAfter(board.nameBatch(keys, job.value.key), AWAY_MS, signal);
    const priority = Math.max(...[...this.members.values()].map(({ context }) => context.priority ?? 0));
    const isOthers = this.others ? { isOthers: true as const } : {};
    for (const member of this.members.values()) phase(member);
    const [first] = this.members.values();
    const unheard = setTimeout(() => {
      if (!this.isHeard && first) this.told.unheard(needs, first.context);
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
      if (!isLeft) await withinAfter(board.forgetBatch(keys), AWAY_MS, signal);
      if (end.kind === 'cancelled') return this.all(err({ kind: 'cancelled' }));
      return value ?? this.all('alone');
    } finally {
      clearTimeout(unheard);
    }
  }

  private all(end: MemberEnd): ReadonlyMap<string, MemberEnd> {
    return new Map([...this.members.keys()].map((key) => [key, end]));
  }

  private async handedIn(signal: AbortSignal): Promise<Result<Job, Failure> | 'alone'> {
    const { parts } = this;
    const base = await withinAfter(parts.base(signal), AWAY_MS, signal);
    if (base === 'late') return err({ kind: 'cancelled' });
    if (!base.ok) return base;
    const runs = [...this.members.values()].map(({ run }) => run);
    const parcel = await runsCommit(parts.objects, runs, base.value);
    this.read.push(parcel);
    const sending = tryAgain(() => parts.parcels.send(parcel), {
      ...{ signal, most: SEND_TRIES, isWorth: worthAgain() },
    });
    const sent = await withinAfter(sending, AWAY_MS, signal);
    if (sent === 'late' || !sent.ok) {
      this.told.left([], this.read);
      if (sent === 'late') return err({ kind: 'cancelled' });
      // One of them holds what is refused, and keeps the others out.
      return sent.error.refused ? 'alone' : err(sent.error.failure);
    }
    const tasks = runs.map(({ label, key }) => ({ label, key }));
    const { label = '' } = { ...tasks[0] };
    const traceparent = parts.traceparent(label);
    const { version, build } = parts;
    return ok({
      ...{ protocol: JOB_PROTOCOL, version, label: `${label} +${tasks.length - 1}`, key: batchKey(tasks) },
      ...{ tasks, parcel, base: base.value, build },
      ...(traceparent === undefined ? {} : { traceparent }),
    });
  }

  /** Undefined when nothing of the answer can be read. */
  private async receive(
    answer: ObjectId,
    { parcel, tasks = [] }: Job,
    signal: AbortSignal,
  ): Promise<ReadonlyMap<string, MemberEnd> | undefined> {
    const { objects, parcels } = this.parts;
    this.read.push(answer);
    const fetching = tryAgain(() => parcels.fetch(answer, [parcel]), { signal, isWorth: worthAgain() });
    const fetched = await withinAfter(fetching, AWAY_MS, signal);
    if (fetched === 'late' || !fetched.ok) return undefined;
    const read = await readOutcomes(objects, answer);
    if (!read.ok) return undefined;
    const endOf = async ({ key }: JobTask, i: number) => [key, await this.endOf(key, read.value[i])] as const;
    return new Map(await mapBounded(tasks, endOf));
  }

  private async endOf(key: string, outcome: BatchOutcome | undefined): Promise<MemberEnd> {
    const member = this.members.get(key);
    // What failed may have failed before this build asked for it.
    if (!member || !outcome || (!this.isOurs && !outcome.ok)) return 'alone';
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
    const [first] = this.members.values();
    for (const event of events) {
      const member = 'task' in event && event.task !== undefined ? byLabel.get(event.task) : first;
      if (member && isOfRun(event, member.run.label)) member.context.emit(event);
    }
  }
}

function phase({ run, context }: BatchMember, detail?: string): void {
  const told = detail === undefined ? {} : { detail };
  context.emit({ type: 'task.phase', task: run.label, attempt: 1, phase: 'queue', ...told });
}
