/** `conductor mv`: gives a feature, a task or outputs another name, and keeps results, versions and accepted edits. */

import { suggestions } from '../../base/nearest.js';
import { err, ok, type Result } from '../../base/result.js';
import type { InspectedTask } from '../../build/dry-run.js';
import type { ExecutionHost } from '../../execution/executor.js';
import type { Failure } from '../../model/failure.js';
import { isName, NAME_HINT } from '../../model/paths/names.js';
import { patternProblem } from '../../model/paths/pattern.js';
import type { Label, Task } from '../../model/task.js';
import type { Project } from '../../project/project.js';
import { commandsNaming, mentionsOf } from './naming-places.js';
import { type Renaming, renamedFeature, renamedPath, renamedTask } from './renaming.js';
import {
  type BeforeRewriting,
  type PlannedRewriting,
  type RewritingOptions,
  runRewriting,
} from './rewriting-run.js';
import { placesOf, rewrittenSpecs } from './rewritten-specs.js';

export interface MoveRequest {
  /** A feature, a label, or a path of an output (relative to the project). */
  readonly from: string;
  /** The new feature, task id or label, or path. */
  readonly to: string;
  /** The two as paths relative to the project. */
  readonly paths: readonly [from: string, to: string];
}

export interface Moved {
  readonly kind: 'feature' | 'task' | 'path';
  readonly from: string;
  readonly to: string;
  /** Files below a moved folder that no task owns: they stay. */
  readonly left: readonly string[];
  /** Lines of settings (`<file>:<line>`) in which the old name still stands. */
  readonly mentions: readonly string[];
  /** Lines of specs (`<file>:<line>`) whose commands name the old path: people change them. */
  readonly commands: readonly string[];
  /** Tasks whose gates run with the next build, because their files have other paths now. */
  readonly unproven: readonly Label[];
}

export function move(host: ExecutionHost, request: MoveRequest, options: RewritingOptions) {
  return runRewriting<Moved>(host, options, (before) => planMove(before, request));
}

async function planMove(
  before: BeforeRewriting,
  { from, to, paths }: MoveRequest,
): Promise<Result<PlannedRewriting<Moved>, Failure>> {
  const { project } = before;
  if (project.features.has(from)) return moveFeature(before, from, to);
  if (project.graph.tasks.has(from)) return moveTask(before, from, to);
  const [one] = [...project.graph.tasks.values()].filter(
    ({ label, source }) => source.hasVariables && from.includes('/') && label.startsWith(`${from}/`),
  );
  if (one)
    return usage(`${from} stands for the tasks of a \`foreach\``, `change its entry in ${one.source.file}`);
  const owned = ownedBelow(project, paths[0]);
  if (owned.length > 0) return movePath(before, ...paths);
  if (project.listing.get(paths[0]) || project.listing.under(`${paths[0]}/`).length > 0) {
    return usage(`no task owns ${paths[0]}`, `people wrote it: move it with \`git mv ${from} ${to}\``);
  }
  const near = suggestions(from, [...project.features.keys(), ...project.graph.tasks.keys()]);
  return usage(
    `there is no feature, task or output ${from}`,
    near.length > 0 ? `did you mean ${near.join(' or ')}?` : '`conductor list` shows the features',
  );
}

async function moveFeature(before: BeforeRewriting, from: string, to: string) {
  const { project } = before;
  const feature = project.features.get(from);
  if (!feature) throw new Error(`BUG: no feature ${from}`);
  const wrong = nameProblem(from, to, 'feature');
  if (wrong) return wrong;
  const { file, folder } = placesOf(feature, to);
  const isTaken = project.features.has(to) || project.listing.get(file) !== undefined;
  if (isTaken || (folder !== undefined && project.listing.under(folder).length > 0))
    return usage(`there is a feature ${to} already`, 'choose another name');
  const affected = feature.tasks.map(({ label }) => label);
  return planned(before, renamedFeature(from, to), { kind: 'feature', from, to }, affected);
}

/** The new name is an id, or a label of the same feature. */
async function moveTask(before: BeforeRewriting, from: Label, to: string) {
  const { project } = before;
  const { feature, source } = project.graph.task(from);
  if (source.hasVariables && from.split('/').length > 2)
    return usage(`${from} is one task of a \`foreach\``, `change its entry in ${source.file}`);
  const label = to.includes('/') ? to : `${feature}/${to}`;
  if (!label.startsWith(`${feature}/`))
    return usage(
      `${from} cannot become a task of another feature`,
      `give a new id only: \`conductor mv ${from} ${to.slice(to.lastIndexOf('/') + 1)}\``,
    );
  const wrong = nameProblem(from, label.slice(feature.length + 1), 'task');
  if (wrong) return wrong;
  if (project.graph.tasks.has(label)) return usage(`there is a task ${label} already`, 'choose another id');
  return planned(before, renamedTask(from, label), { kind: 'task', from, to: label }, [from]);
}

async function movePath(before: BeforeRewriting, from: string, to: string) {
  const { project } = before;
  const problem = patternProblem(to);
  if (problem !== undefined || to === '')
    return usage(`the path \`${to}\` ${problem ?? 'is the project itself'}`);
  const isFile = project.listing.get(from) !== undefined;
  const files = ownedBelow(project, from);
  const moved = new Set(files);
  const left = isFile ? [] : project.listing.under(`${from}/`).filter((path) => !moved.has(path));
  const renaming = renamedPath(from, to, left);
  const taken = files.map(renaming.path).filter((path) => project.listing.get(path));
  if (taken.length > 0) return err<Failure>({ kind: 'files-in-the-way', paths: taken });
  const owners = new Map(files.map((path) => [path, project.ownership.ownerOf(path) as Label]));
  const plan = await planned(before, renaming, { kind: 'path', from, to }, [...new Set(owners.values())]);
  if (!plan.ok) return plan;
  const { changes, told } = plan.value;
  for (const path of files) {
    changes.set(path, undefined);
    changes.set(renaming.path(path), project.listing.get(path));
  }
  const unproven = before.tasks.flatMap(({ task }) =>
    owners.size > 0 && isAffected(task, project, owners) ? [task.label] : [],
  );
  return ok({
    ...plan.value,
    told: { ...told, left, unproven, commands: await commandsNaming(project, from) },
    // A file that only a pattern names has no name in the spec that could be changed.
    check: (after: Project) => {
      const lost = [...owners].find(
        ([path, label]) => after.ownership.ownerOf(renaming.path(path)) !== label,
      );
      const unchanged = [...owners.values()].find((label) => {
        const outputs = (of: Project) => of.graph.task(label).outputs.join('\n');
        return lost === undefined && outputs(after) === outputs(project);
      });
      const label = lost?.[1] ?? unchanged;
      if (label === undefined) return undefined;
      const message = `${label} names ${lost?.[0] ?? from} by a pattern only`;
      return { kind: 'usage', message, hint: 'change `outputs` in its spec' } as const;
    },
  });
}

/** A task that owns a moved file, or depends on one that does. */
function isAffected(task: Task, { graph, config }: Project, owners: ReadonlyMap<string, Label>): boolean {
  if (task.verify.length + config.gates.task.length === 0) return false;
  const needs = graph.transitiveDependencies(task.label);
  return [...owners.values()].some((label) => label === task.label || needs.has(label));
}

/** Renames what the specs say. Tasks with edited files are refused: what is recorded of them would no longer be found. */
async function planned(
  { project, tasks }: BeforeRewriting,
  renaming: Renaming,
  what: Pick<Moved, 'kind' | 'from' | 'to'>,
  affected: readonly Label[],
): Promise<Result<PlannedRewriting<Moved>, Failure>> {
  // The keys of what builds on them change, too.
  const changed = new Set(affected.flatMap((label) => [label, ...project.graph.dependents(label)]));
  const drifted = driftedTasks(tasks, changed);
  if (drifted) return err(drifted);
  const changes = await rewrittenSpecs(project, renaming);
  if (!changes.ok) return changes;
  const mentions = await mentionsOf(project, what.from, what.kind);
  return ok({
    renaming,
    changes: changes.value,
    told: { ...what, left: [], mentions, commands: [], unproven: [] },
  });
}

/** Those of the tasks whose files were edited by hand. */
export function driftedTasks(
  tasks: readonly InspectedTask[],
  labels: ReadonlySet<Label>,
): Extract<Failure, { kind: 'drifted-outputs' }> | undefined {
  const drifted = tasks.flatMap(({ task: { label }, verdict }) => {
    if (!labels.has(label) || (verdict.kind !== 'drifted' && verdict.kind !== 'pending')) return [];
    const { paths = [] } = verdict;
    return paths.length === 0 ? [] : [{ label, paths }];
  });
  if (drifted.length === 0) return undefined;
  const paths = drifted.flatMap((one) => one.paths);
  return { kind: 'drifted-outputs', paths, accept: drifted.map(({ label }) => label) };
}

function ownedBelow({ listing, ownership, claimed }: Project, path: string): readonly string[] {
  const paths = listing.get(path) ? [path] : path === '' ? [] : listing.under(`${path}/`);
  return paths.filter((one) => ownership.ownerOf(one) !== undefined && !claimed.has(one));
}

function nameProblem(from: string, to: string, what: string): Result<never, Failure> | undefined {
  if (from === to) return usage(`${from} has that name already`);
  if (isName(to)) return undefined;
  return usage(`\`${to}\` cannot be the name of a ${what}`, NAME_HINT);
}

function usage(message: string, hint?: string): Result<never, Failure> {
  return err({ kind: 'usage', message, ...(hint === undefined ? {} : { hint }) });
}
