/** What OpenCode's errors mean for a build. Pure. */

import type { Failure, KeptOutput } from '../../../model/failure.js';
import { failureOfProblem } from '../../provider-problem.js';
import type { AssistantMessage } from '../client.js';
import type { SessionError } from './session-lifecycle.js';
import { errorText } from './session-transcript.js';

/** The failure of a session whose last message is this one; undefined when it came to its proper end. */
export function failureOfMessage(
  last: AssistantMessage | undefined,
  errorSeen: SessionError | undefined,
  provider: string,
  output: KeptOutput,
): Failure | undefined {
  const error = last?.error ?? (last?.finish === undefined ? errorSeen : undefined);
  if (error) return failureOfError(error, provider, output);
  if (last?.finish === 'stop') return undefined;
  const detail =
    last === undefined
      ? 'the model did not answer'
      : last.finish === 'length'
        ? 'the answer reached the largest size that the model allows'
        : `the model ended with ${last.finish ?? 'nothing'} instead of \`stop\``;
  return { kind: 'agent-error', detail, output };
}

export function failureOfError(error: SessionError, provider: string, output: KeptOutput): Failure {
  const detail = errorText(error);
  switch (error.name) {
    case 'ContextOverflowError':
      return { kind: 'context-overflow', detail, output };
    case 'ProviderAuthError':
      return { kind: 'provider-refused', provider, detail, output };
    case 'APIError': {
      const { statusCode: status, isRetryable, responseBody, message } = error.data;
      const problem = {
        text: `${message} ${responseBody ?? ''}`,
        ...(status === undefined ? {} : { status }),
      };
      const failure = failureOfProblem(problem, provider, output);
      return failure.kind === 'agent-error' && isRetryable
        ? { kind: 'provider-unavailable', provider, detail, output }
        : { ...failure, detail };
    }
    default:
      // Other errors have no status: only the text of the message shows a lost connection.
      return { ...failureOfProblem({ text: detail }, provider, output), detail };
  }
}
