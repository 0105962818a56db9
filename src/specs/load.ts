/** From a snapshot to features and their graph, or to all problems of the specs. Reads no disk. */

import { LoopTurns } from '../base/bounded.js';
import { err, ok, type Result } from '../base/result.js';
import type { Config } from '../model/config.js';
import type { Diagnostic } from '../model/failure.js';
import type { Feature, Label, Task } from '../model/task.js';
import { sameShape, TaskGraph } from '../model/task-graph.js';
import type { Listing, ObjectId } from '../model/tree.js';
import { checkTask, idleKeys } from './checks/check-task.js';
import { checkDependencies, checkOwners } from './checks/check-tasks.js';
import { CHECKED, CheckedSpecs } from './checks/checked-specs.js';
import { unmatchedPatterns } from './checks/unmatched-patterns.js';
import { expandEdits } from './edit-patterns.js';
import type { WrittenTask } from './normalise.js';
import { decode, type ParseCache, parseSpecs } from './parse.js';
import { placeProblems, type SpecProblem, sortDiagnostics } from './problem.js';
import { missingPrograms } from './programs.js';
import { readFeature, type WrittenFeature } from './read-tasks.js';
import { readDocuments } from './references.js';
import { findSpecFiles } from './spec-files.js';
import { expandNeeds, expandSpec, withoutBuiltEntries } from './variables/expand-specs.js';

export interface SpecSource {
  /** The snapshot. */
  readonly listing: Listing;
  /** Contents of blobs; those that do not exist are left out. */
  read(ids: readonly ObjectId[]): Promise<Map<ObjectId, Buffer>>;
  /** Parse results (plain JSON) by blob id, kept between builds; `get` gives undefined for what is not known. */
  readonly cache: ParseCache;
  /** Whether patterns that match no file were already reported for these paths. Absent: they are looked for. */
  readonly arePathsKnown?: boolean;
  /** What was loaded last in this process: what holds between its tasks is not looked for again while it must hold. */
  readonly former?: LoadedSpecs | undefined;
}

export interface LoadedSpecs {
  readonly features: readonly Feature[];
  readonly graph: TaskGraph;
  /** The snapshot that they are of. */
  readonly listing: Listing;
  /** What is probably not meant, but stops nothing. */
  readonly warnings: readonly Diagnostic[];
}

/** What could be read of specs, sound or not. */
export interface InspectedSpecs {
  /** Without the tasks that cannot be read, and of the others without the keys that cannot. */
  readonly features: readonly Feature[];
  /** Placed, in the order of files and lines. Empty: `loaded` is there. */
  readonly diagnostics: readonly Diagnostic[];
  readonly loaded: LoadedSpecs | undefined;
}

/** Everything that the specs of the snapshot say; or all of their problems at once, each with its place. */
export async function loadSpecs(
  source: SpecSource,
  config: Config,
): Promise<Result<LoadedSpecs, readonly Diagnostic[]>> {
  const { loaded, diagnostics } = await inspectSpecs(source, config);
  return loaded ? ok(loaded) : err(diagnostics);
}

/** As `loadSpecs`, with what can be read also where there are problems. With `onPath`, a gate whose program is not there is one. */
export async function inspectSpecs(
  source: SpecSource,
  config: Config,
  onPath?: (program: string) => boolean,
): Promise<InspectedSpecs> {
  const { listing, read, cache, former, arePathsKnown = false } = source;
  const { specs } = config;
  const found = findSpecFiles(listing, specs);
  const parsed: WrittenFeature[] = [];
  // Whether the tasks of a file follow from its text alone.
  let isPlain = true;
  const turns = new LoopTurns();
  for (const one of await parseSpecs(found.files, read, cache)) {
    await turns.pass();
    const expansion = await expandSpec(one, { listing, config });
    if (expansion) isPlain = false;
    parsed.push(readFeature(one, expansion));
  }
  const meant = withoutBuiltEntries(parsed.flatMap((feature) => feature.tasks));
  const tasks = expandEdits(expandNeeds(meant, parsed), specs, listing);
  const expanded = new Map(tasks.map((one) => [one.task.label, one]));
  const written = parsed.map((feature) => ({
    ...feature,
    tasks: feature.tasks.flatMap((one) => expanded.get(one.task.label) ?? []),
  }));
  const known = former && sameShape(tasksOf(former), plainTasks(tasks)) ? former : undefined;
  isPlain &&= tasks.every(({ task }) => task.editPatterns === undefined);
  const isReadable = found.diagnostics.length === 0 && written.every((one) => one.diagnostics.length === 0);
  // What a process remembers needs no file; `validate` checks everything.
  const isAsked = known === undefined && isPlain && isReadable && onPath === undefined && !arePathsKnown;
  const checked = isAsked ? new CheckedSpecs(cache, written, { config, listing }) : undefined;
  // The cache keeps only entries that were asked for.
  if (!checked) cache.get(CHECKED);
  const hasSameShape = known !== undefined || checked?.hasSameShape === true;
  const { documents, problems: badReferences } = await readDocuments(written, listing, read, cache);

  const problems = [
    ...written.flatMap((feature) => feature.problems),
    ...written
      .filter((feature) => checked?.isChecked(feature) !== true)
      .flatMap((feature) => feature.tasks.flatMap((task) => checkTask(task, specs, listing))),
    ...(hasSameShape
      ? []
      : checkDependencies(tasks, knownLabels(parsed, tasks), unknownFeatures(written, found.diagnostics))),
    ...(hasSameShape ? [] : checkOwners(tasks)),
    ...badReferences,
    ...(onPath ? missingPrograms(written.map(ownTasks), config, onPath) : []),
  ];
  const diagnostics = [...found.diagnostics, ...written.flatMap((feature) => feature.diagnostics)];
  const place = (some: readonly SpecProblem[]) => placeProblems(some, (file) => textOf(source, file));
  const features = written.map(({ spec, title, tasks: own, globs }): Feature => {
    const { context, sections } = documents.get(spec.feature) ?? { context: '', sections: new Map() };
    const { feature: name, file, lockFile } = spec;
    return {
      name,
      file,
      lockFile,
      title,
      tasks: own.map(({ task }) => task),
      context,
      sections,
      ...(globs.length === 0 ? {} : { foreach: globs }),
    };
  });
  if (problems.length > 0 || diagnostics.length > 0) {
    const placed = await place(problems);
    return { features, diagnostics: sortDiagnostics([...diagnostics, ...placed]), loaded: undefined };
  }
  const graph = new TaskGraph(plainTasks(tasks), known?.graph);
  // Which paths there are decides it, and which inputs and outputs tasks name.
  const isComplete =
    known === undefined
      ? hasSameShape && checked?.hasSamePaths === true
      : known.listing.paths === listing.paths && known.warnings.length === 0;
  const missing = isComplete || arePathsKnown ? [] : unmatchedPatterns(tasks, config, listing);
  const warnings = await place([
    ...tasks.flatMap(idleKeys),
    ...written.flatMap((one) => one.warnings),
    ...missing,
  ]);
  if (warnings.length === 0) checked?.keep();
  return { features, diagnostics: [], loaded: { features, graph, listing, warnings } };
}

function tasksOf({ features }: LoadedSpecs): Task[] {
  return features.flatMap((feature) => feature.tasks);
}

function plainTasks(written: readonly WrittenTask[]): Task[] {
  return written.map(({ task }) => task);
}

function ownTasks({ tasks }: WrittenFeature): Pick<Feature, 'tasks'> {
  return { tasks: tasks.map(({ task }) => task) };
}

/** Without those of entries that are no entries, because a task writes their files. */
function knownLabels(features: readonly WrittenFeature[], tasks: readonly WrittenTask[]): Set<Label> {
  const known = new Set(features.flatMap((feature) => feature.labels));
  for (const { task } of features.flatMap((feature) => feature.tasks)) known.delete(task.label);
  for (const { task } of tasks) known.add(task.label);
  return known;
}

/** Features of which nothing could be read: that a task of theirs is not there says nothing. */
function unknownFeatures(features: readonly WrittenFeature[], unread: readonly Diagnostic[]): Set<string> {
  const names = features.filter((feature) => feature.isUnknown).map(({ spec }) => spec.feature);
  // A backlog under a wrong name: its folder would be the feature.
  const folders = unread.map(({ file }) => file.split('/').at(-2) ?? '');
  return new Set([...names, ...folders]);
}

async function textOf({ listing, read }: SpecSource, file: string): Promise<string | undefined> {
  const id = listing.get(file)?.id;
  return id === undefined ? undefined : decode((await read([id])).get(id));
}
