/** Sentences for failures of a review. */

import type { Failure } from '../../model/failure.js';
import { type FailureText, list, say } from './failure-text.js';

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
