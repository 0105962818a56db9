/** Keeps what a complete build saw for the next build, and whether the next one has to read every feature. */

import { posix } from 'node:path';
import { canonicalJson, type Digest, digestFields } from '../../model/digest.js';
import { LabelText } from '../../model/events/label-text.js';
import { featureOf } from '../../model/history.js';
import { patternSet } from '../../model/paths/pattern-set.js';
import type { Feature, Label, Task } from '../../model/task.js';
import type { ObjectId } from '../../model/tree.js';
import type { Project } from '../../project/project.js';
import { formatSteps } from '../format-settings.js';
import { interfacesOf } from '../interfaces/interfaces.js';
import { findOrphans } from '../orphans.js';
import type { Prepared } from '../prepare.js';
import { gatesOf } from '../visible-files.js';
import { amendIndex, type Divisible, type FeatureEntry, readHead, writeIndex } from './index-file.js';
import type { Induction } from './induction.js';
import { ownedLines, readLines } from './path-lines.js';
import { agentsDigest, handWork, sharedDigest } from './shared-digests.js';
import { documentsOf } from './task-words.js';

/** No digest. */
const UNKNOWN: Digest = '';

export interface CompleteBuild {
  readonly version: string;
  /** What it left on disk. */
  readonly tree: ObjectId;
  /** Tasks of which something was said although they are up to date. */
  readonly noted: Iterable<Label>;
  /** Features whose spec the build itself changed: the new spec describes at least one task in other words. */
  readonly revised: ReadonlySet<string>;
  /** What the lock files of features in this tree record of results (`resultLines`). */
  readonly results: ReadonlyMap<string, string>;
  /** What an agent has been seen to read in this build, by task. */
  observed(label: Label): Iterable<string>;
}

/** To be called when every task is up to date and published. */
export async function keepIndex(
  { project, agent, gatherer, settings }: Pick<Prepared, 'project' | 'agent' | 'gatherer' | 'settings'>,
  { words }: Induction,
  { version, tree, noted, revised, results, observed }: CompleteBuild,
): Promise<void> {
  const { state } = project.repository;
  const features = new Map<string, FeatureEntry>();
  for (const feature of project.features.values()) {
    const told = revised.has(feature.name) ? [] : feature.tasks;
    const known = told.map((task) => [task.label, words.of(task)] as const);
    features.set(feature.name, {
      ...placeOf(project, feature),
      owns: ownedLines(feature),
      looks: readLines(project, feature, ({ label }) => observed(label)),
      words: Object.fromEntries(known),
      results: results.get(feature.name),
    });
  }
  const general = {
    tree,
    hand: handWork(project),
    shared: sharedDigest(project, settings, version),
    // Without a compiler, what agents' tasks are keyed on is still to be found out.
    agents: interfacesOf(project).hasNoCompiler ? UNKNOWN : agentsDigest({ agent, gatherer }),
    noted: [...noted].sort(),
  };
  if (!project.rest) {
    const divisible = divisibleOf(project);
    const order = LabelText.of(project.graph.order);
    await writeIndex(state, { ...general, features, order, ...(divisible ? { divisible } : {}) });
    return;
  }
  const before = await readHead(state);
  const { rest, warnings } = project;
  const divisible = { hasAgents: rest.hasAgents, warnings };
  const removed = new Set(rest.removed.keys());
  const order = rest.isReordered ? { order: rest.order } : {};
  if (before) await amendIndex(state, before, { ...general, features, removed, divisible, ...order });
}

function placeOf(
  project: Project,
  { name, file, lockFile, tasks }: Feature,
): Omit<FeatureEntry, 'words' | 'owns' | 'looks' | 'results'> {
  const needs = new Set(tasks.flatMap(({ dependsOn }) => dependsOn).map(featureOf));
  needs.delete(name);
  const reads = foreignDocuments(project, file, tasks);
  return {
    spec: file,
    lock: lockFile,
    tasks: tasks.length,
    ...(needs.size === 0 ? {} : { needs: [...needs].sort() }),
    ...(reads.length === 0 ? {} : { reads }),
    ...(tasks.some(({ recipe }) => recipe.kind === 'agent') ? { hasAgents: true as const } : {}),
    shape: shapeOf(tasks),
  };
}

/** A spec of one file has no folder of its own, so it may name documents of other specs. */
function foreignDocuments({ config }: Project, file: string, tasks: readonly Task[]): readonly string[] {
  if (posix.dirname(file) !== config.specs) return [];
  return [...new Set(tasks.flatMap((task) => documentsOf(file, task)))].sort();
}

/** The digest of all that connects the tasks with others. */
export function shapeOf(tasks: readonly Task[]): Digest {
  const texts = tasks.map(({ label, recipe, dependsOn, outputs, edits, inputs = null }) =>
    canonicalJson([label, recipe.kind, dependsOn, outputs, edits, inputs]),
  );
  return digestFields('conductor.feature-shape.1', texts);
}

/**
 * Undefined: the next build reads every feature, because not only the files of a feature and of those that it needs decide about
 * its tasks. So it is with patched files, files without a decided owner, files to be removed, `foreach` entries, tasks that
 * read specs, and warnings of other files than specs.
 */
function divisibleOf(project: Project): Divisible | undefined {
  const { features, graph, warnings, large } = project;
  const open = [project.mixed, project.claimed, project.edited, project.patched];
  const tasks = [...graph.tasks.values()];
  const specFiles = new Set([...features.values()].map(({ file }) => file));
  // Patterns that matched a removed file may match none any more: the next build says so.
  const { removed, kept } = findOrphans(project);
  const isPlain =
    open.every(({ size }) => size === 0) &&
    large.length === 0 &&
    warnings.every(({ file }) => specFiles.has(file)) &&
    !project.mayBePatched &&
    [...features.values()].every(({ foreach }) => foreach === undefined) &&
    tasks.every((task) => isPlainTask(project, task)) &&
    [removed, kept].every(({ length }) => length === 0);
  if (!isPlain) return undefined;
  return { hasAgents: tasks.some(({ recipe }) => recipe.kind === 'agent'), warnings };
}

/** Whether it can be read without the tasks of others: it patches no file, and neither it nor its gates read specs. */
export function isPlainTask({ config }: Pick<Project, 'config'>, task: Task): boolean {
  return task.edits.length === 0 && task.editPatterns === undefined && !readsSpecs(config, task);
}

/** Specs are shown only where a pattern names their folder. */
function readsSpecs(config: Project['config'], task: Task): boolean {
  const lists = [...gatesOf({ config }, task), ...formatSteps(config, task), task].map(
    ({ inputs }) => inputs ?? [],
  );
  return lists.some((list) =>
    patternSet(list).includes.some(({ start }) => `${start}/`.startsWith(`${config.specs}/`)),
  );
}
