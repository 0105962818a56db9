/** Holds what OpenCode's errors mean for a build. */

import { expect, test } from 'vitest';
import type { AssistantMessage } from '../client.js';
import { STEPS_REACHED } from '../server/pace.js';
import { failureOfError, failureOfMessage } from './opencode-failure.js';
import type { SessionError } from './session-lifecycle.js';

const output = { tail: '' };
const asked = { provider: 'acme', steps: 60 };
const kind = (error: SessionError) => failureOfError(error, 'acme', output).kind;
const api = (statusCode: number | undefined, isRetryable: boolean, message = 'x', responseBody = '') =>
  kind({
    name: 'APIError',
    data: { message, isRetryable, responseBody, ...(statusCode === undefined ? {} : { statusCode }) },
  });

test('a refusal is told from an outage and from a mistake', () => {
  expect(api(401, false)).toBe('provider-refused');
  expect(api(402, false)).toBe('provider-refused');
  expect(api(403, false)).toBe('provider-refused');
  expect(api(429, true, 'Too many', '{"error":{"code":"insufficient_quota"}}')).toBe('provider-refused');
  expect(api(429, true, 'Too many')).toBe('provider-unavailable');
  expect(api(503, true)).toBe('provider-unavailable');
  expect(api(undefined, true, 'Unable to connect')).toBe('provider-unavailable');
  expect(api(400, false)).toBe('agent-error');
  expect(kind({ name: 'ProviderAuthError', data: { providerID: 'acme', message: 'x' } })).toBe(
    'provider-refused',
  );
  expect(kind({ name: 'ContextOverflowError', data: { message: 'x' } })).toBe('context-overflow');
  expect(api(400, false, 'prompt is too long: 250000 tokens > 200000 maximum')).toBe('context-overflow');
  expect(api(429, true, "You've hit your usage limit. Try again at 5 PM.")).toBe('provider-unavailable');
  expect(kind({ name: 'UnknownError', data: { message: 'x' } })).toBe('agent-error');
  expect(kind({ name: 'UnknownError', data: { message: 'socket hang up' } })).toBe('provider-unavailable');
});

test('only a stop is a proper end', () => {
  const last = (more: Partial<AssistantMessage>) =>
    failureOfMessage(more as AssistantMessage, undefined, asked, output);
  expect(last({ finish: 'stop' })).toBeUndefined();
  for (const finish of ['length', 'content-filter', 'tool-calls', undefined]) {
    expect(last(finish === undefined ? {} : { finish })).toMatchObject({ kind: 'agent-error' });
  }
  expect(failureOfMessage(undefined, undefined, asked, output)).toMatchObject({
    kind: 'agent-error',
  });
  const unknown = { name: 'UnknownError', data: { message: 'no such model\n  at stack' } } as const;
  expect(failureOfMessage(undefined, unknown, asked, output)).toMatchObject({
    detail: 'UnknownError: no such model',
  });
  const limit = { name: 'UnknownError', data: { message: STEPS_REACHED } } as const;
  expect(failureOfMessage(undefined, limit, asked, output)).toMatchObject({ kind: 'step-limit', limit: 60 });
});
