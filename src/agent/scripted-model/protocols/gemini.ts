/** Gemini (`/v1beta/models/<model>:generateContent`): its requests, the chunks of its streams, its errors. */

import { type ChatMessage, type ModelRequest, requestOf } from '../request.js';
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

const PATH = /^\/v1(?:beta|alpha)?\/models\/([^/:]+):(generateContent|streamGenerateContent)$/;

export function isGeminiPath(path: string): boolean {
  return PATH.test(path);
}

export const gemini: Protocol = {
  read(parts) {
    const [, model = '', method] = PATH.exec(parts.path) ?? [];
    const { body } = parts;
    if (!Array.isArray(body.contents)) return undefined;
    const settings = (body.generationConfig ?? {}) as Readonly<Record<string, unknown>>;
    const system = (body.systemInstruction ?? {}) as Readonly<Record<string, unknown>>;
    return requestOf({ ...parts, body: settings }, 'gemini', {
      model: decodeURIComponent(model),
      messages: [{ role: 'system', content: system.parts }, ...objects(body.contents).map(messageOf)],
      tools: objects(body.tools).flatMap((tool) =>
        objects(tool.functionDeclarations).map((one) => ({
          type: 'function',
          function: {
            name: String(one.name),
            parameters: one.parametersJsonSchema ?? one.parameters,
          },
        })),
      ),
      stream: method === 'streamGenerateContent',
      maxTokens: settings.maxOutputTokens,
    });
  },
  stream,
  whole: (request, step) => JSON.stringify(chunk(request, [...partsOf(request, step)], step)),
  error,
};

function messageOf(content: Readonly<Record<string, unknown>>): ChatMessage {
  const isResult = objects(content.parts).some((part) => 'functionResponse' in part);
  const role = content.role === 'model' ? 'assistant' : isResult ? 'tool' : 'user';
  return { role, content: content.parts };
}

function* partsOf(request: ModelRequest, step: Step): Generator<object> {
  for (const text of pieces(step.think ?? '')) yield { text, thought: true };
  for (const text of textPieces(step)) yield { text };
  for (const { name, args } of namedCalls(request, step))
    yield { functionCall: { name, args: parsed(args) } };
}

/** Arguments are an object in this format; a broken one has nowhere to stand and is named as it was. */
function parsed(args: string): object {
  try {
    return JSON.parse(args);
  } catch {
    return { broken: args };
  }
}

function* stream(request: ModelRequest, step: Step): Generator<string> {
  const event = (data: object): string => `data: ${JSON.stringify(data)}\r\n\r\n`;
  for (const part of partsOf(request, step)) yield event(chunk(request, [part], undefined));
  yield event(
    chunk(request, wholeText(step) === '' && callsOf(step).length === 0 ? [{ text: '' }] : [], step),
  );
}

/** One chunk; the last one, which has its step, ends the answer and tells the usage. */
function chunk(request: ModelRequest, parts: readonly object[], last: Step | undefined): object {
  const candidate = { content: { role: 'model', parts }, index: 0 };
  return {
    candidates: [last === undefined ? candidate : { ...candidate, finishReason: finishOf(last) }],
    ...(last === undefined ? {} : { usageMetadata: usageOf(request, last) }),
    modelVersion: request.model,
    responseId: `scripted-${request.index}`,
  };
}

function finishOf(step: Step): string {
  if (step.finish === 'length') return 'MAX_TOKENS';
  return step.finish === 'content_filter' ? 'SAFETY' : 'STOP';
}

function usageOf(request: ModelRequest, step: Step): object {
  const { input, cached, output, reasoning } = tokensOf(request, step);
  return {
    promptTokenCount: input + cached,
    cachedContentTokenCount: cached,
    candidatesTokenCount: output,
    thoughtsTokenCount: reasoning,
    totalTokenCount: input + cached + output + reasoning,
  };
}

function error(step: ErrorStep): ErrorAnswer {
  const [status, message] = words(step);
  return {
    status: step.status,
    headers: errorHeaders(step),
    body: JSON.stringify({ error: { code: step.status, message: step.say ?? message, status } }),
  };
}

function words(step: ErrorStep): readonly [string, string] {
  if (step.overflow) {
    return [
      'INVALID_ARGUMENT',
      'The input token count (1200000) exceeds the maximum number of tokens allowed (1048576).',
    ];
  }
  if (step.quota) {
    return [
      'RESOURCE_EXHAUSTED',
      'You exceeded your current quota, please check your plan and billing details.',
    ];
  }
  switch (step.status) {
    case 401:
      return ['UNAUTHENTICATED', 'API key not valid. Please pass a valid API key.'];
    case 403:
      return ['PERMISSION_DENIED', 'The caller does not have permission.'];
    case 429:
      return ['RESOURCE_EXHAUSTED', 'Resource has been exhausted.'];
    case 503:
      return ['UNAVAILABLE', 'The model is overloaded. Please try again later.'];
    default:
      return step.status >= 500
        ? ['INTERNAL', 'An internal error has occurred.']
        : ['INVALID_ARGUMENT', `The request was refused (${step.status}).`];
  }
}
