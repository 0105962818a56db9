/** The present project as the page shows it: its graph with verdicts, and the files that tasks generate. */

import { driftOf } from '../../analysis/drift.js';
import type { Inspection } from '../../build/dry-run.js';
import { locator } from '../../io/document/document.js';
import type { FileDiff, FilesDocument, GeneratedFile, GraphDocument } from '../../model/page.js';
import type { Label, Task } from '../../model/task.js';
import { encodeEntry } from '../../model/tree.js';
import { readDurations } from '../../project/durations/durations.js';
import { lockedTask, type Project, textIn } from '../../project/project.js';
import { describeTask } from '../../report/verdict.js';
import { splitFrontMatter } from '../../specs/front-matter.js';

/** A weight for tasks that were never run, as the scheduler has it. */
const UNKNOWN_MS = 60_000;
const MAX_PATCH = 100_000;

export async function graphDocument(inspection: Inspection): Promise<GraphDocument> {
  const { project } = inspection.prepared;
  const { graph } = project;
  const durations = await readDurations(project.repository.state);
  const critical = criticalPath(project, (label) => durations.get(label) ?? UNKNOWN_MS);
  const inspected = new Map(inspection.tasks.map((one) => [one.task.label, one]));
  const features = [...project.features.values()].map(({ name, title }) => ({ name, title }));
  const tasks = graph.order.map((label) => {
    const task = graph.task(label);
    const one = inspected.get(label);
    const ms = durations.get(label);
    return {
      label,
      title: task.title,
      type: task.type,
      recipe: task.recipe.kind,
      dependsOn: [...new Set(task.dependsOn)],
      ...(one ? { verdict: one.verdict.kind, why: describeTask({ ...one, label }) } : {}),
      ...(ms === undefined ? {} : { ms }),
      critical: critical.has(label),
    };
  });
  return { features, tasks };
}

/** The heaviest chain of tasks, from one without dependencies to one without dependents. */
export function criticalPath(
  { graph }: Pick<Project, 'graph'>,
  weight: (label: Label) => number,
): Set<Label> {
  const remaining = graph.remainingPath(weight);
  const path = new Set<Label>();
  let next = heaviest(graph.order.filter((label) => graph.task(label).dependsOn.length === 0));
  while (next !== undefined) {
    path.add(next);
    next = heaviest(graph.dependents(next));
  }
  return path;

  function heaviest(labels: readonly Label[]): Label | undefined {
    let best: Label | undefined;
    for (const label of labels) if (best === undefined || remaining(label) > remaining(best)) best = label;
    return best;
  }
}

export async function filesDocument({ prepared }: Inspection): Promise<FilesDocument> {
  const { project } = prepared;
  const files: GeneratedFile[] = [];
  const lines = new SpecLines(project);
  for (const label of project.graph.order) {
    const task = project.graph.task(label);
    files.push(...(await filesOf(project, task, lines)));
  }
  return { files: files.sort((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0)) };
}

async function filesOf(project: Project, task: Task, lines: SpecLines): Promise<GeneratedFile[]> {
  const locked = lockedTask(project, task);
  const onDisk = project.owned.get(task.label) ?? new Map();
  const recorded = new Map(Object.entries(locked?.outputs ?? {}));
  for (const [path, { merged }] of Object.entries(locked?.edits ?? {})) recorded.set(path, merged);
  const paths = new Set([...recorded.keys(), ...onDisk.keys()]);
  if (paths.size === 0) return [];
  const isEdited = [...paths].some((path) => {
    const entry = onDisk.get(path) ?? project.listing.get(path);
    return (
      entry &&
      recorded.has(path) &&
      encodeEntry(entry) !== recorded.get(path) &&
      entry.id !== recorded.get(path)
    );
  });
  const drift = isEdited ? (await driftOf(project, task)).files : [];
  const common = {
    task: task.label,
    spec: task.source.file,
    line: await lines.of(task),
    sections: task.specRefs,
    ...(locked?.model === undefined ? {} : { model: locked.model }),
  };
  return [...paths].map((path) => {
    const there = onDisk.get(path) ?? project.listing.get(path);
    const found = drift.find((file) => file.path === path);
    const state = !recorded.has(path) ? 'unrecorded' : !there ? 'missing' : found ? 'edited' : 'recorded';
    const role = task.edits.includes(path) ? 'patches' : 'owns';
    return { path, role, state, ...common, ...(found ? { diff: shownDiff(found) } : {}) };
  });
}

/** A patch that is too long to be read is cut at a line. */
export function shownDiff(diff: FileDiff): FileDiff {
  if (diff.patch.length <= MAX_PATCH) return diff;
  const cut = diff.patch.slice(0, MAX_PATCH);
  return { ...diff, patch: cut.slice(0, cut.lastIndexOf('\n') + 1) };
}

/** Lines of tasks in their spec files; each file is parsed once. */
export class SpecLines {
  private readonly project: Project;
  private readonly files = new Map<string, ReturnType<typeof locator>>();

  constructor(project: Project) {
    this.project = project;
  }

  async of({ source }: Task): Promise<number> {
    const known = this.files.get(source.file) ?? this.locator(source.file);
    this.files.set(source.file, known);
    return (await known)(source.path).line;
  }

  private async locator(file: string) {
    const text = (await textIn(this.project, file)) ?? '';
    if (!file.endsWith('.spec.md')) return locator(text);
    const { front, lineOffset } = splitFrontMatter(text);
    return locator(front ?? '', lineOffset);
  }
}
