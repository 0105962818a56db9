/** One build as the page shows it, folded from its events one by one. Knows no file and no clock. */

import type { Usage } from '../../model/action.js';
import type {
  BuildDocument,
  BuildHead,
  BuildOutcome,
  BuildRow,
  GateView,
  TaskView,
} from '../../model/build-view.js';
import type { BuildEvent, BuildSummary } from '../../model/event.js';
import { type SingleEvent, singleEvents } from '../../model/events/events-together.js';
import type { Label } from '../../model/task.js';
import { describeVerdict } from '../verdict.js';
import { failureView } from './failure-view.js';
import { added, finishedGate } from './fold-parts.js';
import { TaskFold } from './task-fold.js';

/** Paths of a publish that are kept by name: more of them are only counted. */
const MAX_PATHS = 500;
const MAX_WARNINGS = 200;
const NO_OUTCOMES: BuildRow['counts'] = {
  fresh: 0,
  cached: 0,
  verified: 0,
  built: 0,
  accepted: 0,
  drifted: 0,
  failed: 0,
  skipped: 0,
};

type Head = { -readonly [K in keyof BuildHead]: BuildHead[K] };

export class BuildFold {
  private readonly head: Head;
  private readonly tasks = new Map<Label, TaskFold>();
  private readonly changed = new Set<Label>();
  private last = 0;

  constructor(build: string) {
    this.head = {
      build,
      command: '',
      version: '',
      startedAt: 0,
      outcome: 'running',
      total: 0,
      counts: NO_OUTCOMES,
      usage: {},
      published: 0,
      kept: true,
      written: [],
      removed: [],
      failures: [],
      warnings: [],
      gates: [],
    };
  }

  get isEnded(): boolean {
    return this.head.outcome !== 'running';
  }

  /** The process that ran the build is gone and its last event never came. */
  killed(): void {
    if (this.isEnded) return;
    this.head.usage = this.headNow().usage;
    this.end('killed', this.last);
  }

  /** Labels of tasks that run now. */
  running(): Label[] {
    return [...this.tasks.values()].filter((task) => task.view.state === 'running').map((task) => task.label);
  }

  line(label: Label, line: string): void {
    const task = this.tasks.get(label);
    if (task?.said(line)) this.changed.add(label);
  }

  on(event: BuildEvent): void {
    for (const one of singleEvents(event)) this.onSingle(one);
  }

  private onSingle(event: SingleEvent): void {
    const { head } = this;
    this.last = event.at;
    const ofTask = 'task' in event && event.task !== undefined ? event.task : undefined;
    if (ofTask !== undefined) this.onTask(ofTask, event);
    switch (event.type) {
      case 'build.started':
        head.command = event.command;
        head.version = event.version;
        head.startedAt = event.at;
        return;
      case 'build.planned':
        head.plannedAt = event.at;
        if (event.workers !== undefined) head.workers = event.workers;
        if (event.budgetUsd !== undefined) head.budgetUsd = event.budgetUsd;
        for (const label of event.tasks) this.task(label);
        return;
      case 'warning':
        if (ofTask === undefined && head.warnings.length < MAX_WARNINGS)
          head.warnings = [...head.warnings, event.message];
        return;
      case 'task.finished':
        head.counts = { ...head.counts, [event.outcome]: head.counts[event.outcome] + 1 };
        head.tasksDoneAt = event.at;
        return;
      case 'gate.started':
        if (ofTask === undefined) {
          const gate: GateView = { gate: event.gate, attempt: 1, from: event.at };
          head.gates = [...head.gates, gate];
        }
        return;
      case 'gate.finished':
        if (ofTask === undefined) head.gates = finishedGate(head.gates, event);
        return;
      case 'build.failure':
        head.failures = [...head.failures, failureView(event.failure)];
        return;
      case 'build.published':
        head.publishedAt = event.at;
        head.published = event.written.length + event.removed.length;
        head.written = event.written.slice(0, MAX_PATHS);
        head.removed = event.removed.slice(0, MAX_PATHS);
        return;
      case 'build.finished':
        this.finished(event.summary, event.at);
    }
  }

  document(): BuildDocument {
    return { head: this.headNow(), tasks: [...this.tasks.values()].map((task) => task.view) };
  }

  /** While the build runs, what it has used is the sum over its tasks. */
  headNow(): BuildHead {
    if (this.isEnded) return { ...this.head };
    let usage: Usage = {};
    for (const task of this.tasks.values()) usage = added(usage, task.view.usage);
    return { ...this.head, usage };
  }

  row(): BuildRow {
    const { build, command, version, startedAt, endedAt, outcome, total, counts, usage, published } =
      this.head;
    return {
      build,
      command,
      version,
      startedAt,
      ...(endedAt === undefined ? {} : { endedAt }),
      outcome,
      total,
      counts,
      usage,
      published,
      kept: true,
    };
  }

  task(label: Label): TaskFold {
    const known = this.tasks.get(label);
    if (known) return known;
    const made = new TaskFold(label);
    this.tasks.set(label, made);
    this.head.total = this.tasks.size;
    this.changed.add(label);
    return made;
  }

  /** Tasks that have changed since the last call. */
  takeChanged(): TaskView[] {
    const views = [...this.changed].flatMap((label) => this.tasks.get(label)?.view ?? []);
    this.changed.clear();
    return views;
  }

  private onTask(label: Label, event: SingleEvent): void {
    const task = this.task(label);
    this.changed.add(label);
    if (event.type === 'task.checked')
      task.checked(event.at, event.verdict.kind, describeVerdict(event.verdict));
    else task.on(event);
  }

  /** The summary counts what a reader of the log's end has not seen. */
  private finished(summary: BuildSummary, at: number): void {
    const { head } = this;
    const total = Object.values(summary.counts).reduce((sum, count) => sum + count, 0);
    if (total > 0) head.counts = summary.counts;
    head.usage = { ...this.headNow().usage, ...summary.usage };
    head.total = Math.max(head.total, total);
    head.published = Math.max(head.published, summary.published);
    this.end(summary.outcome, at);
  }

  private end(outcome: BuildOutcome, at: number): void {
    this.head.outcome = outcome;
    this.head.endedAt = at;
    for (const task of this.tasks.values()) if (task.cut(at)) this.changed.add(task.label);
  }
}
