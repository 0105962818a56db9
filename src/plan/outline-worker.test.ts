/** Holds that files are outlined alike inline and in threads. */

import { mkdtemp, rm } from 'node:fs/promises';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import { expect, test } from 'vitest';
import outlineMany from './outline-worker.js';

const root = fileURLToPath(new URL('../..', import.meta.url));

test('files are outlined alike inline and in threads', async () => {
  // Below node_modules, so that packages that are not bundled are found.
  const folder = await mkdtemp(`${root}node_modules/.outline-test-`);
  try {
    await build({
      absWorkingDir: root,
      entryPoints: { pool: 'src/io/pool.ts', 'outline-worker': 'src/plan/outline-worker.ts' },
      outdir: folder,
      bundle: true,
      splitting: true,
      format: 'esm',
      platform: 'node',
      external: ['piscina'],
      banner: {
        js: "import { createRequire as testRequire } from 'node:module'; const require = testRequire(import.meta.url);",
      },
      logLevel: 'silent',
    });
    const { inThreads } = (await import(
      pathToFileURL(`${folder}/pool.js`).href
    )) as typeof import('../io/pool.js');
    const files = Array.from({ length: 300 }, (_, i) => ({
      path: i % 2 === 0 ? `a${i}.ts` : `a${i}.py`,
      text: i % 2 === 0 ? `export const one${i} = 1;\nexport { a as b${i} };\n` : `def two${i}(): pass\n`,
    }));
    const neverInline = () => Promise.reject(new Error('done inline'));
    const made = await inThreads('outline-worker', neverInline, files, { threshold: 1, threads: 2 });
    expect(made).toEqual(await outlineMany(files));
    expect(made.slice(0, 2)).toEqual([['one0', 'b0'], ['two1']]);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
