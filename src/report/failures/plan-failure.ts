/** Sentences for plans that were refused, and for those that meet a person's changes. */

import type { Failure } from '../../model/failure.js';
import { type FailureText, list, say } from './failure-text.js';

export type PlanFailure = Extract<Failure, { kind: 'invalid-plan' | 'plan-conflict' }>;

export function describePlanFailure(failure: PlanFailure): FailureText {
  if (failure.kind === 'invalid-plan') {
    return {
      ...say(
        'what the planner wrote cannot be taken',
        failure.kept === undefined ? [] : [['kept', failure.kept]],
        'run the command again for another try, or write the file yourself from what was kept',
      ),
      diagnostics: failure.diagnostics,
    };
  }
  return {
    ...say(
      'the new plan changes what you have changed, so nothing was written',
      [
        ...list(
          'yours',
          failure.files.map(({ path, entries }) =>
            entries.length === 0 ? path : `${path}: ${entries.join(', ')}`,
          ),
        ),
        ['proposed', failure.kept],
      ],
      'take over what you want of the proposed files, or let them replace yours with `--discard-edits`',
    ),
    block: failure.diff,
  };
}
