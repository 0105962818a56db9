/** Spans of OpenTelemetry, and requests for a collector made of them. Knows no build and no worker. */

import { createHash } from 'node:crypto';
import { listed, nanos, type OtlpAttributes } from './otlp-values.js';

export interface Span {
  readonly trace: string;
  readonly name: string;
  readonly id: string;
  readonly parent: string | undefined;
  readonly from: number;
  to?: number;
  failed?: string;
  /** What it continues came through a queue. */
  readonly isConsumer?: boolean;
  readonly attributes: Record<string, string | number | undefined>;
}

const PARENT = /^[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}$/;
/** Of OTLP: a span within one process, one behind a queue, and the code of an error. */
const INTERNAL = 1;
const CONSUMER = 5;
const ERROR = 2;
/** Spans of one request: collectors refuse bodies of some 20 MiB, and these have 1 or 2. */
const MAX_SPANS = 2_000;

/** Trace and span of a `traceparent`; undefined where it is none. */
export function parentOf(text: string | undefined): { trace: string; span: string } | undefined {
  const [, trace, span] = PARENT.exec(text ?? '') ?? [];
  return trace !== undefined && span !== undefined ? { trace, span } : undefined;
}

export function traceparentOf({ trace, id }: Pick<Span, 'trace' | 'id'>): string {
  return `00-${trace}-${id}-01`;
}

export function idOf(text: string, digits: number): string {
  return createHash('sha256').update(text).digest('hex').slice(0, digits);
}

/** Bodies of requests to `/v1/traces`, to be sent one after the other; none when there is nothing to send. */
export function spanBodies(all: readonly Span[], resource: OtlpAttributes, version: string): string[] {
  const scope = { name: 'conductor', version };
  return Array.from({ length: Math.ceil(all.length / MAX_SPANS) }, (_, piece) => {
    const spans = all.slice(piece * MAX_SPANS, (piece + 1) * MAX_SPANS).map(wordsOf);
    return JSON.stringify({
      resourceSpans: [{ resource: { attributes: listed(resource) }, scopeSpans: [{ scope, spans }] }],
    });
  });
}

function wordsOf(span: Span) {
  return {
    traceId: span.trace,
    spanId: span.id,
    ...(span.parent === undefined ? {} : { parentSpanId: span.parent }),
    name: span.name,
    kind: span.isConsumer ? CONSUMER : INTERNAL,
    startTimeUnixNano: nanos(span.from),
    endTimeUnixNano: nanos(span.to ?? span.from),
    attributes: listed(span.attributes),
    ...(span.failed === undefined ? {} : { status: { code: ERROR, message: span.failed } }),
  };
}
