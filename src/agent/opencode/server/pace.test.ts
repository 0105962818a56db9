/** Holds the pace of a provider, and the variant of a model, against the real server. */

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { createDriverRig, type DriverRig } from '../../../test/rig/driver-rig.js';
import { longestWaitMs } from './pace.js';

vi.setConfig({ testTimeout: 300_000 });

let rig: DriverRig;
beforeAll(async () => {
  rig = await createDriverRig();
});
afterAll(() => rig[Symbol.asyncDispose]());

/** Tells when each call of a model was about to start, after the pace, and by which variant. */
const witness = (file: string) => `import { appendFileSync } from 'node:fs';
export const Witness = async () => ({
  'chat.params': async ({ message }) =>
    appendFileSync(${JSON.stringify(file)}, JSON.stringify({ at: Date.now(), variant: message.variant ?? message.model?.variant }) + '\\n'),
});
`;

test('no more calls start in a window than the provider allows, whichever session makes them', async () => {
  const windowMs = 700;
  const file = join(rig.root, 'calls');
  const agent = rig.make({}, undefined, {
    pace: { limits: { scripted: 2 }, windowMs },
    // Loaded after conductor's own, by the order of names.
    files: [{ path: 'plugin/witness.js', text: witness(file) }],
  });
  const steps = [
    { call: 'glob', args: { pattern: '*.x' } },
    { call: 'glob', args: { pattern: '*.y' } },
    { say: 'ok' },
  ];
  const runs = [await rig.start(steps, { variant: 'high' }, agent), await rig.start(steps, {}, agent)];
  for (const run of runs) expect(await run.exit).toMatchObject({ kind: 'finished' });
  await agent.close?.();
  const calls = (await readFile(file, 'utf8'))
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  expect(calls.length).toBeGreaterThanOrEqual(6);
  expect(calls.length).toBe(rig.model.calls);
  const at = calls.map((call) => call.at as number);
  for (const [i, time] of at.slice(2).entries())
    expect(time - (at[i] as number)).toBeGreaterThanOrEqual(windowMs - 20);
  expect(calls.filter((call) => call.variant === 'high')).toHaveLength(3);
});

test('a call that waits for its turn is no session that hangs', () => {
  const pace = { limits: { a: 3 }, windowMs: 60_000 };
  expect(longestWaitMs(pace, 'a', 6)).toBe(240_000);
  expect(longestWaitMs(pace, 'b', 6)).toBe(0);
});
