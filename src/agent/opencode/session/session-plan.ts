/** What a session is given, and how it ends, as types. */

import type { Failure } from '../../../model/failure.js';
import type { OpencodeClient } from '../client.js';
import type { EventStream } from './events.js';
import type { SessionLimits } from './limits.js';
import type { ObservedFiles } from './observed.js';
import type { StatedReport } from './reported.js';
import type { Transcript } from './session-transcript.js';
import type { SessionUsage } from './session-usage.js';

export interface SessionPlan {
  /** The workspace: absolute, and it exists. */
  readonly directory: string;
  readonly title: string;
  readonly prompt: string;
  readonly agent?: string;
  readonly model: { readonly providerID: string; readonly modelID: string };
  readonly variant?: string;
  /** Tools that it is not offered. */
  readonly tools?: Readonly<Record<string, false>>;
  readonly limits: SessionLimits;
  /** For failures: where the transcript is. */
  readonly logFile: string;
}

export interface SessionTools {
  readonly client: OpencodeClient;
  readonly events: EventStream;
  /** Resolves with a sentence when the server is gone. */
  readonly lost: Promise<string>;
  readonly transcript: Transcript;
  readonly usage: SessionUsage;
  readonly observed: ObservedFiles;
  readonly stated: StatedReport;
  /** Milliseconds since 1970. */
  now(): number;
  /** After each change of `usage`. */
  onUsage(): void;
}

export type SessionEnd =
  | { readonly kind: 'finished' }
  | { readonly kind: 'failed'; readonly failure: Failure }
  /** The server died: nothing is known of the session's end. */
  | { readonly kind: 'lost'; readonly detail: string };
