/** How long a running build will probably take: from the time that its tasks took before. Pure. */

import type { BuildHead, TaskView } from '../../model/build-view.js';
import type { Label } from '../../model/task.js';

/** Milliseconds; undefined when for most of what is left nothing is known. */
export function leftMs(
  head: Pick<BuildHead, 'workers'>,
  tasks: readonly TaskView[],
  durations: { get(label: Label): number | undefined },
  now: number,
): number | undefined {
  const open = tasks.filter(({ state }) => state !== 'done');
  if (open.length === 0) return undefined;
  const known = open.filter(({ label }) => durations.get(label) !== undefined);
  if (known.length * 2 < open.length) return undefined;
  const typical = known.reduce((sum, { label }) => sum + (durations.get(label) ?? 0), 0) / known.length;
  const each = open.map(({ label, state, startedAt }) => {
    const whole = durations.get(label) ?? typical;
    const gone = state === 'running' && startedAt !== undefined ? now - startedAt : 0;
    return Math.max(0, whole - gone);
  });
  const total = each.reduce((sum, ms) => sum + ms, 0);
  return Math.round(Math.max(total / (head.workers ?? 1), ...each));
}
