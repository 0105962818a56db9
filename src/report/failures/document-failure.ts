/** Sentences for what agents say about work: rejected plans, plans that conflict with a person's changes, reviews. */

import type { Failure } from '../../model/failure.js';
import { type FailureText, list, say } from './failure-text.js';

export type PlanFailure = Extract<Failure, { kind: 'invalid-plan' | 'plan-conflict' }>;

export function describePlanFailure(failure: PlanFailure): FailureText {
  if (failure.kind === 'invalid-plan') {
    return {
      ...say(
        "the planner's document is not valid",
        failure.kept === undefined ? [] : [['kept', failure.kept]],
        failure.kept === undefined || failure.kept.endsWith('/')
          ? 'run the command again, or correct the kept file and copy it into place'
          : 'run the command again: it goes on from the kept file, which you can correct before; `--fresh` starts from the beginning',
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

type ReviewFailure = Extract<Failure, { kind: 'review-rejected' | 'review-failed' }>;

export function describeReviewFailure(failure: ReviewFailure): FailureText {
  if (failure.kind === 'review-failed') {
    const inner = failure.failure;
    const why = 'detail' in inner ? `${inner.kind}: ${inner.detail}` : inner.kind;
    const log = 'output' in inner && inner.output.log !== undefined ? list('log', [inner.output.log]) : [];
    return say(
      'the reviewer gave no valid answer, so the work is not approved',
      [['reason', why], ...log],
      'build again, or remove `review` from the task or the config',
    );
  }
  const findings = failure.findings.map(({ severity, file, line, what }) => {
    const place = file === undefined ? '' : `${file}${line === undefined ? '' : `:${line}`}: `;
    return `${severity}: ${place}${what}`;
  });
  return say(
    'the reviewer rejected the work, although its gates passed',
    list('findings', findings),
    'describe in the task what is missing, or better: write a gate that checks it',
  );
}
