/**
 * A build as spans of OpenTelemetry, in the JSON of OTLP: the build, its tasks, their phases, and the sessions of agents,
 * wherever they ran. Knows no collector.
 */

import type { BuildEvent } from '../../model/event.js';
import type { Label } from '../../model/task.js';
import { idOf, parentOf, type Span, spanBodies, traceparentOf } from './otlp-spans.js';
import { inputTokens, modelAttributes } from './otlp-values.js';

export interface SpanOptions {
  /** `traceparent` of what started the build: its spans belong to that trace. Absent: a trace of their own. */
  readonly parent?: string;
  readonly service: string;
  readonly version: string;
}

interface OpenTask {
  readonly span: Span;
  phase?: Span;
}

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
        const parent = parentOf(this.options.parent);
        this.seed = `${event.build} ${event.at}`;
        this.trace = parent?.trace ?? idOf(this.seed, 32);
        this.build = this.span('build', parent?.span, event.at, { 'conductor.command': event.command });
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

  /** What a task that runs now gives to those that work for it; undefined where it does not run. */
  traceparent(task: Label): string | undefined {
    const open = this.open.get(task);
    return open && traceparentOf(open.span);
  }

  /** Bodies of requests to `/v1/traces`, to be sent one after the other; none when there is nothing to send. */
  bodies(): string[] {
    const { service, version } = this.options;
    return spanBodies(this.done, { 'service.name': service, 'service.version': version }, version);
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
    const id = idOf(`${this.trace} ${this.seed} ${++this.count}`, 16);
    return { trace: this.trace, name, id, parent, from, attributes };
  }

  private end(span: Span, at: number, failed?: string): void {
    span.to = at;
    if (failed !== undefined) span.failed = failed;
    this.done.push(span);
  }
}
