/**
 * Decides when a session exceeds a limit: steps, time, silence, or a provider's wait. Pure; callers pass the time.
 */

import type { Failure, KeptOutput } from '../../../model/failure.js';
import { isQuotaText } from '../../provider-problem.js';
import type { SessionStatus } from '../client.js';

export interface SessionLimits {
  readonly steps: number;
  /** Milliseconds of the whole attempt, and when they are over: the attempt may have begun on another server. */
  readonly wallMs: number;
  readonly endsAt: number;
  /** Milliseconds without any event of the session or of its sub-agents. */
  readonly silenceMs: number;
  /** The same while a tool runs: a test run may take minutes without a word. */
  readonly toolSilenceMs: number;
  /** Milliseconds that a provider may ask to wait before its next try. */
  readonly retryWaitMs: number;
}

/** All times are milliseconds of one clock, the one that the server's `next` is of: since 1970. */
export class LimitWatch {
  private readonly limits: SessionLimits;
  private readonly provider: string;
  private heardAt: number;
  private steps = 0;
  private goesOn = false;
  private readonly tools = new Set<string>();
  private wait:
    | { readonly until: number; readonly ms: number; readonly detail: string; readonly quota: boolean }
    | undefined;

  constructor(limits: SessionLimits, provider: string, now: number) {
    this.limits = limits;
    this.provider = provider;
    this.heardAt = now;
  }

  /** Any sign of life. */
  heard(now: number): void {
    this.heardAt = now;
  }

  /** A tool runs, or does no more. A sub-agent is none: its own model and tools are heard. */
  tool(id: string, isRunning: boolean): void {
    if (isRunning) this.tools.add(id);
    else this.tools.delete(id);
  }

  /** Model calls so far, and whether the last one asks for another. */
  stepped(steps: number, goesOn: boolean): void {
    this.steps = steps;
    this.goesOn = goesOn;
  }

  /** While the server waits for its provider, silence is no sign of anything; the wait itself has a limit. */
  status(status: SessionStatus, now: number): void {
    this.heardAt = now;
    if (status.type !== 'retry') {
      this.wait = undefined;
      return;
    }
    // Some providers report a quota error for a limit per minute, so only the second one counts.
    const quota = status.attempt > 1 && isQuotaText(status.message);
    this.wait = { until: status.next, ms: status.next - now, detail: status.message, quota };
  }

  /** The limit that is exceeded; the output is filled in for the failures that carry one. */
  exceeded(now: number, output: KeptOutput): Failure | undefined {
    const { limits, wait, provider } = this;
    if (wait?.quota) return { kind: 'provider-refused', provider, detail: wait.detail, output };
    if (wait && wait.ms > limits.retryWaitMs) {
      return {
        kind: 'provider-unavailable',
        provider,
        detail: wait.detail,
        waitMinutes: wait.ms / 60_000,
        output,
      };
    }
    if (this.steps > limits.steps || (this.steps === limits.steps && this.goesOn))
      return { kind: 'step-limit', limit: limits.steps, output };
    if (now >= limits.endsAt) {
      return { kind: 'timed-out', what: 'the agent', minutes: limits.wallMs / 60_000, output };
    }
    if (now >= this.silentAt()) return { kind: 'stalled', minutes: this.silenceMs / 60_000, output };
    return undefined;
  }

  /** When the next limit in time is reached if nothing more is heard. */
  get deadline(): number {
    return Math.min(this.limits.endsAt, this.silentAt());
  }

  private silentAt(): number {
    return Math.max(this.heardAt, this.wait?.until ?? 0) + this.silenceMs;
  }

  private get silenceMs(): number {
    const { silenceMs, toolSilenceMs } = this.limits;
    return this.tools.size === 0 ? silenceMs : Math.max(silenceMs, toolSilenceMs);
  }
}
