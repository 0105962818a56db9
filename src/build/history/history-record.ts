/** Decides which events of a build go into the history of its project, and as which lines; adds nothing up. */

import type { LineQueue } from '../../base/lines/line-queue.js';
import type { BuildEvent } from '../../model/event.js';
import { type SingleEvent, singleEvents } from '../../model/events/events-together.js';
import type { CallStep, HistoryLine, RestoredTasks, TaskEnd } from '../../model/history.js';
import type { Label } from '../../model/task.js';
import { linesFor } from './history-files.js';

interface Lifecycle {
  readonly recipe?: string;
  /** Whether an agent had a session for it. */
  readonly isPaid?: true;
  readonly failures: readonly string[];
  readonly rebasedAfter?: number;
}

/** Takes the events of one build, and appends what is to be remembered as soon as it has happened. */
export class HistoryRecord {
  private readonly build: string;
  private readonly lifecycles = new Map<Label, Lifecycle>();
  private readonly paid: LineQueue;
  private readonly free: LineQueue;

  constructor(folder: string, build: string, maxBytes?: number) {
    this.build = build;
    this.paid = linesFor(folder, 'paid', maxBytes);
    this.free = linesFor(folder, 'free', maxBytes);
  }

  on(event: BuildEvent): void {
    if (event.type === 'tasks.fresh') return;
    if (event.type === 'tasks.restored') this.free.add(textOf(this.restored(event)));
    else for (const one of singleEvents(event)) this.add(one);
  }

  /** All that has happened is written. What cannot be written (a full disk) does not decide how a build ends. */
  async flush(): Promise<void> {
    for (const lines of [this.paid, this.free]) await lines.flush().catch(() => undefined);
  }

  async close(): Promise<void> {
    for (const lines of [this.paid, this.free]) await lines.close().catch(() => undefined);
  }

  private add(event: SingleEvent): void {
    const isPaid = event.type !== 'task.finished' || this.lifecycles.get(event.task)?.isPaid === true;
    const line = this.lineOf(event);
    if (line) (isPaid ? this.paid : this.free).add(textOf(line));
  }

  private restored({ at, tasks }: Extract<BuildEvent, { type: 'tasks.restored' }>): RestoredTasks {
    const { build } = this;
    const labels = tasks.map(({ task }) => task);
    const saved = tasks.flatMap(({ task: label, saved: usage }) => (usage ? [{ label, usage }] : []));
    return { kind: 'restored', at, build, labels, ...(saved.length === 0 ? {} : { saved }) };
  }

  private lineOf(event: SingleEvent): HistoryLine | CallStep | undefined {
    const { build } = this;
    switch (event.type) {
      case 'task.started':
        this.note(event.task, { recipe: event.recipe });
        return undefined;
      case 'task.attempt-failed':
        this.note(event.task, {}, event.failure.kind);
        return undefined;
      case 'task.rebased':
        // Better words stand between two attempts; a proposal alone changes nothing.
        if (event.applied) this.rebased(event);
        return undefined;
      case 'task.usage': {
        const { task: label, at, attempt, phase, agent, model, usage } = event;
        if (agent === undefined) return undefined;
        this.note(label, { isPaid: true });
        return {
          kind: 'step',
          at,
          build,
          label,
          ms: 0,
          attempt,
          agent,
          usage,
          ...(phase === undefined ? {} : { phase }),
          ...(model === undefined ? {} : { model }),
        };
      }
      case 'agent.finished': {
        const { schema: _, seq: __, type: ___, task: label, taskType, at, ...call } = event;
        this.note(label, { isPaid: true });
        return {
          kind: 'call',
          at,
          build,
          label,
          ...call,
          ...(taskType === undefined ? {} : { type: taskType }),
        };
      }
      case 'task.finished': {
        const { task: label, outcome, at, ms, saved } = event;
        // Nothing was to be built: `verify` only says what a build would do.
        const isLook = event.failure?.kind === 'not-up-to-date';
        if (outcome === 'fresh' || isLook) return undefined;
        if (outcome === 'failed') this.note(label, {}, event.failure?.kind ?? 'unknown');
        const { recipe, failures, rebasedAfter } = this.lifecycles.get(label) ?? { failures: [] };
        this.lifecycles.delete(label);
        const attempts = failures.length + (outcome === 'failed' ? 0 : 1);
        const end: TaskEnd = {
          kind: 'task',
          at,
          build,
          label,
          outcome,
          ms,
          ...(recipe === undefined ? {} : { recipe, attempts }),
          failures,
          ...(rebasedAfter === undefined ? {} : { rebasedAfter }),
          ...(saved === undefined ? {} : { saved }),
        };
        return end;
      }
      default:
        return undefined;
    }
  }

  private rebased({ task }: { readonly task: Label }): void {
    this.note(task, { rebasedAfter: this.lifecycles.get(task)?.failures.length ?? 0 });
  }

  private note(label: Label, facts: Partial<Lifecycle>, failure?: string): void {
    const before = this.lifecycles.get(label) ?? { failures: [] };
    const failures = failure === undefined ? before.failures : [...before.failures, failure];
    this.lifecycles.set(label, { ...before, ...facts, failures });
  }
}

function textOf(line: HistoryLine | CallStep | RestoredTasks): string {
  return `${JSON.stringify(line)}\n`;
}
