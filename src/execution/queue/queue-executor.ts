/**
 * Runs tasks on other machines, through a queue: the builder analyses, decides and publishes as ever, and only the
 * execution of a task is a job. Gates of finished results and agents' documents stay here.
 */

import { err, ok } from '../../base/result.js';
import { within } from '../../base/within.js';
import { AWAY_MS } from '../../io/queue/connection.js';
import { keyBehind, type Usage } from '../../model/action.js';
import type { Failure } from '../../model/failure.js';
import { needsProblem, type QueueNeeds } from '../../model/fleet/job.js';
import type {
  DocumentOutcome,
  DocumentRun,
  FormatOutcome,
  FormatRun,
  GatesOutcome,
  GatesRun,
  TaskOutcome,
  TaskRun,
  Tried,
} from '../../model/task-run.js';
import { guarded } from '../attempt-failure.js';
import type { ExecutionContext, Executor } from '../executor.js';
import { BatchedRuns, travelsWithOthers } from './batched-runs.js';
import { type QueueExecutorParts, RemoteRun } from './remote-run.js';

/** Milliseconds that the end of a build waits for the place of parcels. */
const REMOVE_MS = 60_000;

export class QueueExecutor implements Executor {
  readonly isRemote = true;
  private readonly parts: QueueExecutorParts;
  /** Names that the other side need not keep any longer. */
  private readonly done = new Set<string>();
  private readonly running = new Set<RemoteRun>();
  private readonly batched: BatchedRuns;
  private warned = false;
  /** The build was stopped before its end. */
  private isHurried = false;

  constructor(parts: QueueExecutorParts) {
    this.parts = parts;
    this.batched = new BatchedRuns(parts, {
      unheard: (needs, context) => void this.warnUnheard(needs, context).catch(() => undefined),
      left: (names, read) => {
        for (const name of names) this.done.add(name);
        parts.parcels.drop(read);
      },
    });
  }

  async run(run: TaskRun, context: ExecutionContext): Promise<TaskOutcome> {
    // Rendering takes less time than the way to another machine: without gates, only a spec with `runs_on` sends it there.
    const isRendered = run.recipe.kind === 'render' && run.gates.length === 0;
    if (isRendered && run.runsOn === undefined) return this.parts.local.run(run, context);
    // A worker runs nothing for a key that it cannot follow, as where only a lock file says how a task came to its key.
    if (keyBehind(run.manifest, run.via ?? []) !== run.key) return this.parts.local.run(run, context);
    if (travelsWithOthers(run, context)) {
      const ended = await guarded<TaskOutcome | 'alone'>(async () => {
        const end = await this.batched.run(run, context);
        return end === 'alone' ? ok(end) : end;
      });
      this.isHurried ||= context.signal.aborted;
      if (!ended.ok) return failed(ended.error);
      if (ended.value !== 'alone') return ended.value;
    }
    const job = new RemoteRun(this.parts, run, context, {
      unheard: (needs) => void this.warnUnheard(needs, context).catch(() => undefined),
      exceeded: () => {
        for (const one of this.running) one.payable();
      },
    });
    this.running.add(job);
    const earlier = run.recipe.kind === 'agent' ? run.recipe.earlier : undefined;
    const ended = await guarded(() => this.inTurn(job, run, context));
    this.running.delete(job);
    this.isHurried ||= context.signal.aborted;
    for (const name of job.left) this.done.add(name);
    this.parts.parcels.drop(job.read);
    if (ended.ok) return ended.value;
    return failed(ended.error, earlier, job.usage);
  }

  runGates(run: GatesRun, context: ExecutionContext): Promise<GatesOutcome> {
    return this.parts.local.runGates(run, context);
  }

  format(run: FormatRun, context: ExecutionContext): Promise<FormatOutcome> {
    return this.parts.local.format(run, context);
  }

  askAgent(run: DocumentRun, context: ExecutionContext): Promise<DocumentOutcome> {
    return this.parts.local.askAgent(run, context);
  }

  async close(): Promise<void> {
    const { parcels } = this.parts;
    // What is not removed now is in nobody's way.
    const removing = parcels.remove([...this.done]).catch(() => undefined);
    await within(removing, this.isHurried ? AWAY_MS : REMOVE_MS);
    parcels.end();
    await this.parts.board.close();
    await this.parts.local.close();
  }

  /** Where projects share a limit of agents, their tasks count wherever they run. */
  private async inTurn(job: RemoteRun, run: TaskRun, { priority, signal }: ExecutionContext) {
    const { agents } = this.parts;
    if (!agents || run.recipe.kind !== 'agent') return job.outcome();
    let isStarted = false;
    const work = () => {
      isStarted = true;
      return job.outcome();
    };
    return agents.run(work, priority, signal).catch((error: unknown) => {
      if (isStarted || !signal.aborted) throw error;
      return err<Failure>({ kind: 'cancelled' });
    });
  }

  private async warnUnheard(needs: QueueNeeds, { emit }: ExecutionContext): Promise<void> {
    if (this.warned) return;
    const live = await this.parts.board.workers();
    const reasons = live.flatMap((worker) => needsProblem(needs, worker) ?? []);
    if (reasons.length < live.length || this.warned) return;
    this.warned = true;
    const why =
      live.length === 0 ? 'there is none' : `of ${live.length} none can: ${[...new Set(reasons)].join('; ')}`;
    emit({
      type: 'warning',
      message: `tasks wait for a worker, and ${why} (start one with \`conductor worker\`)`,
    });
  }
}

function failed(failure: Failure, earlier?: Tried, usage: Usage = {}): TaskOutcome {
  const { evidence = [], attempts = 0 } = earlier ?? {};
  return { ok: false, failure, evidence, attempts: attempts + 1, usage, ms: 0 };
}
