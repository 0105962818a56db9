/** Anthropic Messages (`/v1/messages`): its requests, the events of its streams, its errors. */

import { type ChatMessage, type ModelRequest, requestOf } from '../request.js';
import { callsOf, type Step } from '../step.js';
import {
  type ErrorAnswer,
  type ErrorStep,
  errorHeaders,
  namedCalls,
  namedEvent,
  objects,
  type Protocol,
  pieces,
  textPieces,
  tokensOf,
  wholeText,
} from './protocol.js';

export const anthropicMessages: Protocol = {
  read(parts) {
    const { body } = parts;
    if (!Array.isArray(body.messages)) return undefined;
    return requestOf(parts, 'messages', {
      model: String(body.model ?? ''),
      messages: [{ role: 'system', content: body.system }, ...objects(body.messages).map(messageOf)],
      tools: objects(body.tools).map((tool) => ({
        type: 'function',
        function: { name: String(tool.name), parameters: tool.input_schema },
      })),
      stream: body.stream === true,
      maxTokens: body.max_tokens,
    });
  },
  stream,
  whole,
  error,
};

/** Results of tools come in the user's name; they are none of the user's words. */
function messageOf(message: Readonly<Record<string, unknown>>): ChatMessage {
  const isResult = objects(message.content).some((part) => part.type === 'tool_result');
  return { role: isResult ? 'tool' : String(message.role), content: message.content };
}

function* stream(request: ModelRequest, step: Step): Generator<string> {
  const usage = usageOf(request, step);
  const message = { ...head(request), content: [], stop_reason: null, stop_sequence: null };
  // As from Anthropic: the tokens of the answer are only known at its end.
  yield namedEvent('message_start', { message: { ...message, usage: { ...usage, output_tokens: 1 } } });
  let index = 0;
  function* block(content_block: object, deltas: Iterable<object>): Generator<string> {
    yield namedEvent('content_block_start', { index, content_block });
    for (const delta of deltas) yield namedEvent('content_block_delta', { index, delta });
    yield namedEvent('content_block_stop', { index });
    index += 1;
  }
  if (step.think !== undefined) {
    const thoughts = [...pieces(step.think)].map((thinking) => ({ type: 'thinking_delta', thinking }));
    const signature = { type: 'signature_delta', signature: 'c2NyaXB0ZWQ=' };
    yield* block({ type: 'thinking', thinking: '', signature: '' }, [...thoughts, signature]);
  }
  if (wholeText(step) !== '') {
    const texts = [...textPieces(step)].map((text) => ({ type: 'text_delta', text }));
    yield* block({ type: 'text', text: '' }, texts);
  }
  for (const { id, name, args } of namedCalls(request, step)) {
    const inputs = [...pieces(args)].map((partial_json) => ({ type: 'input_json_delta', partial_json }));
    yield* block({ type: 'tool_use', id, name, input: {} }, inputs);
  }
  yield namedEvent('message_delta', { delta: { stop_reason: stopOf(step), stop_sequence: null }, usage });
  yield namedEvent('message_stop', {});
}

function whole(request: ModelRequest, step: Step): string {
  const text = wholeText(step);
  return JSON.stringify({
    ...head(request),
    content: [
      ...(step.think === undefined
        ? []
        : [{ type: 'thinking', thinking: step.think, signature: 'c2NyaXB0ZWQ=' }]),
      ...(text === '' ? [] : [{ type: 'text', text }]),
      ...namedCalls(request, step).map(({ id, name, args }) => ({
        type: 'tool_use',
        id,
        name,
        input: parsed(args),
      })),
    ],
    stop_reason: stopOf(step),
    stop_sequence: null,
    usage: usageOf(request, step),
  });
}

/** A complete answer cannot contain broken JSON; the text is sent unchanged. */
function parsed(args: string): unknown {
  try {
    return JSON.parse(args);
  } catch {
    return args;
  }
}

function head(request: ModelRequest): object {
  return { id: `msg_${request.index}`, type: 'message', role: 'assistant', model: request.model };
}

function usageOf(request: ModelRequest, step: Step) {
  const { input, cached, output, reasoning } = tokensOf(request, step);
  return {
    input_tokens: input,
    cache_creation_input_tokens: 0,
    cache_read_input_tokens: cached,
    output_tokens: output + reasoning,
  };
}

function stopOf(step: Step): string {
  switch (step.finish) {
    case 'length':
      return 'max_tokens';
    case 'content_filter':
      return 'refusal';
    case 'tool_calls':
      return 'tool_use';
    case 'stop':
      return 'end_turn';
    default:
      return callsOf(step).length > 0 ? 'tool_use' : 'end_turn';
  }
}

function error(step: ErrorStep): ErrorAnswer {
  const [type, message] = words(step);
  return {
    status: step.status,
    headers: { ...errorHeaders(step), 'request-id': 'req_scripted' },
    body: JSON.stringify({ type: 'error', error: { type, message: step.say ?? message } }),
  };
}

function words(step: ErrorStep): readonly [string, string] {
  if (step.overflow) return ['invalid_request_error', 'prompt is too long: 250000 tokens > 200000 maximum'];
  if (step.quota) {
    return [
      'invalid_request_error',
      'Your credit balance is too low to access the Anthropic API. Please go to Plans & Billing to upgrade or purchase credits.',
    ];
  }
  switch (step.status) {
    case 401:
      return ['authentication_error', 'invalid x-api-key'];
    case 402:
      return ['billing_error', 'Your payment failed.'];
    case 403:
      return ['permission_error', 'Your API key does not have permission to use the specified resource.'];
    case 429:
      return ['rate_limit_error', 'This request would exceed your rate limit.'];
    case 529:
      return ['overloaded_error', 'Overloaded'];
    default:
      return step.status >= 500
        ? ['api_error', 'Internal server error']
        : ['invalid_request_error', `The request was refused (${step.status}).`];
  }
}
