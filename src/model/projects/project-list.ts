/** Projects that are built together: the list as written and as resolved. Does not know how it is read. */

import type { ProjectImpact, ProjectPriority } from './project-weight.js';

/** A dependency on another project of the list. */
export interface ProjectNeed {
  readonly project: string;
  /** Patterns of its outputs that are copied. Default: all of them; an empty list only waits. */
  readonly outputs?: readonly string[];
  /** The folder that gets the copies. Default: `imports/<project>`. */
  readonly into?: string;
}

export interface ProjectEntry {
  /** Its folder, relative to the list. With `git`, where it is cloned. */
  readonly path?: string;
  /** Address of its repository. */
  readonly git?: string;
  /** Of `git`. Default: the branch that the address names first. */
  readonly branch?: string;
  readonly priority?: ProjectPriority;
  /** `2026-12-24`, or with a time: `2026-12-24T12:00:00Z`. */
  readonly deadline?: string;
  readonly impact?: ProjectImpact;
  /** Tasks at the same time: so many before other projects get more, and never more than so many. */
  readonly workers?: { readonly min?: number; readonly max?: number };
  /** Dollars that one build of it may cost. */
  readonly budget?: { readonly usd?: number };
  /** What of it is built. Default: everything. */
  readonly targets?: readonly string[];
  readonly depends_on?: readonly (string | ProjectNeed)[];
}

/** Over all projects. */
export interface ProjectLimits {
  /** Tasks at the same time. Default 4. */
  readonly workers?: number;
  /** Sessions of agents at the same time. Default: as many as there are workers. */
  readonly agents?: number;
  /** Commands at the same time: `run` recipes, gates and formatters. Default: the number of processors. */
  readonly commands?: number;
  /** Gates at the same time, within `commands`. Default: that many. */
  readonly gates?: number;
  /** What one command may cost. */
  readonly usd?: number;
  readonly tokens?: number;
}

/** What `conductor.projects.yaml` and `projects` of the config hold. */
export interface ProjectsConfig {
  readonly limits?: ProjectLimits;
  readonly projects: Readonly<Record<string, ProjectEntry>>;
}

export type ResolvedNeed = Required<ProjectNeed>;

export interface ListedProject {
  readonly name: string;
  /** Absolute. */
  readonly folder: string;
  /** Where it comes from; absent: it is there. */
  readonly git?: { readonly url: string; readonly branch?: string };
  /** conductor chose the folder, and brings it up to date before a build. */
  readonly isOwnCheckout: boolean;
  readonly priority: ProjectPriority;
  /** Milliseconds since 1970, UTC. */
  readonly deadline?: number;
  readonly impact: ProjectImpact;
  readonly least: number;
  readonly most: number;
  readonly usd?: number;
  readonly targets: readonly string[];
  readonly needs: readonly ResolvedNeed[];
}

export interface ProjectList {
  /** Where it stands, for messages. */
  readonly file: string;
  /** Its folder, absolute. */
  readonly folder: string;
  readonly limits: Omit<ProjectLimits, 'workers'> & { readonly workers: number };
  /** Projects before those that need them. */
  readonly projects: readonly ListedProject[];
}

/** The file that has the list, where it is not in a config. */
export const PROJECTS_FILE = 'conductor.projects.yaml';

export const DEFAULT_WORKERS = 4;
/** Where conductor clones projects to, beside the list. */
export const CHECKOUTS = '.conductor/projects';

/** `absolute` makes a path of the list absolute. The list must have no `listProblems`. */
export function resolveList(
  { limits = {}, projects }: ProjectsConfig,
  file: string,
  absolute: (path: string) => string,
): ProjectList {
  const { workers = DEFAULT_WORKERS, ...others } = limits;
  const resolved = Object.entries(projects).map(([name, entry]) => resolveProject(name, entry, absolute));
  return { file, folder: absolute('.'), limits: { workers, ...others }, projects: inOrder(resolved) };
}

function resolveProject(
  name: string,
  entry: ProjectEntry,
  absolute: (path: string) => string,
): ListedProject {
  const { path, git, branch, deadline, workers = {}, budget = {} } = entry;
  return {
    name,
    folder: absolute(path ?? `${CHECKOUTS}/${name}`),
    ...(git === undefined
      ? {}
      : { git: { url: addressOf(git, absolute), ...(branch === undefined ? {} : { branch }) } }),
    isOwnCheckout: path === undefined,
    priority: entry.priority ?? 'normal',
    ...(deadline === undefined ? {} : { deadline: deadlineOf(deadline) }),
    impact: entry.impact ?? 'medium',
    least: workers.min ?? 0,
    most: workers.max ?? Number.MAX_SAFE_INTEGER,
    ...(budget.usd === undefined ? {} : { usd: budget.usd }),
    targets: entry.targets ?? [],
    needs: (entry.depends_on ?? []).map((need) =>
      resolveNeed(typeof need === 'string' ? { project: need } : need),
    ),
  };
}

function resolveNeed({ project, outputs = ['**'], into = `imports/${project}` }: ProjectNeed): ResolvedNeed {
  return { project, outputs, into: into.replace(/\/+$/, '') };
}

/** A path is relative to the list, as other paths of it are. */
function addressOf(git: string, absolute: (path: string) => string): string {
  return /^\.{1,2}\//.test(git) ? absolute(git) : git;
}

/** A day, or a day and a time with its zone: what else `Date.parse` takes depends on the machine. */
const DEADLINE = /^(\d{4}-\d{2}-\d{2})(T\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{2}:\d{2}))?$/;

/** A day lasts until its end, in UTC. NaN for what is no date. */
export function deadlineOf(text: string): number {
  const [, day, time = 'T23:59:59.999Z'] = DEADLINE.exec(text) ?? [];
  if (day === undefined) return Number.NaN;
  const midnight = Date.parse(`${day}T00:00:00Z`);
  // `Date.parse` takes the 31st of February for a day of March.
  const isDay = Number.isFinite(midnight) && new Date(midnight).toISOString().startsWith(day);
  return isDay ? Date.parse(`${day}${time}`) : Number.NaN;
}

/** Those that need nothing first; among equals in the order of the list. */
function inOrder(projects: readonly ListedProject[]): ListedProject[] {
  const byName = new Map(projects.map((project) => [project.name, project]));
  const done = new Set<ListedProject>();
  const visit = (project: ListedProject) => {
    if (done.has(project)) return;
    for (const need of project.needs) visit(byName.get(need.project) as ListedProject);
    done.add(project);
  };
  for (const project of projects) visit(project);
  return [...done];
}
