/** What happens while several projects are built together: their builds' events, and what is done between them. Plain data. */

import type { BuildEvent, BuildSummary } from '../event.js';
import type { Failure } from '../failure.js';

export type ProjectOutcomeKind =
  | 'up-to-date'
  | 'built'
  /** Of a dry run. */
  | 'would-build'
  | 'failed'
  | 'interrupted'
  /** Not built: a project that it needs failed or was not built itself. */
  | 'skipped';

/** What became of one project. */
export interface ProjectOutcome {
  readonly project: string;
  readonly outcome: ProjectOutcomeKind;
  readonly exitCode: 0 | 1 | 2 | 130;
  /** Of its build; absent: there was none. */
  readonly summary?: BuildSummary;
  /** Why there was no build, or why its build as a whole failed. */
  readonly failure?: Failure;
  /** For `skipped`: the project that it needs. */
  readonly because?: string;
  /** Tasks that had a worker. */
  readonly jobs: number;
  /** Milliseconds of workers. */
  readonly workMs: number;
  /** Milliseconds that its tasks waited for a worker, all added up. */
  readonly waitMs: number;
  /** When it was done, in milliseconds since the beginning of the command. */
  readonly endedMs: number;
  /** When its deadline is, in milliseconds since 1970, UTC. Absent: it has none. */
  readonly deadline?: number;
}

export interface ProjectsSummary {
  readonly exitCode: 0 | 1 | 2 | 130;
  readonly ms: number;
  readonly projects: readonly ProjectOutcome[];
}

/** Files of one project that another one got. */
export interface ImportedFiles {
  readonly from: string;
  readonly into: string;
  readonly written: readonly string[];
  readonly removed: readonly string[];
  /** Files that are no longer published and that a person changed: they stay. */
  readonly left: readonly string[];
}

/** Copies of one project's outputs in another one that are not as a build would leave them. Paths in the project. */
export interface ComparedCopies {
  readonly from: string;
  readonly into: string;
  /** A build would write or remove them. */
  readonly stale: readonly string[];
  /** A person changed them. */
  readonly edited: readonly string[];
  /** The other project is to be built first, which may change them. Absent: it is up to date. */
  readonly mayChange?: true;
}

export type ProjectEvent =
  | { readonly type: 'projects.started'; readonly projects: readonly string[]; readonly workers: number }
  | { readonly type: 'project.event'; readonly project: string; readonly event: BuildEvent }
  | { readonly type: 'project.checkout'; readonly project: string; readonly what: string }
  | { readonly type: 'project.imported'; readonly project: string; readonly files: ImportedFiles }
  | { readonly type: 'project.copies'; readonly project: string; readonly copies: ComparedCopies }
  | { readonly type: 'project.failure'; readonly project: string; readonly failure: Failure }
  | { readonly type: 'project.finished'; readonly project: string; readonly outcome: ProjectOutcome }
  | { readonly type: 'projects.finished'; readonly summary: ProjectsSummary };

/** The exit code of all together: that of the gravest. */
export function exitCodeOfAll(outcomes: readonly Pick<ProjectOutcome, 'exitCode'>[]): 0 | 1 | 2 | 130 {
  const codes = outcomes.map(({ exitCode }) => exitCode);
  return codes.includes(130) ? 130 : codes.includes(1) ? 1 : codes.includes(2) ? 2 : 0;
}
