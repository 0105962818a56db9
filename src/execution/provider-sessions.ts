/**
 * Sessions of providers over all tasks: limits those at the same time, and remembers which model got no answer. Knows
 * no task and no agent.
 */

import { bothTurns, type Turns } from '../base/limiter.js';
import { ownValue } from '../base/records/own-value.js';
import { err, type Result } from '../base/result.js';
import type { Failure } from '../model/failure.js';
import { type ProviderLimits, providerOf } from '../model/routes.js';

/** How long a model is not asked after it gave no answer, unless its provider names another time. */
const REST_MS = 5 * 60_000;

export interface ProviderSessionsParts {
  readonly limits: Readonly<Record<string, ProviderLimits>>;
  /** Returns the same for the same provider, also in the next build of the session. */
  turns(provider: string, limit: number): Turns;
  /** Of all sessions, whatever their provider. Absent: no limit. */
  readonly all?: Turns | undefined;
  /** Milliseconds since 1970, UTC. */
  now(): number;
}

/** Which model a session is of; without one the agent's own default is meant, which `name` tells apart. */
export interface SessionName {
  readonly model: string | undefined;
  readonly name: string;
}

export interface SessionStart {
  readonly signal: AbortSignal;
  /** As many sessions as allowed go on, of this provider or of all projects, so that this one waits. */
  onWait(provider: string): void;
}

export class ProviderSessions {
  private readonly parts: ProviderSessionsParts;
  /** Models that gave no answer, with the failure of the last session. */
  private readonly resting = new Map<string, { readonly until: number; readonly failure: Failure }>();

  constructor(parts: ProviderSessionsParts) {
    this.parts = parts;
  }

  /**
   * Runs one session when its provider's limit allows it. If the model gave no answer a short time ago, fails at once as
   * that session did: tasks do not wait one after the other. Fails with `cancelled` while it waits.
   */
  async run<T>(
    { model, name }: SessionName,
    work: () => Promise<Result<T, Failure>>,
    { signal, onWait }: SessionStart,
  ): Promise<Result<T, Failure>> {
    const asked = model ?? name;
    const session = async () => {
      const rest = this.resting.get(asked);
      if (rest && this.parts.now() < rest.until) return err(rest.failure);
      const result = await work();
      this.note(asked, result);
      return result;
    };
    const provider = model === undefined ? undefined : providerOf(model);
    const limit = ownValue(this.parts.limits, provider)?.sessions;
    const own = provider === undefined || limit === undefined ? undefined : this.parts.turns(provider, limit);
    const turns = own ? bothTurns(this.parts.all, own) : this.parts.all;
    if (!turns) return session();
    if (turns.isFull && !signal.aborted) onWait(provider ?? name);
    let isStarted = false;
    try {
      return await turns.run(
        () => {
          isStarted = true;
          return session();
        },
        0,
        signal,
      );
    } catch (error) {
      if (!isStarted && signal.aborted) return err({ kind: 'cancelled' });
      throw error;
    }
  }

  private note(asked: string, result: Result<unknown, Failure>): void {
    if (result.ok || result.error.kind !== 'provider-unavailable') {
      this.resting.delete(asked);
      return;
    }
    const { waitMinutes } = result.error;
    const ms = waitMinutes === undefined ? REST_MS : waitMinutes * 60_000;
    this.resting.set(asked, { until: this.parts.now() + ms, failure: result.error });
  }
}
