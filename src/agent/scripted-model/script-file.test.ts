import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { parseScripts, serveScript } from './script-file.js';

it('serves the scripts of a file, attempt by attempt', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'script-'));
  try {
    const file = join(folder, 'script.json');
    const scripts = { '*': [{ say: 'any' }], a: { attempts: [[{ say: 'first' }], [{ say: 'second' }]] } };
    await writeFile(file, JSON.stringify({ scripts }));
    const served = await serveScript(file);
    if (!served.ok) throw new Error(JSON.stringify(served.error));
    try {
      const say = async (session: string, content: string): Promise<unknown> => {
        const response = await fetch(`${served.value.url}/v1/chat/completions`, {
          method: 'POST',
          headers: { 'x-session-id': session },
          body: JSON.stringify({ messages: [{ role: 'user', content }] }),
        });
        const answer = (await response.json()) as { choices: { message: { content: string } }[] };
        return answer.choices[0]?.message.content;
      };
      expect(await say('1', '[script:a]')).toBe('first');
      expect(await say('2', '[script:a]')).toBe('second');
      expect(await say('3', 'hello')).toBe('any');
    } finally {
      await served.value.close();
    }
  } finally {
    await rm(folder, { recursive: true });
  }
});

it('names the file that is missing', async () => {
  const served = await serveScript(join(tmpdir(), 'no-such-script.json'));
  expect(served).toMatchObject({ ok: false, error: { kind: 'usage' } });
});

it.each([
  ['{', 'is no JSON'],
  ['[]', 'needs "scripts"'],
  ['{"scripts":{"a":{"say":"x"}}}', 'script "a": must be a list'],
  ['{"scripts":{"a":[{"say":1}]}}', 'script "a": 0: say: must be a text'],
  ['{"scripts":{"a":[{"say":"x"},{"sya":"x"}]}}', 'script "a": 1: has no "sya"'],
  ['{"scripts":{"a":[{}]}}', '0: is empty'],
  ['{"scripts":{"a":[null]}}', '0: must be an object'],
  ['{"scripts":{"a":[{"__proto__":1}]}}', '0: has no "__proto__"'],
  ['{"scripts":{"a":[{"args":{}}]}}', '0: has "args" without "call"'],
  ['{"scripts":{"a":[{"calls":[{"args":{}}]}]}}', '0: calls: 0: needs "call"'],
  ['{"scripts":{"a":[{"status":200}]}}', '0: status: must be an HTTP error'],
  ['{"scripts":{"a":[{"status":500,"hang":"mid-stream"}]}}', '0: has both "status" and "hang"'],
  ['{"scripts":{"a":[{"hang":"later"}]}}', '0: hang: must be one of before-headers, mid-stream'],
  ['{"scripts":{"a":[{"loop":{"hold":"x"}}]}}', '0: loop: must be an answer'],
  ['{"scripts":{"a":[{"loop":{"say":"x"},"say":"y"}]}}', '0: has "say" beside "loop", not in it'],
  ['{"scripts":{"a":[{"delayMs":-1}]}}', '0: delayMs: must be a number from 0'],
  [
    '{"scripts":{"a":{"attempts":[[{"say":"x"}],[{"usage":{"in":1}}]]}}}',
    'script "a": 0: usage: has no "in"',
  ],
])('refuses %s and says where', (text, message) => {
  const parsed = parseScripts(text);
  expect(parsed.ok ? 'accepted' : parsed.error).toContain(message);
});
