/** The OpenAI chat format (`/v1/chat/completions`): its requests, the chunks of its streams, its errors. */

import { type ChatMessage, type ChatTool, type ModelRequest, requestOf } from '../request.js';
import { callsOf, type Step } from '../step.js';
import {
  type ErrorAnswer,
  type ErrorStep,
  errorHeaders,
  namedCalls,
  objects,
  type Protocol,
  pieces,
  textPieces,
  tokensOf,
  wholeText,
} from './protocol.js';

export const openaiChat: Protocol = {
  read(parts) {
    const { body } = parts;
    if (!Array.isArray(body.messages)) return undefined;
    const maxTokens = body.max_tokens ?? body.max_completion_tokens;
    return requestOf(parts, 'chat', {
      model: String(body.model ?? ''),
      messages: objects(body.messages) as readonly object[] as readonly ChatMessage[],
      tools: objects(body.tools) as readonly object[] as readonly ChatTool[],
      stream: body.stream === true,
      maxTokens,
    });
  },
  stream: streamOf,
  whole: bodyOf,
  error: errorAnswer,
};

/** An error as OpenAI words it. */
function errorAnswer(step: ErrorStep): ErrorAnswer {
  const [type, code, message] = openaiErrorWords(step);
  return {
    status: step.status,
    headers: errorHeaders(step),
    body: JSON.stringify({ error: { message: step.say ?? message, type, param: null, code } }),
  };
}

/** Type, code and message of an OpenAI error, which both of its formats share. */
export function openaiErrorWords(step: ErrorStep): readonly [string, string | null, string] {
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
function usageOf(request: ModelRequest, step: Step): Readonly<Record<string, unknown>> {
  const { input, cached, output, reasoning } = tokensOf(request, step);
  return {
    prompt_tokens: input + cached,
    completion_tokens: output + reasoning,
    total_tokens: input + cached + output + reasoning,
    prompt_tokens_details: { cached_tokens: cached },
    completion_tokens_details: { reasoning_tokens: reasoning },
  };
}

function finishOf(step: Step): string {
  return step.finish ?? (callsOf(step).length > 0 ? 'tool_calls' : 'stop');
}

function toolCalls(request: ModelRequest, step: Step): readonly ToolCallBody[] {
  return namedCalls(request, step).map(({ id, name, args }) => ({
    id,
    type: 'function',
    function: { name, arguments: args },
  }));
}

interface ToolCallBody {
  readonly id: string;
  readonly type: 'function';
  readonly function: { readonly name: string; readonly arguments: string };
}

/** The answer as server-sent events, one after the other, the last one `[DONE]`. */
function* streamOf(request: ModelRequest, step: Step): Generator<string> {
  const event = (choices: readonly unknown[], more: object = {}): string =>
    `data: ${JSON.stringify({ ...head(request, 'chat.completion.chunk'), choices, ...more })}\n\n`;
  const delta = (one: object): string => event([{ index: 0, delta: one, finish_reason: null }]);
  yield delta({ role: 'assistant', content: '' });
  for (const piece of pieces(step.think ?? '')) yield delta({ reasoning_content: piece });
  for (const piece of textPieces(step)) yield delta({ content: piece });
  for (const [index, call] of toolCalls(request, step).entries()) {
    const { name, arguments: args } = call.function;
    yield delta({ tool_calls: [{ index, ...call, function: { name, arguments: '' } }] });
    for (const piece of pieces(args)) {
      yield delta({ tool_calls: [{ index, function: { arguments: piece } }] });
    }
  }
  yield event([{ index: 0, delta: {}, finish_reason: finishOf(step) }]);
  if (step.usage !== 'none') yield event([], { usage: usageOf(request, step) });
  yield 'data: [DONE]\n\n';
}

/** The answer as one body, for a request without `stream`. */
function bodyOf(request: ModelRequest, step: Step): string {
  const calls = toolCalls(request, step);
  const content = wholeText(step);
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
