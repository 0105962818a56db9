/** Adopts, disowns, moves and removes in the project of a rig. Knows no test's story. */

import { ScriptedAgent } from '../../agent/scripted-agent.js';
import { type Adopted, type AdoptRequest, adopt } from '../../commands/adopt/adopt.js';
import { disown } from '../../commands/adopt/disown.js';
import { move } from '../../commands/move/move.js';
import { remove } from '../../commands/move/remove.js';
import type { RewritingOptions } from '../../commands/move/rewriting-run.js';
import type { BuildEvent, BuildSummary } from '../../model/event.js';
import type { Failure } from '../../model/failure.js';
import type { Rig } from '../rig/rig.js';

export interface Told<T> {
  readonly done: T;
  /** The first failure. */
  readonly failure: Failure | undefined;
  readonly warnings: readonly string[];
}

export async function told<T>(
  work: (on: (event: BuildEvent) => void, signal: AbortSignal) => Promise<T>,
): Promise<Told<T>> {
  let failure: Failure | undefined;
  const warnings: string[] = [];
  const done = await work((event) => {
    if (event.type === 'build.failure' || event.type === 'task.finished') failure ??= event.failure;
    if (event.type === 'warning') warnings.push(event.message);
  }, new AbortController().signal);
  return { done, failure, warnings };
}

/** No agent may be called. */
export function silentHost(rig: Rig) {
  return rig.host(new ScriptedAgent({ tripwire: true }));
}

export function adoptIn(
  rig: Rig,
  paths: readonly string[],
  request: Partial<AdoptRequest> = {},
): Promise<Told<Adopted>> {
  const whole = { paths, as: undefined, detectsGates: true, wait: true, command: 'conductor adopt' };
  return told((on, signal) => adopt(silentHost(rig), { ...whole, ...request }, on, signal));
}

type Quiet = Partial<Omit<RewritingOptions, 'on' | 'signal'>>;

function rewritingTold<T>(
  work: (
    options: RewritingOptions,
  ) => Promise<{ readonly rewritten: T | undefined; readonly summary: BuildSummary }>,
  options: Quiet,
) {
  return told((on, signal) =>
    work({ wait: true, dryRun: false, command: 'conductor', ...options, on, signal }),
  );
}

export function disownIn(rig: Rig, targets: readonly string[], options: Quiet = {}) {
  const named = targets.map((name) => ({ name, path: name }));
  return rewritingTold((all) => disown(silentHost(rig), named, all), options);
}

export function moveIn(rig: Rig, from: string, to: string, options: Quiet = {}) {
  return rewritingTold((all) => move(silentHost(rig), { from, to, paths: [from, to] }, all), options);
}

export function removeIn(
  rig: Rig,
  targets: readonly string[],
  options: Quiet & { readonly force?: boolean } = {},
) {
  const { force = false, ...quiet } = options;
  return rewritingTold((all) => remove(silentHost(rig), { targets, force }, all), quiet);
}
