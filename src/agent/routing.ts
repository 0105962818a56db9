/** Chooses the model for an attempt at a task from the config's routes. Pure; knows no provider and no price. */

import { ownValue } from '../base/records/own-value.js';
import { digestFields } from '../model/digest.js';
import { patternSet } from '../model/paths/pattern-set.js';
import type {
  ModelChoice,
  ModelRoute,
  OneOrMore,
  ProviderLimits,
  RouteArm,
  RouteCondition,
} from '../model/routes.js';
import type { Task } from '../model/task.js';

export type RoutedTask = Pick<Task, 'label' | 'feature' | 'type' | 'complexity' | 'model'>;

/** Models outside of routes. */
export interface ModelDefaults {
  /** The agent definition's. */
  readonly definition: string | undefined;
  /** The config's. */
  readonly config: string | undefined;
}

/**
 * A task's own model first, then the first route that fits, then the agent definition's, then the config's. What else
 * the route says (fallbacks, a stronger model, a prompt) holds for a task with its own model too.
 */
export function chooseModel(
  task: RoutedTask,
  attempt: number,
  routes: readonly ModelRoute[],
  defaults: ModelDefaults,
): ModelChoice {
  const route = routes.find(({ when }) => holds(when, task, attempt));
  const inExperiment = route?.split !== undefined && task.model === undefined;
  const arm = inExperiment ? armOf(task.label, route.split) : undefined;
  const chosen = arm === undefined ? undefined : armChoice(route as ModelRoute, arm);
  const model = task.model ?? chosen?.model ?? route?.model ?? defaults.definition ?? defaults.config;
  const variant = task.model === undefined ? (chosen?.variant ?? route?.variant) : undefined;
  const prompt = chosen?.prompt ?? route?.prompt;
  return {
    ...(model === undefined ? {} : { model }),
    ...(variant === undefined ? {} : { variant }),
    fallbacks: (route?.fallbacks ?? []).filter((one) => one !== model),
    ...(route?.stronger === undefined || route.stronger === model ? {} : { stronger: route.stronger }),
    ...(prompt === undefined ? {} : { prompt }),
    ...(arm === undefined ? {} : { arm }),
  };
}

/** Every model that the routes name, for checks before anything is started. */
export function routedModels(routes: readonly ModelRoute[]): string[] {
  const names = routes.flatMap((route) => [
    ...(route.model === undefined ? [] : [route.model]),
    ...(route.fallbacks ?? []),
    ...(route.stronger === undefined ? [] : [route.stronger]),
    ...Object.keys(route.split ?? {}).flatMap((arm) => armChoice(route, arm).model ?? []),
  ]);
  return [...new Set(names)];
}

/** Requests in any minute, by provider; undefined when nothing is limited. */
export function paceOf(
  limits: Readonly<Record<string, ProviderLimits>>,
): { limits: Record<string, number>; windowMs: number } | undefined {
  const named = Object.entries(limits).flatMap(([provider, { requestsPerMinute }]) =>
    requestsPerMinute === undefined ? [] : [[provider, requestsPerMinute] as const],
  );
  return named.length === 0 ? undefined : { limits: Object.fromEntries(named), windowMs: 60_000 };
}

function armChoice(route: ModelRoute, arm: string): RouteArm {
  return ownValue(route.arms, arm) ?? { model: arm };
}

/**
 * The arm of a task: the label's digest, as a number below the sum of shares, in the arms' order by name. The same for
 * every build and machine, so that an experiment does not build anything twice.
 */
function armOf(label: string, split: Readonly<Record<string, number>>): string | undefined {
  const arms = Object.entries(split)
    .filter(([, share]) => share > 0)
    .sort(([a], [b]) => (a < b ? -1 : 1));
  const sum = arms.reduce((total, [, share]) => total + share, 0);
  const digest = digestFields('arm', [label, ...arms.map(([name]) => name)]);
  let at = (Number.parseInt(digest.slice(0, 12), 16) / 2 ** 48) * sum;
  for (const [name, share] of arms) {
    at -= share;
    if (at < 0) return name;
  }
  return arms.at(-1)?.[0];
}

function holds(when: RouteCondition | undefined, task: RoutedTask, attempt: number): boolean {
  if (!when) return true;
  return (
    attempt >= (when.attempt ?? 1) &&
    (when.type === undefined || list(when.type).includes(task.type)) &&
    (when.complexity === undefined || list(when.complexity).includes(task.complexity)) &&
    (when.feature === undefined || patternSet(list(when.feature)).matches(task.feature)) &&
    (when.label === undefined || patternSet(list(when.label)).matches(task.label))
  );
}

function list<T extends string>(value: OneOrMore<T>): readonly T[] {
  return typeof value === 'string' ? [value] : value;
}
