import { afterEach, describe, expect, it } from 'vitest';
import { createScriptedModel, type ScriptedModel, type ScriptedModelOptions } from './model-server.js';

const open: ScriptedModel[] = [];

afterEach(async () => {
  await Promise.all(open.splice(0).map((model) => model.close()));
});

async function start(options: ScriptedModelOptions = {}): Promise<ScriptedModel> {
  const model = await createScriptedModel(options);
  open.push(model);
  return model;
}

interface Asking {
  readonly session?: string;
  readonly key?: string;
  readonly stream?: boolean;
  readonly system?: string;
  readonly tools?: boolean;
  readonly signal?: AbortSignal;
}

function ask(model: ScriptedModel, prompt: string, asking: Asking = {}): Promise<Response> {
  const tool = { type: 'function', function: { name: 'write', parameters: { type: 'object' } } };
  return fetch(`${model.url}/v1/chat/completions`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      'x-session-id': asking.session ?? 'ses_1',
      ...(asking.key === undefined ? {} : { authorization: `Bearer ${asking.key}` }),
    },
    body: JSON.stringify({
      model: 'model-1',
      stream: asking.stream ?? true,
      temperature: 0.2,
      max_tokens: 100,
      messages: [
        ...(asking.system === undefined ? [] : [{ role: 'system', content: asking.system }]),
        { role: 'user', content: [{ type: 'text', text: prompt }] },
      ],
      ...(asking.tools === false ? {} : { tools: [tool] }),
    }),
    ...(asking.signal === undefined ? {} : { signal: asking.signal }),
  });
}

async function errorOf(response: Response): Promise<{ code: string | null; message: string }> {
  return ((await response.json()) as { error: { code: string | null; message: string } }).error;
}

interface Heard {
  readonly text: string;
  readonly think: string;
  readonly calls: readonly { id: string; name: string; args: string }[];
  readonly finish: string | undefined;
  readonly usage: unknown;
  readonly done: boolean;
}

/** Puts a stream together as a client does. */
function hear(body: string): Heard {
  let text = '';
  let think = '';
  let finish: string | undefined;
  let usage: unknown;
  let done = false;
  const calls: { id: string; name: string; args: string }[] = [];
  for (const event of body.split('\n\n').filter((one) => one !== '')) {
    expect(event.startsWith('data: ')).toBe(true);
    if (event === 'data: [DONE]') {
      done = true;
      continue;
    }
    const chunk = JSON.parse(event.slice(6));
    expect(chunk.object).toBe('chat.completion.chunk');
    usage = chunk.usage ?? usage;
    const choice = chunk.choices[0];
    if (choice === undefined) continue;
    finish = choice.finish_reason ?? finish;
    text += choice.delta.content ?? '';
    think += choice.delta.reasoning_content ?? '';
    for (const call of choice.delta.tool_calls ?? []) {
      calls[call.index] ??= { id: call.id, name: call.function.name, args: '' };
      const known = calls[call.index];
      if (known !== undefined) known.args += call.function.arguments;
    }
  }
  return { text, think, calls, finish, usage, done };
}

describe('answers', () => {
  it('streams text, then ends with a stop and the usage in its overlapping parts', async () => {
    const model = await start();
    model.script('a', [{ think: 'hm', say: 'hé', usage: { input: 10, cached: 5, output: 3, reasoning: 2 } }]);
    const response = await ask(model, '[script:a]');
    expect(response.headers.get('content-type')).toContain('text/event-stream');
    expect(hear(await response.text())).toEqual({
      text: 'hé',
      think: 'hm',
      calls: [],
      finish: 'stop',
      usage: {
        prompt_tokens: 15,
        completion_tokens: 5,
        total_tokens: 20,
        prompt_tokens_details: { cached_tokens: 5 },
        completion_tokens_details: { reasoning_tokens: 2 },
      },
      done: true,
    });
  });

  it('streams several tool calls with ids of their own, long arguments in pieces, broken ones as they are', async () => {
    const model = await start();
    const content = 'line "quoted"\n'.repeat(500);
    model.script('a', [
      {
        say: 'now',
        call: 'write',
        args: { filePath: 'a', content },
        calls: [{ call: 'bash', args: '{"bro' }],
      },
      { call: 'list' },
    ]);
    const heard = hear(await (await ask(model, '[script:a]')).text());
    expect(heard.finish).toBe('tool_calls');
    expect(heard.text).toBe('now');
    expect(heard.calls.map((one) => one.name)).toEqual(['write', 'bash']);
    expect(JSON.parse(heard.calls[0]?.args ?? '')).toEqual({ filePath: 'a', content });
    expect(heard.calls[1]?.args).toBe('{"bro');
    const later = hear(await (await ask(model, '[script:a]')).text());
    expect(later.calls[0]?.args).toBe('{}');
    expect(new Set([...heard.calls, ...later.calls].map((one) => one.id)).size).toBe(3);
  });

  it('answers with one body where no stream is asked for', async () => {
    const model = await start();
    model.script('a', [{ call: 'write', args: { x: 1 } }, { say: 'done' }]);
    expect(await (await ask(model, '[script:a]', { stream: false })).json()).toMatchObject({
      choices: [
        {
          finish_reason: 'tool_calls',
          message: {
            content: null,
            tool_calls: [{ id: 'call_0_0', function: { name: 'write', arguments: '{"x":1}' } }],
          },
        },
      ],
    });
    expect(await (await ask(model, '[script:a]', { stream: false })).json()).toMatchObject({
      choices: [{ finish_reason: 'stop', message: { content: 'done' } }],
      usage: { prompt_tokens: 3, completion_tokens: 1 },
    });
  });

  it('says how it finished when the step says so', async () => {
    const model = await start();
    model.script('a', [{ say: 'cut o', finish: 'length' }, { finish: 'content_filter' }]);
    expect(hear(await (await ask(model, '[script:a]')).text()).finish).toBe('length');
    expect(hear(await (await ask(model, '[script:a]')).text()).finish).toBe('content_filter');
  });

  it('floods with as many bytes of text as asked', async () => {
    const model = await start();
    model.script('a', [{ flood: 3_000_001 }]);
    expect(hear(await (await ask(model, '[script:a]')).text()).text.length).toBe(3_000_001);
  });

  it('lists its one model', async () => {
    const model = await start();
    const answer = await fetch(`${model.url}/v1/models`);
    expect(await answer.json()).toMatchObject({ object: 'list', data: [{ id: 'model-1' }] });
  });
});

describe('failures', () => {
  it('words errors as OpenAI does', async () => {
    const model = await start();
    model.script('a', [
      { status: 429, retryAfter: 3600 },
      { status: 429, quota: true },
      { status: 401 },
      { status: 500 },
      { status: 400, overflow: true },
    ]);
    const seen = [];
    for (let turn = 0; turn < 5; turn += 1) {
      const response = await ask(model, '[script:a]');
      seen.push([response.status, response.headers.get('retry-after'), (await errorOf(response)).code]);
    }
    expect(seen).toEqual([
      [429, '3600', 'rate_limit_exceeded'],
      [429, null, 'insufficient_quota'],
      [401, null, 'invalid_api_key'],
      [500, null, null],
      [400, null, 'context_length_exceeded'],
    ]);
  });

  it('drops the stream after the bytes of a cut', async () => {
    const model = await start();
    model.script('a', [{ say: 'x'.repeat(1000), cut: 40 }]);
    const response = await ask(model, '[script:a]');
    expect(response.status).toBe(200);
    let got = 0;
    await expect(
      (async () => {
        for await (const chunk of response.body ?? []) got += chunk.length;
      })(),
    ).rejects.toThrow();
    expect(got).toBe(40);
  });

  it('hangs before the headers until the client leaves', async () => {
    const model = await start();
    model.script('a', [{ hang: 'before-headers' }, { say: 'again' }]);
    const leaving = new AbortController();
    const answer = ask(model, '[script:a]', { signal: leaving.signal });
    await model.seen((one) => one.place === 0);
    leaving.abort();
    await expect(answer).rejects.toThrow();
    expect(hear(await (await ask(model, '[script:a]')).text()).text).toBe('again');
  });

  it('hangs in the middle of a stream; closing the server ends it', async () => {
    const model = await start();
    model.script('a', [{ say: 'half of this', hang: 'mid-stream' }]);
    const response = await ask(model, '[script:a]');
    const reader = response.body?.getReader();
    expect((await reader?.read())?.value?.length).toBeGreaterThan(0);
    await model.close();
    await expect(
      (async () => {
        while (!(await reader?.read())?.done);
      })(),
    ).rejects.toThrow();
  });

  it('fails loudly without a script, with an unknown one and behind the last step', async () => {
    const model = await start();
    model.script('a', [{ say: 'only' }]);
    const problem = async (prompt: string, session: string) => {
      const response = await ask(model, prompt, { session });
      return [response.status, (await errorOf(response)).message];
    };
    expect(await problem('no marker', 's1')).toEqual([
      500,
      'scripted model: no script: the prompt has no [script:name] and there is no script "*" (session s1)',
    ]);
    expect(await problem('[script:b]', 's2')).toEqual([
      500,
      'scripted model: no script is called "b" (session s2)',
    ]);
    await (await ask(model, '[script:a]', { session: 's3' })).text();
    expect(await problem('[script:a]', 's3')).toEqual([
      500,
      'scripted model: script "a" has no step 2 (session s3)',
    ]);
    expect(model.requests.map((one) => one.problem !== undefined)).toEqual([true, true, false, true]);
  });

  it('lives on when a step made by a function throws', async () => {
    const model = await start();
    model.script('a', [
      () => {
        throw new Error('no such luck');
      },
    ]);
    const response = await ask(model, '[script:a]');
    expect(response.status).toBe(500);
    expect(await response.text()).toContain('no such luck');
    expect((await fetch(`${model.url}/v1/models`)).status).toBe(200);
  });

  it('refuses a wrong key, an unknown path and a body that is no request', async () => {
    const model = await start({ key: 'sk-test', scripts: { '*': [{ say: 'hi' }] } });
    const authorization = { authorization: 'Bearer sk-test' };
    expect((await ask(model, 'hi', { key: 'sk-other' })).status).toBe(401);
    expect((await fetch(`${model.url}/v1/models`)).status).toBe(401);
    expect((await fetch(`${model.url}/v1/embeddings`, { headers: authorization })).status).toBe(404);
    const broken = await fetch(`${model.url}/v1/chat/completions`, {
      method: 'POST',
      headers: authorization,
      body: '{"messages":',
    });
    expect(broken.status).toBe(400);
    expect(model.refused.length).toBe(4);
    expect(model.calls).toBe(0);
    expect((await ask(model, 'hi', { key: 'sk-test' })).status).toBe(200);
  });
});

describe('scripts', () => {
  const say = async (model: ScriptedModel, prompt: string, session: string): Promise<string> =>
    hear(await (await ask(model, prompt, { session })).text()).text;

  it('keeps a place for every session', async () => {
    const model = await start();
    model.script('a', [{ say: '1' }, { say: '2' }]);
    expect(await say(model, '[script:a]', 's1')).toBe('1');
    expect(await say(model, '[script:a]', 's2')).toBe('1');
    expect(await say(model, '[script:a]', 's1')).toBe('2');
    expect(await say(model, '[script:a]', 's2')).toBe('2');
  });

  it('plays the next list for the next session, and the last one for all after it', async () => {
    const model = await start();
    model.script('a', [{ say: 'bad' }], [{ say: 'good' }]);
    expect(await say(model, '[script:a]', 's1')).toBe('bad');
    expect(await say(model, '[script:a]', 's2')).toBe('good');
    expect(await say(model, '[script:a]', 's3')).toBe('good');
  });

  it('begins another script where a later prompt of the session names one', async () => {
    const model = await start();
    model.script('a', [{ say: 'a1' }, { say: 'a2' }]);
    model.script('b', [{ say: 'b1' }]);
    expect(await say(model, '[script:a]', 's1')).toBe('a1');
    expect(await say(model, 'first [script:a] then [script:b]', 's1')).toBe('b1');
  });

  it('is chosen by a function first, by the marker then, by "*" last', async () => {
    const model = await start({
      choose: (request) =>
        request.session === 'given' ? [{ say: 'steps' }, { say: 'more' }] : request.headers['x-none'],
      scripts: { '*': [{ say: 'fallback' }], a: [{ say: 'marked' }] },
    });
    expect(await say(model, '[script:a]', 'given')).toBe('steps');
    expect(await say(model, '[script:a]', 'given')).toBe('more');
    expect(await say(model, '[script:a]', 's1')).toBe('marked');
    expect(await say(model, 'plain', 's2')).toBe('fallback');
  });

  it('makes a step of the request where the step is a function', async () => {
    const model = await start();
    model.script('a', [
      (request) => ({ say: `${request.messages.length} ${request.tools[0]?.function.name}` }),
    ]);
    expect(await say(model, '[script:a]', 's1')).toBe('1 write');
  });

  it('loops for ever on one step', async () => {
    const model = await start();
    model.script('a', [{ say: 'begin' }, { loop: { call: 'bash', args: { command: 'true' } } }]);
    await say(model, '[script:a]', 's1');
    for (let turn = 0; turn < 20; turn += 1) {
      const heard = hear(await (await ask(model, '[script:a]', { session: 's1' })).text());
      expect(heard.calls[0]?.name).toBe('bash');
    }
  });

  it('answers titles and summaries without a step of the script', async () => {
    const model = await start();
    model.script('a', [{ say: 'one' }]);
    const title = await ask(model, '[script:a]', {
      system: 'You are a title generator. You output ONLY a thread title.',
      tools: false,
    });
    expect(hear(await title.text()).text).toBe('Scripted session');
    const summary = await ask(model, '[script:a]', {
      system: 'You are a context summarization agent.',
      tools: false,
    });
    expect(hear(await summary.text()).text).toContain('Summary');
    expect(await say(model, '[script:a]', 'ses_1')).toBe('one');
    expect(model.requests.map((one) => one.kind)).toEqual(['title', 'summary', 'turn']);
    expect(model.calls).toBe(1);
  });
});

describe('what a test sees and holds', () => {
  it('records requests without the key', async () => {
    const model = await start({ key: 'sk-secret', scripts: { '*': [{ say: 'hi' }] } });
    await (await ask(model, 'prompt', { key: 'sk-secret', system: 'be good' })).text();
    const [request] = model.requests;
    expect(request).toMatchObject({
      session: 'ses_1',
      kind: 'turn',
      model: 'model-1',
      temperature: 0.2,
      maxTokens: 100,
      script: '*',
      place: 0,
    });
    expect(request?.messages[0]?.content).toBe('be good');
    expect(request?.tools[0]?.function.name).toBe('write');
    expect(JSON.stringify(model.requests)).not.toContain('sk-secret');
  });

  it('keeps only the last requests', async () => {
    const model = await start({ keep: 2, scripts: { '*': [{ loop: { say: 'x' } }] } });
    for (let turn = 0; turn < 3; turn += 1) await (await ask(model, 'go')).text();
    expect(model.requests.map((one) => one.index)).toEqual([1, 2]);
    expect(model.calls).toBe(3);
  });

  it('holds answers at a gate until the test releases them, and stays open then', async () => {
    const model = await start();
    model.script('a', [{ hold: 'door' }, { say: 'in' }]);
    const answers = ['s1', 's2', 's3'].map((session) => ask(model, '[script:a]', { session }));
    await model.held('door', 3);
    expect(model.requests.length).toBe(3);
    expect(await Promise.race([...answers, Promise.resolve('still waiting')])).toBe('still waiting');
    expect(model.release('door')).toBe(3);
    for (const answer of answers) expect(hear(await (await answer).text()).text).toBe('in');
    expect((await ask(model, '[script:a]', { session: 's4' })).status).toBe(200);
    expect(model.release('door')).toBe(0);
  });

  it('forgets a held answer whose client left', async () => {
    const model = await start();
    model.script('a', [{ hold: 'door', say: 'in' }]);
    const leaving = new AbortController();
    const gone = ask(model, '[script:a]', { session: 's1', signal: leaving.signal });
    await model.held('door');
    leaving.abort();
    await expect(gone).rejects.toThrow();
    const stays = ask(model, '[script:a]', { session: 's2' });
    await model.held('door');
    await model.seen((one) => one.session === 's2');
    await expect.poll(() => model.waiting('door')).toBe(1);
    model.release('door');
    expect((await stays).status).toBe(200);
  });

  it('waits before an answer as long as the step says', async () => {
    const model = await start();
    model.script('a', [{ delayMs: 60 }, { say: 'late' }]);
    const before = performance.now();
    await (await ask(model, '[script:a]')).text();
    expect(performance.now() - before).toBeGreaterThanOrEqual(55);
  });
});
