/** One task of a build as the page shows it, folded from its events: state, time spans, gates, attempts, sessions. */

import type { Usage } from '../../model/action.js';
import type { Span, SpanPhase, TaskView } from '../../model/build-view.js';
import type { BuildEvent } from '../../model/event.js';
import type { Label } from '../../model/task.js';
import type { VerdictKind } from '../../model/verdict.js';
import { waitingText } from '../verdict.js';
import { failureView } from './failure-view.js';
import { added, finishedGate } from './fold-parts.js';

/** A gap between two gates below this is no wait. */
const GAP_MS = 20;

type TaskFinished = Extract<BuildEvent, { type: 'task.finished' }>;
type Draft = { -readonly [K in keyof TaskView]: TaskView[K] };

export class TaskFold {
  readonly label: Label;
  private readonly draft: Draft;

  constructor(label: Label) {
    this.label = label;
    this.draft = {
      label,
      state: 'queued',
      attempt: 1,
      usage: {},
      spans: [],
      gates: [],
      attempts: [],
      calls: [],
      warnings: [],
    };
  }

  get view(): TaskView {
    return { ...this.draft };
  }

  /** Whether the line is another than before. */
  said(line: string): boolean {
    if (this.draft.line === line || this.draft.state !== 'running') return false;
    this.draft.line = line;
    return true;
  }

  checked(at: number, verdict: VerdictKind, why: string): void {
    const { draft } = this;
    if (draft.state === 'queued') draft.state = 'checked';
    // The first verdict says why; a later one of the same build says that its result is found now.
    draft.verdict ??= verdict;
    draft.why ??= why;
    if (verdict === 'stale' || verdict === 'unverified') this.open('wait', at);
  }

  on(event: BuildEvent): void {
    const { draft } = this;
    switch (event.type) {
      case 'task.started':
        draft.state = 'running';
        draft.recipe = event.recipe;
        draft.attempt = event.attempt;
        draft.startedAt ??= event.at;
        this.close(event.at);
        return;
      case 'task.phase':
        draft.state = 'running';
        draft.startedAt ??= event.at;
        draft.attempt = event.attempt;
        draft.phase = event.phase;
        delete draft.detail;
        if (event.detail !== undefined) draft.detail = event.detail;
        this.open(event.phase, event.at, event.detail);
        return;
      case 'task.output':
        this.said(event.line);
        return;
      case 'task.usage':
        draft.usage = added(this.ended(), event.usage);
        return;
      case 'agent.finished': {
        const { attempt, phase, at, ms, agent, model, promptBytes, usage, failure, said } = event;
        const call = { attempt, phase, at, ms, agent, promptBytes, usage };
        const named = {
          ...(model === undefined ? {} : { model }),
          ...(failure === undefined ? {} : { failure }),
          ...(said === undefined ? {} : { said }),
        };
        draft.calls = [...draft.calls, { ...call, ...named }];
        draft.usage = this.ended();
        return;
      }
      case 'task.attempt-failed':
        draft.attempts = [
          ...draft.attempts,
          { attempt: event.attempt, at: event.at, failure: failureView(event.failure, this.label) },
        ];
        this.close(event.at);
        return;
      case 'gate.started':
        this.gateStarted(event.gate, event.at);
        return;
      case 'gate.finished':
        draft.gates = finishedGate(draft.gates, event);
        return;
      case 'warning':
        draft.warnings = [...draft.warnings, event.message];
        return;
      case 'task.finished':
        this.finished(event);
        return;
      case 'task.waiting':
        draft.waiting = waitingText(event);
    }
  }

  /** The build has ended without a word about this task. */
  cut(at: number): boolean {
    if (this.draft.state === 'done') return false;
    this.close(at);
    this.draft.state = 'done';
    this.draft.endedAt = at;
    return true;
  }

  /** What sessions that have ended have used. */
  private ended(): Usage {
    return this.draft.calls.reduce<Usage>((sum, one) => added(sum, one.usage), {});
  }

  private gateStarted(gate: string, at: number): void {
    const { draft } = this;
    // Where all places are taken, the time up to the first gate is a wait.
    const last = draft.spans.at(-1);
    if (last?.phase === 'gates' && last.to === undefined && at - last.from > GAP_MS && this.isFirst(last))
      draft.spans = [
        ...draft.spans.slice(0, -1),
        { phase: 'gate-wait', attempt: last.attempt, from: last.from, to: at },
        { ...last, from: at },
      ];
    draft.gates = [...draft.gates, { gate, attempt: draft.attempt, from: at }];
  }

  private isFirst(span: Span): boolean {
    return !this.draft.gates.some((gate) => gate.from >= span.from);
  }

  private finished(event: TaskFinished): void {
    const { draft } = this;
    this.close(event.at);
    draft.state = 'done';
    draft.outcome = event.outcome;
    draft.endedAt = event.at;
    // Waits for a worker are not work; all attempts are.
    draft.ms = draft.startedAt === undefined ? event.ms : event.at - draft.startedAt;
    delete draft.phase;
    delete draft.line;
    if (event.saved !== undefined) draft.saved = event.saved;
    if (event.because !== undefined) draft.because = event.because;
    if (event.failure !== undefined) draft.failure = failureView(event.failure, this.label);
    if (event.result !== undefined) draft.result = event.result;
    if (event.former !== undefined) draft.former = event.former;
  }

  private open(phase: SpanPhase, at: number, detail?: string): void {
    this.close(at);
    const { attempt } = this.draft;
    const span: Span = { phase, attempt, from: at, ...(detail === undefined ? {} : { detail }) };
    this.draft.spans = [...this.draft.spans, span];
  }

  private close(at: number): void {
    const { spans } = this.draft;
    const last = spans.at(-1);
    if (last && last.to === undefined) this.draft.spans = spans.with(-1, { ...last, to: at });
  }
}
