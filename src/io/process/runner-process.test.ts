/** Holds that a program runs alike in the runner process and as this process's own child, and that nothing outlives it. */

import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough, Writable } from 'node:stream';
import { setImmediate } from 'node:timers/promises';
import { build } from 'esbuild';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { PACKAGE } from '../../test/rig/command-line.js';
import { runProgram } from './process.js';
import { killOrphans, runOwner } from './run-marks.js';
import { type QuickRun, RunnerProcess } from './runner-process.js';
import { type RunnerAnswer, type RunnerOrder, readLines, serveRuns } from './served-runs.js';

let folder: string;
let file: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'conductor runner '));
  file = join(folder, 'command-runner.mjs');
  await build({
    absWorkingDir: PACKAGE,
    entryPoints: ['src/cli/command-runner.ts'],
    outfile: file,
    bundle: true,
    format: 'esm',
    platform: 'node',
    logLevel: 'silent',
  });
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const ENV = { PATH: '/usr/local/bin:/usr/bin:/bin', WORD: 'hidden-word' };
const runOf = (command: QuickRun['command'], more: Partial<QuickRun> = {}): QuickRun => ({
  command,
  cwd: folder,
  env: ENV,
  graceMs: 150,
  ...more,
});
const open = () => RunnerProcess.open(file) as RunnerProcess;

test('every end of a program is told as it is', async () => {
  const runner = open();
  const runs = [
    runOf('printf "a\\nb"; echo err >&2; exit 3'),
    runOf('kill -9 $$'),
    runOf(['no-such-program']),
    runOf('echo "$WORD"; pwd', { secrets: ['hidden-word'] }),
    runOf('sleep 60', { timeoutMs: 50 }),
    runOf('sleep 0.2', { timeoutMs: Number.POSITIVE_INFINITY }),
    runOf('read line || echo none'),
    runOf('cat', { stdin: 'words in\nwith "quotes"' }),
  ];
  for (const run of runs) {
    const [here, there] = [await runProgram(run), await runner.run(run)];
    expect({ ...there, ms: 0 }).toEqual({ ...here, ms: 0 });
  }
  const nowhere = runOf('true', { cwd: join(folder, 'gone') });
  await expect(runner.run(nowhere)).rejects.toMatchObject({ code: 'ENOENT', path: nowhere.cwd });
  await runner.close();
});

test('lines are told as they come, and an abort ends the program with all that it started', async () => {
  const runner = open();
  const stop = new AbortController();
  const lines: string[] = [];
  const logFile = join(folder, 'log');
  const exit = await runner.run(
    runOf('sleep 60 & echo $!; wait', {
      logFile,
      signal: stop.signal,
      onLine(line) {
        lines.push(line);
        stop.abort();
      },
    }),
  );
  expect(exit.kind).toBe('cancelled');
  expect(await readFile(logFile, 'utf8')).toBe(`${lines[0]}\n`);
  expect(await isLive(Number(lines[0]))).toBe(false);
  expect(await runner.run(runOf('true', { signal: stop.signal }))).toMatchObject({ kind: 'cancelled' });
  await runner.close();
});

test('an agent is heard as here: its start, each line as it is, signs of life, and nothing of what is skipped', async () => {
  const heard = async (start: (run: QuickRun) => Promise<unknown>, name: string) => {
    const lines: unknown[] = [];
    const signs: string[] = [];
    const logFile = join(folder, name);
    await start(
      runOf(
        'printf "a \\"hidden-word\\"\\n{skip: delta\\n{skip: whole\\n"; yes b | head -c 40000 | tr -d "\\n"; echo e >&2',
        {
          secrets: ['hidden-word'],
          logFile,
          skipped: { start: '{skip', has: 'delta' },
          onRawLine: (line, stream, isEnd) => lines.push([line, stream, isEnd]),
          onSkipped: () => signs.push('skipped'),
          onStart: (pid) => signs.push(pid > 0 ? 'started' : 'no'),
        },
      ),
    );
    const byStream = (name: string) => lines.filter((line) => (line as string[])[1] === name);
    return { out: byStream('stdout'), err: byStream('stderr'), signs, log: await readFile(logFile, 'utf8') };
  };
  const runner = open();
  const there = await heard((run) => runner.run(run), 'there');
  expect(there.signs).toEqual(['started', 'skipped']);
  expect(there.log).not.toMatch(/hidden-word|delta/);
  expect(there.out).toHaveLength(4);
  const here = await heard(runProgram, 'here');
  expect({ ...there, log: there.log.length }).toEqual({ ...here, log: here.log.length });
  await runner.close();
});

test('a program that prints faster than its lines are taken waits, and no line is lost', async () => {
  const orders = new PassThrough();
  const written: string[] = [];
  let most = 0;
  const answers: Writable = new Writable({
    decodeStrings: false,
    async write(text: string, _, done) {
      // Others have many turns for each piece that is taken.
      for (let turn = 0; turn < 20; turn++) await setImmediate();
      most = Math.max(most, answers.writableLength);
      written.push(text);
      done();
    },
  });
  const served = serveRuns(orders, answers);
  const listened = { onLine: false, onRawLine: true, onSkipped: false };
  const count = 400_000;
  const order: RunnerOrder = { kind: 'run', id: 1, run: runOf(`seq ${count}`), listened };
  orders.write(`${JSON.stringify(order)}\n`);
  const told = () => written.map((text) => JSON.parse(text) as RunnerAnswer);
  await vi.waitFor(() => expect(written.at(-1)).toContain('"exit"'), { timeout: 60_000 });
  const lines = told().flatMap((one) => (one.kind === 'raw' ? one.lines.map(([line]) => line) : []));
  expect(lines).toHaveLength(count);
  expect(lines.every((line, i) => line === String(i + 1))).toBe(true);
  // All of them are more than ten times that.
  expect(most).toBeLessThan(1_000_000);
  orders.end();
  await served;
});

test.skipIf(process.platform !== 'linux')(
  'what the runner process of a conductor that is gone still runs counts as left behind',
  async () => {
    const [pid, , space] = runOwner().split('.');
    const gone = `${pid}.1.${space}`;
    const runner = spawn(process.execPath, [file, gone, 'r1'], { stdio: ['pipe', 'pipe', 'inherit'] });
    const answers: RunnerAnswer[] = [];
    readLines(runner.stdout, (line) => answers.push(JSON.parse(line) as RunnerAnswer));
    const listened = { onLine: false, onRawLine: false, onSkipped: false };
    const order: RunnerOrder = { kind: 'run', id: 1, run: runOf('sleep 60'), listened };
    runner.stdin.write(`${JSON.stringify(order)}\n`);
    const one = (kind: RunnerAnswer['kind']) => answers.find((answer) => answer.kind === kind);
    await vi.waitFor(() => expect(one('started')).toBeDefined(), { timeout: 60_000 });
    // Or a conductor of somebody else finds it first.
    await killOrphans();
    await vi.waitFor(() => expect(one('exit')).toMatchObject({ exit: { kind: 'signalled' } }), {
      timeout: 60_000,
    });
    runner.stdin.end();
    await new Promise((resolve) => runner.once('close', resolve));
  },
);

test('a runner process that is killed leaves no program behind, and its programs are lost', async () => {
  const runner = open();
  let child = 0;
  const ended = runner.run(
    runOf('echo $$; sleep 60; true', {
      onLine(line) {
        child = Number(line);
        process.kill(runner.pid as number, 'SIGKILL');
      },
    }),
  );
  expect(await ended).toMatchObject({
    kind: 'signalled',
    signal: 'SIGKILL',
    isLost: true,
    tail: expect.stringContaining('The process in which conductor runs programs was ended'),
  });
  if (process.platform === 'linux') expect(await isLive(child)).toBe(false);
  expect(runner.isReady).toBe(false);
});

test('the end of many programs with their runner process is told without a warning of node', async () => {
  const warnings: Error[] = [];
  const onWarning = (warning: Error) => warnings.push(warning);
  process.on('warning', onWarning);
  try {
    const runner = open();
    let started = 0;
    const onStart = () => {
      if (++started === 16) process.kill(runner.pid as number, 'SIGKILL');
    };
    const ends = await Promise.all(
      Array.from({ length: 16 }, () => runner.run(runOf('sleep 60', { onStart }))),
    );
    expect(ends.every(({ kind }) => kind === 'signalled')).toBe(true);
    await setImmediate();
    expect(warnings).toEqual([]);
  } finally {
    process.off('warning', onWarning);
  }
});

test('a runner process that is stopped does not keep a cancelled program, and is ended', async () => {
  const runner = RunnerProcess.open(file, 200) as RunnerProcess;
  const stop = new AbortController();
  let child = 0;
  const onLine = (line: string) => {
    child = Number(line);
    process.kill(runner.pid as number, 'SIGSTOP');
    stop.abort();
  };
  const [cancelled, other] = await Promise.all([
    runner.run(runOf('echo $$; sleep 600; true', { signal: stop.signal, onLine })),
    runner.run(runOf('sleep 600')),
  ]);
  expect(cancelled.kind).toBe('cancelled');
  expect(other).toMatchObject({ kind: 'signalled', isLost: true });
  if (process.platform === 'linux') expect(await isLive(child)).toBe(false);
  await runner.close();
});

test('a runner process that is stopped is ended where a program should have ended, and with the command', async () => {
  const late = RunnerProcess.open(file, 200) as RunnerProcess;
  const onStart = () => void process.kill(late.pid as number, 'SIGSTOP');
  const exit = await late.run(runOf('sleep 600', { timeoutMs: 300, onStart }));
  expect(exit).toMatchObject({ kind: 'signalled', isLost: true });
  const idle = RunnerProcess.open(file, 200) as RunnerProcess;
  await idle.run(runOf('true'));
  process.kill(idle.pid as number, 'SIGSTOP');
  await idle.close();
  expect(await isLive(idle.pid as number)).toBe(false);
});

test('a runner process that is well is not ended by a program that takes its time to stop', async () => {
  const runner = RunnerProcess.open(file, 300) as RunnerProcess;
  const stop = new AbortController();
  const stubborn = runOf('trap "" TERM; echo here; while true; do sleep 0.1; done', {
    signal: stop.signal,
    graceMs: 1500,
    onLine: () => stop.abort(),
  });
  expect(await runner.run(stubborn)).toMatchObject({ kind: 'cancelled' });
  expect(await runner.run(runOf('true'))).toMatchObject({ kind: 'exited', code: 0 });
  await runner.close();
});

test('what a module of NODE_OPTIONS prints is no answer', async () => {
  const loud = join(folder, 'loud.cjs');
  await writeFile(loud, 'console.log("Debugger attached.")\n');
  vi.stubEnv('NODE_OPTIONS', `--require ${JSON.stringify(loud)}`);
  try {
    const runner = open();
    expect(await runner.run(runOf('echo said'))).toMatchObject({ kind: 'exited', tail: 'said\n' });
    await runner.close();
  } finally {
    vi.unstubAllEnvs();
  }
});

test('where its file is missing there is none', () => {
  expect(RunnerProcess.open(join(folder, 'missing.js'))).toBeUndefined();
});

/** A dead process that nobody reaps has no command line. */
async function isLive(pid: number): Promise<boolean> {
  const place = `/proc/${pid}/cmdline`;
  return existsSync(place) && (await readFile(place, 'utf8').catch(() => '')) !== '';
}
