/** Claims as files: one build makes each, and nobody removes the claim of another. */

import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { ActionKey } from '../../model/action.js';
import type { ChangeOutcome, ClaimChange, ClaimText } from './claim-place.js';
import { FolderClaims } from './folder-claims.js';

const { signal } = new AbortController();
const KEYS = Array.from({ length: 20 }, (_, i) => String(i).padStart(64, '0') as ActionKey);
const KEY = KEYS[0] as ActionKey;

let home: string;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'conductor-claims-'));
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

const by = (build: string, beat = 0): ClaimText => ({
  ...{ task: 'f/a', who: 'Ada', build, place: 'here', pid: 1, start: '', beat },
});

const place = () => new FolderClaims({ home, pid: process.pid });

async function change(at: FolderClaims, { from, to }: Partial<ClaimChange>): Promise<ChangeOutcome> {
  const changed = await at.change(new Map([[KEY, { from, to }]]), signal);
  if (!changed.ok) throw new Error(JSON.stringify(changed.error));
  return changed.value.get(KEY) as ChangeOutcome;
}

async function holder(at: FolderClaims): Promise<string | undefined> {
  const found = await at.read([KEY]);
  return found.ok ? found.value.get(KEY)?.text?.build : undefined;
}

test('of builds that claim the same keys at the same time, one gets each', async () => {
  const all = await Promise.all(
    ['a', 'b', 'c', 'd'].map((build) =>
      place().change(new Map(KEYS.map((key) => [key, { from: undefined, to: by(build) }])), signal),
    ),
  );
  for (const key of KEYS) {
    const outcomes = all.map((one) => (one.ok ? one.value.get(key) : undefined));
    expect(outcomes.filter((one) => one !== 'moved')).toEqual([{ revision: expect.any(String) }]);
  }
  expect(readdirSync(join(home, 'claims')).sort()).toEqual(KEYS);
});

test('a claim is renewed and given back by its revision, and another build may claim then', async () => {
  const here = place();
  const first = await change(here, { to: by('a') });
  if (first === 'moved') throw new Error('it is claimed already');
  const renewed = await change(here, { from: first.revision, to: by('a', 1) });
  if (renewed === 'moved') throw new Error('it cannot be renewed');
  // With the revision of before, nothing is changed and nothing removed.
  expect(await change(here, { from: first.revision, to: by('b') })).toBe('moved');
  expect(await change(here, { from: first.revision })).toBe('moved');
  expect(await holder(here)).toBe('a');
  expect(await change(here, { from: renewed.revision })).toEqual({ revision: undefined });
  expect(await change(here, { from: renewed.revision })).toBe('moved');
  expect(await change(place(), { to: by('b') })).toEqual({ revision: expect.any(String) });
  expect(await holder(here)).toBe('b');
});

test('a build whose claim was taken over does not remove the claim of the other one', async () => {
  const first = await change(place(), { to: by('a') });
  if (first === 'moved') throw new Error('it is claimed already');
  await change(place(), { from: first.revision, to: by('b') });
  expect(await change(place(), { from: first.revision })).toBe('moved');
  expect(await holder(place())).toBe('b');
  expect(readdirSync(join(home, 'claims')).filter((name) => name.startsWith('.conductor-tmp-'))).toEqual([]);
});
