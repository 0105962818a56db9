/** What several failures are made of: a mistake in a file, a kept output, a finding. */

/** A mistake in a file that a person wrote, with the place it was found at. */
export interface Diagnostic {
  /** Relative to the project. */
  readonly file: string;
  /** From 1; absent when the file as a whole is meant. */
  readonly line?: number;
  readonly column?: number;
  /** The source line and how many columns to mark. */
  readonly sourceLine?: string;
  readonly length?: number;
  readonly message: string;
  readonly hint?: string;
}

/** Where a command's or an agent's output was kept. */
export interface KeptOutput {
  /** Path relative to the project. */
  readonly log?: string;
  /** Of a command the part that says why it failed, of an agent the last lines: bounded, for the one time that it is shown. */
  readonly tail: string;
}

/** What is wrong with the value of a template's variable, or that it has none. */
export interface VariableProblem {
  readonly variable: string;
  /** Without its subject: `is missing`, `must be a number`. */
  readonly message: string;
  readonly hint?: string;
  /** A value that would do, as `--set` takes it. */
  readonly example?: string;
}

export interface ReviewFinding {
  readonly severity: 'blocker' | 'major' | 'minor';
  /** Relative to the project; absent for a criterion that nothing fulfils. */
  readonly file?: string;
  readonly line?: number;
  readonly what: string;
}

/** A failure for other programs, with the sentences that people read. */
export interface FailureAnswer {
  readonly kind: string;
  readonly message: string;
  /** What else is known, a fact a line. */
  readonly details: readonly string[];
  /** The file or folder that it is about. */
  readonly path?: string;
  /** What to do next. */
  readonly fix?: string;
  /** Every mistake with its place, where files are not valid. */
  readonly problems?: readonly Diagnostic[];
}

/** The lock file records this result, and it is in no store any more. */
export interface MissingPin {
  readonly kind: 'pinned-result-missing';
  readonly key: string;
  readonly remotes: readonly string[];
  /** Those that did not answer: they may have it. Absent: every remote says that it has not. */
  readonly unreached?: readonly string[];
}

/** What goes wrong between this machine and the others of a team. */
export type SharingFailure =
  | MissingPin
  /** Results that could not be sent, where the config requires that they are shared. */
  | {
      readonly kind: 'results-not-sent';
      readonly entries: number;
      /** Remotes that do not have them, each with what it said last. */
      readonly remotes: readonly { readonly name: string; readonly detail: string }[];
    }
  /** Tasks that need an agent, in a project where only CI asks agents. */
  | { readonly kind: 'waits-for-ci'; readonly tasks: readonly string[] };

/** What a gate of a task or of the whole project has come to. */
export type GateFailure =
  | {
      readonly kind: 'gate-failed';
      readonly gate: string;
      readonly exitCode: number | string;
      readonly ms: number;
      readonly output: KeptOutput;
      readonly said?: string;
    }
  | {
      readonly kind: 'gate-timed-out';
      readonly gate: string;
      readonly minutes: number;
      readonly output: KeptOutput;
      readonly said?: string;
    }
  | { readonly kind: 'gate-missing-program'; readonly gate: string; readonly program: string }
  /** Found before an agent was asked: nothing that an agent writes could make it pass. */
  | {
      readonly kind: 'gate-cannot-start';
      readonly gate: string;
      readonly exitCode: number | string;
      readonly why: string;
      readonly advice: string;
      readonly output: KeptOutput;
    };

/** What fails between a build and the workers of its queue. */
export type QueueFailure =
  /** The server of the queue did not answer. */
  | { readonly kind: 'queue-failed'; readonly queue: string; readonly detail: string }
  /** No worker brought the task to its end, whatever that would have been. */
  | { readonly kind: 'job-failed'; readonly reason: string };

/** A new plan and a person have changed the same; nothing was written. */
export interface PlanConflict {
  readonly kind: 'plan-conflict';
  readonly feature: string;
  readonly files: readonly { readonly path: string; readonly entries: readonly string[] }[];
  /** Folder that holds the proposed files, relative to the project. */
  readonly kept: string;
  /** From the files as they are to the proposed ones. */
  readonly diff: string;
}

/** Outputs of a version that are in no store any more. */
export interface VersionIncomplete {
  readonly kind: 'version-incomplete';
  readonly version: string;
  readonly paths: readonly string[];
  /** Remotes that may have them and did not answer. */
  readonly unreached?: readonly string[];
}

/** The first patch of a task adds lines that the file has already: they may be this very patch, without its record. */
export interface PatchStands {
  readonly kind: 'patch-stands';
  readonly path: string;
  readonly lines: readonly string[];
}
