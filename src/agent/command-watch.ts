/**
 * Decides when to stop the program of an agent early: silence, a provider that will not answer, a wait that is too
 * long.
 */

import { isHopeless, isQuotaText, type ProviderProblem } from './provider-problem.js';

export interface CommandLimits {
  /** Milliseconds without any output; undefined: however long. */
  readonly silenceMs: number | undefined;
  /** The longest wait that a provider may ask for. */
  readonly retryWaitMs: number;
}

export type CommandStop =
  | { readonly kind: 'stalled'; readonly minutes: number }
  | { readonly kind: 'problem'; readonly problem: ProviderProblem };

export class CommandWatch {
  private readonly limits: CommandLimits;
  private readonly onStop: (why: CommandStop) => void;
  private timer: NodeJS.Timeout | undefined;
  private quotas = 0;
  private last: ProviderProblem | undefined;

  constructor(limits: CommandLimits, onStop: (why: CommandStop) => void) {
    this.limits = limits;
    this.onStop = onStop;
    this.heard();
  }

  /** Any sign of life. */
  heard(): void {
    this.wait(0);
  }

  /** The program is about to ask its provider again. */
  retries(problem: ProviderProblem): void {
    this.last = problem;
    // Some providers speak of a quota when only this minute's is used up: the second time it is believed.
    const isQuota = isQuotaText(problem.text) && problem.kind === undefined;
    if (isQuota) this.quotas += 1;
    const isRefused = problem.status === 401 || problem.status === 402 || problem.status === 403;
    const isOver = isQuota && !isRefused ? this.quotas > 1 : isHopeless(problem);
    if (isOver || (problem.waitMs ?? 0) > this.limits.retryWaitMs) this.onStop({ kind: 'problem', problem });
    else this.wait(problem.waitMs ?? 0);
  }

  /** What the provider said when it was last asked in vain; forgotten as soon as it answers. */
  get lastProblem(): ProviderProblem | undefined {
    return this.last;
  }

  answered(): void {
    this.last = undefined;
    this.quotas = 0;
  }

  close(): void {
    clearTimeout(this.timer);
  }

  private wait(moreMs: number): void {
    const { silenceMs } = this.limits;
    clearTimeout(this.timer);
    if (silenceMs === undefined) return;
    const why: CommandStop = { kind: 'stalled', minutes: silenceMs / 60_000 };
    this.timer = setTimeout(() => this.onStop(why), Math.min(silenceMs + moreMs, 2 ** 31 - 1));
  }
}
