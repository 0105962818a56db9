/** Holds what the readers make of recorded output of the real programs (`fixtures/`), to the token. */

import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { isSkipped } from '../../io/process/process-output.js';
import type { AgentPreset } from '../../model/config.js';
import { PRESETS } from '../presets.js';
import { failureOfProblem, type ProviderProblem } from '../provider-problem.js';
import type { Reading } from './reading.js';

/** Everything that a reader said of a recorded output. */
async function readings(preset: AgentPreset, name: string): Promise<Reading[]> {
  const file = fileURLToPath(new URL(`fixtures/${name}.log`, import.meta.url));
  const read = PRESETS[preset].reader();
  const lines = (await readFile(file, 'utf8')).split('\n').filter((line) => line !== '');
  const { skips } = PRESETS[preset];
  const left = lines.filter((line) => skips === undefined || !isSkipped(line, skips));
  return left.map((line) => read(line, 'stdout'));
}

const last = <T>(values: readonly (T | undefined)[]): T | undefined =>
  values.filter((value) => value !== undefined).at(-1);

test.each([
  ['claude', 'claude-ok', { costUsd: 0.01905, tokensIn: 3000, tokensOut: 150, tokensCached: 600 }],
  // Sub-agents: the result's own `usage` says 4000.
  ['claude', 'claude-sub', { costUsd: 0.07425, tokensIn: 12_000, tokensOut: 550, tokensCached: 1000 }],
  ['claude', 'claude-drop', { costUsd: 0.0127, tokensIn: 2000, tokensOut: 100, tokensCached: 400 }],
  ['codex', 'codex-usage', { tokensIn: 1110, tokensOut: 111, tokensCached: 18_000 }],
  // Thoughts: `output_tokens` says 80.
  ['gemini', 'gemini-usage', { tokensIn: 1120, tokensOut: 113, tokensCached: 18_000 }],
  ['gemini', 'gemini-sub', { tokensIn: 19_020, tokensOut: 854, tokensCached: 1000 }],
  ['opencode-run', 'opencode-ok', { costUsd: 0.01143, tokensIn: 3000, tokensOut: 150, tokensCached: 600 }],
] as const)('%s: the usage of %s', async (preset, name, expected) => {
  const usage = last((await readings(preset, name)).map((one) => one.usage));
  const cost = 'costUsd' in expected ? { costUsd: expect.closeTo(expected.costUsd, 9) } : {};
  expect(usage).toEqual({ ...expected, ...cost });
});

test('pi: the usage of its messages is summed', async () => {
  const usage = last((await readings('pi', 'pi-usage')).map((one) => one.usage));
  expect(usage).toMatchObject({ tokensIn: 1110, tokensOut: 111, tokensCached: 18_000 });
});

test.each([
  ['claude', 'claude-ok', 'Wrote both files of T01.'],
  ['claude', 'claude-s401', undefined],
  ['codex', 'codex-usage', 'Wrote both files of T01.'],
  ['gemini', 'gemini-usage', 'Wrote both files of T01.'],
  ['pi', 'pi-usage', 'Wrote both files of T01.'],
  ['opencode-run', 'opencode-ok', 'Wrote both files of T01.'],
] as const)('%s: the last words of %s', async (preset, name, expected) => {
  expect(last((await readings(preset, name)).map((one) => one.words))).toBe(expected);
});

test.each([
  ['claude', 'claude-ok', undefined],
  ['claude', 'claude-s401', 'provider-refused'],
  ['claude', 'claude-drop', 'provider-unavailable'],
  ['codex', 'codex-usage', undefined],
  ['codex', 'codex-s429', 'provider-unavailable'],
  ['gemini', 'gemini-usage', undefined],
  ['gemini', 'gemini-s401', 'provider-refused'],
  ['gemini', 'gemini-drop', 'provider-unavailable'],
  ['pi', 'pi-usage', undefined],
  // Both ended with exit code 0.
  ['pi', 'pi-s401', 'provider-refused'],
  ['pi', 'pi-s429', 'provider-unavailable'],
  ['opencode-run', 'opencode-s401', 'provider-refused'],
  ['opencode-run', 'opencode-s429', 'provider-unavailable'],
  ['opencode-run', 'opencode-drop', 'provider-unavailable'],
] as const)('%s: the failure of %s', async (preset, name, kind) => {
  const error = last((await readings(preset, name)).map((one) => one.error));
  const failure =
    error === undefined || error === 'none' ? undefined : failureOfProblem(error, 'p', { tail: '' });
  expect(failure?.kind).toBe(kind);
});

test('retries tell what is wrong, and how long they wait', async () => {
  const retries = (await readings('claude', 'claude-s401')).flatMap((one) => one.retry ?? []);
  expect(retries).toHaveLength(10);
  expect(retries[0]).toMatchObject({ status: 401, waitMs: expect.closeTo(585.4, 1) });
  const pi = (await readings('pi', 'pi-s429')).flatMap((one) => one.retry ?? []);
  expect(pi.map(({ status, waitMs }) => [status, waitMs])).toEqual([
    [429, 2000],
    [429, 4000],
    [429, 8000],
  ]);
});

test.each<[ProviderProblem, string]>([
  [{ text: 'x', status: 402 }, 'provider-refused'],
  [{ text: 'x', status: 403 }, 'provider-refused'],
  [{ text: 'x', status: 429 }, 'provider-unavailable'],
  [{ text: 'You exceeded your current quota, please check your plan', status: 429 }, 'provider-refused'],
  [{ text: 'Your credit balance is too low to access the Anthropic API.', status: 400 }, 'provider-refused'],
  [{ text: "You've hit your session limit · resets 3:45pm" }, 'provider-unavailable'],
  [{ text: "You've hit your usage limit. Try again at 5 PM." }, 'provider-unavailable'],
  [{ text: 'Claude AI usage limit reached|1759342800' }, 'provider-unavailable'],
  [{ text: '5-hour limit reached ∙ resets 3pm' }, 'provider-unavailable'],
  [{ text: 'Not logged in · Please run /login' }, 'provider-refused'],
  [{ text: 'API Error: 529 {"type":"error"} Overloaded' }, 'provider-unavailable'],
  [{ text: 'stream disconnected before completion' }, 'provider-unavailable'],
  [{ text: 'API Error: Connection to the API was lost (ECONNRESET).' }, 'provider-unavailable'],
  [{ text: 'litellm.RateLimitError: slow down' }, 'provider-unavailable'],
  [{ text: 'prompt is too long: 250000 tokens > 200000 maximum', status: 400 }, 'context-overflow'],
  [{ text: "This model's maximum context length is 128000 tokens.", status: 400 }, 'context-overflow'],
  [{ text: '[API Error: terminated]' }, 'provider-unavailable'],
  [{ text: 'The command was terminated after it timed out.' }, 'agent-error'],
  [{ text: 'error_max_turns' }, 'agent-error'],
  [{ text: 'tool `bash` is unknown', status: 400 }, 'agent-error'],
  [{ text: 'The file has 500 lines; I cannot edit it.' }, 'agent-error'],
])('%j is %s', (problem, kind) => {
  expect(failureOfProblem(problem, 'p', { tail: '' }).kind).toBe(kind);
});

test.each([
  ['claude', 'claude-sub'],
  ['gemini', 'gemini-usage'],
  ['pi', 'pi-usage'],
] as const)('%s: the tools that begin in %s end', async (preset, name) => {
  const all = await readings(preset, name);
  const running = new Set<string>();
  let begun = 0;
  for (const { began = [], ended = [] } of all) {
    for (const one of ended) running.delete(one);
    for (const one of began) running.add(one);
    begun += began.length;
  }
  expect(begun).toBeGreaterThan(0);
  expect([...running]).toEqual([]);
});
