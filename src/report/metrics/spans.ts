/**
 * A build as spans of OpenTelemetry, in the JSON of OTLP: the build, its tasks, their phases, and the sessions of agents,
 * wherever they ran. Knows no collector.
 */

import { createHash } from 'node:crypto';
import type { BuildEvent } from '../../model/event.js';
import { inputTokens, listed, modelAttributes, nanos } from './otlp-values.js';

export interface SpanOptions {
  /** `traceparent` of what started the build: its spans belong to that trace. Absent: a trace of their own. */
  readonly parent?: string;
  readonly service: string;
  readonly version: string;
}

interface Span {
  readonly name: string;
  readonly id: string;
  readonly parent: string | undefined;
  readonly from: number;
  to?: number;
  failed?: string;
  readonly attributes: Record<string, string | number | undefined>;
}

interface OpenTask {
  readonly span: Span;
  phase?: Span;
}

const PARENT = /^[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}$/;
/** Of OTLP: a span within one process, and the code of an error. */
const INTERNAL = 1;
const ERROR = 2;
/** Spans of one request: collectors refuse bodies of some 20 MiB, and these have 1 or 2. */
const MAX_SPANS = 2_000;

export class BuildSpans {
  private readonly options: SpanOptions;
  private readonly done: Span[] = [];
  private readonly open = new Map<string, OpenTask>();
  private build: Span | undefined;
  private trace = '';
  /** What no other build has: a trace may hold many builds, and its spans all have different ids. */
  private seed = '';
  private count = 0;

  constructor(options: SpanOptions) {
    this.options = options;
  }

  on(event: BuildEvent): void {
    switch (event.type) {
      case 'build.started': {
        const [, trace, parent] = PARENT.exec(this.options.parent ?? '') ?? [];
        this.seed = `${event.build} ${event.at}`;
        this.trace = trace ?? idOf(this.seed, 32);
        this.build = this.span('build', parent, event.at, { 'conductor.command': event.command });
        break;
      }
      case 'task.started':
        // Gates of a task that is verified begin another time.
        if (!this.open.has(event.task))
          this.open.set(event.task, {
            span: this.span(`task ${event.task}`, this.build?.id, event.at, {
              'conductor.task': event.task,
              'conductor.recipe': event.recipe,
            }),
          });
        break;
      case 'task.phase':
        this.phase(event);
        break;
      case 'agent.finished': {
        const { usage, attempt, agent } = event;
        const attributes = {
          'conductor.task': event.task,
          ...{ 'conductor.attempt': attempt, 'conductor.phase': event.phase },
          ...modelAttributes(event),
          'gen_ai.usage.input_tokens': inputTokens(usage),
          'gen_ai.usage.output_tokens': usage.tokensOut,
          'conductor.cost_usd': usage.costUsd,
          'error.type': event.failure,
        };
        const task = this.open.get(event.task);
        const parent = (task?.phase ?? task?.span ?? this.build)?.id;
        const session = this.span(`agent ${agent}`, parent, event.at - event.ms, attributes);
        this.end(session, event.at, event.failure);
        break;
      }
      case 'task.finished': {
        const task = this.open.get(event.task);
        this.open.delete(event.task);
        if (!task) break;
        if (task.phase) this.end(task.phase, event.at);
        task.span.attributes['conductor.outcome'] = event.outcome;
        this.end(task.span, event.at, event.failure?.kind);
        break;
      }
      case 'build.finished': {
        for (const { span, phase } of this.open.values())
          for (const one of [phase, span]) if (one) this.end(one, event.at);
        const { outcome, exitCode } = event.summary;
        if (!this.build) break;
        this.build.attributes['conductor.outcome'] = outcome;
        this.end(this.build, event.at, exitCode === 0 ? undefined : outcome);
        break;
      }
      default:
    }
  }

  /** Bodies of requests to `/v1/traces`, to be sent one after the other; none when there is nothing to send. */
  bodies(): string[] {
    const { service, version } = this.options;
    const resource = { attributes: listed({ 'service.name': service, 'service.version': version }) };
    const scope = { name: 'conductor', version };
    return Array.from({ length: Math.ceil(this.done.length / MAX_SPANS) }, (_, piece) => {
      const some = this.done.slice(piece * MAX_SPANS, (piece + 1) * MAX_SPANS);
      const spans = some.map((span) => this.wordsOf(span));
      return JSON.stringify({ resourceSpans: [{ resource, scopeSpans: [{ scope, spans }] }] });
    });
  }

  private wordsOf(span: Span) {
    return {
      traceId: this.trace,
      spanId: span.id,
      ...(span.parent === undefined ? {} : { parentSpanId: span.parent }),
      name: span.name,
      kind: INTERNAL,
      startTimeUnixNano: nanos(span.from),
      endTimeUnixNano: nanos(span.to ?? span.from),
      attributes: listed(span.attributes),
      ...(span.failed === undefined ? {} : { status: { code: ERROR, message: span.failed } }),
    };
  }

  private phase({ task, phase, attempt, detail, at }: Extract<BuildEvent, { type: 'task.phase' }>): void {
    const open = this.open.get(task);
    if (!open) return;
    if (open.phase) this.end(open.phase, at);
    open.phase = this.span(phase, open.span.id, at, {
      'conductor.task': task,
      'conductor.attempt': attempt,
      [phase === 'queue' ? 'conductor.worker' : 'conductor.detail']: detail,
    });
    if (phase === 'queue' && detail !== undefined) open.span.attributes['conductor.worker'] = detail;
  }

  private span(name: string, parent: string | undefined, from: number, attributes: Span['attributes']): Span {
    return { name, id: idOf(`${this.trace} ${this.seed} ${++this.count}`, 16), parent, from, attributes };
  }

  private end(span: Span, at: number, failed?: string): void {
    span.to = at;
    if (failed !== undefined) span.failed = failed;
    this.done.push(span);
  }
}

function idOf(text: string, digits: number): string {
  return createHash('sha256').update(text).digest('hex').slice(0, digits);
}
