/** Holds what of an attempt is written down, and how often. */

import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { AssistantMessage, Part } from '../client.js';
import { Transcript } from './session-transcript.js';

let root: string;
let said: string[];
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'conductor-transcript-'));
  said = [];
});
afterEach(() => rm(root, { recursive: true, force: true }));

const SECRET = 'sk-very-secret';
const make = (logFile = join(root, 'log')) =>
  new Transcript({ logFile, secrets: [SECRET], now: () => 0, onLine: (line) => said.push(line) });
const lines = async () =>
  (await readFile(join(root, 'log'), 'utf8'))
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
const tool = (id: string, state: object) =>
  ({ id, type: 'tool', sessionID: 's', messageID: 'm', callID: 'c', tool: 'bash', state }) as unknown as Part;
const input = { command: 'make' };
const time = { start: 1, end: 5 };

test('a call is written once, when it has ended, and one without an end as cut off', async () => {
  const transcript = make();
  transcript.part(tool('a', { status: 'running', input, time }));
  transcript.part(tool('a', { status: 'completed', input, output: 'fine', time }));
  transcript.part(tool('a', { status: 'completed', input, output: 'fine', time }));
  transcript.part(tool('b', { status: 'error', input, error: 'denied', time }));
  transcript.part(tool('c', { status: 'running', input, time }));
  transcript.finish();
  expect((await lines()).map(({ type, status, ms }) => [type, status, ms])).toEqual([
    ['tool', 'completed', 4],
    ['tool', 'error', 4],
    ['tool', 'cut-off', undefined],
  ]);
  expect(said).toEqual(['bash make', 'bash make: denied']);
  expect(transcript.tail).toBe('bash make\nbash make: denied\n');
});

test('half a text is not written, and an error is', async () => {
  const transcript = make();
  const text = { id: 't', type: 'text', sessionID: 's', messageID: 'm', text: 'One\n\ntwo' };
  transcript.part({ ...text, time: { start: 1 } } as Part);
  transcript.part({ ...text, time } as Part);
  const error = { name: 'UnknownError', data: { message: 'broken' } };
  transcript.message({ id: 'm', sessionID: 's', time: { created: 1 }, error } as unknown as AssistantMessage);
  expect((await lines()).map(({ type }) => type)).toEqual(['text', 'message']);
  expect(said).toEqual(['One', 'two', 'UnknownError: broken']);
});

test('secrets are replaced wherever they stand, also where a text is cut', async () => {
  const transcript = make();
  transcript.prompt('s', `key ${SECRET}`);
  const output = `${'x'.repeat(19_995)}${SECRET}${'y'.repeat(100)}`;
  transcript.part(tool('a', { status: 'completed', input: { command: [SECRET] }, output, time }));
  transcript.incident(`saw ${SECRET}`);
  const log = JSON.stringify(await lines());
  expect(log).not.toContain('sk-ve');
  expect(log).toContain('more characters');
  expect(said).toContain('saw [secret]');
});

test('a log that cannot be written does not stop the work', () => {
  const transcript = make(join(root, 'none', 'log'));
  transcript.incident('one');
  transcript.incident('two');
  expect(said).toEqual(['one', 'two']);
});

test('the last words are those of the prompted session, not of its sub-agents, and hold no secret', () => {
  const transcript = make();
  const text = (id: string, sessionID: string, words: string) =>
    ({ id, type: 'text', sessionID, messageID: 'm', text: words, time: { start: 1, end: 2 } }) as Part;
  expect(transcript.lastWords).toBeUndefined();
  transcript.prompt('s', 'do it');
  transcript.part(text('a', 's', `I found ${SECRET}.`));
  transcript.part(text('b', 'sub', 'Searched.'));
  expect(transcript.lastWords).toBe('I found [secret].');
});
