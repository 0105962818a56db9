/** What every protocol of the scripted model has: reading a request and writing an answer. Sends nothing. */

import type { IncomingHttpHeaders } from 'node:http';
import { type ModelRequest, textOf } from '../request.js';
import { callsOf, type Step } from '../step.js';

export interface ErrorAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export type ErrorStep = Step & { readonly status: number };

export interface RequestParts {
  /** From 0, over all sessions. */
  readonly index: number;
  readonly path: string;
  readonly body: Readonly<Record<string, unknown>>;
  readonly headers: IncomingHttpHeaders;
  readonly bytes: number;
}

export interface Protocol {
  /** Undefined when the body is no request of this protocol. */
  read(parts: RequestParts): ModelRequest | undefined;
  /** The answer as server-sent events, one after the other. */
  stream(request: ModelRequest, step: Step): Iterable<string>;
  /** The answer as one body, for a request without a stream. */
  whole(request: ModelRequest, step: Step): string;
  /** An error as this provider words it, so that a client tells the kinds apart as it would for real. */
  error(step: ErrorStep): ErrorAnswer;
}

/** Characters that are reckoned as one token where a step does not say. */
const CHARACTERS_PER_TOKEN = 4;
/** Long texts come in pieces, as from a real model. */
const PIECE = 2_000;

export interface TokenParts {
  /** Without the cached ones. */
  readonly input: number;
  readonly cached: number;
  /** Without the reasoning. */
  readonly output: number;
  readonly reasoning: number;
}

/** The tokens of an answer: those that its step names, the rest reckoned from the lengths. */
export function tokensOf(request: ModelRequest, step: Step): TokenParts {
  const given = step.usage === 'none' ? {} : (step.usage ?? {});
  const tokens = (characters: number): number => Math.ceil(characters / CHARACTERS_PER_TOKEN);
  const said = (step.say ?? '').length + (step.flood ?? 0) + JSON.stringify(callsOf(step)).length - 2;
  return {
    cached: given.cached ?? 0,
    input: given.input ?? tokens(request.messages.reduce((sum, one) => sum + textOf(one).length, 0)),
    reasoning: given.reasoning ?? tokens((step.think ?? '').length),
    output: given.output ?? tokens(said),
  };
}

export interface NamedCall {
  /** Unique over the server's life: an agent keeps the calls of a session by this id. */
  readonly id: string;
  readonly name: string;
  /** JSON, or what a script sends in its place. */
  readonly args: string;
}

export function namedCalls(request: ModelRequest, step: Step): readonly NamedCall[] {
  return callsOf(step).map((one, index) => ({
    id: `call_${request.index}_${index}`,
    name: one.call,
    args: typeof one.args === 'string' ? one.args : JSON.stringify(one.args ?? {}),
  }));
}

/** The text of an answer in pieces. */
export function* textPieces(step: Step): Generator<string> {
  yield* pieces(step.say ?? '');
  for (let left = step.flood ?? 0; left > 0; left -= PIECE) yield 'x'.repeat(Math.min(left, PIECE));
}

export function wholeText(step: Step): string {
  return (step.say ?? '') + 'x'.repeat(step.flood ?? 0);
}

export function* pieces(text: string): Generator<string> {
  for (let at = 0; at < text.length; at += PIECE) yield text.slice(at, at + PIECE);
}

/** A named server-sent event with a JSON object that has the same name as its type. */
export function namedEvent(type: string, fields: object): string {
  return `event: ${type}\ndata: ${JSON.stringify({ type, ...fields })}\n\n`;
}

export function errorHeaders(step: ErrorStep): Readonly<Record<string, string>> {
  return {
    'content-type': 'application/json',
    ...(step.retryAfter === undefined ? {} : { 'retry-after': String(step.retryAfter) }),
  };
}

export function objects(value: unknown): readonly Readonly<Record<string, unknown>>[] {
  return Array.isArray(value) ? value.filter((one) => typeof one === 'object' && one !== null) : [];
}
