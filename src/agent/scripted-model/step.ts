/** What a script of the scripted model may contain, as plain data, and how to read it from JSON. Sends nothing. */

import { ownValue } from '../../base/records/own-value.js';
import { err, ok, type Result } from '../../base/result.js';
import { isObject } from '../../io/document/json-object.js';

/** Tokens of one answer, in parts that do not overlap; what is absent is reckoned from the lengths. */
export interface StepUsage {
  /** Without the cached ones. */
  readonly input?: number;
  readonly cached?: number;
  /** Without the reasoning. */
  readonly output?: number;
  readonly reasoning?: number;
}

export interface ToolCall {
  /** The tool's name as the agent offers it: `write`, `bash`. */
  readonly call: string;
  /** The arguments; a string is sent unchanged, so that a script can send broken JSON. */
  readonly args?: unknown;
}

/**
 * One answer of the model, to one request. A step with nothing but `delayMs` or `hold` is a pause before the step
 * after it. Of `status`, `hang`, `loop` and `body` a step has at most one; `say`, `think`, `call` and `calls` go together.
 */
export interface Step {
  readonly say?: string;
  /** Reasoning text, streamed before the rest. */
  readonly think?: string;
  readonly call?: string;
  readonly args?: unknown;
  /** Several tool calls in one answer. */
  readonly calls?: readonly ToolCall[];
  /** Milliseconds before the answer begins. */
  readonly delayMs?: number;
  /** The gate at which the answer waits until the test releases it. */
  readonly hold?: string;
  /** An error in place of an answer. */
  readonly status?: number;
  /** Seconds, sent as the `retry-after` header; with `status`. */
  readonly retryAfter?: number;
  /** With `status: 400`: the error of a prompt that is longer than the model's window. */
  readonly overflow?: boolean;
  /** With `status: 429`: the error of an account without quota; waiting does not help. */
  readonly quota?: boolean;
  /** The connection is dropped after so many bytes of the answer (0: after the headers). */
  readonly cut?: number;
  /** No end comes: neither headers, or the first half of the answer and then silence. */
  readonly hang?: 'before-headers' | 'mid-stream';
  /** This step for this request and for every later one; whatever follows is never reached. */
  readonly loop?: Step;
  /** Bytes of text to stream. */
  readonly flood?: number;
  /** Why the answer ends; any other word than these is sent as it is. */
  readonly finish?: string;
  /** Status 200 with this text in place of an answer: a proxy's page, a broken or an empty stream. */
  readonly body?: string;
  /** `none`: the answer has no usage, as from some local servers. */
  readonly usage?: StepUsage | 'none';
}

type Check = (value: unknown) => string | undefined;

const text: Check = (value) => (typeof value === 'string' ? undefined : 'must be a text');
const flag: Check = (value) => (typeof value === 'boolean' ? undefined : 'must be true or false');
const count: Check = (value) =>
  typeof value === 'number' && Number.isFinite(value) && value >= 0 ? undefined : 'must be a number from 0';
const oneOf =
  (...choices: readonly string[]): Check =>
  (value) =>
    choices.includes(value as string) ? undefined : `must be one of ${choices.join(', ')}`;
const anything: Check = () => undefined;
const record =
  (fields: Readonly<Record<string, Check>>, needed?: string): Check =>
  (value) => {
    if (!isObject(value)) return 'must be an object';
    for (const [key, one] of Object.entries(value)) {
      const check = ownValue(fields, key);
      if (check === undefined) return `has no "${key}" (known: ${Object.keys(fields).join(', ')})`;
      const problem = check(one);
      if (problem !== undefined) return `${key}: ${problem}`;
    }
    return needed === undefined || Object.hasOwn(value, needed) ? undefined : `needs "${needed}"`;
  };
const list =
  (check: Check): Check =>
  (value) => {
    if (!Array.isArray(value)) return 'must be a list';
    for (const [index, one] of value.entries()) {
      const problem = check(one);
      if (problem !== undefined) return `${index}: ${problem}`;
    }
    return undefined;
  };

const tokenCounts = record({ input: count, cached: count, output: count, reasoning: count });

const FIELDS: Readonly<Record<keyof Step, Check>> = {
  say: text,
  think: text,
  call: text,
  args: anything,
  calls: list(record({ call: text, args: anything }, 'call')),
  delayMs: count,
  hold: text,
  status: (value) =>
    Number.isInteger(value) && Number(value) >= 400 && Number(value) <= 599
      ? undefined
      : 'must be an HTTP error, 400 to 599',
  retryAfter: count,
  overflow: flag,
  quota: flag,
  cut: count,
  hang: oneOf('before-headers', 'mid-stream'),
  loop: (value) => stepProblem(value) ?? loopProblem(value as Step),
  flood: count,
  finish: text,
  body: text,
  usage: (value) => (value === 'none' ? undefined : tokenCounts(value)),
};

/** What is wrong with a step, as half a sentence. */
function stepProblem(value: unknown): string | undefined {
  const problem = record(FIELDS)(value);
  if (problem !== undefined) return problem;
  const step = value as Step;
  const kinds = (['status', 'hang', 'loop', 'body'] as const).filter((key) => step[key] !== undefined);
  if (kinds.length > 1) return `has both "${kinds[0]}" and "${kinds[1]}"`;
  if (step.loop !== undefined) {
    const beside = Object.keys(step).find((key) => !['loop', 'delayMs', 'hold'].includes(key));
    if (beside !== undefined) return `has "${beside}" beside "loop", not in it`;
  }
  if (step.args !== undefined && step.call === undefined) return 'has "args" without "call"';
  return Object.keys(step).length === 0 ? 'is empty' : undefined;
}

function loopProblem(step: Step): string | undefined {
  return isPause(step) || step.loop !== undefined ? 'must be an answer' : undefined;
}

/** Whether a step only waits: the answer is the step after it. */
export function isPause(step: Step): boolean {
  return Object.keys(step).every((key) => key === 'delayMs' || key === 'hold');
}

/** The tool calls of a step, in their order. */
export function callsOf(step: Step): readonly ToolCall[] {
  const first = step.call === undefined ? [] : [{ call: step.call, args: step.args ?? {} }];
  return [...first, ...(step.calls ?? [])];
}

/** Reads a list of steps; the error is one sentence that names the place, `1: say: must be a text`. */
export function parseSteps(value: unknown): Result<readonly Step[], string> {
  const problem = list((one) => stepProblem(one))(value);
  return problem === undefined ? ok(value as readonly Step[]) : err(problem);
}
