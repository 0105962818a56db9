/** Runs one generation's tests on the other one's code. Knows which files are tests; compares nothing. */

import type { Prepared } from '../../analysis/prepare.js';
import { type GateContext, runGates } from '../../execution/gates.js';
import type { CrossGate, CrossTests } from '../../model/regeneration.js';
import type { GateSpec, Task } from '../../model/task.js';
import { type Entry, type ObjectId, sameEntry } from '../../model/tree.js';

const TEST_PATHS = [
  /(^|\/)(tests?|__tests__|specs?)\//,
  /[._-](test|spec)\.[^/.]+$/,
  /(^|\/)test_[^/]+\.py$/,
  /(^|\/)[^/]+Tests?\.[^/]+$/,
];

/** Whether a file tests others: by its name, or because its task is one that writes tests. */
export function isTest(path: string, owner: Pick<Task, 'type'> | undefined): boolean {
  return owner?.type === 'test' || TEST_PATHS.some((form) => form.test(path));
}

export interface Generations {
  /** The whole project as recorded, and with everything that was made anew. */
  readonly before: ObjectId;
  readonly after: ObjectId;
  /** False where a target has no record or could not be made. */
  readonly state: 'both' | 'not-recorded' | 'not-complete';
}

/** `old-tests`: those as recorded on the new code; `new-tests`: the other way round. */
export async function crossTests(
  prepared: Prepared,
  context: GateContext,
  { before, after, state }: Generations,
  which: 'old-tests' | 'new-tests',
): Promise<CrossTests> {
  if (state !== 'both') return { state, gates: [] };
  const { project } = prepared;
  const old = await project.objects.list(before);
  const now = await project.objects.list(after);
  const [code, tests] = which === 'old-tests' ? [now, old] : [old, now];
  const changed = new Map<string, Entry | undefined>();
  let count = 0;
  for (const path of new Set([...old.paths, ...now.paths])) {
    const owner = project.ownership.ownerOf(path);
    if (owner === undefined || !isTest(path, project.graph.task(owner))) continue;
    count++;
    if (!sameEntry(code.get(path), tests.get(path))) changed.set(path, tests.get(path));
  }
  if (count === 0) return { state: 'no-tests', gates: [] };
  // The recorded tests have passed on the recorded code: there is nothing to learn.
  if (before === after || (which === 'new-tests' && changed.size === 0))
    return { state: 'same-tests', gates: [] };
  const gates = gatesOf(prepared);
  if (gates.length === 0) return { state: 'no-gates', gates: [] };
  const tree = await project.objects.editTree(which === 'old-tests' ? after : before, changed);
  return { state: 'ran', gates: await runAll(prepared, context, tree, gates, which === 'old-tests' ? 1 : 2) };
}

/** Every gate of the targets, of what depends on them, and of the whole, once. */
function gatesOf({ project, targets }: Prepared): GateSpec[] {
  const concerned = project.graph.order.filter((label) => {
    const needs = project.graph.transitiveDependencies(label);
    return targets.has(label) || [...needs].some((need) => targets.has(need));
  });
  const all = concerned.flatMap((label) => project.graph.task(label).verify);
  const gates = new Map<string, GateSpec>();
  for (const gate of [...all, ...project.config.gates.task, ...project.config.gates.build])
    gates.set(JSON.stringify(gate.command), gate);
  return [...gates.values()];
}

async function runAll(
  prepared: Prepared,
  context: GateContext,
  tree: ObjectId,
  gates: readonly GateSpec[],
  round: number,
): Promise<CrossGate[]> {
  const opened = await context.pool.acquire(tree);
  if (!opened.ok) return gates.map((gate) => ({ gate: gate.name, ok: false }));
  const network = [...prepared.targets].some((label) => prepared.project.graph.task(label).network);
  const outcomes: CrossGate[] = [];
  try {
    for (const [index, gate] of gates.entries()) {
      if (index > 0) await context.pool.show(opened.value, tree);
      // The number is a part of the log's name: no two of them share one.
      const attempt = round * 100 + index;
      const job = { gates: [gate], workspace: opened.value, tree, network, attempt };
      const judged = await runGates(context, job);
      const output = !judged.ok && 'output' in judged.failure ? judged.failure.output : undefined;
      outcomes.push({
        gate: gate.name,
        ok: judged.ok,
        ...(output?.log === undefined ? {} : { log: output.log }),
        ...(output === undefined ? {} : { tail: output.tail }),
      });
    }
  } finally {
    await context.pool.release(opened.value);
  }
  return outcomes;
}
