/** Results that are read before they are asked for: found as if they were read one by one. */

import { expect, test } from 'vitest';
import { scratchObjects } from '../test/rig/scratch-repository.js';
import { resultName } from './encoded-entry.js';
import { GitResults } from './git-results.js';
import type { NewResult } from './result-store.js';

const key = (i: number) => String(i).padStart(64, '0');
const COUNT = 600;

test('hundreds of likely results are found, what is damaged, forgotten or replaced is told as ever', async () => {
  const objects = await scratchObjects();
  const result = async (i: number, text: string): Promise<NewResult> => ({
    key: key(i),
    outputs: new Map([
      ['a/b/one.txt', { mode: '100644', id: await objects.writeBlob(Buffer.from(`${text} ${i}`)) }],
    ]),
    edits: [],
    provenance: {
      ...{ schema: 1, label: `f/T${i}`, key: key(i), manifest: [], recipe: 'run', attempts: 1, usage: {} },
      ...{ gates: [], startedAt: '2030-01-01T00:00:00.000Z', ms: 1, conductor: '1.0.0' },
    },
  });
  const first = new GitResults(objects);
  const numbers = Array.from({ length: COUNT }, (_, i) => i);
  const kept = await Promise.all(numbers.map(async (i) => first.keep(await result(i, 'text'))));
  expect(kept.every(({ ok }) => ok)).toBe(true);
  const commits = kept.map((one) => (one.ok ? one.value.commit : ''));
  await first.repack();

  const missing = COUNT;
  const likely = [...numbers, missing].reverse().map(key);
  const store = new GitResults(objects, { likely });
  const found = async (i: number) => {
    const one = await store.find(key(i));
    return one.ok ? one.value?.commit : one.error.kind;
  };
  // All of its group is on the way when these are replaced and forgotten.
  const asked = found(9);
  await store.point(resultName(key(7)), commits[6] as string);
  await store.forget(key(8));
  expect(await asked).toBe(commits[9]);
  expect(await found(7)).toBe('result-damaged');
  expect(await found(8)).toBeUndefined();
  expect(await found(missing)).toBeUndefined();
  for (const i of numbers.slice(9)) expect(await found(i)).toBe(commits[i]);
});
