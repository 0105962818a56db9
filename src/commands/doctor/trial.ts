/** The check that lets an agent do one tiny task. It costs the start of the agent and the price of its model. */

import type { Agent } from '../../agent/agent.js';
import type { Result } from '../../base/result.js';
import { type Config, defaultModel, resolveConfig } from '../../model/config.js';
import type { Failure } from '../../model/failure.js';
import { duration } from '../../report/style.js';
import { tryAgent } from './agent-trial.js';
import type { DoctorCheck, Finding } from './doctor-check.js';

export interface TrialPlan {
  /** For people: `the scripted model`. */
  readonly what: string;
  readonly signal: AbortSignal;
  /** The agent to try; undefined when none is configured. */
  createAgent(config: Config): Promise<Result<Agent | undefined, Failure>>;
  /** A failure in one line, and what to do about it. */
  describe(failure: Failure): { readonly found: string; readonly hint: string };
}

const TIMEOUT_MS = 180_000;

export function checkTrial(plan: TrialPlan): DoctorCheck {
  return async ({ host, config = resolveConfig({}, 1) }) => {
    const about = 'trial';
    const failed = (failure: Failure): Finding[] => [{ about, state: 'problem', ...plan.describe(failure) }];
    const created = await plan.createAgent(config);
    if (!created.ok) return failed(created.error);
    if (!created.value) {
      const hint = 'set `agent` in conductor.config.ts, or try `conductor doctor --agent`';
      return [{ about, state: 'problem', found: 'no agent is configured', hint }];
    }
    const model = defaultModel(config);
    const tried = await tryAgent(created.value, {
      ...(model === undefined ? {} : { model }),
      timeoutMs: TIMEOUT_MS,
      signal: plan.signal,
      now: host.now,
    });
    if (!tried.ok) return failed(tried.error);
    const { ms, usage } = tried.value;
    const tokens = (usage.tokensIn ?? 0) + (usage.tokensOut ?? 0);
    const cost = usage.costUsd === undefined ? '' : `, $${usage.costUsd.toFixed(3)}`;
    const used = tokens === 0 ? '' : `, ${tokens} tokens${cost}`;
    const found = `${plan.what} read, ran a command and wrote in ${duration(ms)}${used}`;
    return [{ about, state: 'ok', found }];
  };
}
