/** Holds that a program runs alike in the runner process and as this process's own child, and that nothing outlives it. */

import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { PACKAGE } from '../../test/rig/command-line.js';
import { runProgram } from './process.js';
import { type QuickRun, RunnerProcess } from './runner-process.js';

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
    runOf('read line || echo none'),
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

test('a runner process that is killed leaves no program behind, and its programs count as killed', async () => {
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
    tail: expect.stringContaining('The process in which conductor runs commands was ended'),
  });
  if (process.platform === 'linux') expect(await isLive(child)).toBe(false);
  expect(runner.isReady).toBe(false);
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
