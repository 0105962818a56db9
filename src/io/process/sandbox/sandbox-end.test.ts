/** What a run in a sandbox needs before it starts. */

import { existsSync, fstatSync } from 'node:fs';
import { afterEach, expect, test, vi } from 'vitest';
import { SandboxRun } from './sandbox-end.js';

afterEach(() => vi.unstubAllEnvs());

test.skipIf(!existsSync('/dev/shm'))(
  'a folder for temporary files that cannot be written into does not stop a sandbox',
  async () => {
    vi.stubEnv('TMPDIR', '/proc');
    const run = SandboxRun.begin();
    expect(fstatSync(run.file)).toMatchObject({ size: 0, nlink: 0 });
    // No sandbox was made: there is nothing to wait for.
    await run.end(1000);
  },
);
