/** Claims against a place in memory: what others wait for, when a claim is dead, and what a place that fails does. */

import { expect, test, vi } from 'vitest';
import { ok } from '../../base/result.js';
import type { ActionKey } from '../../model/action.js';
import type {
  ChangedClaims,
  ChangeOutcome,
  ClaimChange,
  ClaimFault,
  ClaimPlace,
  PlacedClaim,
  ReadClaims,
} from './claim-place.js';
import { Claims, type ClaimsOptions, type HeldClaim } from './claims.js';

const KEY = 'k'.repeat(64);
const { signal } = new AbortController();
const PATIENT = { timeout: 20_000, interval: 5 };

class MemoryPlace implements ClaimPlace {
  readonly name: string;
  readonly claims = new Map<ActionKey, PlacedClaim>();
  fault: ClaimFault | undefined;
  /** What is asked for is done, and the answer does not arrive. */
  losesAnswers = false;
  /** Called before a change is answered: hold it open by a promise. */
  before: () => Promise<void> = () => Promise.resolve();
  private count = 0;

  constructor(name = 'memory') {
    this.name = name;
  }

  async read(): Promise<ReadClaims> {
    return this.fault ? { ok: false, error: this.fault } : ok(this.claims);
  }

  async change(changes: ReadonlyMap<ActionKey, ClaimChange>): Promise<ChangedClaims> {
    await this.before();
    if (this.fault) return { ok: false, error: this.fault };
    const outcomes = new Map<ActionKey, ChangeOutcome>();
    for (const [key, { from, to }] of changes) {
      if (this.claims.get(key)?.revision !== from) outcomes.set(key, 'moved');
      else {
        const revision = to && String(++this.count);
        if (to && revision) this.claims.set(key, { text: to, revision });
        else this.claims.delete(key);
        outcomes.set(key, { revision });
      }
    }
    return this.losesAnswers ? { ok: false, error: { kind: 'failed', detail: 'it is away' } } : ok(outcomes);
  }
}

/** Lets time pass for the renewals of a build, one turn at a time. */
class Turns {
  private readonly waiting: (() => void)[] = [];

  readonly pause = (ms: number, stopped: AbortSignal): Promise<void> => {
    if (ms !== 20_000) return Promise.resolve();
    return Promise.race([untilAborted(stopped), new Promise<void>((resolve) => this.waiting.push(resolve))]);
  };

  next(): void {
    for (const resolve of this.waiting.splice(0)) resolve();
  }
}

/** `pause` counts what was waited for and never waits. */
function open(who: string, options: Partial<ClaimsOptions>) {
  const warnings: string[] = [];
  const self = { who, build: who, place: who, pid: 1, start: '1' };
  const claims = new Claims({
    local: new MemoryPlace('store'),
    remotes: [],
    self: async () => self,
    mostMs: 3_600_000,
    isOpen: () => true,
    isGone: async () => false,
    warn: (message) => warnings.push(message),
    pause: (ms, stopped) => (ms === 20_000 ? untilAborted(stopped) : Promise.resolve()),
    ...options,
  });
  return { claims, warnings };
}

function untilAborted(stopped: AbortSignal): Promise<void> {
  return new Promise((resolve) => stopped.addEventListener('abort', () => resolve(), { once: true }));
}

test('a claim is held by one build, and the next one gets it when it is given back', async () => {
  const shared = new MemoryPlace();
  const ada = open('ada', { remotes: [shared] });
  const ben = open('ben', { remotes: [shared] });
  const first = await ada.claims.take(KEY, 'f/T1', signal);
  const second = (await ben.claims.take(KEY, 'f/T1', signal)) as HeldClaim;
  expect([first.kind, second.kind, second.who]).toEqual(['taken', 'held', 'ada']);
  if (first.kind === 'taken') first.release();
  expect(await ben.claims.wait(second, signal)).toBe('over');
  expect((await ben.claims.take(KEY, 'f/T1', signal)).kind).toBe('taken');
  await Promise.all([ada.claims.close(), ben.claims.close()]);
  expect(shared.claims.size).toBe(0);
});

test('a claim that nobody renews is dead after time that was waited here; a renewed one is not', async () => {
  const shared = new MemoryPlace();
  const ada = open('ada', { remotes: [shared] });
  await ada.claims.take(KEY, 'f/T1', signal);
  let waited = 0;
  let beats = 4;
  const ben = open('ben', {
    remotes: [shared],
    pause: async (ms, stopped) => {
      if (ms === 20_000) return untilAborted(stopped);
      waited += ms;
      const there = shared.claims.get(KEY) as PlacedClaim;
      // As its holder does every 20 s, until it dies.
      if (beats > 0 && waited > 80_000 * (5 - beats))
        shared.claims.set(KEY, { ...there, revision: `beat ${beats--}` });
    },
  });
  const held = (await ben.claims.take(KEY, 'f/T1', signal)) as HeldClaim;
  expect(await ben.claims.wait(held, signal)).toBe('over');
  expect(beats).toBe(0);
  expect(waited).toBeGreaterThan(400_000);
  expect((await ben.claims.take(KEY, 'f/T1', signal)).kind).toBe('taken');
  await ben.claims.close();
});

test('a claim that lives for ever is waited for no longer than the longest time', async () => {
  const shared = new MemoryPlace();
  await open('ada', { remotes: [shared] }).claims.take(KEY, 'f/T1', signal);
  let beat = 0;
  const pause = async (ms: number, stopped: AbortSignal) => {
    if (ms === 20_000) return untilAborted(stopped);
    const there = shared.claims.get(KEY) as PlacedClaim;
    shared.claims.set(KEY, { ...there, revision: `beat ${beat++}` });
  };
  const ben = open('ben', { remotes: [shared], pause, mostMs: 60_000 });
  const held = (await ben.claims.take(KEY, 'f/T1', signal)) as HeldClaim;
  expect(await ben.claims.wait(held, signal)).toBe('given-up');
});

test('a remote that fails is warned of once and not asked again; one without claims makes room for the next', async () => {
  const broken = new MemoryPlace('broken');
  broken.fault = { kind: 'failed', detail: 'it is away' };
  const one = open('ada', { remotes: [broken, new MemoryPlace()] });
  for (const key of ['a', 'b']) expect((await one.claims.take(key, 'f/T1', signal)).kind).toBe('taken');
  expect(one.warnings).toEqual([
    expect.stringMatching(/^broken: it is away; conductor cannot claim tasks there/),
  ]);
  await one.claims.close();
  const without = new MemoryPlace('without');
  without.fault = { kind: 'unsupported', detail: '' };
  const able = new MemoryPlace('able');
  const two = open('ada', { remotes: [without, able] });
  await Promise.all(['a', 'b', 'c'].map((key) => two.claims.take(key, 'f/T1', signal)));
  expect([...able.claims.keys()]).toEqual(['a', 'b', 'c']);
  expect(two.warnings).toEqual([]);
  await two.claims.close();
  expect(able.claims.size).toBe(0);
});

test.each(['renewed', 'given back'])(
  'a claim whose last renewal was made without an answer is still %s',
  async (end) => {
    const shared = new MemoryPlace();
    const turns = new Turns();
    const ada = open('ada', { remotes: [shared], pause: turns.pause });
    const own = await ada.claims.take(KEY, 'f/T1', signal);
    const beat = () => shared.claims.get(KEY)?.text?.beat;
    shared.losesAnswers = true;
    turns.next();
    await vi.waitUntil(() => beat() === 1, PATIENT);
    shared.losesAnswers = false;
    if (end === 'renewed') {
      await vi.waitUntil(() => {
        turns.next();
        return Number(beat()) >= 3;
      }, PATIENT);
    } else if (own.kind === 'taken') own.release();
    await ada.claims.close();
    expect(shared.claims.size).toBe(0);
  },
);

test('a remote that does not answer keeps no claim in the store from being renewed', async () => {
  const [local, silent] = [new MemoryPlace('store'), new MemoryPlace('silent')];
  const turns = new Turns();
  const ada = open('ada', { local, remotes: [silent], pause: turns.pause });
  await ada.claims.take(KEY, 'f/T1', signal);
  let answer = () => {};
  silent.before = () => new Promise((resolve) => (answer = resolve));
  await vi.waitUntil(() => {
    turns.next();
    return Number(local.claims.get(KEY)?.text?.beat) >= 3;
  }, PATIENT);
  expect(silent.claims.get(KEY)?.text?.beat).toBe(0);
  silent.before = () => Promise.resolve();
  answer();
  await ada.claims.close();
  expect([local.claims.size, silent.claims.size]).toEqual([0, 0]);
});

test('a claim of a process of this machine that has ended is taken over at once', async () => {
  const local = new MemoryPlace('store');
  const dead = open('ada', { local });
  await dead.claims.take(KEY, 'f/T1', signal);
  const next = open('ada', {
    local,
    isGone: async () => true,
    self: async () => ({ ...SELF, build: 'next' }),
  });
  expect((await next.claims.take(KEY, 'f/T1', signal)).kind).toBe('taken');
});

const SELF = { who: 'ada', place: 'ada', pid: 2, start: '2' };
