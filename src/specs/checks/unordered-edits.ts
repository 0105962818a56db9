/** Tasks that patch one file without a dependency between them. A warning: the order of their lines is then conductor's. */

import { compareBytes } from '../../base/order.js';
import type { Label } from '../../model/task.js';
import type { TaskGraph } from '../../model/task-graph.js';
import type { SpecProblem } from '../problem.js';

/** One for each file, at the first task that has no order with one before it. */
export function unorderedEdits(graph: TaskGraph): SpecProblem[] {
  return [...editorsInOrder(graph, graph.order)]
    .sort(([a], [b]) => compareBytes(a, b))
    .flatMap(([path, labels]): SpecProblem[] => {
      const pair = firstUnordered(graph, labels);
      if (!pair) return [];
      const [before, label] = pair;
      const { source, edits } = graph.task(label);
      return [
        {
          file: source.file,
          path: [...source.path, 'edits', edits.indexOf(path)],
          message: `${before} and ${label} both patch \`${path}\`, and neither depends on the other`,
          hint: `if one needs the lines of the other, add it to \`depends_on\`; otherwise conductor puts them in the order ${before}, ${label}`,
        },
      ];
    });
}

/** By edited file those of the tasks that edit it, in the order of the graph. */
export function editorsInOrder(
  graph: TaskGraph,
  labels: Iterable<Label>,
): ReadonlyMap<string, readonly Label[]> {
  const editors = new Map<string, Label[]>();
  for (const label of graph.inOrder(new Set(labels))) {
    for (const path of graph.task(label).edits) {
      const others = editors.get(path);
      if (others) others.push(label);
      else editors.set(path, [label]);
    }
  }
  return editors;
}

/** Two tasks without an order; each depends on all before it when there are none. `labels` are in the order of the graph. */
export function firstUnordered(
  graph: TaskGraph,
  labels: readonly Label[],
): readonly [Label, Label] | undefined {
  for (const [at, label] of labels.entries()) {
    const previous = labels[at - 1];
    // In the order of the graph a chain has each one depend on the one before it.
    if (previous !== undefined && !graph.transitiveDependencies(label).has(previous))
      return [previous, label];
  }
  return undefined;
}
