/** The bytes of an answer in the OpenAI chat format: chunks of a stream, a whole body, errors. Sends nothing. */

import { type ModelRequest, textOf } from './request.js';
import { callsOf, type Step } from './step.js';

/** Characters that are reckoned as one token where a step does not say. */
const CHARACTERS_PER_TOKEN = 4;
/** Long texts come in pieces, as from a real model. */
const PIECE = 2_000;

export interface ErrorAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** An error as OpenAI words it, so that a client tells the kinds apart as it would for real. */
export function errorAnswer(step: Step & { readonly status: number }): ErrorAnswer {
  const [type, code, message] = errorWords(step);
  return {
    status: step.status,
    headers: {
      'content-type': 'application/json',
      ...(step.retryAfter === undefined ? {} : { 'retry-after': String(step.retryAfter) }),
    },
    body: JSON.stringify({ error: { message: step.say ?? message, type, param: null, code } }),
  };
}

function errorWords(step: Step & { readonly status: number }): readonly [string, string | null, string] {
  if (step.overflow) {
    return [
      'invalid_request_error',
      'context_length_exceeded',
      "This model's maximum context length is 128000 tokens. However, your messages resulted in 150000 tokens. Please reduce the length of the messages.",
    ];
  }
  if (step.quota) {
    return [
      'insufficient_quota',
      'insufficient_quota',
      'You exceeded your current quota, please check your plan and billing details.',
    ];
  }
  if (step.status === 401) {
    return ['invalid_request_error', 'invalid_api_key', 'Incorrect API key provided.'];
  }
  if (step.status === 429) return ['requests', 'rate_limit_exceeded', 'Rate limit reached for requests.'];
  if (step.status >= 500) return ['server_error', null, 'The server had an error processing your request.'];
  return ['invalid_request_error', null, `The request was refused (${step.status}).`];
}

/** The `usage` of an answer; the parts of a step's usage are summed as OpenAI does. */
export function usageOf(request: ModelRequest, step: Step): Readonly<Record<string, unknown>> {
  const given = step.usage ?? {};
  const tokens = (characters: number): number => Math.ceil(characters / CHARACTERS_PER_TOKEN);
  const said = (step.say ?? '').length + (step.flood ?? 0) + JSON.stringify(callsOf(step)).length - 2;
  const cached = given.cached ?? 0;
  const reasoning = given.reasoning ?? tokens((step.think ?? '').length);
  const prompt =
    cached + (given.input ?? tokens(request.messages.reduce((sum, one) => sum + textOf(one).length, 0)));
  const completion = reasoning + (given.output ?? tokens(said));
  return {
    prompt_tokens: prompt,
    completion_tokens: completion,
    total_tokens: prompt + completion,
    prompt_tokens_details: { cached_tokens: cached },
    completion_tokens_details: { reasoning_tokens: reasoning },
  };
}

function finishOf(step: Step): string {
  return step.finish ?? (callsOf(step).length > 0 ? 'tool_calls' : 'stop');
}

function toolCalls(request: ModelRequest, step: Step): readonly ToolCallBody[] {
  return callsOf(step).map((one, index) => ({
    // Unique over the server's life: an agent keeps the calls of a session by this id.
    id: `call_${request.index}_${index}`,
    type: 'function',
    function: {
      name: one.call,
      arguments: typeof one.args === 'string' ? one.args : JSON.stringify(one.args ?? {}),
    },
  }));
}

interface ToolCallBody {
  readonly id: string;
  readonly type: 'function';
  readonly function: { readonly name: string; readonly arguments: string };
}

/** The answer as server-sent events, one after the other, the last one `[DONE]`. */
export function* streamOf(request: ModelRequest, step: Step): Generator<string> {
  const event = (choices: readonly unknown[], more: object = {}): string =>
    `data: ${JSON.stringify({ ...head(request, 'chat.completion.chunk'), choices, ...more })}\n\n`;
  const delta = (one: object): string => event([{ index: 0, delta: one, finish_reason: null }]);
  yield delta({ role: 'assistant', content: '' });
  for (const piece of pieces(step.think ?? '')) yield delta({ reasoning_content: piece });
  for (const piece of pieces(step.say ?? '')) yield delta({ content: piece });
  for (let left = step.flood ?? 0; left > 0; left -= PIECE) {
    yield delta({ content: 'x'.repeat(Math.min(left, PIECE)) });
  }
  for (const [index, call] of toolCalls(request, step).entries()) {
    const { name, arguments: args } = call.function;
    yield delta({ tool_calls: [{ index, ...call, function: { name, arguments: '' } }] });
    for (const piece of pieces(args)) {
      yield delta({ tool_calls: [{ index, function: { arguments: piece } }] });
    }
  }
  yield event([{ index: 0, delta: {}, finish_reason: finishOf(step) }]);
  yield event([], { usage: usageOf(request, step) });
  yield 'data: [DONE]\n\n';
}

/** The answer as one body, for a request without `stream`. */
export function bodyOf(request: ModelRequest, step: Step): string {
  const calls = toolCalls(request, step);
  const content = (step.say ?? '') + 'x'.repeat(step.flood ?? 0);
  return JSON.stringify({
    ...head(request, 'chat.completion'),
    choices: [
      {
        index: 0,
        message: {
          role: 'assistant',
          content: content === '' && calls.length > 0 ? null : content,
          ...(step.think === undefined ? {} : { reasoning_content: step.think }),
          ...(calls.length === 0 ? {} : { tool_calls: calls }),
        },
        finish_reason: finishOf(step),
      },
    ],
    usage: usageOf(request, step),
  });
}

function head(request: ModelRequest, object: string): object {
  return { id: `chatcmpl-${request.index}`, object, created: 0, model: request.model };
}

function* pieces(text: string): Generator<string> {
  for (let at = 0; at < text.length; at += PIECE) yield text.slice(at, at + PIECE);
}
