/** Assembles what a build needs for a loaded project: prompts, agent, checker, priorities. Runs nothing. */

import type { Agent } from '../agent/agent.js';
import { suggestions } from '../base/nearest.js';
import { err, ok, type Result } from '../base/result.js';
import type { Diagnostic, Failure } from '../model/failure.js';
import { findOrigin } from '../model/origin.js';
import { parsePattern } from '../model/paths/pattern.js';
import { type Label, type Task, targetNames } from '../model/task.js';
import type { TaskGraph } from '../model/task-graph.js';
import { gatherDefinitions, gatherPrompts } from '../project/agent-files.js';
import type { Host, LoadedConfig } from '../project/host.js';
import { loadProject, type Project, textIn } from '../project/project.js';
import { diskSource, type OpenProject, stagedSource } from '../project/project-source.js';
import { claimedOutputs } from '../specs/claimed-outputs.js';
import { placeProblems, type SpecProblem } from '../specs/problem.js';
import type { Claims } from '../store/claims/claims.js';
import type { ResultStore } from '../store/result-store.js';
import { type CommandSettings, commandSettings } from './command-settings.js';
import { FactGatherer } from './facts.js';
import { openResults } from './open-results.js';
import { type Touched, touchedTasks } from './range/touched-tasks.js';
import { Checker } from './verdict.js';

export interface Prepared {
  readonly project: Project;
  /** Of the config as it was loaded. */
  readonly loaded: LoadedConfig;
  readonly agent: Agent | undefined;
  readonly store: ResultStore;
  /** Of results that cost money, while they are made here; undefined: nothing is claimed. */
  readonly claims: Claims | undefined;
  /** Whether builds ask agents here; false: where only CI does, and this is not CI. */
  readonly asksAgents: boolean;
  readonly gatherer: FactGatherer;
  readonly settings: CommandSettings;
  readonly checker: Checker;
  /** The same, as if nothing had been edited by hand. */
  readonly checkerOverEdits: Checker;
  /** Tasks that are built again whatever is known of them. */
  readonly forced: ReadonlySet<Label>;
  /** The tasks that were asked for. */
  readonly targets: ReadonlySet<Label>;
  /** The targets and everything that they need: the tasks to analyse. */
  readonly selected: ReadonlySet<Label>;
  /** Whether that is every task of the project. */
  readonly whole: boolean;
  /** The range that chose the targets; undefined: none was asked for. */
  readonly touched: Touched | undefined;
}

export interface PrepareOptions {
  readonly targets: readonly string[];
  /** Of the targets only those that changes since this commit concern. Absent: all. */
  readonly since?: string | undefined;
  /** The targets themselves are built again. */
  readonly force: boolean;
  readonly discardEdits: boolean;
  /** The files of the targets are to be accepted as they are. */
  readonly accept?: boolean;
  /** The person's index in place of the working tree. */
  readonly staged?: boolean;
  /** Builds recorded results again that are in no store any more. Default: they are a failure. */
  readonly rebuildMissing?: boolean;
  /** A project without a task is no mistake. */
  readonly mayBeEmpty?: boolean;
}

/** What stands beside the options: who hears of remotes, how they are stopped, what is known already. */
export interface PrepareContext {
  warn(message: string): void;
  readonly signal: AbortSignal;
  /** Nothing is sent to remotes. */
  readonly readOnly?: boolean;
  /** The project, where it has been read already. */
  readonly read?: Project | undefined;
  /** Tasks that are probably stale. Absent or empty: nothing is known of that. */
  readonly urgent?: ReadonlySet<Label> | undefined;
}

const NONE: ReadonlySet<Label> = new Set();
const NOBODY: PrepareContext = { warn: () => {}, signal: new AbortController().signal };

/** A project with what is known of its tasks before any result is looked for. */
export type ReadProject = Pick<
  Prepared,
  'project' | 'agent' | 'gatherer' | 'settings' | 'targets' | 'touched'
>;

interface Opened {
  readonly project: OpenProject;
  readonly loaded: LoadedConfig;
}

/** All that can be wrong with a project before its tasks are looked at: `validate` and every build go through it. */
export async function readProject(
  host: Host,
  { project: open, loaded }: Opened,
  options: Pick<PrepareOptions, 'targets' | 'since' | 'accept' | 'staged' | 'mayBeEmpty'> &
    Partial<Pick<PrepareOptions, 'discardEdits'>>,
  read?: Project,
): Promise<Result<ReadProject, Failure>> {
  const { config } = loaded;
  const accepts = (task: Task) =>
    options.accept === true && options.targets.some((one) => isNamed(one, task));
  const discards = (graph: TaskGraph): ReadonlySet<Label> => {
    if (options.discardEdits !== true) return new Set();
    if (options.targets.length === 0) return new Set(graph.tasks.keys());
    const named = [...graph.tasks.values()].filter((task) =>
      options.targets.some((name) => isNamed(name, task)),
    );
    return graph.closure(named.map(({ label }) => label));
  };
  const source = (options.staged ? stagedSource : diskSource)(open, config);
  const opened = read ? ok(read) : await loadProject(source, { accepts, discards });
  if (!opened.ok) return opened;
  const project = opened.value;
  if (project.graph.tasks.size === 0 && !options.mayBeEmpty) return err(noSpecs(project));
  const targets = selectTargets(project, options.targets);
  if (!targets.ok) return targets;
  const agent = await host.createAgent(config);
  if (!agent.ok) return agent;
  const prompts = await gatherPrompts(host, project);
  const definitions = await gatherDefinitions(host, project, agent.value);
  if (!definitions.ok) return definitions;
  const settings = await commandSettings(host, project);
  if (!settings.ok) return settings;
  const touched = await touchedBy(project, settings.value, options.since);
  if (!touched.ok) return touched;
  const gatherer = new FactGatherer(project, {
    agent: agent.value,
    prompts,
    definitions: definitions.value,
    settings: settings.value,
  });
  const isTouched = (label: Label) => touched.value?.labels.has(label) !== false;
  return ok({
    project,
    agent: agent.value,
    gatherer,
    settings: settings.value,
    targets: new Set([...targets.value].filter(isTouched)),
    touched: touched.value,
  });
}

async function touchedBy(
  project: Project,
  settings: CommandSettings,
  since: string | undefined,
): Promise<Result<Touched | undefined, Failure>> {
  return since === undefined ? ok(undefined) : touchedTasks(project, settings, since);
}

export async function prepare(
  host: Host,
  opened: Opened,
  options: PrepareOptions,
  beside: PrepareContext = NOBODY,
): Promise<Result<Prepared, Failure>> {
  const { loaded } = opened;
  const read = await readProject(host, opened, options, beside.read);
  if (!read.ok) return read;
  const { project, agent, gatherer, settings, targets, touched } = read.value;
  const { config } = project;
  const forced: ReadonlySet<Label> = options.force ? targets : new Set();
  const closure = project.graph.closure(targets);
  // One set where both are all tasks, which a project may have many of.
  const selected = closure.size === targets.size ? targets : closure;
  const rebuildMissing = options.rebuildMissing === true;
  const { warn, signal, readOnly = false, urgent = NONE } = beside;
  const urgentHere = [...urgent].filter((label) => selected.has(label));
  const first = urgentHere.length === 0 ? selected : new Set(urgentHere);
  const sharing = { warn, signal, readOnly, first, rebuildMissing };
  const results = await openResults(host, project, sharing);
  if (!results.ok) return results;
  const { store, claims } = results.value;
  const rules = { forced, rebuildMissing, verifyRestored: config.cache.verify };
  const { discardEdits } = options;
  const checker = new Checker(project, gatherer, store, { ...rules, discardEdits });
  const checkerOverEdits = new Checker(project, gatherer, store, { ...rules, discardEdits: true });
  return ok({
    project,
    loaded,
    agent,
    store,
    claims,
    asksAgents: config.agents === 'everywhere' || findOrigin(host.env, config.cache.origin).by === 'ci',
    gatherer,
    settings,
    checker,
    checkerOverEdits,
    forced,
    targets,
    selected,
    whole: selected.size === project.graph.tasks.size,
    touched,
  });
}

/**
 * Outputs of these tasks that name files which people wrote: a build could not publish them, so that it must not start.
 * Absent labels: of all tasks.
 */
export async function claimedProblem(
  project: Project,
  labels: ReadonlySet<Label> = new Set(project.graph.tasks.keys()),
): Promise<Failure | undefined> {
  const tasks = [...project.graph.tasks.values()].filter(({ label }) => labels.has(label));
  const problems = claimedOutputs(tasks, project.claimed);
  if (problems.length === 0) return undefined;
  const diagnostics = await placed(project, problems);
  return { kind: 'invalid-specs', diagnostics };
}

/** Problems of the project's specs, with their places. */
export function placed(project: Project, problems: readonly SpecProblem[]): Promise<Diagnostic[]> {
  return placeProblems(problems, (file) => textIn(project, file));
}

/** Nothing is built from nothing, and a mistyped folder must not look as if every feature had been removed. */
function noSpecs(project: Project): Failure {
  const { specs } = project.config;
  const made = project.recorded.size;
  const kept = made === 0 ? '' : `; conductor leaves the ${made} files that were built from specs`;
  return {
    kind: 'usage',
    message: `there are no tasks in ${specs}/${kept}`,
    hint: `\`conductor init\` writes a config and an example, \`conductor new\` a feature; or name another folder in conductor.config.ts`,
  };
}

function isNamed(target: string, task: Task): boolean {
  return targetNames(target, (glob, name) => parsePattern(glob).matches(name), task);
}

/** The tasks that the patterns of a command line name; all when there is none. Fails with `unknown-target`. */
export function selectTargets(project: Project, targets: readonly string[]): Result<Set<Label>, Failure> {
  const { graph } = project;
  if (targets.length === 0) return ok(new Set(graph.tasks.keys()));
  const selected = new Set<Label>();
  for (const target of targets) {
    let named = false;
    for (const task of graph.tasks.values()) {
      if (!isNamed(target, task)) continue;
      selected.add(task.label);
      named = true;
    }
    if (!named) {
      const names = [...new Set([...project.features.keys(), ...graph.tasks.keys()])];
      return err({ kind: 'unknown-target', target, nearest: suggestions(target, names) });
    }
  }
  return ok(selected);
}
