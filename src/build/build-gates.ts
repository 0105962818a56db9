/** The gates of the merged tree: which of them must run, and running them. Publishes nothing. */

import { type CommandSettings, settingsFor } from '../analysis/command-settings.js';
import type { Prepared } from '../analysis/prepare.js';
import { err, ok, type Result } from '../base/result.js';
import { digestFields } from '../model/digest.js';
import type { Failure } from '../model/failure.js';
import { patternSet } from '../model/paths/pattern-set.js';
import type { GateSpec } from '../model/task.js';
import { digestFiles, type Entry, type Listing, type ObjectId } from '../model/tree.js';
import { lockFiles } from '../project/project.js';
import type { SessionState } from './session-state.js';
import type { TaskRunner } from './task-runner.js';

export interface MergedWork {
  readonly tree: ObjectId;
  /** Whether all tasks are done. */
  readonly complete: boolean;
  /** Whether more than records is published. */
  readonly changesFiles: boolean;
}

/**
 * Runs the build gates that have not passed on this tree. Where some task is not done and nothing is published, the tree
 * is the checkout as it was, and the build has failed anyway: then they are not run.
 */
export async function runBuildGates(
  { project, store, settings }: Prepared,
  { executor, caller }: Pick<TaskRunner, 'executor' | 'caller'>,
  { tree, complete, changesFiles }: MergedWork,
  /** Of builds before, in the same process. */
  { failed }: Pick<SessionState, 'failed'> = { failed: new Map() },
): Promise<Result<undefined, Failure>> {
  const gates = project.config.gates.build;
  if (gates.length === 0 || !(complete || changesFiles)) return ok(undefined);
  const listing = await project.objects.list(tree);
  const due: { gate: GateSpec; key: string }[] = [];
  for (const gate of gates) {
    const key = buildGateKey(gate, { listing, locks: lockFiles(project), settings });
    if (!(await store.gatesPassed(key))) due.push({ gate, key });
  }
  if (due.length === 0) return ok(undefined);
  for (const { key } of due) {
    const failure = failed.get(key);
    if (failure) return err({ kind: 'failed-before', failure });
  }
  const run = { tree, gates: due.map(({ gate }) => gate), network: false, attempt: 1 };
  const judged = await executor.runGates(run, caller);
  if (!judged.ok) {
    const at = due.find(({ gate }) => 'gate' in judged.failure && judged.failure.gate === gate.name);
    if (at) failed.set(at.key, judged.failure);
    return err(judged.failure);
  }
  for (const { key } of due) await store.recordGates(key);
  return ok(undefined);
}

/** The command, the files that it may read (its declared inputs, else everything but the lock files), and what it gets beside. */
function buildGateKey(
  gate: GateSpec,
  {
    listing,
    locks,
    settings,
  }: {
    readonly listing: Listing;
    readonly locks: ReadonlySet<string>;
    readonly settings: CommandSettings;
  },
): string {
  const paths = gate.inputs ? patternSet(gate.inputs).select(listing) : listing.paths;
  const files = paths
    .filter((path) => !locks.has(path))
    .map((path) => [path, listing.get(path) as Entry] as const);
  const command = typeof gate.command === 'string' ? gate.command : JSON.stringify(gate.command);
  const seen = new Set(paths);
  const beside = settingsFor(settings, (path) => seen.has(path)).flatMap(({ name, value }) => [name, value]);
  return digestFields('conductor.build-gate.1', [command, digestFiles(files), ...beside]);
}
