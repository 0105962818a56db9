/** Build events: plain JSON, the only thing that reporters see. Documented in `docs/events.md`. */

import type { Usage } from './action.js';
import type { Labels, PlannedRange, RestoredTask } from './events/event-parts.js';
import type { Failure } from './failure.js';
import type { FailureAnswer } from './failure-parts.js';
import type { Label } from './task.js';
import type { Verdict } from './verdict.js';

export const EVENT_SCHEMA = 1;

/** What a task is busy with while it runs. */
export type Phase =
  /** Gates are tried before the first call of the build that costs money. */
  | 'preflight'
  /** It waits for a worker of the queue, or the worker of the detail has it. */
  | 'queue'
  | 'workspace'
  | 'setup'
  /** Another build makes the same result: who that is, is the detail. */
  | 'claim-wait'
  /** For a session: as many of this provider as the config allows go on; its name is the detail. */
  | 'session-wait'
  | 'agent'
  | 'render'
  | 'run'
  | 'capture'
  | 'gates'
  | 'review'
  | 'rebase'
  | 'store';

export type TaskOutcomeKind =
  /** Nothing had to be done. */
  | 'fresh'
  /** Restored from the store. */
  | 'cached'
  /** Only its gates were run, and passed. */
  | 'verified'
  | 'built'
  /** Its files were recorded as a person left them. */
  | 'accepted'
  /** Left as the person edited it. */
  | 'drifted'
  | 'failed'
  /** Not tried: something that it needs failed, or the build was stopped. */
  | 'skipped';

/** The purpose of a session: the work of a task, a document of a plan, a revised task, a review, a spec change for a hand edit. */
export type CallPhase = 'implementation' | 'planning' | 'rebase' | 'review' | 'absorb' | 'adopt';

export interface BuildSummary {
  /** `superseded`: files changed, and another build has taken its place. */
  readonly outcome: 'up-to-date' | 'built' | 'failed' | 'interrupted' | 'superseded' | 'would-build';
  readonly exitCode: 0 | 1 | 2 | 130;
  readonly counts: Readonly<Record<TaskOutcomeKind, number>>;
  readonly ms: number;
  readonly usage: Usage;
  /** Paths written or removed in the working tree. */
  readonly published: number;
  /** Results that are not on a remote that they were to be sent to; absent: none. The next command sends them. */
  readonly unsent?: number;
  /** Results that are stored and not published yet; absent: none. */
  readonly waiting?: number;
  /** Files that no task owns any more and that the build of a dry run would remove; absent: none. */
  readonly removes?: number;
}

/** A task of which there is a result to publish. */
export type ResultOutcome = 'cached' | 'verified' | 'built' | 'accepted';

/** Why a result is not published: tasks that are not up to date, a build gate, or files that changed meanwhile. */
export type WaitReason = 'tasks' | 'gates' | 'refused';

export type BuildEventBody =
  | {
      readonly type: 'build.started';
      readonly build: string;
      readonly command: string;
      readonly version: string;
    }
  | { readonly type: 'build.waiting'; readonly pid: number; readonly command: string; readonly since: string }
  /** After loading and selection; `tasks` are all tasks that the build analyses. */
  | {
      readonly type: 'build.planned';
      readonly tasks: Labels;
      /** Tasks that may run at the same time. */
      readonly workers?: number;
      /** US dollars that the build may cost. */
      readonly budgetUsd?: number;
      /** Of a build of what a range of commits concerns. */
      readonly range?: PlannedRange;
    }
  | { readonly type: 'build.recovered'; readonly what: string }
  | { readonly type: 'warning'; readonly message: string; readonly task?: Label }
  | { readonly type: 'task.checked'; readonly task: Label; readonly verdict: Verdict }
  /** Tasks that are up to date as the last complete build left them, in place of events for each of them. */
  | {
      readonly type: 'tasks.fresh';
      readonly tasks: Labels;
      /** False: nothing that concerns them has changed, so their features were not read. */
      readonly checked: boolean;
    }
  /**
   * Tasks that are up to date but for outputs that are missing: the build writes their recorded results again, without an analysis.
   * In place of events for each of them.
   */
  | { readonly type: 'tasks.restored'; readonly tasks: readonly RestoredTask[] }
  | { readonly type: 'task.started'; readonly task: Label; readonly attempt: number; readonly recipe: string }
  | {
      readonly type: 'task.phase';
      readonly task: Label;
      readonly attempt: number;
      readonly phase: Phase;
      readonly detail?: string;
    }
  /** The last line that the task's program printed; for people, may be dropped. */
  | { readonly type: 'task.output'; readonly task: Label; readonly attempt: number; readonly line: string }
  /** The running total of one attempt or, with a phase, of what was asked beside it. */
  | {
      readonly type: 'task.usage';
      readonly task: Label;
      readonly attempt: number;
      readonly usage: Usage;
      /** Absent in logs of earlier versions. */
      readonly agent?: string;
      readonly model?: string;
      readonly phase?: 'rebase' | 'review';
    }
  /** One session of an agent has ended. What it made is judged after this. */
  | {
      readonly type: 'agent.finished';
      readonly task: Label;
      readonly attempt: number;
      readonly phase: CallPhase;
      /** Type and complexity of the task; absent for planning. */
      readonly taskType?: string;
      readonly complexity?: string;
      readonly agent: string;
      readonly model?: string;
      readonly variant?: string;
      /** Of an experiment. */
      readonly arm?: string;
      readonly promptBytes: number;
      /** Of this session alone. */
      readonly usage: Usage;
      readonly ms: number;
      /** Kind of the failure that ended it; absent when the agent says that it is done. */
      readonly failure?: string;
      /** What the agent said last; absent when it said nothing. */
      readonly said?: string;
    }
  | {
      readonly type: 'task.attempt-failed';
      readonly task: Label;
      readonly attempt: number;
      readonly failure: Failure;
    }
  /**
   * The gates, and the review, were run on the former result of a stale task where only what it builds on changed. It
   * stands if they passed; else the task is built.
   */
  | {
      readonly type: 'task.reverified';
      readonly task: Label;
      /** Key of the former result. */
      readonly former: string;
      /** What changed around the task. */
      readonly against: readonly string[];
      readonly passed: boolean;
      /** Why it does not stand. */
      readonly failure?: Failure;
    }
  /**
   * A revised task was proposed after all attempts. `applied`: the build goes on with it, and writes it into the spec when
   * it passes.
   */
  | {
      readonly type: 'task.rebased';
      readonly task: Label;
      readonly attempt: number;
      readonly applied: boolean;
      /** From 0 to 1. */
      readonly confidence: number;
      readonly reasoning: string;
      /** The spec, and what would change in it. */
      readonly file: string;
      readonly diff: string;
      /** Where the proposal is kept, relative to the project. */
      readonly proposal: string;
    }
  | {
      readonly type: 'task.finished';
      readonly task: Label;
      readonly outcome: TaskOutcomeKind;
      readonly ms: number;
      readonly failure?: Failure;
      /** The failure with its sentences; only where events are printed. */
      readonly error?: FailureAnswer;
      /** For `skipped`: the failed dependency. */
      readonly because?: Label;
      readonly usage?: Usage;
      /** For `cached` and `verified`: what the result had cost when it was made. */
      readonly saved?: Usage;
      /** Commit of the result that the build publishes, in conductor's repository. */
      readonly result?: string;
      /** Commit of the result that the lock file named before. */
      readonly former?: string;
    }
  /** After its end: the result is stored and is not published with this build. The next build finds it in the store. */
  | {
      readonly type: 'task.waiting';
      readonly task: Label;
      readonly outcome: ResultOutcome;
      readonly because: WaitReason;
      /** For `tasks`: those that are not up to date, a few of them. */
      readonly on?: readonly Label[];
    }
  | { readonly type: 'gate.started'; readonly gate: string; readonly task?: Label }
  | {
      readonly type: 'gate.finished';
      readonly gate: string;
      readonly task?: Label;
      readonly ok: boolean;
      readonly ms: number;
      readonly log?: string;
    }
  /** The sessions of all planners have been deleted, and what held them has ended. */
  | { readonly type: 'plan.closed'; readonly sessions: number }
  /** The plan is written into the files of its feature; tasks by id, compared with the former backlog. */
  | {
      readonly type: 'plan.ready';
      readonly feature: string;
      readonly published: readonly string[];
      readonly kept: readonly string[];
      readonly changed: readonly string[];
      readonly added: readonly string[];
      readonly removed: readonly string[];
    }
  | {
      readonly type: 'build.failure';
      readonly failure: Failure;
      /** The failure with its sentences; only where events are printed. */
      readonly error?: FailureAnswer;
    }
  /** A dry run found files that no task owns any more. */
  | {
      readonly type: 'build.orphans';
      readonly removed: readonly string[];
      readonly kept: readonly string[];
    }
  | {
      readonly type: 'build.published';
      readonly written: readonly string[];
      readonly removed: readonly string[];
    }
  | { readonly type: 'build.committed'; readonly commit: string; readonly tasks: number }
  | { readonly type: 'build.finished'; readonly summary: BuildSummary }
  /** Between the builds of `conductor watch`, numbered by themselves. */
  | { readonly type: 'watch.started'; readonly targets: readonly string[]; readonly poll: boolean }
  /** Why the next build is made: the first of the paths that changed, and how many there are. */
  | { readonly type: 'watch.changed'; readonly paths: readonly string[]; readonly count: number }
  /** The files cannot be scanned, or specs or the config cannot be read; the last ones that could be stay in force. */
  | { readonly type: 'watch.problem'; readonly failure: Failure; readonly kept: boolean }
  /** The last problem of `watch.problem` has ended. */
  | { readonly type: 'watch.corrected' }
  /** Nothing is left to do until something changes. */
  | { readonly type: 'watch.idle'; readonly tasks: number; readonly failed: number };

/** `seq` counts from 1 within a build; `at` is milliseconds since 1970, UTC. */
export type BuildEvent = {
  readonly schema: typeof EVENT_SCHEMA;
  readonly seq: number;
  readonly at: number;
} & BuildEventBody;

/** As programs read it in JSON. */
export type WrittenEvent = AsWritten<BuildEvent>;

type AsWritten<E> = E extends { readonly tasks: Labels }
  ? Omit<E, 'tasks'> & { readonly tasks: readonly Label[] }
  : E;

export type BuildEventType = BuildEventBody['type'];
