/** The outcome of a regeneration compared with the record, as plain data. */

import type { Usage } from './action.js';
import type { Failure } from './failure.js';
import type { Label } from './task.js';

export interface ExportChange {
  readonly name: string;
  /** The exported form without bodies; undefined where there is no such export. */
  readonly before: string | undefined;
  readonly after: string | undefined;
}

export interface ComparedFile {
  readonly path: string;
  readonly change: 'added' | 'removed' | 'changed';
  readonly insertions: number;
  readonly deletions: number;
  readonly binary: boolean;
  /** As `git diff` prints it. */
  readonly patch: string;
  /** Of JavaScript and TypeScript; absent for other files and without a compiler. */
  readonly exports?: readonly ExportChange[];
}

/** What it took to make a task's files. */
export interface Making {
  readonly recipe: string;
  readonly agent?: string;
  readonly model?: string;
  readonly attempts: number;
  readonly ms: number;
  readonly usage: Usage;
}

/** A file that several runs did not make alike. */
export interface OpenFile {
  readonly path: string;
  /** Which of the versions each run made, from 1; 0: none. */
  readonly versions: readonly number[];
  /** The most lines by which a run differs from the first one. */
  readonly lines: number;
  /** Whether the exported interface differs too; undefined where it is not known. */
  readonly exportsDiffer: boolean | undefined;
}

export interface RegeneratedTask {
  readonly label: Label;
  readonly title: string;
  /** `store`: it had the result of this key; `made`: its recipe was run; `recorded`: only the lock file knows it. */
  readonly source: 'store' | 'made' | 'recorded' | 'failed' | 'skipped';
  /** False when no lock file records it: then everything is new. */
  readonly isRecorded: boolean;
  readonly identical: boolean;
  /** Files that are as they were. */
  readonly unchanged: number;
  /** Files that differ, patched ones included. */
  readonly files: readonly ComparedFile[];
  /** Bytes of all outputs. */
  readonly bytes: { readonly before: number; readonly after: number };
  readonly before?: Making;
  readonly after?: Making;
  readonly failure?: Failure;
  /** With several runs. */
  readonly open?: readonly OpenFile[];
}

export interface CrossGate {
  readonly gate: string;
  readonly ok: boolean;
  /** Relative to the project; the whole output. */
  readonly log?: string;
  /** The end of the output of one that failed. */
  readonly tail?: string;
}

/** One generation's tests on the other one's code. */
export interface CrossTests {
  /** `same-tests`: no test differs; `no-tests`: there is none; `no-gates`: nothing would run them. */
  readonly state: 'ran' | 'same-tests' | 'no-tests' | 'no-gates' | 'not-recorded' | 'not-complete';
  readonly gates: readonly CrossGate[];
}

export interface Regeneration {
  readonly schema: 1;
  readonly runs: number;
  readonly tasks: readonly RegeneratedTask[];
  readonly oldTestsOnNewCode: CrossTests;
  readonly newTestsOnOldCode: CrossTests;
  /** Of the compiler that read the exports; undefined: there was none. */
  readonly typescript: string | undefined;
  readonly ms: number;
  /** Of all runs. */
  readonly usage: Usage;
  /** Paths that were published; absent without `--apply`. */
  readonly published?: readonly string[];
}
