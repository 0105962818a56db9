/** Sentences for what ends an agent's session from outside: its limits and its provider. */

import type { Failure } from '../../model/failure.js';
import { plural } from '../style.js';
import { type FailureText, kept, minutes } from './failure-text.js';

export type SessionFailure = Extract<
  Failure,
  {
    kind:
      | 'agent-blocked'
      | 'stalled'
      | 'step-limit'
      | 'context-overflow'
      | 'provider-unavailable'
      | 'provider-refused';
  }
>;

export function describeSessionFailure(failure: SessionFailure): FailureText {
  switch (failure.kind) {
    case 'agent-blocked':
      return kept(
        'the agent says that the task cannot be done as it stands',
        [
          ['because', failure.because],
          ['needs', failure.needs],
        ],
        failure.output,
        'change the spec accordingly, then build again',
      );
    case 'stalled':
      return kept(
        'the agent gave no sign of life',
        [['for', minutes(failure.minutes)]],
        failure.output,
        'build again; for a slow model raise `limits.silenceMinutes` of the agent',
      );
    case 'step-limit':
      return kept(
        'the agent used up its steps without an end',
        [['limit', plural(failure.limit, 'step')]],
        failure.output,
        'split the task, or raise `limits.steps` of the agent',
      );
    case 'context-overflow':
      return kept(
        "the task does not fit into the model's context",
        [['reason', failure.detail]],
        failure.output,
        'split the task, or take a model with a larger context',
      );
    case 'provider-unavailable':
      return kept(
        'the provider of the model does not answer',
        [
          ['provider', failure.provider],
          ['reason', failure.detail],
          ...(failure.waitMinutes === undefined
            ? []
            : [['asks to wait', minutes(failure.waitMinutes)] as const]),
        ],
        failure.output,
        'build again later: what has finished is kept',
      );
    case 'provider-refused':
      return kept(
        'the provider of the model refuses to answer',
        [
          ['provider', failure.provider],
          ...(failure.status === undefined ? [] : [['status', String(failure.status)] as const]),
          ['reason', failure.detail],
        ],
        failure.output,
        'check its key and its quota, then build again: what has finished is kept',
      );
  }
}
