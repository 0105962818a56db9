/** What OpenCode's errors mean for a build. Pure. */

import type { Failure, KeptOutput } from '../../../model/failure.js';
import { failureOfProblem } from '../../provider-problem.js';
import type { AssistantMessage } from '../client.js';
import { STEPS_REACHED } from '../server/pace.js';
import type { SessionError } from './session-lifecycle.js';
import { errorText } from './session-transcript.js';

export interface Asked {
  readonly provider: string;
  /** The limit of model calls. */
  readonly steps: number;
}

/** The failure of a provider whose answers are none: it may be asked again later, and the task is not to blame. */
export function fruitless({ provider }: Asked, output: KeptOutput): Failure {
  const detail = 'it answered several times in a row with nothing that can be read';
  return { kind: 'provider-unavailable', provider, detail, output };
}

/** The failure of a session whose last message is this one; undefined when it came to its proper end. */
export function failureOfMessage(
  last: AssistantMessage | undefined,
  errorSeen: SessionError | undefined,
  { provider, steps }: Asked,
  output: KeptOutput,
): Failure | undefined {
  const error = last?.error ?? (last?.finish === undefined ? errorSeen : undefined);
  if (error && errorText(error).includes(STEPS_REACHED)) return { kind: 'step-limit', limit: steps, output };
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
