/** Limits the sessions of one provider at the same time, over all tasks. Knows no task and no agent. */

import type { Limiter } from '../base/limiter.js';
import { err, type Result } from '../base/result.js';
import type { Failure } from '../model/failure.js';
import { type ProviderLimits, providerOf } from '../model/routes.js';

export class ProviderSessions {
  private readonly limits: Readonly<Record<string, ProviderLimits>>;
  private readonly limiter: (name: string, limit: number) => Limiter;

  /** `limiter` returns the same limiter for the same name, also in the next build of the session. */
  constructor(
    limits: Readonly<Record<string, ProviderLimits>>,
    limiter: (name: string, limit: number) => Limiter,
  ) {
    this.limits = limits;
    this.limiter = limiter;
  }

  /** Runs one session when its provider's limit allows it. Fails with `cancelled` while it waits. */
  async run<T>(
    model: string | undefined,
    work: () => Promise<Result<T, Failure>>,
    signal: AbortSignal,
  ): Promise<Result<T, Failure>> {
    const provider = model === undefined ? undefined : providerOf(model);
    const limit = provider === undefined ? undefined : this.limits[provider]?.sessions;
    if (limit === undefined) return work();
    let isStarted = false;
    try {
      return await this.limiter(`sessions of ${provider}`, limit).run(
        () => {
          isStarted = true;
          return work();
        },
        0,
        signal,
      );
    } catch (error) {
      if (!isStarted && signal.aborted) return err({ kind: 'cancelled' });
      throw error;
    }
  }
}
