/** What OpenCode's errors mean for a build. Pure. */

import type { Failure, KeptOutput } from '../../../model/failure.js';
import { isQuotaText } from '../../provider-problem.js';
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
      const { statusCode: status, isRetryable, responseBody } = error.data;
      const quota = isQuotaText(`${error.data.message} ${responseBody ?? ''}`);
      if (status === 401 || status === 402 || status === 403 || quota) {
        return {
          kind: 'provider-refused',
          provider,
          ...(status === undefined ? {} : { status }),
          detail,
          output,
        };
      }
      const passing = isRetryable || status === 429 || (status !== undefined && status >= 500);
      return passing
        ? { kind: 'provider-unavailable', provider, detail, output }
        : { kind: 'agent-error', detail, output };
    }
    default:
      return { kind: 'agent-error', detail, output };
  }
}
