/**
 * Which files the recipe of a task and its gates can read. What a recipe can read is in the key of its task, what gates
 * can read is in the key of the gates.
 */

import { compareBytes } from '../base/order.js';
import { ok, type Result } from '../base/result.js';
import type { ManifestItem } from '../model/action.js';
import { type Digest, digestFields } from '../model/digest.js';
import type { Failure } from '../model/failure.js';
import { patternSet } from '../model/paths/pattern-set.js';
import type { GateSpec, Label, Task } from '../model/task.js';
import type { TaskGraph } from '../model/task-graph.js';
import { digestFiles, type Entry, encodeEntry, type Files } from '../model/tree.js';
import type { EditedFile } from '../project/patched-files/changed-state.js';
import type { Project } from '../project/project.js';
import type { BeyondInterfaces, ManifestFacts } from '../store/manifest.js';
import { type CommandSettings, settingsFor } from './command-settings.js';
import { selectInputs } from './declared-inputs.js';
import type { DependencyOutputs } from './dependency-outputs.js';
import { interfacePaths, interfacePathsFor } from './interfaces/interface-files.js';
import { foldPatches, otherPatches, seenFile } from './patches.js';

export interface Reader {
  readonly project: Project;
  readonly task: Task;
  /** Files that the declared inputs show. */
  readonly inputs: ManifestFacts['inputs'];
  /** Of the transitive dependencies at least. */
  readonly dependencyOutputs: ReadonlyMap<Label, DependencyOutputs>;
}

/** A reader with what it gets beside files. */
export interface EquippedReader extends Reader {
  readonly settings: CommandSettings;
}

export interface VisibleFiles {
  /** Whether the whole hand-written tree is below the files. */
  readonly whole: boolean;
  readonly files: ReadonlyMap<string, Entry | undefined>;
}

export function gatesOf({ config }: Pick<Project, 'config'>, task: Task): readonly GateSpec[] {
  return [...task.verify, ...config.gates.task];
}

/**
 * With declared inputs a recipe sees these, the interfaces of its direct dependencies and the files that it edits; without,
 * the hand-written tree and everything that its dependencies made.
 */
export function filesForRecipe(reader: Reader): Promise<Result<VisibleFiles, Failure>> {
  const { project, task, inputs, dependencyOutputs } = reader;
  if (task.inputs === undefined) return filesForGates(reader, { whole: true, more: [] });
  const files = new Map<string, Entry | undefined>(inputs.flatMap((input) => input.files));
  for (const label of task.dependsOn) {
    const made = dependencyOutputs.get(label)?.outputs ?? new Map<string, Entry>();
    for (const path of interfacePathsFor(task, project.graph.task(label), made))
      files.set(path, made.get(path));
  }
  return withPatches(reader, { whole: false, files });
}

/**
 * What to do when the output of a failed command names a file of a dependency that its recipe does not see; undefined when it
 * names none.
 */
export async function hiddenFileAdvice(reader: Reader, failure: Failure): Promise<string | undefined> {
  const { project, task, dependencyOutputs } = reader;
  if (failure.kind !== 'command-failed' || task.inputs === undefined) return undefined;
  const seen = await filesForRecipe(reader);
  if (!seen.ok) return undefined;
  for (const label of [...project.graph.transitiveDependencies(task.label)].sort(compareBytes)) {
    for (const path of dependencyOutputs.get(label)?.outputs.keys() ?? []) {
      if (seen.value.files.has(path) || !failure.output.tail.includes(path)) continue;
      return `its command does not see ${path} of ${label}, because it is neither in \`inputs\` nor in the interface of a task in \`depends_on\`; add it to \`inputs\``;
    }
  }
  return undefined;
}

/** Gates see what makes the work run: also everything that direct and indirect dependencies made. */
export function filesForGates(
  reader: Reader,
  { whole, more } = gateFiles(reader),
): Promise<Result<VisibleFiles, Failure>> {
  const { project, task, inputs, dependencyOutputs } = reader;
  const files = new Map<string, Entry | undefined>(more);
  for (const input of inputs) for (const [path, entry] of input.files) files.set(path, entry);
  for (const need of project.graph.inOrder(project.graph.transitiveDependencies(task.label)))
    for (const [path, entry] of dependencyOutputs.get(need)?.outputs ?? []) files.set(path, entry);
  return withPatches(reader, { whole, files });
}

/** What a recipe can read beyond its inputs and the interfaces of direct dependencies: also a part of its key. */
export function readsBeyond(reader: Reader): BeyondInterfaces {
  const { task, inputs } = reader;
  const { kind } = task.recipe;
  // A template gets its variables and nothing else. What an agent without inputs reads is observed.
  if (kind === 'render' || (kind === 'agent' && task.inputs === undefined)) return NOTHING;
  const isWhole = task.inputs === undefined;
  const shown = shownPaths(inputs);
  return {
    outputs: isWhole ? outputsBeyond(reader) : [],
    patches: patchesBeyond(reader, (path) => isWhole || shown.has(path)),
  };
}

const NOTHING: BeyondInterfaces = { outputs: [], patches: [] };

/**
 * Everything that gates can read and that neither the declared inputs nor the interfaces of direct dependencies tell;
 * undefined: nothing.
 */
export function gateReads(reader: EquippedReader): Digest | undefined {
  const { project, task, inputs } = reader;
  if (gatesOf(project, task).length === 0) return undefined;
  const { whole, more } = gateFiles(reader);
  const shown = shownPaths(inputs);
  const fields: string[] = whole ? ['tree', handWrittenDigest(project)] : [];
  for (const [path, entry] of more) if (!shown.has(path)) fields.push(path, encodeEntry(entry));
  const named = new Set(more.map(([path]) => path));
  const bases = whole ? [...patchedFiles(project)].sort(compareBytes) : task.edits;
  for (const path of bases) {
    if (!shown.has(path) && !named.has(path)) fields.push(path, baseKeyOf(project, path));
  }
  for (const [label, digest] of outputsBeyond(reader)) fields.push(label, digest);
  const isSeen = (path: string) => whole || shown.has(path) || named.has(path) || task.edits.includes(path);
  for (const [path, digest] of patchesBeyond(reader, isSeen)) fields.push(path, digest);
  for (const path of [...task.edits].sort(compareBytes)) {
    const others = otherPatches(reader.project, task, path, reader.dependencyOutputs);
    if (others.length > 0) fields.push('others', path, digestFields('patches', others));
  }
  const isKnown = (path: string) => whole || shown.has(path) || named.has(path);
  for (const { name, value } of settingsFor(reader.settings, isKnown)) fields.push(name, value);
  return fields.length === 0 ? undefined : digestFields('conductor.gate-reads.1', fields);
}

const replacedBases = new WeakMap<Project, Set<string>>();

/** What keys have for a patched file as people wrote it. Empty: they wrote none. */
export function baseKeyOf(project: Project, path: string): string {
  const file = project.edited.get(path);
  return (replacedBases.get(project)?.has(path) ? wordOnDisk(file) : file?.baseKey) ?? '';
}

function wordOnDisk(file: EditedFile | undefined): string | undefined {
  return file?.onDisk && encodeEntry(file.onDisk);
}

/**
 * Where nobody has a file without its patches any more and these tasks have patched it anew, the file on disk takes its place in
 * keys, as in the records of this build. Returns the tasks with gates that read such a file.
 */
export function replaceLostBases(project: Project, patching: Iterable<Label>): ReadonlySet<Label> {
  const isLost = (path: string) => {
    const file = project.edited.get(path);
    return file?.baseKnown === false && file.baseKey !== wordOnDisk(file);
  };
  const lost = [...patching].flatMap((label) => project.graph.task(label).edits.filter(isLost));
  if (lost.length === 0) return new Set();
  replacedBases.set(project, new Set(lost));
  const reads = (task: Task) =>
    gatesOf(project, task).length > 0 &&
    (gateFiles({ project, task }).whole || task.edits.some((path) => lost.includes(path)));
  return new Set([...project.graph.tasks.values()].filter(reads).map(({ label }) => label));
}

const handWrittenDigests = new WeakMap<Project, string>();

/**
 * What is written by hand, without the files that tasks patch: a fresh clone knows of these only which they were.
 */
function handWrittenDigest(project: Project): string {
  const patched = patchedFiles(project);
  if (patched.size === 0) return project.handWrittenTree;
  const known = handWrittenDigests.get(project);
  if (known !== undefined) return known;
  const files = [...project.handWritten.files].filter(([path]) => !patched.has(path));
  const digest = digestFiles(files);
  handWrittenDigests.set(project, digest);
  return digest;
}

const patchedPaths = new WeakMap<TaskGraph, ReadonlySet<string>>();

/** By tasks of today. One of which only a record says so has no patch any more when this build is published. */
export function patchedFiles({ graph }: Project): ReadonlySet<string> {
  const known = patchedPaths.get(graph) ?? new Set([...graph.tasks.values()].flatMap(({ edits }) => edits));
  patchedPaths.set(graph, known);
  return known;
}

/** The paths that declared inputs show. */
function shownPaths(inputs: Reader['inputs']): ReadonlySet<string> {
  return new Set(inputs.flatMap((input) => input.files.map(([path]) => path)));
}

/** What a `run` recipe gets beside files. Agents do not get it, and what they make does not depend on it. */
export function recipeSettings({ task, inputs, settings }: EquippedReader): readonly ManifestItem[] {
  if (task.recipe.kind !== 'run') return [];
  const shown = shownPaths(inputs);
  return settingsFor(settings, (path) => task.inputs === undefined || shown.has(path));
}

/** Hand-written files for gates beside the declared inputs: those that gates name, or all of them. */
function gateFiles({ project, task }: Pick<Reader, 'project' | 'task'>): {
  readonly whole: boolean;
  readonly more: readonly (readonly [string, Entry])[];
} {
  const gates = gatesOf(project, task);
  const whole = task.inputs === undefined && gates.some((gate) => gate.inputs === undefined);
  if (whole) return { whole, more: [] };
  const more = new Map<string, Entry>();
  for (const { inputs } of gates)
    for (const [path, entry] of inputs ? selected(project, inputs) : []) more.set(path, entry);
  return { whole, more: [...more].sort(([a], [b]) => compareBytes(a, b)) };
}

const selections = new WeakMap<Project, Map<string, readonly (readonly [string, Entry])[]>>();

/** As the declared inputs of a task. Every task has the gates of the config: their files are looked for once. */
function selected(project: Project, patterns: readonly string[]): readonly (readonly [string, Entry])[] {
  const known = selections.get(project) ?? new Map<string, readonly (readonly [string, Entry])[]>();
  selections.set(project, known);
  const name = patterns.join('\0');
  const set = patternSet(patterns);
  const found = known.get(name) ?? set.includes.flatMap((include) => selectInputs(project, set, include));
  known.set(name, found);
  return found;
}

/** Dependencies of which more can be read than the interface that the key has: by label, with all that they made. */
function outputsBeyond({ project, task, dependencyOutputs }: Reader): (readonly [Label, Digest])[] {
  const direct = new Set(task.dependsOn);
  return [...project.graph.transitiveDependencies(task.label)].sort(compareBytes).flatMap((label) => {
    const outputs = dependencyOutputs.get(label)?.outputs;
    if (outputs === undefined || outputs.size === 0) return [];
    const isKeyed =
      direct.has(label) && interfacePaths(project.graph.task(label), outputs).length === outputs.size;
    return isKeyed ? [] : [[label, digestOf(outputs)] as const];
  });
}

/** Patched files of which a dependency that is no direct one has a part: by path. */
function patchesBeyond(
  { project, task, dependencyOutputs }: Reader,
  isSeen: (path: string) => boolean,
): (readonly [string, Digest])[] {
  if (project.edited.size === 0) return [];
  const direct = new Set(task.dependsOn);
  const needs = [...project.graph.transitiveDependencies(task.label)];
  const indirect = needs.filter((label) => !direct.has(label)).sort(compareBytes);
  return [...project.edited.keys()]
    .filter(isSeen)
    .sort(compareBytes)
    .flatMap((path) => {
      const fields = indirect.flatMap((label) => {
        const edit = dependencyOutputs.get(label)?.edits.find((one) => one.path === path);
        return edit ? [label, edit.after ? encodeEntry(edit.after) : 'deleted'] : [];
      });
      return fields.length === 0 ? [] : [[path, digestFields('patches', fields)] as const];
    });
}

const digests = new WeakMap<Files, Digest>();

function digestOf(outputs: Files): Digest {
  const digest = digests.get(outputs) ?? digestFiles(outputs);
  digests.set(outputs, digest);
  return digest;
}

/**
 * With the patches of dependencies on the files that people wrote; on those that the task edits also with the patches of
 * other tasks.
 */
async function withPatches(
  { project, task, dependencyOutputs }: Reader,
  { whole, files }: VisibleFiles,
): Promise<Result<VisibleFiles, Failure>> {
  const needs = project.graph.transitiveDependencies(task.label);
  const patched = new Map(files);
  // The task's outputs would hold what people wrote at their paths.
  for (const [path, label] of project.claimed) if (label === task.label) patched.set(path, undefined);
  for (const path of project.edited.keys()) {
    if (task.edits.includes(path)) {
      const seen = await seenFile(project, task, path, dependencyOutputs);
      if (!seen.ok) return seen;
      patched.set(path, seen.value.beside);
    } else if (whole || files.has(path)) {
      const folded = await foldPatches(project, path, needs, dependencyOutputs);
      if (!folded.ok) return folded;
      patched.set(path, folded.value);
    }
  }
  return ok({ whole, files: patched });
}
