/** One build as a page shows it: its head, its tasks, their time spans. Plain JSON, folded from events. */

import type { Usage } from './action.js';
import type { BuildSummary, CallPhase, Phase, TaskOutcomeKind } from './event.js';
import type { Label } from './task.js';
import type { VerdictKind } from './verdict.js';

/** A stretch of a task's time. `wait`: for a worker; `gate-wait`: for a free place among the gates. */
export type SpanPhase = Phase | 'check' | 'wait' | 'gate-wait';

export interface Span {
  readonly phase: SpanPhase;
  readonly attempt: number;
  readonly from: number;
  /** Absent while it lasts. */
  readonly to?: number;
  readonly detail?: string;
}

export interface GateView {
  readonly gate: string;
  readonly attempt: number;
  readonly from: number;
  readonly ms?: number;
  readonly ok?: boolean;
  /** Its output, relative to the project. */
  readonly log?: string;
}

/** A failure in words. */
export interface FailureView {
  readonly kind: string;
  readonly headline: string;
  readonly facts: readonly (readonly [string, string])[];
  readonly block?: string;
  readonly hint?: string;
  readonly log?: string;
}

export interface AttemptFailure {
  readonly attempt: number;
  readonly at: number;
  readonly failure: FailureView;
}

/** One session of an agent. */
export interface CallView {
  readonly attempt: number;
  readonly phase: CallPhase;
  readonly at: number;
  readonly ms: number;
  readonly agent: string;
  readonly model?: string;
  readonly promptBytes: number;
  readonly usage: Usage;
  readonly failure?: string;
  /** What the agent said last. */
  readonly said?: string;
}

export type TaskState = 'queued' | 'checked' | 'running' | 'done';

/** One task in one build. */
export interface TaskView {
  readonly label: Label;
  readonly state: TaskState;
  readonly outcome?: TaskOutcomeKind;
  readonly verdict?: VerdictKind;
  /** The verdict in one line. */
  readonly why?: string;
  readonly recipe?: string;
  readonly attempt: number;
  readonly phase?: Phase;
  readonly detail?: string;
  /** The last line that its program printed. */
  readonly line?: string;
  readonly startedAt?: number;
  readonly endedAt?: number;
  readonly ms?: number;
  readonly usage: Usage;
  readonly saved?: Usage;
  /** The failed dependency of a skipped task. */
  readonly because?: Label;
  /** Its result is stored and not published: what follows its name in a sentence. */
  readonly waiting?: string;
  readonly failure?: FailureView;
  readonly spans: readonly Span[];
  readonly gates: readonly GateView[];
  readonly attempts: readonly AttemptFailure[];
  readonly calls: readonly CallView[];
  readonly warnings: readonly string[];
  /** Commits of results: the one that this build published, and the one that stood before. */
  readonly result?: string;
  readonly former?: string;
}

export type BuildOutcome = BuildSummary['outcome'] | 'running' | 'killed';

/** A build as a row of the list. */
export interface BuildRow {
  readonly build: string;
  readonly command: string;
  readonly version: string;
  readonly startedAt: number;
  readonly endedAt?: number;
  readonly outcome: BuildOutcome;
  readonly total: number;
  readonly counts: Readonly<Record<TaskOutcomeKind, number>>;
  readonly usage: Usage;
  readonly published: number;
  /** False: its log is gone, and only the history remembers it. */
  readonly kept: boolean;
}

export interface BuildHead extends BuildRow {
  readonly plannedAt?: number;
  /** When the last task was done with. */
  readonly tasksDoneAt?: number;
  readonly publishedAt?: number;
  readonly written: readonly string[];
  readonly removed: readonly string[];
  readonly failures: readonly FailureView[];
  readonly warnings: readonly string[];
  /** Gates of the merged tree. */
  readonly gates: readonly GateView[];
  readonly workers?: number;
  readonly budgetUsd?: number;
  /** Milliseconds that are probably left; absent when nothing is known. */
  readonly leftMs?: number;
}

export interface BuildDocument {
  readonly head: BuildHead;
  readonly tasks: readonly TaskView[];
}
