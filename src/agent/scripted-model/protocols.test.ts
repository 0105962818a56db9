import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createScriptedModel, type ScriptedModel } from './model-server.js';

let model: ScriptedModel;

beforeEach(async () => {
  model = await createScriptedModel();
});
afterEach(() => model.close());

const PROMPT = 'Do it. [script:a]';
/** How each protocol asks, streamed or not, with what was said before. */
const ASK: Readonly<Record<string, (stream: boolean, past?: unknown[]) => [string, object]>> = {
  messages: (stream, past = []) => [
    '/v1/messages',
    {
      model: 'm',
      stream,
      system: [{ type: 'text', text: 's' }],
      messages: [{ role: 'user', content: PROMPT }, ...past],
      tools: [{ name: 'Write', input_schema: {} }],
    },
  ],
  responses: (stream, past = []) => [
    '/v1/responses',
    {
      model: 'm',
      stream,
      instructions: 's',
      input: [{ type: 'message', role: 'user', content: [{ type: 'input_text', text: PROMPT }] }, ...past],
      tools: [
        { type: 'function', name: 'Write' },
        { type: 'custom', name: 'apply_patch' },
      ],
    },
  ],
  gemini: (stream, past = []) => [
    `/v1beta/models/m:${stream ? 'streamGenerateContent?alt=sse' : 'generateContent'}`,
    {
      contents: [{ role: 'user', parts: [{ text: PROMPT }] }, ...past],
      tools: [{ functionDeclarations: [{ name: 'Write' }] }],
    },
  ],
};
const NAMES = Object.keys(ASK);

function ask(name: string, stream = true, past?: unknown[]): Promise<Response> {
  const [path, body] = (ASK[name] as (typeof ASK)[string])(stream, past);
  return fetch(model.url + path, { method: 'POST', body: JSON.stringify(body) });
}

/** What stands at a place in data: `at(event, 'item.id')`. */
function at(value: unknown, path: string): unknown {
  return path
    .split('.')
    .reduce<unknown>((one, key) => (one as Record<string, unknown> | undefined)?.[key], value);
}

const each = (all: readonly unknown[], path: string): unknown[] => all.map((one) => at(one, path));

/** The data of a stream's events. */
async function events(response: Response): Promise<unknown[]> {
  const text = await response.text();
  return text.split(/\r?\n\r?\n/).flatMap((event) => {
    const data = event.split('\n').find((line) => line.startsWith('data: '));
    return data === undefined ? [] : [JSON.parse(data.slice(6))];
  });
}

const step = {
  think: 'hm',
  say: 'now',
  call: 'Write',
  args: { path: 'a', content: 'b' },
  usage: { input: 10, cached: 5, output: 3, reasoning: 2 },
};

describe('the protocol', () => {
  it('messages streams blocks as Anthropic does, with the tokens of the answer at its end', async () => {
    model.script('a', [step]);
    const all = await events(await ask('messages'));
    expect(each(all, 'type')).toEqual([
      'message_start',
      ...['content_block_start', 'content_block_delta', 'content_block_delta', 'content_block_stop'],
      ...['content_block_start', 'content_block_delta', 'content_block_stop'],
      ...['content_block_start', 'content_block_delta', 'content_block_stop'],
      ...['message_delta', 'message_stop'],
    ]);
    expect(at(all[0], 'message.usage')).toMatchObject({
      input_tokens: 10,
      cache_read_input_tokens: 5,
      output_tokens: 1,
    });
    expect(all.at(-2)).toMatchObject({ delta: { stop_reason: 'tool_use' }, usage: { output_tokens: 5 } });
    expect(JSON.parse(String(at(all[9], 'delta.partial_json')))).toEqual(step.args);
  });

  it('responses streams items as OpenAI does, and its last event has them all', async () => {
    model.script('a', [{ ...step, calls: [{ call: 'apply_patch', args: '*** Begin Patch' }] }]);
    const all = await events(await ask('responses'));
    const last = all.at(-1);
    expect(last).toMatchObject({
      type: 'response.completed',
      response: {
        usage: {
          input_tokens: 15,
          output_tokens: 5,
          total_tokens: 20,
          input_tokens_details: { cached_tokens: 5 },
          output_tokens_details: { reasoning_tokens: 2 },
        },
      },
    });
    expect(each(at(last, 'response.output') as unknown[], 'type')).toEqual([
      'reasoning',
      'message',
      'function_call',
      'custom_tool_call',
    ]);
    const done = each(
      all.filter((one) => at(one, 'type') === 'response.output_item.done'),
      'item',
    );
    expect(done).toEqual(at(last, 'response.output'));
    expect(done[3]).toMatchObject({ name: 'apply_patch', input: '*** Begin Patch' });
    expect(each(all, 'sequence_number')).toEqual(all.map((_, index) => index));
  });

  it('gemini streams chunks, the last one with the end and the tokens', async () => {
    model.script('a', [step]);
    const all = await events(await ask('gemini'));
    const parts = all.flatMap((chunk) => at(chunk, 'candidates.0.content.parts'));
    expect(parts).toEqual([
      { text: 'hm', thought: true },
      { text: 'now' },
      { functionCall: { name: 'Write', args: step.args } },
    ]);
    expect(all.at(-1)).toMatchObject({
      candidates: [{ finishReason: 'STOP' }],
      usageMetadata: {
        promptTokenCount: 15,
        cachedContentTokenCount: 5,
        candidatesTokenCount: 3,
        thoughtsTokenCount: 2,
        totalTokenCount: 20,
      },
    });
  });

  it.each(NAMES)('%s answers with one body where no stream is asked for', async (name) => {
    model.script('a', [step]);
    const body = await (await ask(name, false)).json();
    const said = {
      messages: at(body, 'content.1.text'),
      responses: at(body, 'output.1.content.0.text'),
      gemini: at(body, 'candidates.0.content.parts.1.text'),
    };
    expect(said[name as keyof typeof said]).toBe('now');
  });

  it.each([
    ['messages', { status: 401 }, 'error.type', 'authentication_error'],
    ['messages', { status: 529 }, 'error.type', 'overloaded_error'],
    [
      'messages',
      { status: 400, overflow: true },
      'error.message',
      expect.stringContaining('prompt is too long'),
    ],
    ['responses', { status: 429, quota: true }, 'error.code', 'insufficient_quota'],
    ['responses', { status: 400, overflow: true }, 'error.code', 'context_length_exceeded'],
    ['gemini', { status: 429, retryAfter: 3 }, 'error.status', 'RESOURCE_EXHAUSTED'],
    ['gemini', { status: 401 }, 'error.status', 'UNAUTHENTICATED'],
  ])('%s words %j as its provider does', async (name, error, path, expected) => {
    model.script('a', [error]);
    const response = await ask(name);
    expect(response.status).toBe(error.status);
    expect(at(await response.json(), path)).toEqual(expected);
    expect(response.headers.get('retry-after')).toBe('retryAfter' in error ? '3' : null);
  });

  it.each(NAMES)('%s drops and hangs as scripted', async (name) => {
    model.script('a', [
      { ...step, cut: 20 },
      { ...step, hang: 'mid-stream' },
    ]);
    await expect((await ask(name)).text()).rejects.toThrow();
    const hanging = await ask(name);
    const reader = hanging.body?.getReader();
    expect((await reader?.read())?.done).toBe(false);
    await reader?.cancel();
  });

  it.each(NAMES)('%s keeps its place by the conversation, and the same prompt begins again', async (name) => {
    const answer = {
      messages: { role: 'assistant', content: 'x' },
      responses: { type: 'message', role: 'assistant', content: [] },
      gemini: { role: 'model', parts: [] },
    }[name];
    model.script('a', [{ status: 500 }, { say: 'one' }, { say: 'two' }], [{ say: 'again' }]);
    await (await ask(name)).text();
    await (await ask(name)).text();
    await (await ask(name, true, [answer])).text();
    await (await ask(name)).text();
    expect(model.requests.map(({ step, isFirst }) => [step?.status ?? step?.say, isFirst])).toEqual([
      [500, true],
      ['one', true],
      ['two', false],
      ['again', true],
    ]);
    expect(model.requests.map(({ protocol }) => protocol)).toEqual([name, name, name, name]);
  });

  it('takes the key where each client puts it', async () => {
    await model.close();
    model = await createScriptedModel({ key: 'k', scripts: { a: [{ loop: { say: 'x' } }] } });
    for (const [name, headers] of [
      ['messages', { 'x-api-key': 'k' }],
      ['gemini', { 'x-goog-api-key': 'k' }],
      ['responses', { authorization: 'Bearer k' }],
      ['responses', {}],
    ] as const) {
      const [path, body] = (ASK[name] as (typeof ASK)[string])(true);
      const response = await fetch(model.url + path, { method: 'POST', headers, body: JSON.stringify(body) });
      expect(response.status).toBe(Object.keys(headers).length === 0 ? 401 : 200);
      await response.text();
    }
  });
});
