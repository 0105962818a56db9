/**
 * Work of an agent that ends with a process of conductor's own or with a server, by no fault of its own: it starts again within the
 * attempt, which does not count as failed. Knows no driver.
 */

import type { AgentRequest } from '../agent.js';

/** Starts of one attempt: its first and those after a loss. */
export const MAX_STARTS = 3;

export interface LostWork {
  readonly kind: 'lost';
  /** What has ended, for people. */
  readonly detail: string;
}

/** How the work ends that `start` does; it is lost if that is so at the last start, and cancelled if nobody waits for another one. */
export async function throughLosses<End extends { readonly kind: string }>(
  request: Pick<AgentRequest, 'signal' | 'reset'>,
  start: () => Promise<End | LostWork>,
  say: (line: string) => void,
): Promise<End | LostWork | { readonly kind: 'cancelled' }> {
  for (let starts = 1; ; starts++) {
    const end = await start();
    if (!isLost(end)) return end;
    if (request.signal.aborted) return { kind: 'cancelled' };
    if (starts === MAX_STARTS) return end;
    say(`${end.detail}: the work starts again on a new one`);
    await request.reset();
  }
}

function isLost(end: { readonly kind: string }): end is LostWork {
  return end.kind === 'lost';
}
