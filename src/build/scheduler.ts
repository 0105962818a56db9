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

const [WAITING, RUNNING, DONE, FAILED, SKIPPED] = [0, 1, 2, 3, 4];

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
  const labels = [...work.labels];
  /** Of each label its place in the order; by that place its state and how many dependencies it waits for. */
  const places = new Map(labels.map((label, place) => [label, place]));
  const states = new Uint8Array(labels.length).fill(WAITING);
  const missing = new Uint32Array(labels.length);
  const ready = new Heap();
  for (const [place, label] of labels.entries()) {
    const needs = new Set(work.graph.task(label).dependsOn.filter((need) => work.labels.has(need))).size;
    missing[place] = needs;
    if (needs === 0) ready.add(place);
  }
  const dependentsOf = (label: Label) =>
    work.graph.dependents(label).flatMap((dependent) => places.get(dependent) ?? []);
  let running = 0;
  let stopped = false;

  await new Promise<void>((resolve, reject) => {
    const skip = (place: number, because: Label | undefined) => {
      const walk = [place];
      for (let one = walk.pop(); one !== undefined; one = walk.pop()) {
        if (states[one] !== WAITING) continue;
        states[one] = SKIPPED;
        const label = labels[one] as Label;
        work.onSkip(label, because);
        walk.push(...dependentsOf(label));
      }
    };
    const finish = (place: number, outcome: 'done' | 'failed') => {
      const label = labels[place] as Label;
      running--;
      states[place] = outcome === 'done' ? DONE : FAILED;
      if (outcome === 'failed') {
        if (work.failFast) stopped = true;
        for (const dependent of dependentsOf(label)) skip(dependent, label);
      } else {
        for (const dependent of dependentsOf(label)) {
          const left = (missing[dependent] as number) - 1;
          missing[dependent] = left;
          if (left === 0) ready.add(dependent);
        }
      }
      advance();
    };
    const advance = () => {
      if (work.signal.aborted) stopped = true;
      while (ready.size > 0 && running < work.atOnce && !stopped) {
        const started = ready.take() as number;
        if (states[started] !== WAITING) continue;
        states[started] = RUNNING;
        running++;
        work.step(labels[started] as Label).then((outcome) => finish(started, outcome), reject);
      }
      if (running > 0) return;
      for (const [place, state] of states.entries()) if (state === WAITING) skip(place, undefined);
      resolve();
    };
    advance();
  });
}
