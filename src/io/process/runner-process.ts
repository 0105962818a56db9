/**
 * Runs programs through a small process that stays open. A start from this process copies its page tables and stops
 * everything else until the program has begun, which is most of what a short command costs. Knows no program.
 */

import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import type { Socket } from 'node:net';
import { performance } from 'node:perf_hooks';
import { fileURLToPath } from 'node:url';
import { beforeEnd } from './last-steps.js';
import { type ProgramExit, runProgram } from './process.js';
import { killRunsOf, runOwner } from './run-marks.js';
import { type Heard, type PlainRun, type RunnerAnswer, type RunnerOrder, readLines } from './served-runs.js';

/**
 * A run that the small process can do: its input is known. `onLine` and `onSkipped` are called for some of the lines only, if
 * there are many; `onRawLine` for all of them, and the program waits until they are taken.
 */
export interface QuickRun extends PlainRun, Heard {
  readonly signal?: AbortSignal;
}

/** As many programs as cost less than the start of the small process. */
const FEW = 20;

/** The output of a program that ended with the small process: nothing else is known of it. */
const ENDED_TOO = 'The process in which conductor runs programs was ended, and this program with it.\n';

interface Waiting {
  readonly run: QuickRun;
  readonly startedAt: number;
  resolve(exit: ProgramExit): void;
  reject(error: unknown): void;
}

/** The start of the small process takes the processor from the first programs, and these have begun after this time. */
const BESIDE_MS = 100;

let started = 0;
let expected = 0;
let isAskedLater = false;
let shared: RunnerProcess | undefined;

/** As `runProgram`. The first programs of a process are its own children, and those of its runner process come after them. */
export function runQuickly(run: QuickRun): Promise<ProgramExit> {
  openFor(++started);
  if (!isAskedLater && expected > FEW) {
    isAskedLater = true;
    setTimeout(() => openFor(expected - started), BESIDE_MS).unref();
  }
  return shared?.isReady ? shared.run(run) : runProgram(run);
}

/** A program will be run as soon as others have ended: for many of them, the small process begins while those run. */
export function expectRun(): void {
  expected++;
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

  private constructor(file: string) {
    // A session of its own: a Ctrl-C in the terminal is for conductor to handle. It ends when its input does. Without
    // NODE_OPTIONS: modules that it loads may print, and everything that this process prints is read as an answer.
    const names = [runOwner(), this.name];
    this.child = spawn(process.execPath, ['--max-semi-space-size=1', file, ...names], {
      cwd: '/',
      env: { ...process.env, NODE_OPTIONS: '' },
      detached: true,
      stdio: ['pipe', 'pipe', 'ignore'],
      windowsHide: true,
    });
    const { stdin, stdout } = this.child;
    if (stdout) readLines(stdout, (line) => this.take(JSON.parse(line) as RunnerAnswer));
    stdin?.on('error', () => {});
    this.child.on('error', () => this.ended());
    this.child.on('close', () => this.ended());
    this.hold(false);
    this.stays = beforeEnd(() => this.close());
  }

  /** Undefined where its own file is missing, as in a source tree, or the system has no process groups. */
  static open(
    file = fileURLToPath(new URL('./command-runner.js', import.meta.url)),
  ): RunnerProcess | undefined {
    return process.platform === 'win32' || !existsSync(file) ? undefined : new RunnerProcess(file);
  }

  get pid(): number | undefined {
    return this.child.pid;
  }

  async run(run: QuickRun): Promise<ProgramExit> {
    const { signal, onLine, onRawLine, onSkipped, onStart, ...plain } = run;
    if (signal?.aborted) return { kind: 'cancelled', ms: 0, tail: '' };
    const id = ++this.last;
    const onAbort = () => this.tell({ kind: 'cancel', id });
    signal?.addEventListener('abort', onAbort, { once: true });
    try {
      return await new Promise<ProgramExit>((resolve, reject) => {
        this.waiting.set(id, { run, startedAt: performance.now(), resolve, reject });
        this.hold(true);
        const listened = { onLine: !!onLine, onRawLine: !!onRawLine, onSkipped: !!onSkipped };
        this.tell({ kind: 'run', id, run: asJson(plain), listened });
      });
    } finally {
      signal?.removeEventListener('abort', onAbort);
      this.waiting.delete(id);
      if (this.waiting.size === 0) this.hold(false);
    }
  }

  /** Its programs end with it. */
  async close(): Promise<void> {
    this.isReady = false;
    this.hold(true);
    this.child.stdin?.end();
    if (!this.isGone) await new Promise<void>((resolve) => this.child.once('close', () => resolve()));
  }

  private tell(order: RunnerOrder): void {
    this.child.stdin?.write(`${JSON.stringify(order)}\n`);
  }

  private take(answer: RunnerAnswer): void {
    if (answer.kind === 'ready') {
      this.isReady = true;
      return;
    }
    const one = this.waiting.get(answer.id);
    if (answer.kind === 'started') one?.run.onStart?.(answer.pid);
    else if (answer.kind === 'line') one?.run.onLine?.(answer.line, answer.stream);
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
   * If the small process is killed, conductor cannot know how its programs end: it kills them, and they count as killed. It does
   * not start them again here, because the files that they wrote are still in their workspaces.
   */
  private ended(): void {
    this.isReady = false;
    this.isGone = true;
    this.stays();
    const left = [...this.waiting.values()];
    this.waiting.clear();
    if (left.length === 0) return;
    const tell = () => {
      for (const { run, startedAt, resolve } of left) {
        const ms = Math.round(performance.now() - startedAt);
        if (run.signal?.aborted) resolve({ kind: 'cancelled', ms, tail: '' });
        else resolve({ kind: 'signalled', signal: 'SIGKILL', ms, tail: ENDED_TOO });
      }
    };
    killRunsOf(this.name).then(tell, tell);
  }
}

/** JSON has no infinite time. */
function asJson(run: PlainRun): PlainRun {
  const { timeoutMs, ...others } = run;
  return timeoutMs === Number.POSITIVE_INFINITY ? others : run;
}
