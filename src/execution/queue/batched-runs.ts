/**
 * Gathers tasks without a model that are ready at the same time and go to the same queue, so that they travel as one job.
 * Joins the jobs of other builds in which tasks travel already.
 */

import { mapBounded } from '../../base/bounded.js';
import { err } from '../../base/result.js';
import { withinAfter } from '../../base/within.js';
import { AWAY_MS } from '../../io/queue/connection.js';
import { type Job, type QueueNeeds, queueName } from '../../model/fleet/job.js';
import type { TaskRun } from '../../model/task-run.js';
import type { ExecutionContext } from '../executor.js';
import { BatchJob, type BatchListener, type BatchMember, type MemberEnd, NO_LIMITS } from './batch-job.js';
import { needsOf } from './job-needs.js';
import type { QueueExecutorParts } from './remote-run.js';

/** Tasks of one job at most: a job is done by one worker, in one place. */
const TASKS = 64;
/** Milliseconds of recorded work in one job at most, for the same reason. */
const WORK_MS = 500;
/** Milliseconds in which tasks are gathered. */
const GATHER_MS = 10;
/** Recorded milliseconds of a command that is worth less than its way to a worker. */
const SHORT_MS = 100;

interface Waiting extends BatchMember {
  finish(end: MemberEnd): void;
  isOver: boolean;
}

interface Gathering {
  readonly needs: QueueNeeds;
  readonly members: Map<string, Waiting>;
  ms: number;
  readonly timer: NodeJS.Timeout;
}

/** Whether a task is worth less than a job of its own. A command has to have been seen to be short. */
export function travelsWithOthers(run: TaskRun, { expectedMs }: ExecutionContext): boolean {
  const { recipe, gates, format, review } = run;
  if (recipe.kind === 'agent' || review) return false;
  if (recipe.kind === 'render' && gates.length === 0 && !format) return true;
  return expectedMs !== undefined && expectedMs <= SHORT_MS;
}

export class BatchedRuns {
  private readonly parts: QueueExecutorParts;
  private readonly told: BatchListener;
  private readonly gathering = new Map<string, Gathering>();

  constructor(parts: QueueExecutorParts, told: BatchListener) {
    this.parts = parts;
    this.told = told;
  }

  run(run: TaskRun, context: ExecutionContext): Promise<MemberEnd> {
    const needs = needsOf(this.parts, run, undefined);
    const name = queueName(needs);
    const ms = context.expectedMs ?? 0;
    let group = this.gathering.get(name);
    // Two runs with one key cannot stand in one job.
    if (group && (group.members.has(run.key) || group.ms + ms > WORK_MS)) {
      this.close(name);
      group = undefined;
    }
    if (!group) {
      const timer = setTimeout(() => this.close(name), GATHER_MS);
      group = { needs, members: new Map(), ms: 0, timer };
      this.gathering.set(name, group);
    }
    const { members } = group;
    group.ms += ms;
    return new Promise((resolve) => {
      members.set(run.key, { run, context, isOver: false, finish: resolve });
      if (members.size >= TASKS) this.close(name);
    });
  }

  private close(name: string): void {
    const group = this.gathering.get(name);
    if (!group) return;
    this.gathering.delete(name);
    clearTimeout(group.timer);
    void this.travel(group.needs, [...group.members.values()]);
  }

  private async travel(needs: QueueNeeds, members: readonly Waiting[]): Promise<void> {
    try {
      const stopped = new AbortController();
      const release = stopTogether(members, stopped);
      try {
        await this.handIn(needs, members, stopped.signal);
      } finally {
        release();
      }
    } catch {
      // Alone, each has the failure that the place or the server has for it.
      for (const member of members) finish(member, 'alone');
    }
  }

  private async handIn(needs: QueueNeeds, members: readonly Waiting[], signal: AbortSignal): Promise<void> {
    const keys = members.map(({ run }) => run.key);
    const found = await withinAfter(
      this.parts.board.batchesOf({ needs, limits: NO_LIMITS }, keys),
      AWAY_MS,
      signal,
    );
    const joined = new Map<Job, Waiting[]>();
    const own: Waiting[] = [];
    for (const member of members) {
      const job = found === 'late' ? undefined : found.get(member.run.key);
      if (job) joined.set(job, [...(joined.get(job) ?? []), member]);
      else own.push(member);
    }
    const others = mapBounded([...joined], async ([job, some]) => {
      await this.one(needs, some, { others: job, signal });
      // It is gone, or some of it had failed before.
      await this.one(needs, some, { signal });
    });
    await Promise.all([this.one(needs, own, { signal }), others]);
  }

  /** Those of a joined job that are to be handed in again stay open. */
  private async one(
    needs: QueueNeeds,
    all: readonly Waiting[],
    { others, signal }: { others?: Job; signal: AbortSignal },
  ): Promise<void> {
    const members = all.filter(({ isOver }) => !isOver);
    const [first] = members;
    if (!first) return;
    if (signal.aborted) {
      for (const member of members) finish(member, err({ kind: 'cancelled' }));
      return;
    }
    if (members.length === 1 && !others) return finish(first, 'alone');
    const job = new BatchJob(this.parts, { needs, members, ...(others ? { others } : {}) }, this.told);
    const ends = await job.ends(signal);
    for (const member of members) {
      const end = ends.get(member.run.key) ?? 'alone';
      if (end !== 'again') finish(member, end);
    }
  }
}

function finish(member: Waiting, end: MemberEnd): void {
  if (member.isOver) return;
  member.isOver = true;
  member.finish(end);
}

/** Stops the whole when all members are stopped. One that is stopped while others go on ends at once. */
function stopTogether(members: readonly Waiting[], whole: AbortController): () => void {
  const isStopped = ({ isOver, context }: Waiting) => isOver || context.signal.aborted;
  const ends = members.map((member) => () => {
    if (members.every(isStopped)) whole.abort();
    // Signals of one Ctrl-C come one after the other.
    else
      setImmediate(() => {
        if (!whole.signal.aborted) finish(member, err({ kind: 'cancelled' }));
      });
  });
  for (const [i, { context }] of members.entries()) {
    const end = ends[i] as () => void;
    if (context.signal.aborted) end();
    else context.signal.addEventListener('abort', end, { once: true });
  }
  return () => {
    for (const [i, { context }] of members.entries())
      context.signal.removeEventListener('abort', ends[i] as () => void);
  };
}
