/** Which failures are worth another attempt. Pure; makes none. */

import type { Failure } from '../model/failure.js';
import type { TaskRun } from '../model/run.js';

/** Only an agent's bad work is worth another try: the same command gives the same output. `attempts` are behind it. */
export function mayTryAgain(run: Pick<TaskRun, 'recipe'>, attempts: number, failure: Failure): boolean {
  if (run.recipe.kind !== 'agent' || attempts >= run.recipe.attempts) return false;
  switch (failure.kind) {
    case 'cancelled':
    case 'agent-missing':
    case 'agent-blocked':
    case 'no-agent':
    case 'context-overflow':
    case 'provider-unavailable':
    case 'provider-refused':
    case 'budget-exceeded':
    case 'budget-unknown-price':
    case 'setup-failed':
    case 'disk-full':
    case 'gate-missing-program':
    case 'bug':
      return false;
    default:
      return true;
  }
}
