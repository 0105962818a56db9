/** Which processes are looked at for what a run left, and that what cannot be looked at now is not passed over. */

import { spawn } from 'node:child_process';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { killOrphans, killRun, nextRunMark } from './run-marks.js';

const failing = vi.hoisted(() => ({ code: undefined as string | undefined }));
/** What `/proc/stat` says instead, and whose variables were read. */
const system = vi.hoisted(() => ({ stat: undefined as string | undefined, read: [] as string[] }));
vi.mock('node:fs', async (original) => {
  const real = await original<typeof import('node:fs')>();
  const readFileSync = (...args: Parameters<typeof real.readFileSync>) => {
    const { code } = failing;
    const name = String(args[0]);
    if (name === '/proc/stat' && system.stat !== undefined) return system.stat;
    const pid = /^\/proc\/(\d+)\/environ$/.exec(name)?.[1];
    if (pid !== undefined) system.read.push(pid);
    if (code !== undefined && name.endsWith('/environ')) throw Object.assign(new Error(code), { code });
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

describe.runIf(process.platform === 'linux')('after a long run', () => {
  const left = async (stat: { readonly before: string; readonly after: string }) => {
    onTestFinished(() => {
      system.stat = undefined;
    });
    vi.useFakeTimers({ toFake: ['performance'] });
    onTestFinished(() => void vi.useRealTimers());
    // The reading of an earlier run is too old.
    vi.advanceTimersByTime(60_000);
    system.stat = stat.before;
    const mark = nextRunMark();
    const child = spawn('sleep', ['60'], { env: { ...mark.variables } });
    const ended = new Promise((resolve) => child.once('exit', (_, signal) => resolve(signal)));
    system.stat = stat.after;
    system.read = [];
    const killed = await killRun({ mark, pid: child.pid as number, ms: 5000 });
    expect(await ended).toBe('SIGKILL');
    return { killed, looked: new Set(system.read) };
  };
  const older = String(process.ppid);

  test('only processes that are younger are looked at, while there are numbers for them', async () => {
    const { killed, looked } = await left({ before: 'processes 70000\n', after: 'processes 71000\n' });
    expect(killed).toBe(1);
    expect(looked).not.toContain(older);
  });

  test.each([
    ['so many were started that numbers may have been given again', 'processes 9000000\n'],
    ['the system counts none', 'processes 70000\n'],
    ['the system does not tell', 'cpu 0\n'],
  ])('all are looked at where %s', async (_, after) => {
    const { killed, looked } = await left({ before: 'processes 70000\n', after });
    expect(killed).toBe(1);
    expect(looked).toContain(older);
  });
});
