/**
 * Runs tasks on other machines, through a queue: the builder analyses, decides and publishes as ever, and only the
 * execution of a task is a job. Gates of finished results and agents' documents stay here.
 */

import type { Agent } from '../../agent/agent.js';
import { err, ok, type Result } from '../../base/result.js';
import type { GitObjects } from '../../io/git/objects.js';
import type { JobBoard, JobEnd } from '../../io/queue/job-board.js';
import type { Config } from '../../model/config.js';
import type { Failure } from '../../model/failure.js';
import {
  JOB_PROTOCOL,
  type JobNews,
  needsProblem,
  type QueueLimits,
  type QueueNeeds,
} from '../../model/fleet/job.js';
import { providerOf } from '../../model/routes.js';
import type {
  DocumentOutcome,
  DocumentRun,
  FormatOutcome,
  FormatRun,
  GatesOutcome,
  GatesRun,
  TaskOutcome,
  TaskRun,
} from '../../model/task-run.js';
import type { ObjectId } from '../../model/tree.js';
import type { Parcels } from '../../store/parcels.js';
import type { ResultStore } from '../../store/result-store.js';
import { guarded } from '../attempt-failure.js';
import type { ExecutionContext, Executor } from '../executor.js';
import type { Spending } from '../spending.js';
import { readOutcome, runCommit } from './parcel.js';
import { RemoteSpending } from './remote-spending.js';

export interface QueueExecutorParts {
  /** For everything that is no job. */
  readonly local: Executor;
  readonly board: JobBoard;
  readonly parcels: Parcels;
  readonly objects: GitObjects;
  readonly store: ResultStore;
  readonly agent: Agent | undefined;
  readonly spending: Spending;
  readonly config: Config;
  /** The commit with what all jobs share; it is on the other side when this resolves. */
  base(): Promise<Result<ObjectId, Failure>>;
  readonly version: string;
  /** Of this machine: results of commands are those of one platform. */
  readonly platform: string;
  readonly build: string;
}

/** Milliseconds after which it is said that no worker takes a task. */
const UNHEARD_MS = 5000;

export class QueueExecutor implements Executor {
  readonly isRemote = true;
  private readonly parts: QueueExecutorParts;
  /** Names that the other side need not keep any longer. */
  private readonly done = new Set<string>();
  private warned = false;

  constructor(parts: QueueExecutorParts) {
    this.parts = parts;
  }

  async run(run: TaskRun, context: ExecutionContext): Promise<TaskOutcome> {
    // What conductor itself renders takes less time than its way to another machine.
    if (run.recipe.kind === 'render' && run.gates.length === 0) return this.parts.local.run(run, context);
    const job = new RemoteRun(this.parts, run, context, (needs) => this.warnUnheard(needs, context));
    const earlier = run.recipe.kind === 'agent' ? run.recipe.earlier : undefined;
    const ended = await guarded(() => job.outcome());
    for (const name of job.left) this.done.add(name);
    if (ended.ok) return ended.value;
    return {
      ok: false,
      failure: ended.error,
      evidence: earlier?.evidence ?? [],
      attempts: (earlier?.attempts ?? 0) + 1,
      usage: job.usage,
      ms: 0,
    };
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
    await this.parts.parcels.remove([...this.done]);
    await this.parts.board.close();
    await this.parts.local.close();
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

/** One task on its way to another machine and back. */
class RemoteRun {
  /** Names of parcels that nobody needs any more. */
  readonly left: string[] = [];
  private readonly parts: QueueExecutorParts;
  private readonly run: TaskRun;
  private readonly context: ExecutionContext;
  private readonly unheard: (needs: QueueNeeds) => void;
  private readonly spending: RemoteSpending | undefined;
  private readonly stop = new AbortController();
  private exceeded: Failure | undefined;
  private isJoined = false;
  private isHeard = false;

  constructor(
    parts: QueueExecutorParts,
    run: TaskRun,
    context: ExecutionContext,
    unheard: (needs: QueueNeeds) => void,
  ) {
    this.parts = parts;
    this.run = run;
    this.context = context;
    this.unheard = unheard;
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
    const sent = await this.send();
    if (!sent.ok) return sent;
    const { base, parcel } = sent.value;
    const needs = this.needs(model);
    const { version, build } = parts;
    const { label, key } = run;
    const job = { protocol: JOB_PROTOCOL, version, label, key, parcel, base, build };
    const limits = this.limits(model);
    const handed = { job, needs, limits, priority: this.context.priority ?? 0 };
    this.phase('queue');
    const unheard = setTimeout(() => this.isHeard || this.unheard(needs), UNHEARD_MS);
    const signal = AbortSignal.any([this.context.signal, this.stop.signal]);
    try {
      for (let mistrusted: ObjectId | undefined; ; ) {
        const listener = {
          onJoined: () => this.joined(),
          onNews: (news: JobNews) => this.hear(news),
          signal,
          ...(mistrusted === undefined ? {} : { mistrusted }),
        };
        const end = await parts.board.run(handed, listener, (answered) => this.receive(answered, parcel));
        if (end.end.kind !== 'answered' || end.isLast) this.left.push(parcel);
        if (end.end.kind !== 'answered') return err(this.failureOf(end.end));
        if (end.isLast) this.left.push(...end.names);
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

  private async send(): Promise<Result<{ base: ObjectId; parcel: ObjectId }, Failure>> {
    const { parts, run } = this;
    const base = await parts.base();
    if (!base.ok) return base;
    const parcel = await runCommit(parts.objects, run, base.value);
    const sent = await parts.parcels.send(parcel);
    return sent.ok ? ok({ base: base.value, parcel }) : sent;
  }

  /** The outcome, with its result in the store; undefined when it cannot be fetched. */
  private async receive(
    answer: ObjectId,
    parcel: ObjectId,
  ): Promise<Result<TaskOutcome, Failure> | undefined> {
    const { parcels, objects, store } = this.parts;
    const fetched = await parcels.fetch(answer, [parcel]);
    if (!fetched.ok) return undefined;
    const read = await readOutcome(objects, answer);
    if (!read.ok) return read;
    const usage = this.isJoined ? {} : read.value.usage;
    this.context.meter?.used(usage);
    const outcome = { ...read.value, usage };
    if (!outcome.ok) return ok(outcome);
    if (!store.admit) throw new Error('BUG: a store that takes no results of workers');
    const admitted = await store.admit(this.run.key, outcome.result);
    if (!admitted.ok) return admitted;
    const { commit, adopted = outcome.adopted } = admitted.value;
    return ok({ ...outcome, result: commit, ...(adopted ? { adopted: true as const } : {}) });
  }

  /** Who joins pays nothing, and tells of nothing that another build tells of. */
  private joined(): void {
    this.isJoined = true;
    const message = 'another build has this task in the queue: its result is waited for';
    this.context.emit({ type: 'task.output', task: this.run.label, attempt: this.attempt, line: message });
  }

  private hear({ worker, events }: JobNews): void {
    if (!this.isHeard) this.phase('queue', worker);
    this.isHeard = true;
    for (const event of events) {
      const isCost = event.type === 'task.usage' || event.type === 'agent.finished';
      if (this.isJoined && isCost) continue;
      this.context.emit(event);
      const exceeded = this.spending?.on(event);
      if (this.spending) this.context.meter?.used(this.spending.sum);
      if (!exceeded || this.exceeded) continue;
      this.exceeded = exceeded;
      this.stop.abort();
    }
  }

  private failureOf(end: Exclude<JobEnd, { kind: 'answered' }>): Failure {
    if (end.kind === 'failed') return { kind: 'job-failed', reason: end.reason };
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

  private needs(model: string | undefined): QueueNeeds {
    const { version, platform, config } = this.parts;
    const common = { protocol: JOB_PROTOCOL, version, labels: [] };
    if (this.run.recipe.kind !== 'agent') return { ...common, kind: 'command', platform };
    if (model === undefined) return { ...common, kind: 'agent' };
    // The limits of a provider hold for all its models: they share a queue.
    const provider = providerOf(model);
    return { ...common, kind: 'agent', model: config.models.limits[provider] ? provider : model };
  }

  private limits(model: string | undefined): QueueLimits {
    const limits = model === undefined ? undefined : this.parts.config.models.limits[providerOf(model)];
    return {
      ...(limits?.sessions === undefined ? {} : { atOnce: limits.sessions }),
      ...(limits?.requestsPerMinute === undefined ? {} : { perMinute: limits.requestsPerMinute }),
    };
  }
}
