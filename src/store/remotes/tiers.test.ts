/** Entries in the place of those that nobody may use: what counts as stored, and what a refusal of one means for others. */

import { expect, test } from 'vitest';
import { gatesName, resultName } from '../encoded-entry.js';
import type { RemoteFault } from '../remote-store.js';
import { ScriptedRemote } from './scripted-remote.js';
import { RemoteTiers } from './tiers.js';

const NAME = resultName('a'.repeat(64));
const OTHER = gatesName('b'.repeat(64));
const { signal } = new AbortController();

/** One remote where an entry stands that may not be used, and whether ours took its place. */
async function replaceOne(fault: Partial<Record<'replaceFault' | 'fetchFault', RemoteFault>>) {
  const remote = new ScriptedRemote();
  remote.entries.set(NAME, 'unsigned');
  const told: string[] = [];
  const tiers = new RemoteTiers([{ store: remote, read: true, write: true }], (message) =>
    told.push(message),
  );
  const entries = new Map([[NAME, 'signed']]);
  const offered = await tiers.offer(entries, signal).all;
  expect(offered.get(NAME)).toBe('taken');
  Object.assign(remote, fault);
  const problem = async (_: string, commit: string) => (commit === 'signed' ? undefined : 'it is not signed');
  const outcomes = await tiers.replaceUnusable({ entries, outcomes: offered, problem }, signal);
  return { tiers, told, outcome: outcomes.get(NAME) };
}

test('an entry that took the place of an unusable one counts as stored', async () => {
  const { tiers, outcome } = await replaceOne({});
  expect([outcome, tiers.isUnsent(NAME), tiers.withoutAll]).toEqual(['stored', false, []]);
});

test('an entry that could not take the place is not sent yet', async () => {
  const failed: RemoteFault = { kind: 'failed', detail: 'it is away' };
  for (const fault of [{ replaceFault: failed }, { fetchFault: failed }]) {
    const { tiers, outcome } = await replaceOne(fault);
    expect([outcome, tiers.isUnsent(NAME), tiers.isDenied(NAME)]).toEqual(['taken', true, false]);
    expect(tiers.withoutAll.length).toBe(1);
  }
});

test('a remote where nothing may be replaced is still sent what it does not have', async () => {
  const { tiers, outcome, told } = await replaceOne({
    replaceFault: { kind: 'denied', detail: 'not allowed' },
  });
  expect([outcome, tiers.isUnsent(NAME), tiers.isDenied(NAME)]).toEqual(['taken', true, true]);
  const { all } = tiers.offer(new Map([[OTHER, 'c']]), signal);
  expect((await all).get(OTHER)).toBe('stored');
  expect([tiers.isUnsent(OTHER), tiers.isDenied(OTHER)]).toEqual([false, false]);
  await tiers.close();
  expect(told).toEqual([
    'scripted: 1 entry was not sent (not allowed); the next command sends what is missing',
  ]);
});

test('what a later offer has sent is not counted as unsent', async () => {
  const remote = new ScriptedRemote();
  const told: string[] = [];
  const tiers = new RemoteTiers([{ store: remote, read: true, write: true }], (message) =>
    told.push(message),
  );
  remote.offerFault = { kind: 'failed', detail: 'it had a moment' };
  await tiers.offer(new Map([[NAME, 'a']]), signal).all;
  expect([tiers.isUnsent(NAME), tiers.withoutAll.length]).toEqual([true, 1]);
  remote.offerFault = undefined;
  await tiers.offer(new Map([[NAME, 'a']]), signal).all;
  expect([tiers.isUnsent(NAME), tiers.withoutAll]).toEqual([false, []]);
  await tiers.close();
  expect(told).toEqual([]);
});
