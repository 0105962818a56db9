/** A live process never passes for a dead one because the system cannot open a file. */

import { expect, onTestFinished, test, vi } from 'vitest';
import { identityOf, isSame, type ProcessIdentity } from './identity.js';

const failing = vi.hoisted(() => ({ code: undefined as string | undefined }));
vi.mock('node:fs/promises', async (original) => {
  const real = await original<typeof import('node:fs/promises')>();
  const readFile = async (...args: Parameters<typeof real.readFile>) => {
    if (failing.code !== undefined) throw Object.assign(new Error(failing.code), { code: failing.code });
    return real.readFile(...args);
  };
  return { ...real, readFile };
});

test.runIf(process.platform === 'linux')('a file that cannot be opened now says nothing', async () => {
  onTestFinished(() => {
    failing.code = undefined;
  });
  const own = (await identityOf(process.pid)) as ProcessIdentity;
  expect(await isSame(own)).toBe(true);
  failing.code = 'EMFILE';
  await expect(isSame(own)).rejects.toMatchObject({ code: 'EMFILE' });
  failing.code = 'ENOENT';
  expect(await isSame(own)).toBe(false);
});
