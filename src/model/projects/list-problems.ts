/** What is wrong with a list of projects as a whole: names, dependencies, limits. Pure; the schema has checked each value. */

import { nearest } from '../../base/nearest.js';
import { branchProblem, gitAddressProblem, hasControlCharacter } from '../address.js';
import { isName, NAME_HINT } from '../paths/names.js';
import { patternProblem } from '../paths/pattern.js';
import {
  DEFAULT_WORKERS,
  deadlineOf,
  type ProjectEntry,
  type ProjectNeed,
  type ProjectsConfig,
} from './project-list.js';

export interface ListProblem {
  /** Keys from the top of the list. */
  readonly path: readonly (string | number)[];
  readonly message: string;
  readonly hint?: string;
}

/** All of them. */
export function listProblems({ limits = {}, projects }: ProjectsConfig): ListProblem[] {
  const names = Object.keys(projects);
  const problems = Object.entries(projects).flatMap(([name, entry]) => entryProblems(name, entry, names));
  const cycle = problems.length === 0 ? cycleOf(projects) : undefined;
  if (cycle) {
    const message = `projects need each other in a circle: ${cycle.join(' → ')}`;
    problems.push({ path: ['projects', cycle[0] as string, 'depends_on'], message });
  }
  const tooMany = minimumProblem(projects, limits.workers ?? DEFAULT_WORKERS);
  return tooMany ? [...problems, tooMany] : problems;
}

/** The least numbers of all projects have to leave a worker for those that have none: else these would wait for ever. */
export function minimumProblem(
  projects: ProjectsConfig['projects'],
  workers: number,
): ListProblem | undefined {
  const least = Object.values(projects).map((entry) => entry.workers?.min ?? 0);
  const sum = least.reduce((all, one) => all + one, 0);
  const room = least.includes(0) ? workers - 1 : workers;
  if (sum <= room) return undefined;
  const rest = least.includes(0) ? ', and one has to be left for projects without a minimum' : '';
  return {
    path: ['limits'],
    message: `the projects want ${sum} workers at least, but there are ${workers}${rest}`,
    hint: 'raise `limits.workers`, or lower `workers.min` of a project',
  };
}

function entryProblems(name: string, entry: ProjectEntry, names: readonly string[]): ListProblem[] {
  const problems: ListProblem[] = [];
  const say = (keys: readonly (string | number)[], message: string, hint?: string) =>
    problems.push({ path: ['projects', name, ...keys], message, ...(hint === undefined ? {} : { hint }) });
  if (!isName(name)) say([], `\`${name}\` is no name of a project`, NAME_HINT);
  if (entry.path === undefined && entry.git === undefined)
    say([], `${name} has neither \`path\` nor \`git\``, 'say where the project is');
  if (entry.branch !== undefined && entry.git === undefined) say(['branch'], '`branch` is only for `git`');
  const address = entry.git === undefined ? undefined : gitAddressProblem(entry.git);
  if (address !== undefined) say(['git'], `the address ${address}`);
  const branch = entry.branch === undefined ? undefined : branchProblem(entry.branch);
  if (branch !== undefined) say(['branch'], `\`${entry.branch}\` ${branch}`);
  if (entry.path !== undefined && hasControlCharacter(entry.path))
    say(['path'], 'the path has a control character');
  if (entry.deadline !== undefined && !Number.isFinite(deadlineOf(entry.deadline)))
    say(
      ['deadline'],
      `\`${entry.deadline}\` is no date`,
      'write it as `2026-12-24` or `2026-12-24T12:00:00Z`',
    );
  const { min = 0, max } = entry.workers ?? {};
  if (max !== undefined && min > max)
    say(['workers'], `\`min\` is ${min}, which is more than \`max\` (${max})`);
  problems.push(...needProblems(name, entry, names));
  return problems;
}

function needProblems(name: string, entry: ProjectEntry, names: readonly string[]): ListProblem[] {
  const problems: ListProblem[] = [];
  const say = (keys: readonly (string | number)[], message: string, hint?: string) =>
    problems.push({
      path: ['projects', name, 'depends_on', ...keys],
      message,
      ...(hint === undefined ? {} : { hint }),
    });
  const folders = new Map<string, string>();
  for (const [at, need] of (entry.depends_on ?? []).entries()) {
    const whole: ProjectNeed = typeof need === 'string' ? { project: need } : need;
    const { project, outputs = [], into } = whole;
    if (project === name) say([at], `${name} depends on itself`);
    else if (!names.includes(project)) {
      const meant = nearest(project, names);
      const hint = meant === undefined ? undefined : `did you mean \`${meant}\`?`;
      say([at], `there is no project \`${project}\``, hint);
    }
    const folder = (into ?? `imports/${project}`).replace(/\/+$/, '');
    const problem = patternProblem(folder) ?? (/[*?[\]{}]/.test(folder) ? 'is a pattern' : undefined);
    if (problem !== undefined) say([at, 'into'], `\`${folder}\` ${problem}`);
    const other = [...folders].find(
      ([one]) => `${one}/`.startsWith(`${folder}/`) || folder.startsWith(`${one}/`),
    );
    if (other)
      say(
        [at],
        `the outputs of ${other[1]} go to \`${other[0]}\`${other[0] === folder ? ' too' : `, and these to \`${folder}\`: one is inside the other`}`,
      );
    folders.set(folder, project);
    for (const [number, output] of outputs.entries()) {
      const wrong = patternProblem(output.replace(/^!/, ''));
      if (wrong !== undefined) say([at, 'outputs', number], `\`${output}\` ${wrong}`);
    }
  }
  return problems;
}

/** The names of projects that need each other, the first one again at the end; undefined if there are none. */
function cycleOf(projects: ProjectsConfig['projects']): string[] | undefined {
  const done = new Set<string>();
  const visit = (name: string, path: readonly string[]): string[] | undefined => {
    if (path.includes(name)) return [...path.slice(path.indexOf(name)), name];
    if (done.has(name)) return undefined;
    for (const need of projects[name]?.depends_on ?? []) {
      const found = visit(typeof need === 'string' ? need : need.project, [...path, name]);
      if (found) return found;
    }
    done.add(name);
    return undefined;
  };
  for (const name of Object.keys(projects)) {
    const found = visit(name, []);
    if (found) return found;
  }
  return undefined;
}
