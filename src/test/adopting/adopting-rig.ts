/** Adopts, disowns, moves and removes in the project of a rig. Knows no test's story. */

import { ScriptedAgent } from '../../agent/scripted-agent.js';
import { type Adopted, type AdoptRequest, adopt } from '../../commands/adopt/adopt.js';
import type { BuildEvent } from '../../model/event.js';
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
