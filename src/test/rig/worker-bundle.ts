/** The pool and its workers bundled as they are shipped, in a folder of a test's own. Knows no test. */

import { mkdtemp, rm } from 'node:fs/promises';
import { pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import { PACKAGE } from './command-line.js';

export interface WorkerBundle {
  readonly pool: typeof import('../../io/pool/thread-pool.js');
  remove(): Promise<void>;
}

/** `workers`: source files by the name of the bundled one. */
export async function bundlePool(workers: Readonly<Record<string, string>>): Promise<WorkerBundle> {
  // Below node_modules, so that packages that are not bundled are found.
  const folder = await mkdtemp(`${PACKAGE}/node_modules/.pool-test-`);
  await build({
    absWorkingDir: PACKAGE,
    entryPoints: { pool: 'src/io/pool/thread-pool.ts', ...workers },
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
  return {
    pool: await import(pathToFileURL(`${folder}/pool.js`).href),
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}
