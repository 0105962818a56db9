/** Sentences for sessions of agents that end early: limits and providers. */

import { needText } from '../../model/agents/agent-report.js';
import type { Failure } from '../../model/failure.js';
import type { Label } from '../../model/task.js';
import { minutes, plural } from '../style.js';
import { type FailureText, kept, list, say } from './failure-text.js';

export type SessionFailure = Extract<
  Failure,
  {
    kind:
      | 'agent-blocked'
      | 'needs'
      | 'stalled'
      | 'step-limit'
      | 'context-overflow'
      | 'provider-unavailable'
      | 'provider-refused';
  }
>;

export function describeSessionFailure(failure: SessionFailure, task?: Label): FailureText {
  switch (failure.kind) {
    case 'agent-blocked':
      return kept(
        'the agent reports that it cannot do the task',
        [
          ['because', failure.because],
          ['needs', failure.needs],
        ],
        failure.output,
        'change the spec, then build again',
      );
    case 'needs': {
      const grantable = failure.needs.some(({ kind }) => kind !== 'task' && kind !== 'contradiction');
      return say(
        'the agent asks for what its task does not allow',
        list(
          'asks',
          failure.needs.map((need) => `${needText(need)}: ${need.because}`),
        ),
        grantable
          ? `\`conductor approve ${task ?? '--list'}\` ${task === undefined ? 'shows it' : 'adds it to the spec'}; the work so far is kept`
          : 'change the spec, then build again; the work so far is kept',
      );
    }
    case 'stalled':
      return kept(
        'the session of the agent was idle for too long',
        [['for', minutes(failure.minutes)]],
        failure.output,
        'build again; for a slow model raise `limits.silenceMinutes` of the agent',
      );
    case 'step-limit':
      return kept(
        'the agent used all its steps without finishing',
        [['limit', plural(failure.limit, 'step')]],
        failure.output,
        'split the task, or raise `limits.steps` of the agent',
      );
    case 'context-overflow':
      return kept(
        "the task does not fit into the model's context window",
        [['reason', failure.detail]],
        failure.output,
        'split the task, or use a model with a larger context window',
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
        'build again later; finished work is kept',
      );
    case 'provider-refused':
      return kept(
        'the provider of the model refuses requests',
        [
          ['provider', failure.provider],
          ...(failure.status === undefined ? [] : [['status', String(failure.status)] as const]),
          ['reason', failure.detail],
        ],
        failure.output,
        'check the key and the quota, then build again; finished work is kept',
      );
  }
}
