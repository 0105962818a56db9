/** `--profile`: the trace of a command in a file. Knows no event. */

import { resolve } from 'node:path';
import { writeAtomic } from '../../io/files.js';
import { observeGit } from '../../io/git/git-process.js';
import type { GitSpan } from '../../report/profile.js';
import { keepFile } from '../ci/ci-reports.js';

interface Trace<E> {
  on(event: E): void;
  onGit(span: GitSpan): void;
  /** As JSON. */
  text(): string;
}

export interface TraceFile<E> {
  on(event: E): void;
  /** After the last event. */
  write(): Promise<void>;
}

/** Collects events, and all git processes of this process from here on. */
export function openTrace<E>(file: string, trace: Trace<E>): TraceFile<E> {
  observeGit((span) => trace.onGit(span));
  return {
    on: (event) => trace.on(event),
    write() {
      observeGit(undefined);
      return keepFile(resolve(file), (path) => writeAtomic(path, trace.text()));
    },
  };
}
