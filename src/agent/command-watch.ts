/**
 * Decides when to stop the program of an agent early: silence, a provider that will not answer, a wait that is too
 * long.
 */

import { isHopeless, isQuotaText, type ProviderProblem } from './provider-problem.js';

export interface CommandLimits {
  /** Milliseconds without any output; undefined: however long. */
  readonly silenceMs: number | undefined;
  /** The same while a tool of the agent runs. */
  readonly toolSilenceMs: number;
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
  private readonly running = new Set<string>();
  private quotas = 0;
  private last: ProviderProblem | undefined;

  constructor(limits: CommandLimits, onStop: (why: CommandStop) => void) {
    this.limits = limits;
    this.onStop = onStop;
    this.heard();
  }

  /** Any sign of life. */
  heard(): void {
    const { silenceMs } = this;
    clearTimeout(this.timer);
    if (silenceMs !== undefined) this.wait(silenceMs, stalled(silenceMs));
  }

  /** Tools begin or have ended. */
  tools({ began = [], ended = [] }: { began?: readonly string[]; ended?: readonly string[] }): void {
    for (const name of ended) this.running.delete(name);
    for (const name of began) this.running.add(name);
    if (began.length + ended.length > 0) this.heard();
  }

  private get silenceMs(): number | undefined {
    const { silenceMs, toolSilenceMs } = this.limits;
    if (silenceMs === undefined || this.running.size === 0) return silenceMs;
    return Math.max(silenceMs, toolSilenceMs);
  }

  /** The program is about to ask its provider again. */
  retries(problem: ProviderProblem): void {
    this.last = problem;
    // Some providers report a quota error for a limit per minute, so only the second one counts.
    const isQuota = isQuotaText(problem.text) && problem.kind === undefined;
    if (isQuota) this.quotas += 1;
    const isRefused = problem.status === 401 || problem.status === 402 || problem.status === 403;
    const isOver = isQuota && !isRefused ? this.quotas > 1 : isHopeless(problem);
    const { silenceMs } = this;
    const { retryWaitMs } = this.limits;
    const why: CommandStop = { kind: 'problem', problem };
    if (isOver || (problem.waitMs ?? 0) > retryWaitMs) this.onStop(why);
    // A program that does not say how long it waits may wait for an hour: it gets the longest wait, and as long again
    // for the answer.
    else if (problem.waitMs === undefined) this.wait(Math.min(silenceMs ?? Infinity, 2 * retryWaitMs), why);
    else if (silenceMs !== undefined) this.wait(silenceMs + problem.waitMs, stalled(silenceMs));
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

  private wait(ms: number, why: CommandStop): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.onStop(why), Math.min(ms, 2 ** 31 - 1));
  }
}

function stalled(silenceMs: number): CommandStop {
  return { kind: 'stalled', minutes: silenceMs / 60_000 };
}
