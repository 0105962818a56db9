/** One task of a regeneration: its runs compared with its record. Runs nothing. */

import { lockedPatches } from '../../analysis/dependency-outputs.js';
import type { Prepared } from '../../analysis/prepare.js';
import { recordedOutputs } from '../../build/hand-edits/recorded-files.js';
import type { FinishedResult } from '../../build/publishing/publish-plan.js';
import type { TaskStep } from '../../build/task-step.js';
import type { Typescript } from '../../io/typescript.js';
import type { StoredResult } from '../../model/action.js';
import { resultKeyOf } from '../../model/feature-lock.js';
import type { RegeneratedTask } from '../../model/regeneration.js';
import type { Label, Task } from '../../model/task.js';
import type { Entry, Files, ObjectId } from '../../model/tree.js';
import { lockedTask, type Project } from '../../project/project.js';
import { plural } from '../../report/style.js';
import { compareFiles, compareRuns, makingOf } from './comparison.js';

/** The project with the targets' outputs as recorded, whatever stands on disk. */
export async function recordedTree({ project, targets }: Prepared): Promise<ObjectId> {
  const changes = new Map<string, Entry | undefined>();
  for (const label of targets) {
    const recorded = await readable(project, recordedOutputs(project, project.graph.task(label)));
    for (const path of project.owned.get(label)?.keys() ?? []) changes.set(path, undefined);
    for (const [path, entry] of recorded) changes.set(path, entry);
  }
  return project.objects.editTree(project.snapshot, changes);
}

/** `steps`: one for each run; the first is compared with the record, all with each other. */
export async function regeneratedTask(
  prepared: Prepared,
  label: Label,
  steps: readonly TaskStep[],
  typescript: Typescript | undefined,
): Promise<RegeneratedTask> {
  const { project, store } = prepared;
  const task = project.graph.task(label);
  const locked = lockedTask(project, task);
  const found = locked && (await store.find(resultKeyOf(locked)));
  const former = found?.ok ? found.value : undefined;
  const made = steps.map((step) => madeBy(step, label, former));
  const [first] = made;
  const outcome = steps[0]?.outcomes.get(label);
  const failure = steps.map((step) => step.failures.get(label)).find(Boolean);
  const base = {
    label,
    title: task.title,
    isRecorded: locked !== undefined,
    ...(former ? { before: makingOf(former) } : {}),
    ...(failure ? { failure } : {}),
  };
  const before = await readable(project, recordedFiles(project, task));
  if (!first) {
    const bytes = { before: 0, after: 0 };
    const source = failure ? 'failed' : 'skipped';
    return { ...base, source, identical: false, unchanged: 0, files: [], bytes };
  }
  const compared = await compareFiles(project.objects, typescript, before, first.files);
  const runs = made.flatMap((one) => (one ? [one.files] : []));
  return {
    ...base,
    ...compared,
    source: outcome === 'built' ? 'made' : first.result ? 'store' : 'recorded',
    identical: locked !== undefined && compared.files.length === 0,
    ...(first.result ? { after: makingOf(first.result) } : {}),
    ...(steps.length > 1 ? { open: await compareRuns(project.objects, typescript, runs) } : {}),
  };
}

interface Made {
  readonly files: Files;
  readonly result: FinishedResult | undefined;
}

/** What one run has of a task; undefined when it failed or was not tried. */
function madeBy(step: TaskStep, label: Label, former: StoredResult | undefined): Made | undefined {
  const outcome = step.outcomes.get(label);
  const finished = step.finished.get(label)?.result;
  const result = finished ?? (outcome === 'fresh' ? former : undefined);
  const shown = result ?? step.dependencyOutputs.get(label);
  if (!shown || outcome === 'failed' || outcome === 'skipped') return undefined;
  const files = new Map<string, Entry>(shown.outputs);
  for (const { path, after } of shown.edits) if (after) files.set(path, after);
  return { files, result };
}

function recordedFiles(project: Project, task: Task): Files {
  const files = recordedOutputs(project, task);
  const locked = lockedTask(project, task);
  for (const [path, entry] of locked ? lockedPatches(locked) : []) if (entry) files.set(path, entry);
  return files;
}

/** Why files count as new although they are recorded; undefined where all recorded files can be read. */
export async function missingRecord(
  { project, store }: Pick<Prepared, 'project' | 'store'>,
  label: Label,
): Promise<string | undefined> {
  const task = project.graph.task(label);
  const locked = lockedTask(project, task);
  const ids = [...recordedFiles(project, task).values()].map(({ id }) => id);
  const missing = await project.objects.missing(ids);
  if (!locked || missing.length === 0) return undefined;
  const unreached = store.unreached?.(resultKeyOf(locked)) ?? [];
  const where =
    unreached.length === 0
      ? 'cannot be found in any store'
      : `cannot be found here, and ${unreached.join(', ')} could not be reached`;
  return `${plural(missing.length, 'recorded file')} ${where}: the comparison shows new files`;
}

/** Without files whose recorded text is in no store any more: they count as new. */
async function readable(project: Project, files: Files): Promise<Files> {
  const known = new Map<string, Entry>();
  for (const [path, entry] of files) {
    if ((await project.objects.read(entry.id)) !== undefined) known.set(path, entry);
  }
  return known;
}
