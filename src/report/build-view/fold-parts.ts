/** What the folds of a build and of its tasks share: sums of usage, ended gates. */

import type { Usage } from '../../model/action.js';
import type { GateView } from '../../model/build-view.js';
import type { BuildEvent } from '../../model/event.js';

export function finishedGate(
  gates: readonly GateView[],
  event: Extract<BuildEvent, { type: 'gate.finished' }>,
): readonly GateView[] {
  const at = gates.findLastIndex((one) => one.gate === event.gate && one.ok === undefined);
  const before = gates[at] ?? { gate: event.gate, attempt: 1, from: event.at - event.ms };
  const done: GateView = {
    ...before,
    ms: event.ms,
    ok: event.ok,
    ...(event.log === undefined ? {} : { log: event.log }),
  };
  return at < 0 ? [...gates, done] : gates.with(at, done);
}

export function added(a: Usage, b: Usage): Usage {
  const sum: Record<string, number> = {};
  for (const usage of [a, b])
    for (const [key, value] of Object.entries(usage)) sum[key] = (sum[key] ?? 0) + (value ?? 0);
  return sum;
}
