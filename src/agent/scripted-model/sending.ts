/** Sends an answer over HTTP: complete, cut off or hanging. Knows no script. */

import type { ServerResponse } from 'node:http';
import type { ErrorAnswer } from './protocols/protocol.js';
import { PROTOCOLS } from './protocols/routes.js';
import type { ModelRequest } from './request.js';
import type { Step } from './step.js';

/** Sends an error; drops the connection where an answer has begun already. */
export function sendError(response: ServerResponse, answer: ErrorAnswer): void {
  if (response.headersSent) {
    response.destroy();
    return;
  }
  response.writeHead(answer.status, answer.headers);
  response.end(answer.body);
}

/** Sends what a step says; resolves when all is written, or when the other side (or the server) is gone. */
export async function sendStep(
  response: ServerResponse,
  request: ModelRequest,
  step: Step,
  signal: AbortSignal,
): Promise<void> {
  if (signal.aborted) return;
  const protocol = PROTOCOLS[request.protocol];
  if (step.status !== undefined) return sendError(response, protocol.error({ ...step, status: step.status }));
  if (step.hang === 'before-headers') return aborted(signal);
  const stream = request.stream;
  response.writeHead(200, {
    'content-type': stream ? 'text/event-stream; charset=utf-8' : 'application/json',
    'cache-control': 'no-cache',
  });
  response.flushHeaders();
  if (step.body !== undefined) {
    response.end(step.body);
    return;
  }
  const parts = stream ? protocol.stream(request, step) : [protocol.whole(request, step)];
  if (step.hang === 'mid-stream') return hangAfterHalf(response, [...parts], signal);
  if (step.cut !== undefined) return cutAfter(response, parts, step.cut);
  for (const part of parts) {
    if (signal.aborted) return;
    if (!response.write(part)) await drained(response, signal);
  }
  response.end();
}

async function hangAfterHalf(
  response: ServerResponse,
  parts: readonly string[],
  signal: AbortSignal,
): Promise<void> {
  const whole = parts.join('');
  // A cut in the middle of an event, so that what came is no complete answer either.
  response.write(whole.slice(0, Math.ceil(whole.length / 2)));
  await aborted(signal);
}

async function cutAfter(response: ServerResponse, parts: Iterable<string>, bytes: number): Promise<void> {
  const begin = Buffer.from([...parts].join('')).subarray(0, bytes);
  if (begin.length > 0) await new Promise<void>((resolve) => response.write(begin, () => resolve()));
  response.destroy();
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}

function drained(response: ServerResponse, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const end = (): void => {
      response.off('drain', end);
      signal.removeEventListener('abort', end);
      resolve();
    };
    response.once('drain', end);
    signal.addEventListener('abort', end);
  });
}
