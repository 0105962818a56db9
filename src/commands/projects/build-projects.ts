/**
 * `conductor projects build`: builds all projects of a list in one process with common limits, each after those that it
 * needs. Knows no flag and prints nothing.
 */

import { Limiter } from '../../base/limiter.js';
import { err, ok, type Result } from '../../base/result.js';
import { build } from '../../build/build.js';
import { type BuildOptions, PLAIN_BUILD } from '../../build/options.js';
import { AllResources, type ProjectResources } from '../../execution/common-resources.js';
import type { ExecutionHost } from '../../execution/executor.js';
import { asFailure } from '../../io/files.js';
import type { BuildSummary } from '../../model/event.js';
import { exitCodeOf, type Failure } from '../../model/failure.js';
import {
  exitCodeOfAll,
  type ProjectEvent,
  type ProjectOutcome,
  type ProjectsSummary,
} from '../../model/projects/project-event.js';
import type { ListedProject, ProjectList, ResolvedNeed } from '../../model/projects/project-list.js';
import { projectWeight } from '../../model/projects/project-weight.js';
import { createEmit } from '../../project/host.js';
import { absence, checkOut } from './checkouts.js';
import { compareCopies, importOutputs, publishedFiles } from './imports.js';

export interface ProjectsParts {
  readonly list: ProjectList;
  /** The host of one project. */
  hostOf(project: ListedProject, common: ProjectResources): ExecutionHost;
  /** Processors of this machine. */
  readonly processors: number;
  /** Milliseconds since 1970, UTC. */
  now(): number;
  on(event: ProjectEvent): void;
  readonly signal: AbortSignal;
  /** The command line, shown to commands that wait for a build. */
  readonly command: string;
}

/**
 * Projects that are open at the same time: so many at least, and so many for each worker. Each open one has git processes and
 * files of its own, so a long list would need more of them than a system allows.
 */
const OPEN_AT_LEAST = 8;
const OPEN_PER_WORKER = 2;

export interface ProjectsBuildOptions {
  /** Names of the projects that are built, with those that they need. Empty: all. */
  readonly only: readonly string[];
  readonly build: Partial<Omit<BuildOptions, 'targets' | 'workers' | 'budgetUsd' | 'command'>>;
}

/** One project with its part of what all share. */
export interface SharedProject {
  readonly project: ListedProject;
  readonly resources: ProjectResources;
  readonly host: ExecutionHost;
}

/** The projects that are asked for, with those that they need, each with its share. */
export function shareProjects(
  { list, hostOf, processors, now }: ProjectsParts,
  only: readonly string[],
): SharedProject[] {
  const { commands = processors, gates = commands, ...limits } = list.limits;
  const all = new AllResources({ ...limits, commands, gates }, now);
  return selectProjects(list, only).map((project) => {
    const { least, most } = project;
    const resources = all.share({ least, most, weight: (at) => projectWeight(project, at) });
    return { project, resources, host: hostOf(project, resources) };
  });
}

/** Those with these names and what they need, in the order of the list. Empty: all. */
export function selectProjects({ projects }: ProjectList, only: readonly string[]): ListedProject[] {
  if (only.length === 0) return [...projects];
  const wanted = new Set(only);
  // Backwards: what needs a project stands behind it.
  for (const { name, needs } of [...projects].reverse())
    if (wanted.has(name)) for (const need of needs) wanted.add(need.project);
  return projects.filter(({ name }) => wanted.has(name));
}

/** Rejects only for a bug. */
export async function buildProjects(
  parts: ProjectsParts,
  options: ProjectsBuildOptions,
): Promise<ProjectsSummary> {
  const startedAt = parts.now();
  const projects = shareProjects(parts, options.only);
  parts.on({
    type: 'projects.started',
    projects: projects.map(({ project }) => project.name),
    workers: parts.list.limits.workers,
  });
  const ended = new Map<string, Promise<ProjectOutcome>>();
  const open = new Limiter(Math.max(OPEN_AT_LEAST, OPEN_PER_WORKER * parts.list.limits.workers));
  // The list has projects before those that need them.
  for (const shared of projects) {
    const needs = shared.project.needs.map(({ project }) => ended.get(project) as Promise<ProjectOutcome>);
    ended.set(shared.project.name, new ProjectBuild(parts, options, shared).run(needs, { open, startedAt }));
  }
  // What is under way ends in order before a bug in one project is told.
  const all = await Promise.allSettled(ended.values());
  const outcomes = all.map((one) => {
    if (one.status === 'rejected') throw one.reason;
    return one.value;
  });
  const summary = { exitCode: exitCodeOfAll(outcomes), ms: parts.now() - startedAt, projects: outcomes };
  parts.on({ type: 'projects.finished', summary });
  return summary;
}

type Done = Pick<ProjectOutcome, 'outcome' | 'exitCode' | 'summary' | 'failure' | 'because'>;

class ProjectBuild {
  private readonly parts: ProjectsParts;
  private readonly options: ProjectsBuildOptions;
  private readonly shared: SharedProject;

  constructor(parts: ProjectsParts, options: ProjectsBuildOptions, shared: SharedProject) {
    this.parts = parts;
    this.options = options;
    this.shared = shared;
  }

  async run(
    needs: readonly Promise<ProjectOutcome>[],
    { open, startedAt }: { readonly open: Limiter; readonly startedAt: number },
  ): Promise<ProjectOutcome> {
    const { now, on } = this.parts;
    const { project, resources } = this.shared;
    const before = await Promise.all(needs);
    // Those that it needs have ended and are open no more.
    const done = await open.run(() => this.buildAfter(before), projectWeight(project, now()));
    const outcome: ProjectOutcome = {
      project: project.name,
      ...done,
      ...resources.use,
      endedMs: now() - startedAt,
      ...(project.deadline === undefined ? {} : { deadline: project.deadline }),
    };
    on({ type: 'project.finished', project: project.name, outcome });
    return outcome;
  }

  private async buildAfter(needs: readonly ProjectOutcome[]): Promise<Done> {
    const { parts, options, shared } = this;
    const { project, host } = shared;
    if (parts.signal.aborted) return { outcome: 'interrupted', exitCode: 130 };
    const failed = needs.find(({ exitCode }) => exitCode !== 0);
    if (failed) return { outcome: 'skipped', exitCode: failed.exitCode, because: failed.project };
    const { dryRun, frozen } = options.build;
    const ready = await (dryRun || frozen
      ? orFailure(() => lookAt(parts, shared, { needs, frozen }))
      : prepareProject(parts, shared, { wait: options.build.wait }));
    if (!ready.ok) return this.refuse(ready.error);
    let failure: Failure | undefined;
    const summary = await build(
      host,
      {
        ...PLAIN_BUILD,
        ...options.build,
        targets: project.targets,
        workers: parts.list.limits.workers,
        budgetUsd: project.usd,
        command: parts.command,
      },
      (event) => {
        if (event.type === 'build.failure') failure ??= event.failure;
        parts.on({ type: 'project.event', project: project.name, event });
      },
      parts.signal,
    );
    const why = failure === undefined ? {} : { failure };
    return { ...outcomeOf(summary), exitCode: summary.exitCode, summary, ...why };
  }

  private refuse(failure: Failure): Done {
    const { on } = this.parts;
    on({ type: 'project.failure', project: this.shared.project.name, failure });
    const exitCode = exitCodeOf(failure);
    return { outcome: exitCode === 130 ? 'interrupted' : 'failed', exitCode, failure };
  }
}

function outcomeOf({ outcome }: BuildSummary): Pick<Done, 'outcome'> {
  return { outcome: outcome === 'superseded' ? 'interrupted' : outcome };
}

/** An error of the disk or of git in one project is its failure: the other projects go on. */
export async function orFailure<T>(work: () => Promise<Result<T, Failure>>): Promise<Result<T, Failure>> {
  try {
    return await work();
  } catch (error) {
    const failure = asFailure(error);
    if (!failure) throw error;
    return err(failure);
  }
}

export interface PreparingOptions {
  /** The dependencies whose outputs are copied. Default: all. */
  readonly needs?: readonly ResolvedNeed[] | undefined;
  /** Wait for another build of the project to end; otherwise fail with `locked`. Default: true. */
  readonly wait?: boolean | undefined;
}

/** Clones a project or brings it up to date, and gives it the outputs of the projects that it needs. */
export async function prepareProject(
  parts: ProjectsParts,
  shared: SharedProject,
  options: PreparingOptions = {},
): Promise<Result<undefined, Failure>> {
  const { on, signal, command } = parts;
  const { project, host } = shared;
  const say = (what: string) => on({ type: 'project.checkout', project: project.name, what });
  const emit = createEmit(host.now, (event) => on({ type: 'project.event', project: project.name, event }));
  const { wait = true } = options;
  return orFailure(async () => {
    const ready = await checkOut(project, { host, command, wait, signal, emit, say });
    return ready.ok ? await importNeeds(parts, shared, options) : ready;
  });
}

/** For a build that changes nothing: copies that are out of date are told, or with `frozen` a failure. */
async function lookAt(
  { list, hostOf, on }: ProjectsParts,
  { project, resources }: SharedProject,
  {
    needs,
    frozen = false,
  }: { readonly needs: readonly ProjectOutcome[]; readonly frozen?: boolean | undefined },
): Promise<Result<undefined, Failure>> {
  const absent = await absence(project);
  if (absent) return err(absent);
  const files: string[] = [];
  for (const need of project.needs) {
    const source = list.projects.find((one) => one.name === need.project);
    if (!source || need.outputs.length === 0) continue;
    const published = await publishedFiles(hostOf(source, resources), need.outputs);
    const compared = published.ok ? await compareCopies(project.folder, need, published.value) : published;
    if (!compared.ok) return compared;
    const { stale, edited } = compared.value;
    files.push(...stale, ...edited);
    const mayChange = needs.some((one) => one.project === need.project && one.outcome === 'would-build');
    if (frozen || (stale.length + edited.length === 0 && !mayChange)) continue;
    const copies = { ...compared.value, ...(mayChange ? { mayChange } : {}) };
    on({ type: 'project.copies', project: project.name, copies });
  }
  return frozen && files.length > 0 ? err({ kind: 'not-up-to-date', tasks: [], files }) : ok(undefined);
}

/** Gives a project the outputs of those that it needs, as these are on disk. */
export async function importNeeds(
  { list, hostOf, on, signal, command }: ProjectsParts,
  { project, host, resources }: SharedProject,
  { needs = project.needs, wait = true }: PreparingOptions = {},
): Promise<Result<undefined, Failure>> {
  const { name } = project;
  const emit = createEmit(host.now, (event) => on({ type: 'project.event', project: name, event }));
  for (const need of needs) {
    const source = list.projects.find((one) => one.name === need.project);
    if (!source || need.outputs.length === 0) continue;
    const files = await publishedFiles(hostOf(source, resources), need.outputs);
    if (!files.ok) return files;
    const imported = await importOutputs({ host, command, wait, signal, emit }, need, files.value);
    if (!imported.ok) return imported;
    const { written, removed, left } = imported.value;
    if (written.length + removed.length + left.length > 0)
      on({ type: 'project.imported', project: name, files: imported.value });
  }
  return ok(undefined);
}
