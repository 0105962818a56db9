/** The state of a build, folded from its events. Pure; draws nothing. */

import type { BuildEvent, Phase, TaskOutcomeKind } from '../../model/event.js';
import type { Label } from '../../model/task.js';

export interface RunningTask {
  readonly label: Label;
  readonly attempt: number;
  readonly phase: Phase | undefined;
  readonly detail: string | undefined;
  /** The last line of output. */
  readonly line: string | undefined;
  /** As the event's `at`. */
  readonly startedAt: number;
  /** Dollars by attempt: a usage event says the attempt's total. */
  readonly costs: ReadonlyMap<string, number>;
}

export interface Progress {
  readonly total: number;
  readonly counts: Readonly<Record<TaskOutcomeKind, number>>;
  /** In the order of their start. */
  readonly running: ReadonlyMap<Label, RunningTask>;
  /** Gates of the merged tree by name, and when they started. */
  readonly gates: ReadonlyMap<string, number>;
  /** Dollars of finished tasks. */
  readonly spent: number;
  readonly waitingFor: { readonly pid: number; readonly command: string } | undefined;
  readonly finished: boolean;
}

export const NO_PROGRESS: Progress = {
  total: 0,
  counts: { fresh: 0, cached: 0, verified: 0, built: 0, accepted: 0, drifted: 0, failed: 0, skipped: 0 },
  running: new Map(),
  gates: new Map(),
  spent: 0,
  waitingFor: undefined,
  finished: false,
};

/** The state after an event. One that is late (a phase of a task that has finished) changes nothing. */
export function progress(state: Progress, event: BuildEvent): Progress {
  switch (event.type) {
    case 'build.started':
      return NO_PROGRESS;
    case 'build.waiting':
      return { ...state, waitingFor: { pid: event.pid, command: event.command } };
    case 'build.planned':
      return { ...state, total: event.tasks.length, waitingFor: undefined };
    case 'task.started': {
      const before = state.running.get(event.task);
      return withTask(state, {
        label: event.task,
        attempt: event.attempt,
        phase: undefined,
        detail: undefined,
        line: undefined,
        startedAt: before?.startedAt ?? event.at,
        costs: before?.costs ?? new Map(),
      });
    }
    case 'task.phase': {
      const { attempt, phase, detail } = event;
      return change(state, event.task, { attempt, phase, detail, line: undefined });
    }
    case 'task.output':
      return change(state, event.task, { line: event.line });
    case 'task.usage': {
      const task = state.running.get(event.task);
      if (!task || event.usage.costUsd === undefined) return state;
      const part = `${event.attempt} ${event.phase ?? ''}`;
      return withTask(state, { ...task, costs: new Map(task.costs).set(part, event.usage.costUsd) });
    }
    case 'tasks.fresh': {
      const fresh = state.counts.fresh + event.tasks.length;
      return { ...state, counts: { ...state.counts, fresh } };
    }
    case 'tasks.restored': {
      const cached = state.counts.cached + event.tasks.length;
      return { ...state, counts: { ...state.counts, cached } };
    }
    case 'task.finished': {
      const running = new Map(state.running);
      const cost = event.usage?.costUsd ?? taskCost(running.get(event.task));
      running.delete(event.task);
      const counts = { ...state.counts, [event.outcome]: state.counts[event.outcome] + 1 };
      return { ...state, running, counts, spent: state.spent + cost };
    }
    case 'gate.started': {
      if (event.task !== undefined) return state;
      return { ...state, gates: new Map(state.gates).set(event.gate, event.at) };
    }
    case 'gate.finished': {
      if (event.task !== undefined) return state;
      const gates = new Map(state.gates);
      gates.delete(event.gate);
      return { ...state, gates };
    }
    case 'build.finished':
      return { ...state, running: new Map(), gates: new Map(), finished: true };
    default:
      return state;
  }
}

export function doneCount(state: Progress): number {
  return Object.values(state.counts).reduce((sum, count) => sum + count, 0);
}

/** Dollars spent so far, running tasks included. */
export function costSoFar(state: Progress): number {
  return [...state.running.values()].reduce((sum, task) => sum + taskCost(task), state.spent);
}

function taskCost(task: RunningTask | undefined): number {
  return [...(task?.costs.values() ?? [])].reduce((sum, usd) => sum + usd, 0);
}

function withTask(state: Progress, task: RunningTask): Progress {
  return { ...state, running: new Map(state.running).set(task.label, task) };
}

function change(state: Progress, label: Label, facts: Partial<RunningTask>): Progress {
  const task = state.running.get(label);
  return task ? withTask(state, { ...task, ...facts }) : state;
}
