/**
 * Runs programs through a small process that stays open. A start from this process copies its page tables and stops
 * everything else until the program has begun, which is most of what a short command costs. Knows no program.
 */

import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import type { Socket } from 'node:net';
import { performance } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { mapBounded } from '../../base/bounded.js';
import { beforeEnd } from './last-steps.js';
import { groupGone, KILLED_MS, type ProgramExit, runProgram, signalGroup } from './process.js';
import { killOwnRuns, killRunsOf, partVariables, runOwner } from './run-marks.js';
import { type Heard, type PlainRun, type RunnerAnswer, type RunnerOrder, readLines } from './served-runs.js';

/**
 * A run that the small process can do: its input is known. `onLine` and `onSkipped` are called for some of the lines only, if
 * there are many; `onRawLine` for all of them, and the program waits until they are taken.
 */
export interface QuickRun extends PlainRun, Heard {
  readonly signal?: AbortSignal;
  /** Puts back what the program may have changed, so that it can be started again. Absent: it counts as killed if it is lost. */
  reset?(): Promise<void>;
}

/** As many programs as cost less than the start of the small process. */
const FEW = 20;

/** So long the small process may give no sign of life: it only hands on, and is stopped or hangs then. */
const SILENCE_MS = 5000;
const TURN_MS = 100;

/** The output of a program that ended with the small process: nothing else is known of it. */
const ENDED_TOO = 'The process in which conductor runs programs was ended, and this program with it.\n';

interface Waiting {
  readonly run: QuickRun;
  readonly startedAt: number;
  /** Its process group. */
  pid?: number;
  resolve(exit: ProgramExit): void;
  reject(error: unknown): void;
}

/** The start of the small process takes the processor from first programs that compute, and these have begun after this time. */
const BESIDE_MS = 100;

let started = 0;
let expected = 0;
let besideMs = 0;
let isAskedLater = false;
let shared: RunnerProcess | undefined;

/**
 * As `runProgram`. The first programs of a process are its own children, and those of its runner process come after them. A
 * program that is lost with the runner process is started again, if what it did can be put back: it has not failed.
 */
export async function runQuickly(run: QuickRun): Promise<ProgramExit> {
  openFor(++started);
  if (!isAskedLater && expected > FEW) {
    isAskedLater = true;
    setTimeout(() => openFor(expected - started), besideMs).unref();
  }
  if (!shared?.isReady) return runProgram(run);
  const exit = await shared.run(run);
  if (exit.kind !== 'signalled' || exit.isLost === undefined || run.reset === undefined) return exit;
  await run.reset();
  return runProgram(run);
}

/**
 * A program will be run as soon as others have ended: for many of them, the small process begins while those run. Where no program
 * computes, it begins with the first one: they start one after the other, and wait.
 */
export function expectRun(what: 'computes' | 'waits'): void {
  expected++;
  if (what === 'computes') besideMs = BESIDE_MS;
}

function openFor(count: number): void {
  if (count > FEW && shared === undefined) shared = RunnerProcess.open();
}

let opened = 0;

export class RunnerProcess {
  isReady = false;
  private readonly child: ChildProcess;
  private readonly waiting = new Map<number, Waiting>();
  /** In the marks of its runs, beside this process. */
  private readonly name = `r${++opened}`;
  private last = 0;
  private isGone = false;
  private readonly stays: () => void;
  private readonly closed: Promise<void>;
  private readonly silenceMs: number;
  private isAsked = false;
  private heard = () => {};

  private constructor(file: string, silenceMs: number) {
    this.silenceMs = silenceMs;
    // A session of its own: a Ctrl-C in the terminal is for conductor to handle. It ends when its input does. Without
    // NODE_OPTIONS: modules that it loads may print, and everything that this process prints is read as an answer.
    const names = [runOwner(), this.name];
    this.child = spawn(process.execPath, ['--max-semi-space-size=1', file, ...names], {
      cwd: '/',
      env: { ...process.env, NODE_OPTIONS: '', ...partVariables(this.name) },
      detached: true,
      stdio: ['pipe', 'pipe', 'ignore'],
      windowsHide: true,
    });
    const { stdin, stdout } = this.child;
    if (stdout) readLines(stdout, (line) => this.take(JSON.parse(line) as RunnerAnswer));
    stdin?.on('error', () => {});
    this.closed = new Promise((resolve) => {
      for (const end of ['error', 'close'])
        this.child.once(end, () => {
          this.ended();
          resolve();
        });
    });
    process.once('exit', this.onExit);
    this.hold(false);
    this.stays = beforeEnd(() => this.close());
  }

  /** Undefined where its own file is missing, as in a source tree, or the system has no process groups. */
  static open(
    file = fileURLToPath(new URL('./command-runner.js', import.meta.url)),
    silenceMs = SILENCE_MS,
  ): RunnerProcess | undefined {
    return process.platform === 'win32' || !existsSync(file) ? undefined : new RunnerProcess(file, silenceMs);
  }

  get pid(): number | undefined {
    return this.child.pid;
  }

  async run(run: QuickRun): Promise<ProgramExit> {
    const { signal, onLine, onRawLine, onSkipped, onStart, reset: _, ...plain } = run;
    if (signal?.aborted) return { kind: 'cancelled', ms: 0, tail: '' };
    const id = ++this.last;
    const onAbort = () => {
      this.tell({ kind: 'cancel', id });
      void this.ask();
    };
    signal?.addEventListener('abort', onAbort, { once: true });
    // The small process itself ends what runs too long, if it is well.
    const { timeoutMs = Number.POSITIVE_INFINITY } = run;
    const overdue = timeoutMs <= MAX_TIMER_MS ? setTimeout(() => void this.ask(), timeoutMs) : undefined;
    try {
      return await new Promise<ProgramExit>((resolve, reject) => {
        this.waiting.set(id, { run, startedAt: performance.now(), resolve, reject });
        this.hold(true);
        const listened = { onLine: !!onLine, onRawLine: !!onRawLine, onSkipped: !!onSkipped };
        this.tell({ kind: 'run', id, run: asJson(plain), listened });
      });
    } finally {
      signal?.removeEventListener('abort', onAbort);
      clearTimeout(overdue);
      this.waiting.delete(id);
      if (this.waiting.size === 0) this.hold(false);
    }
  }

  /** Its programs end with it. */
  async close(): Promise<void> {
    this.isReady = false;
    this.hold(true);
    this.child.stdin?.end();
    await this.orKill(this.closed);
    await this.closed;
  }

  /** Ends the small process if it does not answer: what runs in it could be neither cancelled nor waited for. */
  private async ask(): Promise<void> {
    if (this.isAsked || this.isGone) return;
    this.isAsked = true;
    const answered = new Promise<void>((resolve) => {
      this.heard = resolve;
    });
    this.tell({ kind: 'ask' });
    await this.orKill(Promise.race([answered, this.closed]));
    this.isAsked = false;
  }

  private async orKill(sign: Promise<void>): Promise<void> {
    let isSeen = false;
    const seen = sign.then(() => {
      isSeen = true;
    });
    // Turns, and not the time that passes: this process may have been stopped as well.
    for (let waitedMs = 0; waitedMs < this.silenceMs && !isSeen; waitedMs += TURN_MS)
      await Promise.race([seen, delay(TURN_MS, undefined, { ref: false })]);
    if (!isSeen) this.child.kill('SIGKILL');
  }

  /** At the second Ctrl-C: a small process that is stopped would not see that its input has ended. */
  private readonly onExit = () => {
    if (this.waiting.size === 0) return;
    this.child.kill('SIGKILL');
    killGroups(this.waiting.values());
    killOwnRuns();
  };

  private tell(order: RunnerOrder): void {
    this.child.stdin?.write(`${JSON.stringify(order)}\n`);
  }

  private take(answer: RunnerAnswer): void {
    if (answer.kind === 'ready') {
      this.isReady = true;
      return;
    }
    if (answer.kind === 'here') {
      this.heard();
      return;
    }
    const one = this.waiting.get(answer.id);
    if (answer.kind === 'started') {
      if (one) one.pid = answer.pid;
      one?.run.onStart?.(answer.pid);
    } else if (answer.kind === 'line') one?.run.onLine?.(answer.line, answer.stream);
    else if (answer.kind === 'raw') for (const line of answer.lines) one?.run.onRawLine?.(...line);
    else if (answer.kind === 'skipped') one?.run.onSkipped?.();
    else if (answer.kind === 'exit') one?.resolve(answer.exit);
    else one?.reject(Object.assign(new Error(answer.error.message), answer.error));
  }

  /** Whether this process waits for answers: otherwise it may end. */
  private hold(isHeld: boolean): void {
    // A closed stream would remember each call.
    if (this.isGone) return;
    const { stdin, stdout } = this.child;
    for (const one of [this.child, stdin as Socket | null, stdout as Socket | null])
      if (isHeld) one?.ref();
      else one?.unref();
  }

  /**
   * If the small process is killed, conductor cannot know how its programs end: it kills them, and they are lost. It does
   * not start them again here, because the files that they wrote are still in their workspaces.
   */
  private ended(): void {
    this.isReady = false;
    if (this.isGone) return;
    this.isGone = true;
    process.off('exit', this.onExit);
    this.stays();
    const left = [...this.waiting.values()];
    this.waiting.clear();
    if (left.length === 0) return;
    killGroups(left);
    const tell = () => {
      for (const { run, startedAt, resolve } of left) {
        const ms = Math.round(performance.now() - startedAt);
        if (run.signal?.aborted) resolve({ kind: 'cancelled', ms, tail: '', isLost: true });
        else resolve({ kind: 'signalled', signal: 'SIGKILL', ms, tail: ENDED_TOO, isLost: true });
      }
    };
    // A sandbox ends by itself, but a moment later: nothing may write any more where others begin.
    const gone = () => mapBounded(left, async ({ pid }) => pid !== undefined && groupGone(pid, KILLED_MS));
    killRunsOf(this.name).then(gone).then(tell, tell);
  }
}

/** Also what has cleared its variables, and where the system does not show any: no mark is found there. */
function killGroups(left: Iterable<Waiting>): void {
  for (const { pid } of left) if (pid !== undefined) signalGroup(pid, 'SIGKILL');
}

/** A longer time would overflow and fire at once. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/** JSON has no infinite time. */
function asJson(run: PlainRun): PlainRun {
  const { timeoutMs, ...others } = run;
  return timeoutMs === Number.POSITIVE_INFINITY ? others : run;
}
