/** OpenAI Responses (`/v1/responses`): its requests, the events of its streams, its errors. */

import { type ChatMessage, type ModelRequest, requestOf } from '../request.js';
import type { Step } from '../step.js';
import { openaiErrorWords } from './openai-chat.js';
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

export const openaiResponses: Protocol = {
  read(parts) {
    const { body } = parts;
    const input = typeof body.input === 'string' ? [{ role: 'user', content: body.input }] : body.input;
    if (!Array.isArray(input)) return undefined;
    return requestOf(parts, 'responses', {
      model: String(body.model ?? ''),
      messages: [{ role: 'system', content: body.instructions }, ...objects(input).map(messageOf)],
      tools: objects(body.tools).map((tool) => ({
        type: String(tool.type),
        function: { name: String(tool.name ?? tool.type), parameters: tool.parameters },
      })),
      stream: body.stream === true,
      maxTokens: body.max_output_tokens,
    });
  },
  stream,
  whole: (request, step) => JSON.stringify(response(request, step, 'completed', outputOf(request, step))),
  error,
};

/** An item of the input: a message, a call that the model made, or the result of one. */
function messageOf(item: Readonly<Record<string, unknown>>): ChatMessage {
  const type = String(item.type ?? 'message');
  if (type === 'message') return { role: String(item.role), content: item.content };
  return type.endsWith('_output')
    ? { role: 'tool', content: item.output }
    : { role: 'assistant', content: null };
}

type Item = Readonly<Record<string, unknown>> & { readonly id: string; readonly type: string };

function outputOf(request: ModelRequest, step: Step): readonly Item[] {
  const text = wholeText(step);
  const name = (kind: string): string => `${kind}_${request.index}`;
  return [
    ...(step.think === undefined
      ? []
      : [{ id: name('rs'), type: 'reasoning', summary: [{ type: 'summary_text', text: step.think }] }]),
    ...(text === ''
      ? []
      : [
          {
            id: name('msg'),
            type: 'message',
            role: 'assistant',
            status: 'completed',
            content: [{ type: 'output_text', text, annotations: [] }],
          },
        ]),
    ...namedCalls(request, step).map(({ id, name: tool, args }, index): Item => {
      const common = { id: `${name('fc')}_${index}`, call_id: id, name: tool, status: 'completed' };
      // A tool whose input is free text, not JSON.
      const isCustom = request.tools.some((one) => one.type === 'custom' && one.function.name === tool);
      return isCustom
        ? { ...common, type: 'custom_tool_call', input: args }
        : { ...common, type: 'function_call', arguments: args };
    }),
  ];
}

function* stream(request: ModelRequest, step: Step): Generator<string> {
  let sequence_number = 0;
  const event = (type: string, fields: object): string =>
    namedEvent(type, { sequence_number: sequence_number++, ...fields });
  yield event('response.created', { response: response(request, step, 'in_progress', []) });
  const output = outputOf(request, step);
  for (const [output_index, item] of output.entries()) {
    const place = { output_index, item_id: item.id };
    yield event('response.output_item.added', { output_index, item: begun(item) });
    if (item.type === 'reasoning') {
      const summary = { ...place, summary_index: 0 };
      const text = step.think ?? '';
      yield event('response.reasoning_summary_part.added', {
        ...summary,
        part: { type: 'summary_text', text: '' },
      });
      for (const delta of pieces(text))
        yield event('response.reasoning_summary_text.delta', { ...summary, delta });
      yield event('response.reasoning_summary_text.done', { ...summary, text });
      yield event('response.reasoning_summary_part.done', {
        ...summary,
        part: { type: 'summary_text', text },
      });
    } else if (item.type === 'message') {
      const content = { ...place, content_index: 0 };
      const part = { type: 'output_text', text: '', annotations: [] };
      yield event('response.content_part.added', { ...content, part });
      for (const delta of textPieces(step)) yield event('response.output_text.delta', { ...content, delta });
      const text = wholeText(step);
      yield event('response.output_text.done', { ...content, text });
      yield event('response.content_part.done', { ...content, part: { ...part, text } });
    } else if (item.type === 'function_call') {
      const args = String(item.arguments);
      for (const delta of pieces(args))
        yield event('response.function_call_arguments.delta', { ...place, delta });
      yield event('response.function_call_arguments.done', { ...place, arguments: args });
    } else {
      const input = String(item.input);
      for (const delta of pieces(input))
        yield event('response.custom_tool_call_input.delta', { ...place, delta });
      yield event('response.custom_tool_call_input.done', { ...place, input });
    }
    yield event('response.output_item.done', { output_index, item });
  }
  const end = step.finish === 'length' || step.finish === 'content_filter' ? 'incomplete' : 'completed';
  yield event(`response.${end}`, { response: response(request, step, end, output) });
}

/** An item as it is when its stream begins: without its text. */
function begun(item: Item): object {
  const empty = { reasoning: { summary: [] }, message: { content: [] } }[item.type];
  const status = item.type === 'reasoning' ? {} : { status: 'in_progress' };
  const text = item.type === 'function_call' ? { arguments: '' } : 'input' in item ? { input: '' } : {};
  return { ...item, ...status, ...empty, ...text };
}

function response(
  request: ModelRequest,
  step: Step,
  status: 'in_progress' | 'completed' | 'incomplete',
  output: readonly Item[],
): object {
  const { input, cached, output: said, reasoning } = tokensOf(request, step);
  const reason = step.finish === 'length' ? 'max_output_tokens' : 'content_filter';
  return {
    id: `resp_${request.index}`,
    object: 'response',
    created_at: 0,
    model: request.model,
    status,
    error: null,
    incomplete_details: status === 'incomplete' ? { reason } : null,
    output,
    usage:
      status === 'in_progress'
        ? null
        : {
            input_tokens: input + cached,
            input_tokens_details: { cached_tokens: cached },
            output_tokens: said + reasoning,
            output_tokens_details: { reasoning_tokens: reasoning },
            total_tokens: input + cached + said + reasoning,
          },
  };
}

function error(step: ErrorStep): ErrorAnswer {
  const [type, code, message] = openaiErrorWords(step);
  return {
    status: step.status,
    headers: errorHeaders(step),
    body: JSON.stringify({ error: { message: step.say ?? message, type, param: null, code } }),
  };
}
