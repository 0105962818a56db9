/** Holds that files are outlined alike inline and in threads. */

import { expect, test } from 'vitest';
import { bundlePool } from '../test/rig/worker-bundle.js';
import outlineMany from './outline-worker.js';

test('files are outlined alike inline and in threads', async () => {
  const bundle = await bundlePool({ 'outline-worker': 'src/plan/outline-worker.ts' });
  try {
    const files = Array.from({ length: 300 }, (_, i) => ({
      path: i % 2 === 0 ? `a${i}.ts` : `a${i}.py`,
      text: i % 2 === 0 ? `export const one${i} = 1;\nexport { a as b${i} };\n` : `def two${i}(): pass\n`,
    }));
    const neverInline = () => Promise.reject(new Error('done inline'));
    const options = { threshold: 1, threads: 2 };
    const made = await bundle.pool.inThreads('outline-worker', neverInline, files, options);
    expect(made).toEqual(await outlineMany(files));
    expect(made.slice(0, 2)).toEqual([['one0', 'b0'], ['two1']]);
  } finally {
    await bundle.remove();
  }
});
