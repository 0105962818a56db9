import { expect, test } from 'vitest';
import { type LostWork, MAX_STARTS, throughLosses } from './lost-work.js';

type End = LostWork | { readonly kind: 'finished' };
const LOST = { kind: 'lost', detail: 'it ended' } as const;

async function through(ends: readonly End[], signal = new AbortController().signal) {
  const left = [...ends];
  const said: string[] = [];
  let resets = 0;
  const reset = async () => {
    resets++;
  };
  const start = async () => left.shift() as End;
  const end = await throughLosses({ signal, reset }, start, (line) => said.push(line));
  return { kind: end.kind, resets, said: said.length, left: left.length };
}

test('lost work starts again from the files with which it began', async () => {
  const finished = { kind: 'finished' } as const;
  expect(await through([finished])).toMatchObject({ kind: 'finished', resets: 0, said: 0 });
  expect(await through([LOST, LOST, finished])).toMatchObject({ kind: 'finished', resets: 2, said: 2 });
});

test('work that is lost again and again ends, and lost work that nobody waits for any more is cancelled', async () => {
  const ends = Array.from({ length: 9 }, () => LOST);
  expect(await through(ends)).toMatchObject({ kind: 'lost', left: 9 - MAX_STARTS });
  expect(await through(ends, AbortSignal.abort())).toMatchObject({ kind: 'cancelled', resets: 0, left: 8 });
});
