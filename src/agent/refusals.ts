/** Providers that have refused in this build: asking one again for the next task would find the same. */

import type { Failure } from '../model/failure.js';
import type { AgentExit } from './agent.js';

export class Refusals {
  private readonly known = new Map<string, Failure>();

  /** Asks, unless the provider has refused before; what it says then is the exit. */
  async unlessRefused(provider: string, ask: () => Promise<AgentExit>): Promise<AgentExit> {
    const failure = this.known.get(provider);
    if (failure) return { kind: 'failed', failure, usage: {} };
    const exit = await ask();
    if (exit.kind === 'failed' && exit.failure.kind === 'provider-refused') {
      this.known.set(provider, exit.failure);
    }
    return exit;
  }
}
