/**
 * A build as a trace that browsers open (`chrome://tracing`, ui.perfetto.dev): tasks with their waits and phases, the
 * steps of the build, and the git processes. Knows no file.
 */

import type { BuildEvent } from '../model/event.js';
import { type SingleEvent, singleEvents } from '../model/events/events-together.js';
import type { ProjectEvent } from '../model/projects/project-event.js';
import { visible } from './style.js';

/** One git process. Times are milliseconds since 1970. */
export interface GitSpan {
  readonly command: string;
  readonly at: number;
  readonly ms: number;
}

interface Slice {
  readonly name: string;
  readonly category: string;
  readonly from: number;
  readonly to: number;
  readonly details?: Readonly<Record<string, unknown>>;
}

type PhaseSlice = Omit<Slice, 'to'>;
type PhaseEvent = Extract<BuildEvent, { type: 'task.phase' }>;
type GateEvent = Extract<BuildEvent, { type: 'gate.finished' }>;

/** Phases in which a task only waits: for a worker of a queue, for the same result from another build, for a session. */
const WAITS: Partial<Record<PhaseEvent['phase'], string>> = {
  queue: 'wait in the queue',
  'claim-wait': 'wait for another build',
  'session-wait': 'wait for a session',
};

interface OpenTask {
  readonly checkedAt: number;
  startedAt?: number;
  recipe?: string;
  phase?: PhaseSlice;
  readonly inner: Slice[];
}

type TraceEvent = Readonly<Record<string, unknown>>;

/** Where the slices of one build stand in a trace. */
interface TracePlace {
  /** Milliseconds since 1970 at which the trace begins. */
  readonly zero: number;
  /** The first of the two processes that the build has in the trace. */
  readonly process: number;
  /** What stands in front of the names of its processes. */
  readonly name?: string;
}

/** Processes that one build has in a trace: its own steps, and its tasks. */
const PROCESSES_OF_BUILD = 2;

export class Profile {
  private readonly open = new Map<string, OpenTask>();
  private readonly tasks: { readonly outer: Slice; readonly inner: readonly Slice[] }[] = [];
  private readonly steps: Slice[] = [];
  private readonly gates: Slice[] = [];
  private readonly git: GitSpan[] = [];
  /** Milliseconds since 1970; 0: no event came yet. */
  startedAt = 0;
  private step: { readonly name: string; readonly at: number } | undefined;

  on(event: BuildEvent): void {
    // Fresh tasks have no slice.
    if (event.type !== 'tasks.fresh') for (const one of singleEvents(event)) this.onSingle(one);
  }

  private onSingle(event: SingleEvent): void {
    switch (event.type) {
      case 'build.waiting':
        this.startedAt ||= event.at;
        this.enter(`wait for ${event.command}, then loading`, event.at);
        break;
      case 'build.started':
        // Of several builds in one command the first one begins the trace.
        this.startedAt ||= event.at;
        this.enter('loading', event.at);
        break;
      case 'build.planned':
        this.enter('analysis and execution', event.at);
        break;
      case 'build.published':
        this.enter('after publishing', event.at);
        break;
      case 'build.finished':
        this.enter(undefined, event.at);
        break;
      case 'task.checked':
        // A task that is checked again is the same task.
        if (!this.open.has(event.task)) this.open.set(event.task, { checkedAt: event.at, inner: [] });
        break;
      case 'task.started':
        this.begin(event.task, event.at, event.recipe);
        break;
      case 'task.phase':
        this.phase(event.task, event, event.at);
        break;
      case 'gate.finished':
        this.gate(event);
        break;
      case 'task.finished':
        this.end(event);
        break;
      default:
    }
  }

  onGit(span: GitSpan): void {
    this.git.push(span);
  }

  /** The trace as JSON. */
  text(): string {
    const zero = this.startedAt;
    return traceText([
      ...this.events({ zero, process: 1 }),
      ...gitEvents(this.git, { zero, process: 1 + PROCESSES_OF_BUILD }),
    ]);
  }

  /** All but its git processes. */
  events({ zero, process, name }: TracePlace): TraceEvent[] {
    const before = name === undefined ? '' : `${name}: `;
    const tasks = process + 1;
    return [
      processName(process, `${before}build`),
      processName(tasks, `${before}tasks`),
      ...this.steps.map((slice) => traced(slice, { zero, process, lane: 0 })),
      ...inLanes(this.gates, (slice) => slice).map(({ item, lane }) =>
        traced(item, { zero, process, lane: lane + 1 }),
      ),
      ...inLanes(this.tasks, ({ outer }) => outer).flatMap(({ item, lane }) =>
        [item.outer, ...item.inner].map((slice) => traced(slice, { zero, process: tasks, lane })),
      ),
    ];
  }

  private enter(name: string | undefined, at: number): void {
    if (this.step) this.steps.push({ name: this.step.name, category: 'build', from: this.step.at, to: at });
    this.step = name === undefined ? undefined : { name, at };
  }

  private begin(label: string, at: number, recipe: string): void {
    const task = this.open.get(label) ?? { checkedAt: at, inner: [] };
    this.open.set(label, task);
    if (task.startedAt === undefined && at > task.checkedAt)
      task.inner.push({ name: 'wait for a worker', category: 'wait', from: task.checkedAt, to: at });
    task.startedAt ??= at;
    task.recipe = recipe;
  }

  private phase(label: string, next: PhaseEvent | undefined, at: number): void {
    const task = this.open.get(label);
    if (!task) return;
    if (task.phase) task.inner.push({ ...task.phase, to: at });
    if (next === undefined) {
      delete task.phase;
      return;
    }
    const wait = WAITS[next.phase];
    task.phase = {
      name: wait ?? next.phase,
      category: wait === undefined ? 'phase' : 'wait',
      from: at,
      ...(next.detail === undefined ? {} : { details: { detail: next.detail } }),
    };
  }

  /** A gate of a task within its phase; gates of a build in a lane of their own. */
  private gate({ gate, task: label, at, ms, ok }: GateEvent): void {
    const task = label === undefined ? undefined : this.open.get(label);
    // Its time was measured before the event was sent: it begins no earlier than what it is in.
    const from = Math.max(at - Math.round(ms), task?.phase?.from ?? this.startedAt);
    const slice = { name: gate, category: 'gate', from: Math.min(from, at), to: at, details: { ok } };
    if (task) task.inner.push(slice);
    else if (label === undefined) this.gates.push(slice);
  }

  private end(event: Extract<BuildEvent, { type: 'task.finished' }>): void {
    this.phase(event.task, undefined, event.at);
    const task = this.open.get(event.task);
    this.open.delete(event.task);
    // Thousands of tasks that were only looked at would hide the others.
    if (!task || event.outcome === 'fresh') return;
    const details = {
      outcome: event.outcome,
      'own ms': event.ms,
      ...(task.recipe ? { recipe: task.recipe } : {}),
    };
    const outer = { name: event.task, category: 'task', from: task.checkedAt, to: event.at, details };
    this.tasks.push({ outer, inner: task.inner });
  }
}

/** Builds of several projects as one trace: two processes for each project, and one for the git processes of all. */
export class ProjectsProfile {
  private readonly profiles = new Map<string, Profile>();
  private readonly git: GitSpan[] = [];

  on(event: ProjectEvent): void {
    if (event.type === 'projects.started')
      for (const project of event.projects) this.profiles.set(project, new Profile());
    if (event.type === 'project.event') this.profiles.get(event.project)?.on(event.event);
  }

  onGit(span: GitSpan): void {
    this.git.push(span);
  }

  /** The trace as JSON: it begins with the first build or git process. */
  text(): string {
    const built = [...this.profiles].filter(([, { startedAt }]) => startedAt > 0);
    const starts = [...built.map(([, { startedAt }]) => startedAt), ...this.git.map(({ at }) => at)];
    const zero = starts.reduce((first, at) => Math.min(first, at), Number.POSITIVE_INFINITY);
    const events = built.flatMap(([project, profile], at) =>
      profile.events({ zero, process: 1 + at * PROCESSES_OF_BUILD, name: visible(project) }),
    );
    const process = 1 + built.length * PROCESSES_OF_BUILD;
    return traceText([...events, ...gitEvents(this.git, { zero, process })]);
  }
}

/** Git processes, which know of no build. */
function gitEvents(spans: readonly GitSpan[], { zero, process }: TracePlace): TraceEvent[] {
  const slices = spans.map(({ command, at, ms }) => ({
    ...{ name: `git ${command}`, category: 'git' },
    ...{ from: at, to: at + ms },
  }));
  return [
    processName(process, 'git processes'),
    ...inLanes(slices, (slice) => slice).map(({ item, lane }) => traced(item, { zero, process, lane })),
  ];
}

function traceText(events: readonly TraceEvent[]): string {
  const [names, slices] = [events.filter(({ ph }) => ph === 'M'), events.filter(({ ph }) => ph !== 'M')];
  return `${JSON.stringify({ displayTimeUnit: 'ms', traceEvents: [...names, ...slices] })}\n`;
}

function traced(
  { name, category, from, to, details }: Slice,
  { zero, process, lane }: TracePlace & { readonly lane: number },
): TraceEvent {
  const times = { ts: Math.round((from - zero) * 1000), dur: Math.round((to - from) * 1000) };
  return {
    name,
    cat: category,
    ph: 'X',
    ...times,
    pid: process,
    tid: lane,
    ...(details ? { args: details } : {}),
  };
}

function processName(process: number, name: string): TraceEvent {
  return { name: 'process_name', ph: 'M', pid: process, tid: 0, args: { name } };
}

/** Each item in the first lane that is free when it begins. */
function inLanes<T>(items: readonly T[], sliceOf: (item: T) => Slice): { item: T; lane: number }[] {
  const ends: number[] = [];
  return [...items]
    .sort((a, b) => sliceOf(a).from - sliceOf(b).from)
    .map((item) => {
      const { from, to } = sliceOf(item);
      const free = ends.findIndex((end) => end <= from);
      const lane = free < 0 ? ends.length : free;
      ends[lane] = to;
      return { item, lane };
    });
}
