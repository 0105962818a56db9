/** Which queue a run goes to: what a machine must have for it, and the limits of that queue. Hands nothing in. */

import { ownValue } from '../../base/records/own-value.js';
import type { Config } from '../../model/config.js';
import { JOB_PROTOCOL, type QueueLimits, type QueueNeeds } from '../../model/fleet/job.js';
import { providerOf } from '../../model/routes.js';
import type { TaskRun } from '../../model/task-run.js';

export interface NeedsParts {
  /** Of conductor. */
  readonly version: string;
  /** Of this machine: results of commands are those of one platform. */
  readonly platform: string;
  readonly config: Config;
}

/** `model`: the one that a task of an agent begins with. */
export function needsOf(
  { version, platform, config }: NeedsParts,
  { recipe, runsOn }: Pick<TaskRun, 'recipe' | 'runsOn'>,
  model: string | undefined,
): QueueNeeds {
  const common = { protocol: JOB_PROTOCOL, version, labels: runsOn ?? [] };
  // A result of a command is one of the platform that a build here would have made it on, unless the spec says more.
  if (recipe.kind !== 'agent')
    return { ...common, kind: 'command', ...(runsOn === undefined ? { platform } : {}) };
  if (model === undefined) return { ...common, kind: 'agent' };
  // The limits of a provider hold for all its models: they share a queue.
  const provider = providerOf(model);
  return { ...common, kind: 'agent', model: ownValue(config.models.limits, provider) ? provider : model };
}

export function limitsOf({ config }: NeedsParts, model: string | undefined): QueueLimits {
  const limits = model === undefined ? undefined : ownValue(config.models.limits, providerOf(model));
  return {
    ...(limits?.sessions === undefined ? {} : { atOnce: limits.sessions }),
    ...(limits?.requestsPerMinute === undefined ? {} : { perMinute: limits.requestsPerMinute }),
  };
}
