/** The repository as planners see it, with who may write each file. */

import type { Label } from './task.js';

export interface RepositoryView {
  /** Whose planners; absent: those of a new feature. */
  readonly feature?: string;
  /** As it stands in their prompts. */
  readonly map: string;
  readonly bytes: number;
  /** In byte order. */
  readonly files: readonly {
    readonly path: string;
    /** The task that builds it; absent: a person wrote it. */
    readonly owner?: Label;
    /** Tasks that patch it. */
    readonly patchedBy: readonly Label[];
  }[];
}
