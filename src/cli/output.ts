/** Where the command line prints, and in which style. Does not know what it prints. */

import type { Failure } from '../model/failure.js';
import { printFailure as failureText } from '../report/failures/failure-print.js';
import { type Style, styleOf, visible } from '../report/style.js';

export type OutputStream = NodeJS.WriteStream;

/** No colours where the stream is no terminal, or NO_COLOR is set. */
export function styleFor(stream: OutputStream): Style {
  return styleOf(isLive(stream) && !process.env.NO_COLOR);
}

/** Whether the stream is a terminal that can move its cursor. */
export function isLive(stream: OutputStream): boolean {
  return stream.isTTY === true && process.env.TERM !== 'dumb';
}

export function printFailure(failure: Failure): void {
  process.stderr.write(failureText(failure, styleFor(process.stderr)));
}

export function printWarning(message: string): void {
  process.stderr.write(`${styleFor(process.stderr)('yellow', 'warning')}: ${visible(message)}\n`);
}

export function print(text: string): void {
  process.stdout.write(text.endsWith('\n') || text === '' ? text : `${text}\n`);
}

export function printJson(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value, null, 2)}\n`);
}
