/**
 * The state of a session, derived from its events: posted, working, repeating itself, ended. Pure; asks no server.
 */

import type { AssistantMessage, SessionStatus } from '../client.js';

export type SessionError = NonNullable<AssistantMessage['error']>;

/**
 * A session that is idle is over only when it was seen at work before: just after a prompt was taken the server may
 * still call it idle. A prompt that the server cannot even begin (an unknown model) ends with an error alone.
 */
export class SessionLifecycle {
  private worked = false;
  private ended = false;
  private lastError: SessionError | undefined;
  private readonly summaries = new Set<string>();
  private inVain = 0;
  /** The message of the model with the last name: names are in the order of time. */
  private last: AssistantMessage | undefined;
  private hasMissed = false;

  /** Anything that only a session at work has: a message of the model, a part of one. */
  atWork(): void {
    this.worked = true;
  }

  /** A message of the model of this session. */
  message(info: AssistantMessage): void {
    this.worked = true;
    if (this.last === undefined || info.id >= this.last.id) this.last = info;
    if (!info.summary || this.summaries.has(info.id)) return;
    this.summaries.add(info.id);
    this.inVain++;
  }

  /** Events may have been missed. */
  missed(): void {
    this.hasMissed = true;
  }

  /** Its events, none of which was missed, say that a session that is over came to its proper end. */
  get endedWell(): boolean {
    const { last } = this;
    const isProper = last?.finish === 'stop' && last.error === undefined && !last.summary;
    return isProper && !this.hasMissed && this.lastError === undefined;
  }

  /** A model call came to its end. */
  step(message: string): void {
    if (!this.summaries.has(message)) this.inVain = 0;
  }

  /**
   * The context was compacted, and again, with no work between: it does not fit. OpenCode itself would compact for
   * ever.
   */
  get overflowing(): boolean {
    return this.inVain > 1;
  }

  status(status: SessionStatus): void {
    if (status.type === 'idle') this.idle();
    else this.worked = true;
  }

  error(error: SessionError | undefined): void {
    this.lastError = error ?? this.lastError;
    if (!this.worked) this.ended = true;
  }

  idle(): void {
    if (this.worked) this.ended = true;
  }

  get over(): boolean {
    return this.ended;
  }

  /** Of an error that no message carries. */
  get errorSeen(): SessionError | undefined {
    return this.lastError;
  }
}
