/** Checks of the config's `models` that a schema cannot make: names and shares that make no sense. Pure. */

import { ownValue } from '../base/records/own-value.js';
import type { ConductorConfig } from '../model/config.js';
import type { ModelRoute, ProviderLimits } from '../model/routes.js';

export interface RouteProblem {
  /** `models.routes.0.fallbacks.1`. */
  readonly path: string;
  readonly message: string;
  readonly hint?: string;
}

/** All mistakes at once, in the order of the config. */
export function routeProblems({ models, agent }: Pick<ConductorConfig, 'models' | 'agent'>): RouteProblem[] {
  const named = agent?.driver === 'opencode';
  const program = agent?.driver === 'command' || agent?.driver === 'acp' ? agent.driver : undefined;
  const unseen = program === undefined ? [] : unseenLimits(models?.limits ?? {}, program);
  const routes = (models?.routes ?? []).flatMap((route, index) => {
    const at = `models.routes.${index}`;
    return [
      ...(named ? modelProblems(route, at) : []),
      ...(program === undefined ? [] : variantProblems(route, at, program)),
      ...splitProblems(route, at),
      ...laterPrompt(route, at),
      ...deadRoute(models?.routes ?? [], index, at),
    ];
  });
  return [...routes, ...unseen];
}

function variantProblems(route: ModelRoute, at: string, driver: string): RouteProblem[] {
  const paths = [
    ...(route.variant === undefined ? [] : [`${at}.variant`]),
    ...Object.entries(route.arms ?? {}).flatMap(([arm, { variant }]) =>
      variant === undefined ? [] : [`${at}.arms.${arm}.variant`],
    ),
  ];
  return paths.map((path) => ({ path, message: `the driver \`${driver}\` does not support variants` }));
}

function unseenLimits(limits: Readonly<Record<string, ProviderLimits>>, driver: string): RouteProblem[] {
  return Object.entries(limits)
    .filter(([, { requestsPerMinute }]) => requestsPerMinute !== undefined)
    .map(([provider]) => ({
      path: `models.limits.${provider}.requestsPerMinute`,
      message: `conductor does not see the model calls of a \`${driver}\` agent, so it cannot enforce this`,
      hint: 'limit `sessions`',
    }));
}

/** OpenCode asks for the provider by name; other programs have spellings of their own. */
function modelProblems(route: ModelRoute, at: string): RouteProblem[] {
  const models = [
    [`${at}.model`, route.model],
    ...(route.fallbacks ?? []).map((model, i) => [`${at}.fallbacks.${i}`, model] as const),
    [`${at}.stronger`, route.stronger],
    ...Object.keys(route.split ?? {})
      .filter((arm) => ownValue(route.arms, arm) === undefined)
      .map((arm) => [`${at}.split.${arm}`, arm] as const),
    ...Object.entries(route.arms ?? {}).map(
      ([arm, { model }]) => [`${at}.arms.${arm}.model`, model] as const,
    ),
  ] as const;
  return models
    .filter(([, model]) => model !== undefined && !/^[^/\s]+\/\S+$/.test(model))
    .map(([path, model]) => ({
      path,
      message: `\`${model}\` is not a model: it must be \`provider/model\``,
      ...(path.includes('.split.') ? { hint: 'or describe the arm in `arms`' } : {}),
    }));
}

function splitProblems({ split, arms }: ModelRoute, at: string): RouteProblem[] {
  const problems: RouteProblem[] = [];
  const shares = Object.values(split ?? {});
  if (split !== undefined && shares.every((share) => share === 0)) {
    problems.push({ path: `${at}.split`, message: 'no arm has a share above 0' });
  }
  for (const arm of Object.keys(arms ?? {})) {
    if (ownValue(split, arm) === undefined)
      problems.push({ path: `${at}.arms.${arm}`, message: 'has no share in `split`' });
  }
  return problems;
}

/** The prompt of the first attempt is in the key; another one for later attempts would be in none. */
function laterPrompt({ when, prompt, arms }: ModelRoute, at: string): RouteProblem[] {
  if ((when?.attempt ?? 1) === 1) return [];
  const paths = [
    ...(prompt === undefined ? [] : [`${at}.prompt`]),
    ...Object.entries(arms ?? {}).flatMap(([arm, one]) =>
      one.prompt === undefined ? [] : [`${at}.arms.${arm}.prompt`],
    ),
  ];
  const message =
    'a route for later attempts (`when.attempt`) cannot name a prompt, because the first one is in the key';
  return paths.map((path) => ({ path, message }));
}

/** The first route that fits is taken: behind one without a condition nothing is ever reached. */
function deadRoute(routes: readonly ModelRoute[], index: number, at: string): RouteProblem[] {
  const before = routes.findIndex(({ when }) => when === undefined || Object.keys(when).length === 0);
  if (before < 0 || index <= before) return [];
  return [{ path: at, message: `is never used: route ${before} has no \`when\` and matches every task` }];
}
