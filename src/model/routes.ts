/** Which model works on which task, as written in the config (`models`). Plain data; chooses nothing. */

export type OneOrMore<T> = T | readonly T[];

/** The conditions of a route: every given key must match. */
export interface RouteCondition {
  readonly type?: OneOrMore<string>;
  readonly complexity?: OneOrMore<'low' | 'medium' | 'high'>;
  /** Names of features, or globs of them. */
  readonly feature?: OneOrMore<string>;
  /** Labels of tasks, or globs of them. */
  readonly label?: OneOrMore<string>;
  /** From this attempt on (1 is the first). */
  readonly attempt?: number;
}

/** One side of an experiment. */
export interface RouteArm {
  /** Default: the arm's name, else the route's `model`. */
  readonly model?: string;
  readonly variant?: string;
  /** Name of the prompt template (`implementation-terse.md`). Default: the one of the task's type. */
  readonly prompt?: string;
}

export interface ModelRoute {
  readonly when?: RouteCondition;
  /** `provider/model`. */
  readonly model?: string;
  /** A variant of the model, as its provider names it (`high`). */
  readonly variant?: string;
  /** Models that are asked, in order, when the provider does not answer or refuses. */
  readonly fallbacks?: readonly string[];
  /** Asked once, when all attempts have failed. */
  readonly stronger?: string;
  /** Name of the prompt template. */
  readonly prompt?: string;
  /** Shares of an experiment by arm; a task stays with its arm. An arm that `arms` does not describe is a model. */
  readonly split?: Readonly<Record<string, number>>;
  readonly arms?: Readonly<Record<string, RouteArm>>;
}

/** Limits of one provider, over all tasks of a build. */
export interface ProviderLimits {
  /** Sessions at the same time. */
  readonly sessions?: number;
  readonly requestsPerMinute?: number;
}

export interface ModelsConfig {
  /** The first route whose condition holds is taken. */
  readonly routes?: readonly ModelRoute[];
  /** By the provider's name, the part of a model before the first `/`. */
  readonly limits?: Readonly<Record<string, ProviderLimits>>;
}

/** What a route says of one attempt. */
export interface ModelChoice {
  /** Undefined: the agent's own default. */
  readonly model?: string;
  readonly variant?: string;
  readonly fallbacks: readonly string[];
  readonly stronger?: string;
  readonly prompt?: string;
  /** Of an experiment. */
  readonly arm?: string;
}

/** The part of `provider/model` before the first `/`. */
export function providerOf(model: string): string {
  return model.split('/', 1)[0] as string;
}
