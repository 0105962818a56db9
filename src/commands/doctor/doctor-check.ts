/** What a check of the doctor is: it examines one thing and reports what it found and what to do. */

import type { Repository } from '../../io/git/repository.js';
import type { Config } from '../../model/config.js';
import type { Host } from '../../project/host.js';

export interface Finding {
  /** What was looked at: `git`, `sandbox`. */
  readonly about: string;
  /** `warning`: conductor works, but not as well or as safely as it could. `problem`: something will fail. */
  readonly state: 'ok' | 'warning' | 'problem';
  /** What was found, in one line. */
  readonly found: string;
  /** What to do about it. */
  readonly hint?: string;
}

export interface DoctorContext {
  readonly host: Host;
  /** Undefined when there is none that can be built. */
  readonly repository: Repository | undefined;
  /** Undefined when it cannot be read. */
  readonly config: Config | undefined;
  /** Version of Node without `v`. */
  readonly node: string;
}

/** A check throws for a bug only. What does not concern this project gives no finding. */
export type DoctorCheck = (context: DoctorContext) => Promise<readonly Finding[]>;
