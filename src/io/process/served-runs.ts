/**
 * The far side of a runner process: takes orders to run programs, one JSON document a line, and answers the same way. Knows
 * no process of its own.
 */

import type { Readable, Writable } from 'node:stream';
import { throttle } from '../../base/throttle.js';
import { type ProgramExit, type ProgramRun, runProgram } from './process.js';
import type { OutputStream } from './process-output.js';

/** A run that can be told to another process. */
export interface PlainRun
  extends Omit<ProgramRun, 'stdin' | 'signal' | 'untilTaken' | keyof Heard | 'onInput'> {
  readonly stdin?: string;
}

/** What is heard of a run while it goes on. */
export type Heard = Pick<ProgramRun, 'onLine' | 'onRawLine' | 'onSkipped' | 'onStart'>;

/** One of them is told only if somebody listens. */
export type Listened = Readonly<Record<'onLine' | 'onRawLine' | 'onSkipped', boolean>>;

export type RunnerOrder =
  | { readonly kind: 'run'; readonly id: number; readonly run: PlainRun; readonly listened: Listened }
  | { readonly kind: 'cancel'; readonly id: number }
  /** Whether it is well. */
  | { readonly kind: 'ask' };

/** What an error of the system says, so that it can be thrown again elsewhere. */
export interface ToldError {
  readonly message: string;
  readonly code?: string;
  readonly path?: string;
  readonly syscall?: string;
}

export type RunnerAnswer =
  | { readonly kind: 'ready' }
  | { readonly kind: 'here' }
  | { readonly kind: 'started'; readonly id: number; readonly pid: number }
  | { readonly kind: 'line'; readonly id: number; readonly line: string; readonly stream: OutputStream }
  | { readonly kind: 'raw'; readonly id: number; readonly lines: readonly RawLine[] }
  | { readonly kind: 'skipped'; readonly id: number }
  | { readonly kind: 'exit'; readonly id: number; readonly exit: ProgramExit }
  | { readonly kind: 'error'; readonly id: number; readonly error: ToldError };

export type RawLine = readonly [line: string, stream: OutputStream, isEnd: boolean];

/** Lines for people who watch, and signs of life: a program may print a million of them. */
const LINE_MS = 20;

/** Serves until the orders end. */
export function serveRuns(orders: Readable, answers: Writable): Promise<void> {
  const stops = new Map<number, AbortController>();
  let taken: Promise<void> | undefined;
  const tell = (answer: RunnerAnswer) => {
    if (answers.write(`${JSON.stringify(answer)}\n`) || taken !== undefined) return;
    // Programs whose lines all count wait until they are taken: they may print without end.
    taken = new Promise((resolve) => answers.once('drain', resolve)).then(() => {
      taken = undefined;
    });
  };
  const start = async ({ id, run, listened }: Extract<RunnerOrder, { kind: 'run' }>) => {
    const stop = new AbortController();
    stops.set(id, stop);
    const raw = new RawLines((lines) => tell({ kind: 'raw', id, lines }));
    try {
      const exit = await runProgram({
        ...run,
        signal: stop.signal,
        onStart: (pid) => tell({ kind: 'started', id, pid }),
        ...(listened.onLine && {
          onLine: throttledLines((line, stream) => tell({ kind: 'line', id, line, stream })),
        }),
        ...(listened.onSkipped && {
          onSkipped: throttle<void>(() => tell({ kind: 'skipped', id }), LINE_MS),
        }),
        ...(listened.onRawLine && {
          onRawLine: (...line: RawLine) => raw.add(line),
          untilTaken: () => taken,
        }),
      });
      raw.flush();
      tell({ kind: 'exit', id, exit });
    } catch (error) {
      tell({ kind: 'error', id, error: told(error) });
    } finally {
      stops.delete(id);
    }
  };
  readLines(orders, (line) => {
    const order = JSON.parse(line) as RunnerOrder;
    if (order.kind === 'run') void start(order);
    else if (order.kind === 'ask') tell({ kind: 'here' });
    else stops.get(order.id)?.abort();
  });
  tell({ kind: 'ready' });
  return new Promise((resolve) => {
    orders.once('close', resolve);
    orders.once('end', resolve);
  });
}

function throttledLines(tell: (line: string, stream: OutputStream) => void) {
  const throttled = throttle((told: readonly [string, OutputStream]) => tell(...told), LINE_MS);
  return (line: string, stream: OutputStream) => throttled([line, stream]);
}

/** Characters after which lines are told at once. */
const MANY = 65_536;

/** Tells lines that come together in one answer. */
class RawLines {
  private readonly tell: (lines: readonly RawLine[]) => void;
  private lines: RawLine[] = [];
  private size = 0;

  constructor(tell: (lines: readonly RawLine[]) => void) {
    this.tell = tell;
  }

  add(line: RawLine): void {
    if (this.lines.push(line) === 1) queueMicrotask(() => this.flush());
    this.size += line[0].length;
    if (this.size > MANY) this.flush();
  }

  flush(): void {
    if (this.lines.length === 0) return;
    this.tell(this.lines);
    this.lines = [];
    this.size = 0;
  }
}

/** Hands on whole lines as they arrive. */
export function readLines(stream: Readable, take: (line: string) => void): void {
  let rest = '';
  stream.setEncoding('utf8');
  stream.on('data', (text: string) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) take(line);
  });
}

function told(error: unknown): ToldError {
  const { message, code, path, syscall } = error as NodeJS.ErrnoException;
  return {
    message: error instanceof Error ? message : String(error),
    ...(code === undefined ? {} : { code }),
    ...(path === undefined ? {} : { path: String(path) }),
    ...(syscall === undefined ? {} : { syscall }),
  };
}
