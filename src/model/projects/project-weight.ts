/** How large the share of a project is: from its priority, its deadline and its impact. Pure; documented in `docs/projects.md`. */

export const PRIORITIES = ['low', 'normal', 'high', 'critical'] as const;
export const IMPACTS = ['low', 'medium', 'high'] as const;

export type ProjectPriority = (typeof PRIORITIES)[number];
export type ProjectImpact = (typeof IMPACTS)[number];

/** Each priority counts twice the one below it. */
const PRIORITY: Readonly<Record<ProjectPriority, number>> = { low: 1, normal: 2, high: 4, critical: 8 };

/** The greatest impact counts less than the nearest step of a deadline, so that a deadline goes before it. */
const IMPACT: Readonly<Record<ProjectImpact, number>> = { low: 0.8, medium: 1, high: 1.2 };

const DAY_MS = 24 * 60 * 60_000;
/** What a deadline that is at most so many days away counts; one that is over counts as the first. */
const DEADLINE = [
  { days: 1, factor: 4 },
  { days: 3, factor: 3 },
  { days: 7, factor: 2 },
  { days: 30, factor: 1.5 },
] as const;

export interface Weighed {
  readonly priority: ProjectPriority;
  /** Milliseconds since 1970, UTC. */
  readonly deadline?: number;
  readonly impact: ProjectImpact;
}

/** Above 0. Of two projects that always have tasks waiting, each gets worker time in proportion to it. */
export function projectWeight({ priority, deadline, impact }: Weighed, now: number): number {
  return PRIORITY[priority] * deadlineFactor(deadline, now) * IMPACT[impact];
}

function deadlineFactor(deadline: number | undefined, now: number): number {
  if (deadline === undefined) return 1;
  const days = (deadline - now) / DAY_MS;
  return DEADLINE.find((step) => days <= step.days)?.factor ?? 1;
}
