/**
 * Decides which results of a build are published together, and which wait for what. Pure; the only place that decides it.
 *
 * `task`: every result is published. `build`: one task that is not up to date keeps everything back. `feature`: a result
 * waits while
 * - some task of its feature is not up to date, or waits itself,
 * - a task that it was built on waits, directly or not,
 * - a task that depends on it is not up to date or waits, and has older files in the checkout, which were built against
 *   what this result replaces. One that was never published cannot be broken, so it keeps nothing back.
 */

import type { Config } from '../../model/config.js';
import type { Label } from '../../model/task.js';
import type { TaskGraph } from '../../model/task-graph.js';

export interface UnitFacts {
  readonly mode: Config['publish'];
  readonly graph: TaskGraph;
  /** Tasks with a result that is not in the checkout yet. */
  readonly finished: ReadonlySet<Label>;
  /** Tasks that were asked for and failed, or were not tried. */
  readonly unfinished: ReadonlySet<Label>;
  /** Finished tasks whose files stand in the checkout already, as a person left them: only their record is written. */
  readonly standing: ReadonlySet<Label>;
  /** Results that an earlier build kept back, and what for. This build does not ask for them. */
  readonly heldBefore: ReadonlyMap<Label, readonly Label[]>;
  /** Whether the checkout has files that a former result of the task left. */
  isInCheckout(label: Label): boolean;
}

export interface PublishUnits {
  readonly published: ReadonlySet<Label>;
  /** Each result that waits, in the order of the graph, and the tasks that it waits for: at most `MAX_NAMED`. */
  readonly waiting: ReadonlyMap<Label, readonly Label[]>;
  /** Of these features nothing is published and nothing is removed. */
  readonly heldFeatures: ReadonlySet<string>;
  /** Nothing of the whole build is published or removed. */
  readonly isAllHeld: boolean;
}

/** Tasks that are named as what a result waits for. */
export const MAX_NAMED = 8;

export function publishUnits(facts: UnitFacts): PublishUnits {
  const { mode, graph, finished, standing, unfinished } = facts;
  const reached: ReadonlyMap<Label, Label> =
    mode === 'feature'
      ? reachedBy(facts)
      : new Map([...facts.heldBefore.keys()].map((label) => [label, label]));
  const isAllHeld = mode === 'build' && unfinished.size > 0;
  const unfinishedOf = byFeature(graph, unfinished);
  const published = new Set<Label>();
  const waiting = new Map<Label, readonly Label[]>();
  for (const label of graph.inOrder(finished)) {
    const root = reached.get(label);
    if (standing.has(label) || (root === undefined && !isAllHeld)) {
      published.add(label);
      continue;
    }
    const own = unfinishedOf.get(graph.task(label).feature);
    const others = isAllHeld
      ? graph.inOrder(unfinished).slice(0, MAX_NAMED)
      : root === undefined
        ? []
        : [root];
    waiting.set(label, facts.heldBefore.get(label) ?? own?.slice(0, MAX_NAMED) ?? others);
  }
  const heldFeatures = new Set(mode === 'feature' ? [...unfinishedOf.keys()] : []);
  if (mode === 'feature') for (const label of waiting.keys()) heldFeatures.add(graph.task(label).feature);
  return { published, waiting, heldFeatures, isAllHeld };
}

/** Every task that what is not up to date keeps back, with the task where that began. */
function reachedBy({
  graph,
  finished,
  unfinished,
  standing,
  heldBefore,
  isInCheckout,
}: UnitFacts): Map<Label, Label> {
  const reached = new Map<Label, Label>();
  const walk: Label[] = [];
  const reach = (label: Label, root: Label) => {
    if (reached.has(label) || standing.has(label)) return;
    reached.set(label, root);
    walk.push(label);
  };
  const members = byFeature(graph, finished);
  const spread = new Set<string>();
  for (const label of graph.inOrder(unfinished)) reach(label, label);
  for (const [label, on] of heldBefore) if (finished.has(label)) reach(label, on[0] ?? label);
  // The list grows while it is walked.
  for (const next of walk) {
    const root = reached.get(next) as Label;
    const { feature, dependsOn } = graph.task(next);
    const isOpen = unfinished.has(next);
    const waits = finished.has(next);
    // A task between two others that is up to date itself keeps only back what was built on the first.
    for (const dependent of graph.dependents(next)) reach(dependent, root);
    if (!isOpen && !waits) continue;
    if (isInCheckout(next)) for (const need of dependsOn) if (finished.has(need)) reach(need, root);
    if (heldBefore.has(next) || spread.has(feature)) continue;
    spread.add(feature);
    for (const member of members.get(feature) ?? []) reach(member, root);
  }
  return reached;
}

function byFeature(graph: TaskGraph, labels: Iterable<Label>): Map<string, Label[]> {
  const features = new Map<string, Label[]>();
  for (const label of graph.inOrder(labels)) {
    const { feature } = graph.task(label);
    const members = features.get(feature);
    if (members) members.push(label);
    else features.set(feature, [label]);
  }
  return features;
}
