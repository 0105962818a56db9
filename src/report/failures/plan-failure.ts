/** Sentences for rejected plans, and for plans that conflict with a person's changes. */

import type { Failure } from '../../model/failure.js';
import { type FailureText, list, say } from './failure-text.js';

export type PlanFailure = Extract<Failure, { kind: 'invalid-plan' | 'plan-conflict' }>;

export function describePlanFailure(failure: PlanFailure): FailureText {
  if (failure.kind === 'invalid-plan') {
    return {
      ...say(
        "the planner's document is not valid",
        failure.kept === undefined ? [] : [['kept', failure.kept]],
        'run the command again, or correct the kept file and copy it into place',
      ),
      diagnostics: failure.diagnostics,
    };
  }
  return {
    ...say(
      'the new plan and you changed the same parts, so nothing was written',
      [
        ...list(
          'yours',
          failure.files.map(({ path, entries }) =>
            entries.length === 0 ? path : `${path}: ${entries.join(', ')}`,
          ),
        ),
        ['proposed', failure.kept],
      ],
      'copy what you want from the proposed files, or replace yours with `--discard-edits`',
    ),
    block: failure.diff,
  };
}
