/**
 * The order of tasks: each starts as soon as its dependencies are done; those that need a failed one are skipped.
 * Knows nothing of what a step does; `step` queues itself where only few may work. The number of steps under way is
 * bounded, so that a graph of any size is held in the same memory.
 *
 *     waiting ──dependencies done──▶ running ──▶ done
 *        │                              └─────▶ failed
 *        └──a dependency failed, or stopped──▶ skipped
 */

import { Heap } from '../base/heap.js';
import type { Label } from '../model/task.js';
import type { TaskGraph } from '../model/task-graph.js';

type TaskState = 'waiting' | 'running' | 'done' | 'failed' | 'skipped';

export interface Schedule {
  readonly graph: TaskGraph;
  /** The tasks to analyse: dependencies that are not among them are done. Of several that are ready, the first in this order starts first. */
  readonly labels: ReadonlySet<Label>;
  /** After the first failure nothing new is started. */
  readonly failFast: boolean;
  readonly signal: AbortSignal;
  /** Steps under way at the same time, those that wait for a worker included: more than there are workers. */
  readonly atOnce: number;
  /** Checks and, where needed, makes one task. Never rejects but for a bug. */
  step(label: Label): Promise<'done' | 'failed'>;
  /** `because` is the failed dependency; undefined when the build was stopped. */
  onSkip(label: Label, because: Label | undefined): void;
}

export async function schedule(work: Schedule): Promise<void> {
  const states = new Map<Label, TaskState>();
  const missing = new Map<Label, number>();
  const labels = [...work.labels];
  const ranks = new Map(labels.map((label, rank) => [label, rank]));
  const ready = new Heap();
  for (const [rank, label] of labels.entries()) {
    const needs = new Set(work.graph.task(label).dependsOn.filter((need) => work.labels.has(need))).size;
    states.set(label, 'waiting');
    missing.set(label, needs);
    if (needs === 0) ready.add(rank);
  }
  let running = 0;
  let stopped = false;

  await new Promise<void>((resolve, reject) => {
    const skip = (label: Label, because: Label | undefined) => {
      const walk = [label];
      for (let one = walk.pop(); one !== undefined; one = walk.pop()) {
        if (states.get(one) !== 'waiting') continue;
        states.set(one, 'skipped');
        work.onSkip(one, because);
        walk.push(...work.graph.dependents(one).filter((dependent) => work.labels.has(dependent)));
      }
    };
    const finish = (label: Label, outcome: 'done' | 'failed') => {
      running--;
      states.set(label, outcome);
      if (outcome === 'failed') {
        if (work.failFast) stopped = true;
        for (const dependent of work.graph.dependents(label))
          if (work.labels.has(dependent)) skip(dependent, label);
      } else {
        for (const dependent of work.graph.dependents(label)) {
          if (!work.labels.has(dependent)) continue;
          const left = (missing.get(dependent) ?? 0) - 1;
          missing.set(dependent, left);
          if (left === 0) ready.add(ranks.get(dependent) as number);
        }
      }
      advance();
    };
    const advance = () => {
      if (work.signal.aborted) stopped = true;
      while (ready.size > 0 && running < work.atOnce && !stopped) {
        const started = labels[ready.take() as number] as Label;
        if (states.get(started) !== 'waiting') continue;
        states.set(started, 'running');
        running++;
        work.step(started).then((outcome) => finish(started, outcome), reject);
      }
      if (running > 0) return;
      for (const [label, state] of states) if (state === 'waiting') skip(label, undefined);
      resolve();
    };
    advance();
  });
}
