/** All expected failures as data: a kind and facts. `report/` turns them into sentences. */

import type { Need } from './agents/agent-report.js';
import type {
  Diagnostic,
  GateFailure,
  KeptOutput,
  PatchStands,
  PlanConflict,
  QueueFailure,
  ReviewFinding,
  SharingFailure,
  VariableProblem,
  VersionIncomplete,
} from './failure-parts.js';
import type { Label } from './task.js';

export type { Diagnostic, KeptOutput, ReviewFinding, VariableProblem } from './failure-parts.js';

/** Whose budget: `projects` is the one of all projects that are built together. */
export type BudgetScope = 'task' | 'build' | 'day' | 'projects';

/** What `--frozen` and `verify` found: the project is not as a build would leave it. */
export interface NotUpToDate {
  readonly kind: 'not-up-to-date';
  readonly tasks: readonly { readonly label: Label; readonly verdict: string }[];
  /** Files that conductor built and that no task owns any more; absent: none. */
  readonly orphans?: readonly string[];
  /** Files that a build would write or remove; absent: none. */
  readonly files?: readonly string[];
  /** Remotes that did not answer and may have recorded results; absent: none. */
  readonly unreached?: readonly string[];
}

export type Failure =
  // Could not start (exit code 2)
  | { readonly kind: 'not-a-repository'; readonly directory: string }
  | { readonly kind: 'unsupported-repository'; readonly reason: string; readonly hint: string }
  | { readonly kind: 'git-missing'; readonly detail: string }
  | { readonly kind: 'git-too-old'; readonly version: string; readonly needed: string }
  | { readonly kind: 'snapshot-failed'; readonly detail: string }
  | { readonly kind: 'invalid-config'; readonly diagnostics: readonly Diagnostic[] }
  | { readonly kind: 'invalid-specs'; readonly diagnostics: readonly Diagnostic[] }
  | { readonly kind: 'unknown-target'; readonly target: string; readonly nearest: readonly string[] }
  | {
      readonly kind: 'unknown-version';
      readonly feature: string;
      readonly version: string;
      readonly known: readonly string[];
    }
  | { readonly kind: 'usage'; readonly message: string; readonly hint?: string }
  | { readonly kind: 'locked'; readonly pid: number; readonly command: string; readonly since: string }
  | { readonly kind: 'disk-full'; readonly path: string }
  /** The operating system refused: rights, a read-only or broken disk, a limit, something else in the place. */
  | {
      readonly kind: 'system-error';
      /** `open`, `rename`, `git read-tree`. */
      readonly operation: string;
      /** Empty when the system does not say. */
      readonly path: string;
      /** `EACCES`, `EIO`. */
      readonly code: string;
      readonly reason: string;
    }
  /** An object that conductor keeps is missing, empty or not what its id says. */
  | { readonly kind: 'store-damaged'; readonly detail: string }
  | { readonly kind: 'git-failed'; readonly command: string; readonly detail: string }
  | {
      readonly kind: 'unknown-template';
      readonly template: string;
      readonly nearest: readonly string[];
      readonly known: readonly string[];
    }
  | {
      readonly kind: 'invalid-template';
      readonly template: string;
      /** The feature that would not be valid; absent when the template itself is not. */
      readonly feature?: string;
      readonly diagnostics: readonly Diagnostic[];
    }
  | {
      readonly kind: 'invalid-variables';
      readonly template: string;
      readonly problems: readonly VariableProblem[];
    }
  /** Nothing is written over them. `copiesOf`: a person changed copies of the outputs of this project. */
  | { readonly kind: 'files-in-the-way'; readonly paths: readonly string[]; readonly copiesOf?: string }
  // A task failed (exit code 1)
  | {
      readonly kind: 'drifted-outputs';
      readonly paths: readonly string[];
      /** The tasks to be accepted together to keep the edits, where it is not the failing task alone. */
      readonly accept?: readonly Label[];
    }
  /** Files that conductor never wrote stand where the task's outputs belong. */
  | { readonly kind: 'foreign-files'; readonly paths: readonly string[] }
  | {
      readonly kind: 'template-error';
      readonly template: string;
      readonly line?: number;
      readonly message: string;
    }
  | {
      readonly kind: 'prompt-error';
      readonly prompt: string;
      readonly line?: number;
      readonly message: string;
    }
  | {
      readonly kind: 'prompt-too-large';
      readonly bytes: number;
      readonly limit: number;
      readonly sections: readonly string[];
    }
  | {
      readonly kind: 'setup-failed';
      readonly command: string;
      readonly exitCode: number;
      readonly output: KeptOutput;
    }
  | {
      readonly kind: 'command-failed';
      readonly command: string;
      readonly exitCode: number | string;
      readonly output: KeptOutput;
    }
  | {
      readonly kind: 'agent-error';
      readonly detail: string;
      readonly output: KeptOutput;
      readonly said?: string;
    }
  | { readonly kind: 'agent-missing'; readonly program: string }
  /** What the agent works with (a server) did not start: no model was asked. */
  | { readonly kind: 'agent-start-failed'; readonly detail: string; readonly output: KeptOutput }
  /** The agent reported that it cannot do the task. */
  | {
      readonly kind: 'agent-blocked';
      readonly because: string;
      /** What would have to change: `file`, `decision`, `dependency`, `environment` or `contradiction`. */
      readonly needs: string;
      readonly output: KeptOutput;
    }
  /** The agent asks for what its task does not allow; its work so far is kept. */
  | { readonly kind: 'needs'; readonly needs: readonly Need[]; readonly said?: string }
  /** No sign of life for `minutes`. */
  | {
      readonly kind: 'stalled';
      readonly minutes: number;
      readonly output: KeptOutput;
      readonly said?: string;
    }
  | {
      readonly kind: 'step-limit';
      readonly limit: number;
      readonly output: KeptOutput;
      readonly said?: string;
    }
  | { readonly kind: 'context-overflow'; readonly detail: string; readonly output: KeptOutput }
  /** It may answer later: overloaded, out of order, or it asks for a wait of `waitMinutes`. */
  | {
      readonly kind: 'provider-unavailable';
      readonly provider: string;
      readonly detail: string;
      readonly waitMinutes?: number;
      readonly output: KeptOutput;
    }
  /** It will not answer until a person does something: the key or the quota. */
  | {
      readonly kind: 'provider-refused';
      readonly provider: string;
      readonly status?: number;
      readonly detail: string;
      readonly output: KeptOutput;
    }
  | { readonly kind: 'no-agent' }
  | {
      readonly kind: 'timed-out';
      readonly what: string;
      readonly minutes: number;
      readonly output: KeptOutput;
      readonly said?: string;
    }
  | {
      readonly kind: 'budget-exceeded';
      readonly scope: BudgetScope;
      readonly unit: 'usd' | 'tokens' | 'minutes';
      readonly limit: number;
      readonly spent: number;
    }
  | {
      readonly kind: 'budget-unknown-price';
      readonly scope: BudgetScope;
      readonly agent: string;
      readonly model?: string;
    }
  | {
      readonly kind: 'budget-unknown-usage';
      readonly scope: BudgetScope;
      readonly agent: string;
    }
  | { readonly kind: 'nothing-done'; readonly said?: string }
  | { readonly kind: 'missing-outputs'; readonly paths: readonly string[]; readonly said?: string }
  | { readonly kind: 'wrote-outside-outputs'; readonly paths: readonly string[]; readonly said?: string }
  /** Files with a key in them that conductor was given. */
  | { readonly kind: 'leaked-secret'; readonly paths: readonly string[] }
  | { readonly kind: 'link-leaves-tree'; readonly path: string; readonly target: string }
  | { readonly kind: 'unsafe-path'; readonly path: string; readonly reason: string }
  | { readonly kind: 'output-too-large'; readonly bytes: number; readonly limit: number }
  | GateFailure
  /** No agent was asked, because a gate of this task cannot start. */
  | { readonly kind: 'preflight-failed'; readonly task: Label; readonly failure: Failure }
  /** The reviewer has found what no gate has. */
  | { readonly kind: 'review-rejected'; readonly findings: readonly ReviewFinding[]; readonly said?: string }
  /** The reviewer gave no valid answer, which is not an approval. */
  | { readonly kind: 'review-failed'; readonly failure: Failure }
  | { readonly kind: 'patch-conflict'; readonly path: string; readonly with?: Label }
  /** Going back to a version would overwrite specs that git has not. */
  | { readonly kind: 'unsaved-specs'; readonly paths: readonly string[] }
  | VersionIncomplete
  | PatchStands
  /** A change by hand in a patched file concerns the patches of other tasks too. */
  | { readonly kind: 'shared-patch'; readonly path: string; readonly with: readonly Label[] }
  /** `workspace`: where all sides of the files are left, relative to the project. */
  | { readonly kind: 'edit-conflict'; readonly paths: readonly string[]; readonly workspace: string }
  | { readonly kind: 'conflict-markers'; readonly path: string; readonly line: number }
  | {
      readonly kind: 'edit-base-missing';
      readonly path: string;
      /** Remotes that may have the patch and did not answer. */
      readonly unreached?: readonly string[];
    }
  | { readonly kind: 'result-damaged'; readonly key: string; readonly detail: string }
  | SharingFailure
  | { readonly kind: 'publish-refused'; readonly paths: readonly string[]; readonly detail: string }
  | {
      readonly kind: 'commit-refused';
      readonly reason: string;
      readonly paths: readonly string[];
      /** Of a hook. */
      readonly output?: KeptOutput;
      /** What to do, where that is known. */
      readonly fix?: string;
    }
  | NotUpToDate
  /** A planner's document was rejected, and so were its corrections. */
  | {
      readonly kind: 'invalid-plan';
      /** The document, where it would stand in the project. */
      readonly file: string;
      readonly diagnostics: readonly Diagnostic[];
      /** Where its last version is kept, relative to the project. */
      readonly kept?: string;
    }
  | PlanConflict
  | { readonly kind: 'sandbox-required'; readonly detail: string }
  | QueueFailure
  /** In watch mode: the very same failed already, and nothing that decides it has changed. */
  | { readonly kind: 'failed-before'; readonly failure: Failure }
  /** Files that a person wrote do not pass when they are formatted. No agent changes them. */
  | { readonly kind: 'format-rejected'; readonly failure: Failure }
  | { readonly kind: 'cancelled' }
  /** A stray exception, caught at a task's border so that it names its task. */
  | { readonly kind: 'bug'; readonly message: string; readonly stack?: string };

export type FailureKind = Failure['kind'];

const COULD_NOT_START = new Set<FailureKind>([
  'not-a-repository',
  'unsupported-repository',
  'git-missing',
  'git-too-old',
  'snapshot-failed',
  'invalid-config',
  'invalid-specs',
  'unknown-target',
  'unknown-version',
  'usage',
  'locked',
  'disk-full',
  'system-error',
  'git-failed',
  'store-damaged',
  'unknown-template',
  'invalid-template',
  'invalid-variables',
  'files-in-the-way',
  'sandbox-required',
  'queue-failed',
]);

/** 1: some task or gate failed; 2: could not start; 130: interrupted. */
export function exitCodeOf(failure: Failure): 1 | 2 | 130 {
  if (failure.kind === 'cancelled') return 130;
  return COULD_NOT_START.has(failure.kind) ? 2 : 1;
}
