/** Runs old tests on new code and the other way round. Knows which files are tests; compares nothing. */

import type { Prepared } from '../../analysis/prepare.js';
import type { TaskRunner } from '../../build/task-runner.js';
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
  /** The whole project as recorded, and with everything that was regenerated. */
  readonly before: ObjectId;
  readonly after: ObjectId;
  /** False where a target has no record or could not be made. */
  readonly state: 'both' | 'not-recorded' | 'not-complete';
}

type Runner = Pick<TaskRunner, 'executor' | 'caller'>;

interface TestRun {
  readonly prepared: Prepared;
  readonly runner: Runner;
  readonly tree: ObjectId;
  /** 1 or 2. */
  readonly round: number;
}

/** `old-tests`: those as recorded on the new code; `new-tests`: the other way round. */
export async function crossTests(
  prepared: Prepared,
  runner: Runner,
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
  if (gatesOf(prepared).length === 0) return { state: 'no-gates', gates: [] };
  const tree = await project.objects.editTree(which === 'old-tests' ? after : before, changed);
  return {
    state: 'ran',
    gates: await runAll({ prepared, runner, tree, round: which === 'old-tests' ? 1 : 2 }),
  };
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

async function runAll({ prepared, runner, tree, round }: TestRun): Promise<CrossGate[]> {
  const network = [...prepared.targets].some((label) => prepared.project.graph.task(label).network);
  const outcomes: CrossGate[] = [];
  for (const [index, gate] of gatesOf(prepared).entries()) {
    // The number is a part of the log's name: no two of them share one.
    const run = { tree, gates: [gate], network, attempt: round * 100 + index };
    const judged = await runner.executor.runGates(run, runner.caller);
    const output = !judged.ok && 'output' in judged.failure ? judged.failure.output : undefined;
    outcomes.push({
      gate: gate.name,
      ok: judged.ok,
      ...(output?.log === undefined ? {} : { log: output.log }),
      ...(output === undefined ? {} : { tail: output.tail }),
    });
  }
  return outcomes;
}
