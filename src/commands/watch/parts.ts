/** The parts that a watch needs. Does nothing. */

import type { ExecutionHost } from '../../execution/executor.js';
import type { BuildEvent } from '../../model/event.js';
import type { OpenFileEvents } from './file-events.js';
import type { WatchRequests } from './watch-requests.js';

export interface WatchOptions {
  readonly targets: readonly string[];
  readonly workers: number | undefined;
  /** US dollars that one build may cost, beside the limits of the config. Absent: no more limit. */
  readonly budgetUsd?: number | undefined;
  /** Looks every second, for file systems without events. */
  readonly poll: boolean;
  /** The command line, shown to commands that wait for a build. */
  readonly command: string;
}

export interface WatchParts {
  readonly host: ExecutionHost;
  readonly options: WatchOptions;
  readonly openEvents: OpenFileEvents;
  /** What a person asks for meanwhile. */
  readonly requests: WatchRequests;
  readonly on: (event: BuildEvent) => void;
  /** Aborted: the watch ends, and what runs with it. */
  readonly signal: AbortSignal;
  /** Calls once after `ms`; the returned function calls it off. */
  after(ms: number, call: () => void): () => void;
}
