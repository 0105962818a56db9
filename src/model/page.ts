/** What the pages of `conductor ui` and `conductor report` show, as plain JSON. Knows no file and no server. */

import type { GateRun, ManifestItem, Usage } from './action.js';
import type { BuildHead, BuildRow, FailureView, TaskView } from './build-view.js';
import type { Label } from './task.js';
import type { VerdictKind } from './verdict.js';

/** A task as the graph shows it. */
export interface GraphTask {
  readonly label: Label;
  readonly title: string;
  readonly type: string;
  readonly recipe: string;
  readonly dependsOn: readonly Label[];
  readonly verdict?: VerdictKind;
  readonly why?: string;
  /** Milliseconds that it took when it was last run. */
  readonly ms?: number;
  readonly critical: boolean;
}

export interface GraphDocument {
  readonly features: readonly { readonly name: string; readonly title: string }[];
  readonly tasks: readonly GraphTask[];
  /** Why verdicts are missing. */
  readonly problem?: FailureView;
}

/** How one file differs, with the hunks of `git diff`. */
export interface FileDiff {
  readonly path: string;
  readonly change: 'added' | 'removed' | 'changed';
  readonly insertions: number;
  readonly deletions: number;
  readonly binary: boolean;
  readonly patch: string;
}

/** What decides a task's content, old against new. `diff`: lines of a unified diff, for texts. */
export interface ChangeView {
  readonly name: string;
  readonly show: ManifestItem['show'];
  readonly before?: string;
  readonly after?: string;
  readonly diff?: readonly string[];
}

export interface ReasonView {
  readonly text: string;
  readonly changes: readonly ChangeView[];
}

export interface VerdictView {
  readonly kind: VerdictKind;
  readonly why: string;
  readonly reasons: readonly ReasonView[];
}

export interface PromptView {
  /** Where it is kept; absent for the one that a build would send now. */
  readonly log?: string;
  readonly attempt: number;
  readonly text: string;
  readonly bytes: number;
  /** Of the prompt that a build would send: bytes of instructions, of material, and how many instructions may have. */
  readonly instructions?: number;
  readonly material?: number;
  readonly limit?: number;
}

/** One entry of an agent's transcript. */
export interface TranscriptEntry {
  readonly kind: 'prompt' | 'text' | 'reasoning' | 'tool' | 'step' | 'message' | 'incident' | 'output';
  /** Name of the tool, model or incident. */
  readonly name?: string;
  readonly status?: string;
  readonly input?: string;
  readonly text?: string;
  readonly tokens?: { readonly in: number; readonly out: number; readonly cached: number };
  readonly costUsd?: number;
}

export interface TranscriptView {
  readonly log: string;
  readonly attempt: number;
  readonly entries: readonly TranscriptEntry[];
  /** Entries that were left out because there are too many. */
  readonly omitted: number;
}

export interface LogView {
  readonly log: string;
  readonly text: string;
  readonly omittedBytes: number;
}

export interface ResultView {
  readonly key: string;
  readonly commit: string;
  readonly recipe: string;
  readonly agent?: string;
  readonly model?: string;
  readonly variant?: string;
  readonly attempts: number;
  readonly usage: Usage;
  readonly gates: readonly GateRun[];
  readonly observed: readonly string[];
  readonly startedAt: string;
  readonly ms: number;
  readonly conductor: string;
  readonly by?: string;
  /** What had changed when its gates passed again and the former files stayed. */
  readonly verified?: readonly string[];
  readonly outputs: readonly string[];
}

/** One end of a task, as the history has it. */
export interface PastRun {
  readonly build: string;
  readonly at: number;
  readonly outcome: string;
  readonly ms: number;
  readonly attempts?: number;
  readonly failures: readonly string[];
  readonly model?: string;
  readonly usage: Usage;
}

export interface SpecView {
  readonly file: string;
  readonly line: number;
  readonly text: string;
}

export interface TaskDocument {
  readonly label: Label;
  /** Absent when today's specs do not have it. */
  readonly task?: {
    readonly title: string;
    readonly type: string;
    readonly complexity: string;
    readonly recipe: string;
    readonly dependsOn: readonly Label[];
    readonly dependents: readonly Label[];
    readonly outputs: readonly string[];
    readonly edits: readonly string[];
    readonly inputs?: readonly string[];
    readonly specRefs: readonly string[];
    readonly gates: readonly string[];
  };
  readonly spec?: SpecView;
  readonly verdict?: VerdictView;
  readonly key?: string;
  readonly result?: ResultView;
  /** The build that the document describes; by default the last one that did something with the task. */
  readonly build?: string;
  readonly run?: TaskView;
  readonly prompts: readonly PromptView[];
  readonly transcripts: readonly TranscriptView[];
  readonly logs: readonly LogView[];
  /** From the former result to the one that stands; absent when one of them is in no store. */
  readonly diff?: readonly FileDiff[];
  readonly history: readonly PastRun[];
  /** What its agent asks for, until a person grants it. */
  readonly asks?: readonly { readonly what: string; readonly because: string }[];
  readonly problem?: FailureView;
}

export interface GeneratedFile {
  readonly path: string;
  readonly task: Label;
  readonly role: 'owns' | 'patches';
  readonly spec: string;
  readonly line: number;
  readonly sections: readonly string[];
  /** `edited`: not as recorded; `missing`: recorded, and not on disk. */
  readonly state: 'recorded' | 'edited' | 'missing' | 'unrecorded';
  readonly model?: string;
  readonly diff?: FileDiff;
}

export interface FilesDocument {
  readonly files: readonly GeneratedFile[];
  readonly problem?: FailureView;
}

/** What changed for one task from one commit, or build, to another. */
export interface ReviewTask {
  readonly label: Label;
  /**
   * `changed`: another key; `rebuilt`: another result of the same key; `edited`: files changed without a build;
   * `spec-only`: its spec changed and it was not built; `failed`: a build tried it.
   */
  readonly change: 'added' | 'removed' | 'changed' | 'rebuilt' | 'edited' | 'spec-only' | 'failed';
  readonly why: readonly string[];
  readonly spec: readonly string[];
  readonly files: readonly FileDiff[];
  readonly insertions: number;
  readonly deletions: number;
  readonly recipe?: string;
  readonly model?: string;
  readonly attempts?: number;
  readonly usage: Usage;
  readonly gates: readonly GateRun[];
  /** Whether the files of the newer side equal the recorded result; the paths that do not. */
  readonly equal: boolean;
  readonly different: readonly string[];
}

export interface ReviewDocument {
  readonly from: string;
  readonly to: string;
  readonly tasks: readonly ReviewTask[];
  /** Files that changed and that no task owns. */
  readonly others: readonly {
    readonly path: string;
    readonly insertions: number;
    readonly deletions: number;
  }[];
  readonly usage: Usage;
  readonly problem?: FailureView;
}

export type PageAction = 'build' | 'retry' | 'accept' | 'discard-edits' | 'approve';

export interface ProjectDocument {
  readonly name: string;
  readonly version: string;
  /** How the person who opened the page, or wrote the report, calls conductor: `npx conductor`. */
  readonly calledAs: string;
  /** What the page may start; empty when it is read-only. */
  readonly actions: readonly PageAction[];
  /** True for a page that was written to a file. */
  readonly report: boolean;
  /** The one build of a report. */
  readonly build?: string;
  readonly writtenAt?: number;
  /** The page of several projects: it shows nothing but their rows. Absent: the page of one project. */
  readonly projects?: true;
  /** The page of all projects, relative to this one. Absent: there is none. */
  readonly home?: string;
}

/** One of several projects on the page of all. */
export interface ProjectPageRow {
  readonly name: string;
  /** Its page, relative to the page of all; absent: there is nothing to show yet. */
  readonly page?: string;
  /** Why there is nothing to show. */
  readonly why?: string;
  /** The projects that are built before it. */
  readonly needs: readonly string[];
  /** The last one that has a log. */
  readonly build?: BuildRow;
  /** Of a build that runs. */
  readonly done?: { readonly tasks: number; readonly of: number };
  readonly running?: readonly TaskView[];
}

/** Messages of the live stream. */
export type LiveMessage =
  | { readonly kind: 'builds'; readonly rows: readonly BuildRow[] }
  | { readonly kind: 'build'; readonly head: BuildHead; readonly tasks: readonly TaskView[] }
  | { readonly kind: 'projects'; readonly rows: readonly ProjectPageRow[] }
  /** A command that the page started has ended. */
  | {
      readonly kind: 'action';
      readonly id: string;
      readonly command: string;
      readonly exitCode: number;
      readonly tail: string;
    };
