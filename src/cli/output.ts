/**
 * Where the command line prints, and in which style: what was asked for on stdout, errors, warnings and remarks on
 * stderr. With `--json`, a failure is one object on stdout, too. Does not know what it prints.
 */

import { exitCodeOf, type Failure } from '../model/failure.js';
import type { FailureAnswer } from '../model/failure-parts.js';
import { asCalled } from '../model/output/called-as.js';
import { failureAnswer } from '../report/failures/failure-answer.js';
import { printFailure as failureText } from '../report/failures/failure-print.js';
import { type Style, styleOf, visible } from '../report/style.js';
import { invocationOf } from './invocation.js';

export type OutputStream = NodeJS.WriteStream;

/** How the person calls conductor. */
export const CALL = invocationOf({ env: process.env, script: process.argv[1] ?? '' });

/** Whether the command at work answers in JSON, and whether its one object is printed already. */
const answer = { isJson: false, isGiven: false };

/** Called before a command starts, with what it was asked for. */
export function answerInJson(isJson: boolean): void {
  answer.isJson = isJson;
  answer.isGiven = false;
}

export function answersInJson(): boolean {
  return answer.isJson;
}

/** No colours where the stream is no terminal, or NO_COLOR is set. */
export function styleFor(stream: OutputStream): Style {
  return styleOf(isRedrawn(stream), CALL);
}

/** Whether the stream is a terminal that can move its cursor. */
export function isLive(stream: OutputStream): boolean {
  return stream.isTTY === true && process.env.TERM !== 'dumb';
}

/** Whether it may have colours, and a block that is redrawn. */
export function isRedrawn(stream: OutputStream): boolean {
  return isLive(stream) && !process.env.NO_COLOR;
}

/** Ends a command that failed: the failure for people, with `--json` for programs, and its exit code. */
export function refuse(failure: Failure, beside: object = {}): number {
  printFailure(failure);
  answerError(failureAnswer(failure, CALL), beside);
  return exitCodeOf(failure);
}

/** With `--json`, an error as the one object on stdout; `beside` is what else the object of this command has. */
export function answerError(error: FailureAnswer, beside: object = {}): void {
  if (!answer.isJson || answer.isGiven) return;
  answer.isGiven = true;
  // One line: it may follow events.
  process.stdout.write(`${JSON.stringify({ schema: 1, error, ...beside })}\n`);
}

/** For commands that have both flags. */
export const NO_HOOKS_TO_SKIP: Failure = {
  kind: 'usage',
  message: '--no-verify does nothing without --commit',
  hint: 'hooks run only when conductor commits: add --commit, or leave --no-verify out',
};

/** A failure that does not end the command. */
export function printFailure(failure: Failure): void {
  process.stderr.write(failureText(failure, styleFor(process.stderr)));
}

/** A bug that does not end the command, which serves other requests. */
export function printBug(error: unknown): void {
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  process.stderr.write(`conductor: this is a bug in conductor, please report it\n${text}\n`);
}

export function printWarning(message: string): void {
  const word = styleFor(process.stderr)('yellow', 'warning');
  process.stderr.write(`${word}: ${visible(asCalled(message, CALL))}\n`);
}

/** A remark beside the answer: what was written, why there is nothing to show. */
export function remark(text: string): void {
  process.stderr.write(`conductor: ${asCalled(text, CALL)}\n`);
}

export function print(text: string): void {
  process.stdout.write(text.endsWith('\n') || text === '' ? text : `${text}\n`);
}

/** Text of the help: lines that begin with the command are usage and examples. */
export function helpAsCalled(text: string, calledAs = CALL): string {
  return asCalled(text, calledAs).replace(/^(Usage: | {2})conductor /gm, `$1${calledAs} `);
}

/** A sentence of conductor with a command in it. */
export function say(text: string): void {
  print(`conductor: ${asCalled(text, CALL)}`);
}

export function printJson(value: unknown): void {
  answer.isGiven = true;
  process.stdout.write(`${JSON.stringify(value, null, 2)}\n`);
}
