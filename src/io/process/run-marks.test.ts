/** What cannot be looked at now is no reason to let a program of a killed build live on. */

import { expect, onTestFinished, test, vi } from 'vitest';
import { killOrphans, killRun, nextRunMark } from './run-marks.js';

const failing = vi.hoisted(() => ({ code: undefined as string | undefined }));
vi.mock('node:fs', async (original) => {
  const real = await original<typeof import('node:fs')>();
  const readFileSync = (...args: Parameters<typeof real.readFileSync>) => {
    const { code } = failing;
    if (code !== undefined && String(args[0]).endsWith('/environ'))
      throw Object.assign(new Error(code), { code });
    return real.readFileSync(...args);
  };
  return { ...real, readFileSync };
});

test.runIf(process.platform === 'linux')(
  'a process whose mark cannot be read now is not passed over',
  async () => {
    onTestFinished(() => {
      failing.code = undefined;
    });
    const run = { mark: nextRunMark(), pid: process.ppid, ms: 2000 };
    failing.code = 'EMFILE';
    await expect(killOrphans()).rejects.toMatchObject({ code: 'EMFILE' });
    await expect(killRun(run)).rejects.toMatchObject({ code: 'EMFILE' });
    // Of another user.
    failing.code = 'EACCES';
    expect(await killRun(run)).toBe(0);
  },
);
