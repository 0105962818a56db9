/** Runs other programs to their end, whatever they do. Knows no gates, agents or git. */

import { type ChildProcess, spawn } from 'node:child_process';
import { statSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { performance } from 'node:perf_hooks';
import type { Writable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import type { Command } from '../../model/task.js';
import { codeOf } from '../files.js';
import { type Environment, findProgram, withPathInFront } from './environment.js';
import { OutputReading } from './output-reading.js';
import { Output, type OutputStream, type SkippedLines } from './process-output.js';
import { killOwnRuns, killRun, nextRunMark, type RunMark } from './run-marks.js';
import { type SandboxPlan, sandboxArgv } from './sandbox/sandbox.js';
import { SandboxRun } from './sandbox/sandbox-end.js';

export { cleanEnvironment, programOnPath, redact } from './environment.js';

export type ProgramExit =
  | { readonly kind: 'exited'; readonly code: number; readonly ms: number; readonly tail: string }
  | {
      readonly kind: 'signalled';
      readonly signal: string;
      readonly ms: number;
      readonly tail: string;
      readonly isLost?: Lost;
    }
  | { readonly kind: 'timed-out'; readonly ms: number; readonly tail: string }
  | { readonly kind: 'cancelled'; readonly ms: number; readonly tail: string; readonly isLost?: Lost }
  | { readonly kind: 'not-found'; readonly program: string };

/** It ended with the process in which conductor runs programs, by no fault of its own. */
type Lost = true;

export interface ProgramRun {
  /** A string is a shell line that a person wrote, run by `/bin/sh -c` as it is; never make one from data. */
  readonly command: Command;
  /** Must exist. */
  readonly cwd: string;
  /** All that the program sees; nothing is inherited. */
  readonly env: Environment;
  /** Folders in front of PATH, for example the workspace's `node_modules/.bin`. */
  readonly pathInFront?: readonly string[];
  /** Without it standard input is empty. */
  readonly stdin?: string | Buffer;
  /** Gets the open standard input in place of `stdin`, and ends it. */
  onInput?(input: Writable): void;
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
  /**
   * Gets both streams, appended, as valid UTF-8, up to `maxLogBytes` (default 20 MB). There is none where the program said
   * nothing and ended well.
   */
  readonly logFile?: string;
  readonly maxLogBytes?: number;
  /** Bytes of the tail that is returned. Default 8 KB. */
  readonly maxTailBytes?: number;
  /** Replaced in the log, the tail and the lines. */
  readonly secrets?: readonly string[];
  readonly sandbox?: SandboxPlan;
  /** How long after SIGTERM what is left is killed. Default 2000. */
  readonly graceMs?: number;
  onLine?(line: string, stream: OutputStream): void;
  /**
   * As `onLine`, with the secrets in it: for a reader of data, who redacts what it hands on. Unless `isEnd`, it is a piece
   * of a long line.
   */
  onRawLine?(line: string, stream: OutputStream, isEnd: boolean): void;
  /** Such a line is neither logged nor handed on. */
  readonly skipped?: SkippedLines;
  /** Called for each skipped line. */
  onSkipped?(): void;
  /** Asked after each piece of output: nothing more is read until it resolves. Undefined: who takes the lines keeps up. */
  untilTaken?(): Promise<void> | undefined;
  /** Called once, when the program runs; its process group has the same id. */
  onStart?(pid: number): void;
}

/** How long a killed group is awaited; only a process stuck in the kernel takes longer. */
export const KILLED_MS = 5000;

/**
 * Runs a program in a process group of its own and waits until the whole group is gone: what it left in the
 * background is ended too. The program's failure is a value; an error that no program can cause (a missing `cwd`, an
 * argument list too long) is thrown.
 */
export async function runProgram(run: ProgramRun): Promise<ProgramExit> {
  const started = performance.now();
  const elapsed = () => Math.round(performance.now() - started);
  if (run.signal?.aborted) return { kind: 'cancelled', ms: 0, tail: '' };
  const argv = typeof run.command === 'string' ? ['/bin/sh', '-c', run.command] : [...run.command];
  const program = argv[0] ?? '';
  // The sandbox takes along what was started in it; elsewhere a session of its own leaves the group.
  const mark = run.sandbox === undefined ? nextRunMark() : { variables: {} };
  const env = { ...withPathInFront(run.env, run.pathInFront ?? []), ...mark.variables };
  if (findProgram(program, env, run.cwd) === undefined) return { kind: 'not-found', program };
  statSync(run.cwd);
  const start = { env, directory: run.cwd, infoFile: 3 };
  const [file, ...args] = run.sandbox ? sandboxArgv(run.sandbox, argv, start) : argv;

  const output = new Output({
    maxLogBytes: run.maxLogBytes ?? 20_000_000,
    maxTailBytes: run.maxTailBytes ?? 8192,
    secrets: run.secrets ?? [],
    ...(run.logFile === undefined ? {} : { logFile: run.logFile }),
    ...(run.onLine === undefined ? {} : { onLine: (line, stream) => run.onLine?.(line, stream) }),
    ...(run.onRawLine === undefined
      ? {}
      : { onRawLine: (line, stream, isEnd) => run.onRawLine?.(line, stream, isEnd) }),
    ...(run.skipped === undefined ? {} : { skipped: run.skipped, onSkipped: () => run.onSkipped?.() }),
  });
  const input = run.stdin === undefined && !run.onInput ? 'ignore' : 'pipe';
  const sandboxed = run.sandbox && SandboxRun.begin();
  let child: ChildProcess;
  try {
    child = spawn(file as string, args, {
      cwd: run.cwd,
      env,
      detached: process.platform !== 'win32',
      stdio: [input, 'pipe', 'pipe', ...(sandboxed ? [sandboxed.file] : [])],
      windowsHide: true,
    });
  } catch (error) {
    await sandboxed?.end(0);
    throw error;
  }
  const reading = new OutputReading(child, output, run);
  // A program that ends without reading its input is no error.
  child.stdin?.on('error', () => {});
  if (run.stdin !== undefined) child.stdin?.end(run.stdin);
  else if (child.stdin) run.onInput?.(child.stdin);

  if (child.pid !== undefined) {
    killOnExit(child.pid);
    run.onStart?.(child.pid);
  }
  const ended = await untilEnded(child, run, { mark, sandboxed, reading });
  if (child.pid !== undefined) running.delete(child.pid);
  // Many commands say nothing: only where one failed is its log a file, even an empty one.
  if (ended.kind !== 'exit' || ended.stopped !== undefined || ended.code !== 0) output.openLog();
  const tail = output.finish();
  if (ended.kind === 'error') {
    const code = codeOf(ended.error);
    if (code === 'ENOENT' || code === 'EACCES') return { kind: 'not-found', program };
    throw ended.error;
  }
  if (ended.stopped !== undefined) return { kind: ended.stopped, ms: elapsed(), tail };
  if (ended.signal !== null) return { kind: 'signalled', signal: ended.signal, ms: elapsed(), tail };
  return { kind: 'exited', code: ended.code ?? 0, ms: elapsed(), tail };
}

/** Process groups that run now: a conductor that ends at once takes them with it, or an agent would work on unseen. */
const running = new Set<number>();
let watchesExit = false;

function killOnExit(group: number): void {
  running.add(group);
  if (watchesExit) return;
  watchesExit = true;
  process.once('exit', () => {
    for (const one of running) {
      try {
        process.kill(process.platform === 'win32' ? one : -one, 'SIGKILL');
      } catch {
        // It has ended by itself.
      }
    }
    // Last, because the list of processes may not be readable.
    if (running.size > 0) killOwnRuns();
  });
}

type Stopped = 'timed-out' | 'cancelled';
type Ended =
  | { readonly kind: 'error'; readonly error: unknown }
  | {
      readonly kind: 'exit';
      readonly code: number | null;
      readonly signal: string | null;
      readonly stopped: Stopped | undefined;
    };

/** Waits for the child's end or the reason to stop it, then for its group, then for the rest of its output. */
async function untilEnded(
  child: ChildProcess,
  run: ProgramRun,
  { mark, sandboxed, reading }: { mark: RunMark; sandboxed: SandboxRun | undefined; reading: OutputReading },
): Promise<Ended> {
  const startedAt = performance.now();
  let stopped: Stopped | undefined;
  let error: unknown;
  const closed = new Promise<void>((resolve) => child.once('close', () => resolve()));
  const exited = new Promise<void>((resolve) => {
    child.once('exit', () => resolve());
    child.once('error', (cause) => {
      error = cause;
      resolve();
    });
  });
  let stop: (why: Stopped) => void = () => {};
  const toStop = new Promise<void>((resolve) => {
    stop = (why) => {
      stopped ??= why;
      resolve();
    };
  });
  const onAbort = () => stop('cancelled');
  run.signal?.addEventListener('abort', onAbort, { once: true });
  // A longer time would overflow and fire at once.
  const timeoutMs = run.timeoutMs === undefined ? undefined : Math.min(run.timeoutMs, 2 ** 31 - 1);
  const timer = timeoutMs === undefined ? undefined : setTimeout(() => stop('timed-out'), timeoutMs);
  await Promise.race([exited, toStop]);
  clearTimeout(timer);
  run.signal?.removeEventListener('abort', onAbort);
  if (error !== undefined || child.pid === undefined) {
    await sandboxed?.end(0);
    return { kind: 'error', error };
  }

  await endGroup(child, child.pid, run.graceMs ?? 2000, stopped !== undefined);
  await killRun({ mark, pid: child.pid, ms: performance.now() - startedAt });
  await Promise.race([exited, wait(KILLED_MS)]);
  await sandboxed?.end(KILLED_MS);
  await reading.end(closed);
  child.stdout?.destroy();
  child.stderr?.destroy();
  child.stdin?.destroy();
  return { kind: 'exit', code: child.exitCode, signal: child.signalCode, stopped };
}

/** Ends whatever is left of the group: asks, waits for the grace, kills. The group's id is that of its first process. */
async function endGroup(child: ChildProcess, pid: number, graceMs: number, running: boolean): Promise<void> {
  if (process.platform === 'win32') {
    if (running) child.kill('SIGKILL');
    return;
  }
  if (!running && !signalGroup(pid, 0)) return;
  signalGroup(pid, 'SIGTERM');
  if (await groupGone(pid, graceMs)) return;
  signalGroup(pid, 'SIGKILL');
  await groupGone(pid, KILLED_MS);
}

/** False when the group has no process any more. */
export function signalGroup(pid: number, signal: NodeJS.Signals | 0): boolean {
  try {
    process.kill(-pid, signal);
    return true;
  } catch (error) {
    return codeOf(error) === 'EPERM';
  }
}

/** Whether a group is gone in time. The kernel does not report when one is empty, so ask it: first often, then every 40 ms. */
export async function groupGone(pid: number, ms: number): Promise<boolean> {
  const deadline = performance.now() + ms;
  for (let pause = 2; ; pause = Math.min(40, pause * 2)) {
    if (!signalGroup(pid, 0)) return true;
    if (pause >= 32 && process.platform === 'linux' && !(await hasLiveMember(pid))) return true;
    if (performance.now() >= deadline) return false;
    await delay(pause);
  }
}

/** Zombie processes still count as a group (containers without an init), so ignore them. */
async function hasLiveMember(group: number): Promise<boolean> {
  for (const name of await readdir('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const line = await readFile(`/proc/${name}/stat`, 'utf8').catch(() => '');
    // The name of the program, in brackets, may hold anything: state and group come after the last one.
    const [state, , itsGroup] = line.slice(line.lastIndexOf(')') + 2).split(' ');
    if (itsGroup === String(group) && state !== 'Z' && state !== 'X') return true;
  }
  return false;
}

/** A pause that keeps no process alive by itself. */
function wait(ms: number): Promise<void> {
  return delay(ms, undefined, { ref: false });
}
