/** Holds that programs which have cleared their variables, and so conductor's mark, end with the runner process all the same. */

import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { PACKAGE } from '../../test/rig/command-line.js';
import { RunnerProcess } from './runner-process.js';
import { readLines } from './served-runs.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'conductor unmarked '));
  await build({
    absWorkingDir: PACKAGE,
    entryPoints: ['src/cli/command-runner.ts', 'src/io/process/runner-process.ts'],
    outdir: folder,
    outExtension: { '.js': '.mjs' },
    entryNames: '[name]',
    bundle: true,
    format: 'esm',
    platform: 'node',
    logLevel: 'silent',
  });
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const runner = () => join(folder, 'command-runner.mjs');
/** Its shell has a mark, and what it waits for has none. */
const unmarked = () => ({
  command: `env -i sh -c 'echo $$; sleep 600; true'; true`,
  cwd: folder,
  env: { PATH: '/usr/local/bin:/usr/bin:/bin' },
});

test.skipIf(process.platform !== 'linux')('they end with a runner process that is killed', async () => {
  const small = RunnerProcess.open(runner()) as RunnerProcess;
  let child = 0;
  const exit = await small.run({
    ...unmarked(),
    onLine(line) {
      child = Number(line);
      process.kill(small.pid as number, 'SIGKILL');
    },
  });
  expect(exit).toMatchObject({ isLost: true });
  expect(await wasLive(child)).toBe(false);
});

test.skipIf(process.platform !== 'linux')('they end with a conductor that ends at once', async () => {
  const script = join(folder, 'at-once.mjs');
  await writeFile(
    script,
    `import { RunnerProcess } from ${JSON.stringify(pathToFileURL(join(folder, 'runner-process.mjs')).href)};
const onLine = (line) => {
  console.log(line);
  process.exit();
};
await RunnerProcess.open(${JSON.stringify(runner())}).run({ ...${JSON.stringify(unmarked())}, onLine });
`,
  );
  const conductor = spawn(process.execPath, [script], { stdio: ['ignore', 'pipe', 'inherit'] });
  const lines: string[] = [];
  readLines(conductor.stdout, (line) => lines.push(line));
  await new Promise((resolve) => conductor.once('close', resolve));
  const child = Number(lines[0]);
  // The system may take a moment to end what is killed.
  await vi.waitUntil(async () => !(await isLive(child)), { timeout: 5000 }).catch(() => undefined);
  expect(await wasLive(child)).toBe(false);
});

/** Ends it if it is. */
async function wasLive(pid: number): Promise<boolean> {
  expect(pid).toBeGreaterThan(0);
  const lives = await isLive(pid);
  if (lives) process.kill(pid, 'SIGKILL');
  return lives;
}

/** A dead process that nobody reaps has no command line. */
async function isLive(pid: number): Promise<boolean> {
  const place = `/proc/${pid}/cmdline`;
  return existsSync(place) && (await readFile(place, 'utf8').catch(() => '')) !== '';
}
