import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { acquireLock, isOwned, type LockOwner } from './process-lock.js';

/** A process that takes or only prepares the lock, says so, holds it until its input ends, and then only releases it. */
const HOLDER = `
import { acquireLock, prepareLock } from './process-lock.js';
const [stateDir, wait] = process.argv.slice(2);
const owner = { command: 'conductor build', pid: process.pid, startedAt: '2026-01-01T00:00:00.000Z' };
const onWaiting = (holder) => process.stdout.write('waiting for ' + holder.pid + '\\n');
const lock = wait === 'prepare' || (await acquireLock(stateDir, owner, { wait: wait === 'wait', onWaiting }));
if (lock === true) {
  prepareLock(stateDir);
  process.stdout.write('prepared\\n');
  process.stdin.resume();
} else if (!lock.ok) {
  process.stdout.write(JSON.stringify(lock.error) + '\\n');
} else {
  process.stdout.write('held\\n');
  process.stdin.resume();
  process.stdin.on('end', async () => {
    await lock.value.release();
    await lock.value.release();
    process.stdout.write('released\\n');
  });
}
`;

const me: LockOwner = { command: 'conductor gc', pid: process.pid, startedAt: '2026-02-02T00:00:00.000Z' };
const children: Holder[] = [];
let programs: string;
let program: string;
let stateDir: string;

beforeAll(async () => {
  programs = await mkdtemp(join(tmpdir(), 'conductor-holder-'));
  program = join(programs, 'holder.mjs');
  const resolveDir = fileURLToPath(new URL('.', import.meta.url));
  await build({
    stdin: { contents: HOLDER, resolveDir, loader: 'ts' },
    outfile: program,
    bundle: true,
    platform: 'node',
    format: 'esm',
    logLevel: 'error',
  });
});
beforeEach(async () => {
  stateDir = await mkdtemp(join(tmpdir(), 'conductor lock '));
});
afterEach(async () => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
  await rm(stateDir, { recursive: true, force: true });
});
afterAll(() => rm(programs, { recursive: true, force: true }));

class Holder {
  readonly process: ChildProcess;
  readonly exited: Promise<number | null>;
  private readonly lines: string[] = [];
  private wake: () => void = () => {};

  constructor(what: 'no' | 'wait' | 'prepare' = 'no') {
    this.process = spawn(process.execPath, [program, stateDir, what], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    this.exited = new Promise((resolve) => this.process.once('exit', (code) => resolve(code)));
    let rest = '';
    this.process.stdout?.setEncoding('utf8').on('data', (chunk: string) => {
      const parts = (rest + chunk).split('\n');
      rest = parts.pop() ?? '';
      this.lines.push(...parts);
      this.wake();
    });
    children.push(this);
  }

  get pid(): number {
    return this.process.pid ?? 0;
  }

  kill(signal: NodeJS.Signals): void {
    this.process.kill(signal);
  }

  async line(): Promise<string> {
    while (this.lines.length === 0) await new Promise<void>((resolve) => (this.wake = resolve));
    return this.lines.shift() as string;
  }
}

test('a second process is told who holds the lock', async () => {
  const first = new Holder();
  expect(await first.line()).toBe('held');
  expect(await acquireLock(stateDir, me, { wait: false })).toEqual({
    ok: false,
    error: { kind: 'locked', pid: first.pid, command: 'conductor build', since: '2026-01-01T00:00:00.000Z' },
  });
});

test('killing the holder lets the waiter in', async () => {
  const first = new Holder();
  expect(await first.line()).toBe('held');
  const second = new Holder('wait');
  expect(await second.line()).toBe(`waiting for ${first.pid}`);
  first.kill('SIGKILL');
  expect(await second.line()).toBe('held');
});

test('what a killed holder recorded is gone when the lock was held for a moment only', async () => {
  const first = new Holder();
  expect(await first.line()).toBe('held');
  expect(isOwned(stateDir)).toBe(true);
  first.kill('SIGKILL');
  await first.exited;
  expect(isOwned(stateDir)).toBe(true);
  const brief = await acquireLock(stateDir, me, { wait: true, brief: true });
  expect(brief.ok).toBe(true);
  expect(isOwned(stateDir)).toBe(false);
  if (brief.ok) await brief.value.release();
});

/** Processes whose command names the lock of this test. */
async function preparedProcesses(): Promise<string[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const commands = await Promise.all(
    pids.map((pid) => readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')),
  );
  return commands.filter((command) => command.includes(join(stateDir, 'lock')));
}

test.runIf(process.platform === 'linux')('what a killed process prepared ends with it', async () => {
  const first = new Holder('prepare');
  expect(await first.line()).toBe('prepared');
  expect(await preparedProcesses()).toHaveLength(1);
  first.kill('SIGKILL');
  await vi.waitFor(async () => expect(await preparedProcesses()).toEqual([]), { timeout: 20_000 });
});

test('a stopped holder still holds, and is known by name', async () => {
  const first = new Holder();
  expect(await first.line()).toBe('held');
  first.kill('SIGSTOP');
  expect(await acquireLock(stateDir, me, { wait: false })).toMatchObject({
    ok: false,
    error: { kind: 'locked', pid: first.pid },
  });
  const waiting = acquireLock(stateDir, me, { wait: true });
  first.kill('SIGKILL');
  const lock = await waiting;
  expect(lock.ok).toBe(true);
  if (lock.ok) await lock.value.release();
});

test('release lets the next one in, can be repeated, and nothing keeps the process alive', async () => {
  const first = new Holder();
  expect(await first.line()).toBe('held');
  const waiting = acquireLock(stateDir, me, { wait: true });
  first.process.stdin?.end();
  expect(await first.line()).toBe('released');
  expect(await first.exited).toBe(0);
  const lock = await waiting;
  expect(lock.ok).toBe(true);
  if (!lock.ok) return;
  expect((await acquireLock(stateDir, me, { wait: false })).ok).toBe(false);
  await Promise.all([lock.value.release(), lock.value.release()]);
  // The file that carries the lock stays: removed, two holders could each lock a file of this name.
  expect((await readdir(stateDir)).filter((name) => name !== 'lock')).toEqual([]);
});

test('of many waiters one after the other gets it', async () => {
  const order: number[] = [];
  let holding = 0;
  const once = async (id: number) => {
    const lock = await acquireLock(stateDir, me, { wait: true });
    if (!lock.ok) throw new Error('not acquired');
    holding++;
    expect(holding).toBe(1);
    order.push(id);
    await new Promise((resolve) => setImmediate(resolve));
    holding--;
    await lock.value.release();
  };
  await Promise.all([1, 2, 3, 4, 5, 6].map(once));
  expect(order.sort()).toEqual([1, 2, 3, 4, 5, 6]);
});

test('a waiter can be cancelled', async () => {
  const first = await acquireLock(stateDir, me, { wait: false });
  const stop = new AbortController();
  const waiting = acquireLock(stateDir, me, {
    wait: true,
    signal: stop.signal,
    onWaiting: () => stop.abort(),
  });
  expect(await waiting).toEqual({ ok: false, error: { kind: 'cancelled' } });
  if (first.ok) await first.value.release();
});

test('two folders have two locks, and a stale or broken owner file is no lock', async () => {
  const other = await mkdtemp(join(tmpdir(), 'conductor lock '));
  await writeFile(join(stateDir, 'lock-owner.json'), '{"pid":1,');
  const one = await acquireLock(stateDir, me, { wait: false });
  const two = await acquireLock(other, me, { wait: false });
  expect([one.ok, two.ok]).toEqual([true, true]);
  for (const lock of [one, two]) if (lock.ok) await lock.value.release();
  await rm(other, { recursive: true });
});
