/** The graph of tasks: order, dependents, cycles, selections, and whether two graphs hang together alike. Pure; knows no spec files. */

import { compareBytes } from '../base/order.js';
import type { Label, Task } from './task.js';

/** Labels that are kept as dependencies of tasks; with more, those of the tasks asked for first are forgotten. */
const MAX_KEPT = 50_000;
/** The memory of a set itself, counted in labels. */
const SET_SIZE = 10;
const NONE: ReadonlySet<Label> = new Set();

/** Tasks by label; every dependency exists and there is no cycle (`findCycle` was asked first). */
export class TaskGraph {
  readonly tasks: ReadonlyMap<Label, Task>;
  /** Dependencies before dependents; otherwise in byte order of labels. */
  readonly order: readonly Label[];
  /** The very same object in graphs that are known to have the same shape (`sameShape`). */
  readonly shape: object;
  private readonly dependentsOf: ReadonlyMap<Label, Label[]>;
  private readonly ranks: ReadonlyMap<Label, number>;
  /** All dependencies of tasks: a check, an input tree and a lock ask for the same ones. */
  private readonly needs: { readonly of: Map<Label, ReadonlySet<Label>>; size: number };

  /** `known` is a graph of the same shape: nothing is sorted again then. */
  constructor(tasks: Iterable<Task>, known?: TaskGraph) {
    if (known) {
      const today = new Map(known.tasks);
      for (const task of tasks) today.set(task.label, task);
      this.tasks = today;
      this.order = known.order;
      this.shape = known.shape;
      this.dependentsOf = known.dependentsOf;
      this.ranks = known.ranks;
      this.needs = known.needs;
      return;
    }
    this.shape = {};
    this.needs = { of: new Map(), size: 0 };
    this.tasks = new Map(
      [...tasks].sort((a, b) => compareBytes(a.label, b.label)).map((task) => [task.label, task]),
    );
    const dependentsOf = new Map<Label, Label[]>();
    for (const task of this.tasks.values()) {
      for (const need of distinct(task.dependsOn)) {
        const known = dependentsOf.get(need);
        if (known) known.push(task.label);
        else dependentsOf.set(need, [task.label]);
      }
    }
    // A list that has grown keeps room for more; its copy has none.
    for (const [need, labels] of dependentsOf) if (labels.length > 1) dependentsOf.set(need, labels.slice());
    this.dependentsOf = dependentsOf;
    this.order = this.sort();
    this.ranks = new Map(this.order.map((label, rank) => [label, rank]));
  }

  /** Labels in the order of the graph. */
  inOrder(labels: Iterable<Label>): Label[] {
    return [...labels].sort((a, b) => (this.ranks.get(a) ?? 0) - (this.ranks.get(b) ?? 0));
  }

  task(label: Label): Task {
    const task = this.tasks.get(label);
    if (!task) throw new Error(`BUG: no task ${label}`);
    return task;
  }

  dependents(label: Label): readonly Label[] {
    return this.dependentsOf.get(label) ?? [];
  }

  /** All dependencies of a task, direct and indirect. */
  transitiveDependencies(label: Label): ReadonlySet<Label> {
    const { needs } = this;
    const known = needs.of.get(label);
    if (known) return known;
    const { dependsOn } = this.task(label);
    if (dependsOn.length === 0) return NONE;
    const found = this.closure(dependsOn);
    needs.of.set(label, found);
    needs.size += found.size + SET_SIZE;
    for (const [first, labels] of needs.of) {
      if (needs.size <= MAX_KEPT) break;
      needs.of.delete(first);
      needs.size -= labels.size + SET_SIZE;
    }
    return found;
  }

  /** The given tasks and everything that they need. */
  closure(labels: Iterable<Label>): Set<Label> {
    const found = new Set<Label>();
    const walk = [...labels];
    for (let next = walk.pop(); next !== undefined; next = walk.pop()) {
      if (found.has(next)) continue;
      found.add(next);
      walk.push(...this.task(next).dependsOn);
    }
    return found;
  }

  /**
   * For each task the length of the longest path from its start to the end of the build: its own weight and that
   * of its heaviest chain of dependents. Tasks with the longest remaining path are started first.
   */
  remainingPath(weight: (label: Label) => number): (label: Label) => number {
    const { order, ranks } = this;
    // Numbers in a row: a project may have a hundred thousand tasks.
    const remaining = new Float64Array(order.length);
    const of = (label: Label) => remaining[ranks.get(label) ?? -1] ?? 0;
    for (let i = order.length - 1; i >= 0; i--) {
      const label = order[i] as Label;
      let longest = 0;
      for (const dependent of this.dependents(label)) longest = Math.max(longest, of(dependent));
      remaining[i] = longest + weight(label);
    }
    return of;
  }

  private sort(): Label[] {
    const missing = new Map<Label, number>();
    for (const task of this.tasks.values()) missing.set(task.label, distinct(task.dependsOn).length);
    const order: Label[] = [...missing].filter(([, n]) => n === 0).map(([label]) => label);
    for (let i = 0; i < order.length; i++) {
      for (const dependent of this.dependents(order[i] as Label)) {
        const left = (missing.get(dependent) ?? 0) - 1;
        missing.set(dependent, left);
        if (left === 0) order.push(dependent);
      }
    }
    if (order.length !== this.tasks.size) throw new Error('BUG: a graph with a cycle or a missing task');
    return order;
  }
}

function distinct(labels: readonly Label[]): readonly Label[] {
  return labels.length < 2 ? labels : [...new Set(labels)];
}

/** One cycle as a closed path (`a → b → a` is `[a, b, a]`), or undefined. Dependencies that do not exist are passed over. */
export function findCycle(tasks: Iterable<Pick<Task, 'label' | 'dependsOn'>>): Label[] | undefined {
  const needs = new Map([...tasks].map((task) => [task.label, task.dependsOn]));
  const done = new Set<Label>();
  for (const start of needs.keys()) {
    if (done.has(start)) continue;
    const path: Label[] = [];
    const onPath = new Map<Label, number>();
    const next: Label[][] = [];
    const enter = (label: Label) => {
      onPath.set(label, path.length);
      path.push(label);
      next.push([...(needs.get(label) ?? [])]);
    };
    enter(start);
    while (path.length > 0) {
      const need = (next[next.length - 1] as Label[]).shift();
      if (need === undefined) {
        const label = path.pop() as Label;
        next.pop();
        onPath.delete(label);
        done.add(label);
      } else if (onPath.has(need)) {
        return [...path.slice(onPath.get(need)), need];
      } else if (needs.has(need) && !done.has(need)) {
        enter(need);
      }
    }
  }
  return undefined;
}

/**
 * The same labels in the same order, with the same dependencies, paths and kinds of recipe: what holds between the tasks
 * of the one holds between those of the other.
 */
export function sameShape(before: readonly Task[], after: readonly Task[]): boolean {
  return before.length === after.length && before.every((task, i) => hasShapeOf(task, after[i] as Task));
}

function hasShapeOf(a: Task, b: Task): boolean {
  if (a === b) return true;
  return (
    a.label === b.label &&
    a.recipe.kind === b.recipe.kind &&
    sameTexts(a.dependsOn, b.dependsOn) &&
    sameTexts(a.outputs, b.outputs) &&
    sameTexts(a.edits, b.edits) &&
    sameTexts(a.inputs, b.inputs)
  );
}

function sameTexts(a: readonly string[] | undefined, b: readonly string[] | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  return a.length === b.length && a.every((text, i) => text === b[i]);
}
