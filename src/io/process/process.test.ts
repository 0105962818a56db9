import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { isAlive } from '../files.js';
import { type ProgramRun, runProgram } from './process.js';
import { killOrphans, nextRunMark } from './run-marks.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'conductor process '));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const ENV = { PATH: '/usr/local/bin:/usr/bin:/bin' };
function run(command: ProgramRun['command'], more: Partial<ProgramRun> = {}) {
  return runProgram({ command, cwd: folder, env: ENV, graceMs: 150, ...more });
}

/** Of a dead process nothing, also where nobody reaps it. */
function commandLine(pid: number): Promise<string> {
  return readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
}

test('a shell line runs as written, an argument vector untouched by any shell', async () => {
  expect(await run('printf "%s\\n" "$((1+1))" && exit 3')).toMatchObject({
    kind: 'exited',
    code: 3,
    tail: '2\n',
  });
  expect(await run(['printf', '%s|', '$HOME', "a'b", '-n', 'x\ny'])).toMatchObject({
    code: 0,
    tail: "$HOME|a'b|-n|x\ny|\n",
  });
});

test('only the given variables are seen, and folders can go in front of PATH', async () => {
  const seen = await run(['env'], { env: { ...ENV, ONLY: 'this' } });
  const [path, only, mark, ...rest] = (seen as { tail: string }).tail.split('\n');
  expect([path, only]).toEqual([`PATH=${ENV.PATH}`, 'ONLY=this']);
  // By which it is found, should it leave its group.
  if (process.platform === 'linux')
    expect([mark, ...rest]).toEqual([expect.stringMatching(/^CONDUCTOR_RUN=/), '']);
  await writeFile(join(folder, 'sort'), '#!/bin/sh\necho mine\n', { mode: 0o755 });
  expect(await run('sort', { pathInFront: [folder] })).toMatchObject({ tail: 'mine\n' });
});

test('standard input is given, empty without one, and may stay unread', async () => {
  expect(await run(['cat'], { stdin: 'grüße' })).toMatchObject({ tail: 'grüße\n' });
  expect(await run(['cat'])).toMatchObject({ kind: 'exited', tail: '' });
  expect(await run(['true'], { stdin: Buffer.alloc(1_000_000) })).toMatchObject({ kind: 'exited', code: 0 });
});

test('a program that is not there is named, also with a path or a missing right', async () => {
  await writeFile(join(folder, 'plain'), 'text');
  expect(await run(['no-such-program-here'])).toEqual({ kind: 'not-found', program: 'no-such-program-here' });
  expect(await run(['./plain'])).toEqual({ kind: 'not-found', program: './plain' });
});

test('a missing folder is a mistake of the caller', async () => {
  await expect(run(['true'], { cwd: join(folder, 'gone') })).rejects.toThrow('ENOENT');
});

test('a program that ends by a signal says which', async () => {
  expect(await run('kill -SEGV $$')).toMatchObject({ kind: 'signalled', signal: 'SIGSEGV' });
});

test('a program past its time is ended with all its children, even those that ignore the request', async () => {
  const lines: string[] = [];
  const exit = await run('trap "" TERM; sh -c \'trap "" TERM; echo $$; while :; do sleep 1; done\' & wait', {
    timeoutMs: 300,
    onLine: (line) => lines.push(line),
  });
  expect(exit.kind).toBe('timed-out');
  expect(Number(lines[0])).toBeGreaterThan(1);
  expect(await commandLine(Number(lines[0]))).toBe('');
});

test('a program that ends when asked keeps its last words', async () => {
  const exit = await run('trap "echo bye; exit 0" TERM; echo hi; while :; do :; done', {
    timeoutMs: 200,
  });
  expect(exit).toMatchObject({ kind: 'timed-out', tail: 'hi\nbye\n' });
});

test('an abort cancels; before the start nothing runs', async () => {
  const stop = new AbortController();
  const running = run('echo started; sleep 60', { signal: stop.signal, onLine: () => stop.abort() });
  expect((await running).kind).toBe('cancelled');
  const never = await run('touch ran', { signal: stop.signal });
  expect(never.kind).toBe('cancelled');
  await expect(readFile(join(folder, 'ran'))).rejects.toThrow('ENOENT');
});

test('a child left in the background does not hang the run and does not outlive it', async () => {
  const exit = await run('sleep 60 & echo $!');
  expect(exit).toMatchObject({ kind: 'exited', code: 0 });
  const pid = Number((exit as { tail: string }).tail);
  expect(pid).toBeGreaterThan(1);
  expect(await commandLine(pid)).toBe('');
});

test('a daemon with a session of its own that holds the pipes does not hang the run', async () => {
  const exit = await run('setsid sleep 20 & echo $!; sleep 0.05');
  expect(exit).toMatchObject({ kind: 'exited', code: 0 });
  const { ms, tail } = exit as { ms: number; tail: string };
  expect(ms).toBeLessThan(5000);
  expect(await commandLine(Number(tail))).toBe('');
});

describe.runIf(process.platform === 'linux')('what left the group of a program', () => {
  test('and its pipes too is ended with it, and what others started is not', async () => {
    const other = spawn('sleep', ['60']);
    const exit = await run(
      // The file is there before the loop asks: a test of no number would end it at once.
      `: > pids; for i in 1 2 3; do setsid sh -c 'echo $$ >> pids; setsid sleep 60 & echo $! >> pids; exec sleep 60' >/dev/null 2>&1 & done
       while [ "$(wc -l < pids)" -lt 6 ]; do :; done`,
    );
    expect(exit).toMatchObject({ kind: 'exited', code: 0 });
    const pids = (await readFile(join(folder, 'pids'), 'utf8')).trim().split('\n').map(Number);
    expect(await Promise.all(pids.map(commandLine))).toEqual(['', '', '', '', '', '']);
    expect(isAlive(other.pid as number)).toBe(true);
    other.kill('SIGKILL');
  });

  test('is ended at the next start when conductor was killed', async () => {
    // As a conductor that is gone: no process has this start time.
    const [variable = ''] = Object.keys(nextRunMark().variables);
    const [pid, , space] = (nextRunMark().variables[variable] as string).split('.');
    const left = spawn('sleep', ['60'], { env: { [variable]: `${pid}.1.${space}.1` } });
    const elsewhere = spawn('sleep', ['60'], { env: { [variable]: `${pid}.1.1.1` } });
    const living = spawn('sleep', ['60'], { env: { ...nextRunMark().variables } });
    const ended = new Promise((resolve) => left.once('exit', (_, signal) => resolve(signal)));
    expect(await killOrphans()).toBeGreaterThanOrEqual(1);
    expect(await ended).toBe('SIGKILL');
    expect([elsewhere, living].map((one) => one.exitCode ?? one.signalCode)).toEqual([null, null]);
    for (const one of [elsewhere, living]) one.kill('SIGKILL');
  });
});

test('both streams are logged, and endless output ends with the time', async () => {
  const logFile = join(folder, 'logs', 'x.log');
  expect(await run('echo out; echo err >&2', { logFile })).toMatchObject({ code: 0 });
  expect((await readFile(logFile, 'utf8')).split('\n').sort()).toEqual(['', 'err', 'out']);
  const exit = await run('yes | tr -d "\\n"', { timeoutMs: 200, logFile, maxLogBytes: 50_000 });
  expect(exit.kind).toBe('timed-out');
  expect((await readFile(logFile)).length).toBeLessThan(51_000);
});

test('a program that says nothing and ends well leaves no log; one that fails leaves an empty one', async () => {
  const quiet = join(folder, 'quiet.log');
  expect(await run('true', { logFile: quiet })).toMatchObject({ code: 0 });
  expect(existsSync(quiet)).toBe(false);
  expect(await run('exit 3', { logFile: quiet })).toMatchObject({ code: 3 });
  expect(await readFile(quiet, 'utf8')).toBe('');
});
