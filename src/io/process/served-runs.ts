/**
 * The far side of a runner process: takes orders to run programs, one JSON document a line, and answers the same way. Knows
 * no process of its own.
 */

import type { Readable, Writable } from 'node:stream';
import { throttle } from '../../base/throttle.js';
import { type ProgramExit, type ProgramRun, runProgram } from './process.js';

/** A run that can be told to another process. */
export type PlainRun = Omit<
  ProgramRun,
  'stdin' | 'onInput' | 'onLine' | 'onRawLine' | 'skip' | 'onStart' | 'signal'
>;

export type RunnerOrder =
  | { readonly kind: 'run'; readonly id: number; readonly run: PlainRun; readonly tellsLines: boolean }
  | { readonly kind: 'cancel'; readonly id: number };

/** What an error of the system says, so that it can be thrown again elsewhere. */
export interface ToldError {
  readonly message: string;
  readonly code?: string;
  readonly path?: string;
  readonly syscall?: string;
}

export type RunnerAnswer =
  | { readonly kind: 'ready' }
  | { readonly kind: 'line'; readonly id: number; readonly line: string }
  | { readonly kind: 'exit'; readonly id: number; readonly exit: ProgramExit }
  | { readonly kind: 'error'; readonly id: number; readonly error: ToldError };

/** Lines are for people who watch: a program may print a million of them. */
const LINE_MS = 20;

/** Serves until the orders end. */
export function serveRuns(orders: Readable, answers: Writable): Promise<void> {
  const stops = new Map<number, AbortController>();
  const tell = (answer: RunnerAnswer) => void answers.write(`${JSON.stringify(answer)}\n`);
  const start = async ({ id, run, tellsLines }: Extract<RunnerOrder, { kind: 'run' }>) => {
    const stop = new AbortController();
    stops.set(id, stop);
    try {
      const onLine = throttle((line: string) => tell({ kind: 'line', id, line }), LINE_MS);
      const exit = await runProgram({ ...run, signal: stop.signal, ...(tellsLines ? { onLine } : {}) });
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
    else stops.get(order.id)?.abort();
  });
  tell({ kind: 'ready' });
  return new Promise((resolve) => {
    orders.once('close', resolve);
    orders.once('end', resolve);
  });
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
