/** What a build came to, task by task, collected from its events for the reports of a CI. Writes nothing. */

import type { BuildEvent, BuildSummary, TaskOutcomeKind } from '../../model/event.js';
import type { PlannedRange } from '../../model/events/event-parts.js';
import { type SingleEvent, singleEvents } from '../../model/events/events-together.js';
import type { Failure } from '../../model/failure.js';
import type { Label } from '../../model/task.js';
import { printFailure } from '../failures/failure-print.js';
import { calledAs, plainStyle } from '../style.js';

export interface GateRecord {
  readonly gate: string;
  readonly ok: boolean;
  readonly ms: number;
}

export interface TaskRecord {
  readonly label: Label;
  /** Undefined: the build ended before the task did. */
  readonly outcome: TaskOutcomeKind | undefined;
  readonly ms: number;
  readonly failure: Failure | undefined;
  /** For `skipped`: the failed dependency. */
  readonly because: Label | undefined;
  readonly gates: readonly GateRecord[];
  readonly warnings: readonly string[];
}

const MAX_DIGEST = 8000;

export class BuildRecord {
  /** How the person who reads the reports calls conductor. */
  readonly calledAs: string | undefined;
  private readonly byLabel = new Map<Label, TaskRecord>();
  /** Of the whole build: `build.failure`. */
  readonly failures: Failure[] = [];
  /** Of the whole build. */
  readonly gates: GateRecord[] = [];
  command = '';
  startedAt = 0;
  summary: BuildSummary | undefined;
  range: PlannedRange | undefined;

  constructor(calledAs?: string) {
    this.calledAs = calledAs;
  }

  /** In the order in which the build names them. */
  get tasks(): readonly TaskRecord[] {
    return [...this.byLabel.values()];
  }

  /** Those that failed, and those that `--frozen` finds out of date, each with its failure. */
  get failed(): readonly TaskRecord[] {
    return this.tasks.filter(({ outcome }) => outcome === 'failed');
  }

  /** Whether a failure of the whole build says all that this one of a task says. */
  isListed(failure: Failure): boolean {
    return failure.kind === 'not-up-to-date' && this.failures.some(({ kind }) => kind === failure.kind);
  }

  on(event: BuildEvent): void {
    for (const one of singleEvents(event)) this.onSingle(one);
  }

  private onSingle(event: SingleEvent): void {
    switch (event.type) {
      case 'build.started':
        this.command = event.command;
        this.startedAt = event.at;
        break;
      case 'build.planned':
        for (const label of event.tasks) this.change(label, {});
        this.range = event.range;
        break;
      case 'warning':
        if (event.task !== undefined)
          this.change(event.task, { warnings: [...this.task(event.task).warnings, event.message] });
        break;
      case 'gate.finished': {
        const { gate, ok, ms, task } = event;
        if (task === undefined) this.gates.push({ gate, ok, ms });
        else this.change(task, { gates: [...this.task(task).gates, { gate, ok, ms }] });
        break;
      }
      case 'task.finished': {
        const { task, outcome, ms, failure, because } = event;
        this.change(task, { outcome, ms, failure, because });
        break;
      }
      case 'build.failure':
        this.failures.push(event.failure);
        break;
      case 'build.finished':
        this.summary = event.summary;
        break;
    }
  }

  private task(label: Label): TaskRecord {
    const known = this.byLabel.get(label);
    return known ?? { ...NOTHING_YET, label };
  }

  private change(label: Label, change: Partial<TaskRecord>): void {
    this.byLabel.set(label, { ...this.task(label), ...change });
  }
}

const NOTHING_YET: Omit<TaskRecord, 'label'> = {
  outcome: undefined,
  ms: 0,
  failure: undefined,
  because: undefined,
  gates: [],
  warnings: [],
};

/** The text of a failure as the terminal shows it, bounded. */
export function failureDigest(failure: Failure, called: string | undefined, task?: Label): string {
  const style = called === undefined ? plainStyle : calledAs(plainStyle, called);
  const text = printFailure(failure, style, task).trimEnd();
  return text.length > MAX_DIGEST ? `${text.slice(0, MAX_DIGEST)}\n…` : text;
}
