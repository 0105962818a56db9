/** What builds changed, task by task: from the result that stood before the first to the one that the last published. */

import type { Prepared } from '../../analysis/prepare.js';
import { compareManifests, type Provenance } from '../../model/action.js';
import type { BuildDocument, TaskView } from '../../model/build-view.js';
import type { FileDiff, ReviewDocument, ReviewTask } from '../../model/page.js';
import type { Label } from '../../model/task.js';
import { encodeEntry } from '../../model/tree.js';
import { lockedTask } from '../../project/project.js';
import { added } from '../../report/build-view/fold-parts.js';
import { verifiedWhy } from '../../report/review.js';
import { RESULT_FILE } from '../../store/provenance-record.js';
import { type ResultPair, resultDiffs } from './result-diffs.js';
import { changeView } from './task-document.js';

type Objects = Prepared['project']['objects'];

/** `builds` in the order of their time. */
export async function buildsReview(
  { project }: Prepared,
  builds: readonly BuildDocument[],
  names: { readonly from: string; readonly to: string },
): Promise<ReviewDocument> {
  const views = new Map<Label, TaskView[]>();
  for (const { tasks } of builds)
    for (const view of tasks)
      if (view.result !== undefined || view.calls.length > 0 || view.outcome === 'failed')
        views.set(view.label, [...(views.get(view.label) ?? []), view]);
  const tasks: ReviewTask[] = [];
  const diffs = await publishedDiffs(project.objects, builds);
  for (const [label, runs] of [...views].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const task = project.graph.tasks.get(label);
    const locked = task && lockedTask(project, task);
    const different = Object.entries(locked?.outputs ?? {}).filter(([path, word]) => {
      const entry = project.listing.get(path);
      return !entry || encodeEntry(entry) !== word;
    });
    const review = await taskReview(project.objects, label, runs, diffs.get(label) ?? []);
    const paths = different.map(([path]) => path);
    tasks.push({
      ...review,
      equal: review.change !== 'failed' && locked !== undefined && paths.length === 0,
      different: paths,
    });
  }
  return { ...names, tasks, others: [], usage: tasks.reduce((sum, { usage }) => added(sum, usage), {}) };
}

/** What builds changed of each task that they published, with one call of git. */
export async function publishedDiffs(
  objects: Objects,
  builds: readonly BuildDocument[],
): Promise<Map<Label, readonly FileDiff[]>> {
  const pairs = new Map<Label, ResultPair>();
  for (const { tasks } of builds)
    for (const { label, result, former } of tasks)
      if (result !== undefined)
        pairs.set(label, { from: (pairs.get(label) ?? { from: former }).from, to: result });
  const diffs = await resultDiffs(objects, [...pairs.values()]);
  return new Map(
    [...pairs.keys()].flatMap((label, index) => {
      const diff = diffs[index];
      return diff ? [[label, diff] as const] : [];
    }),
  );
}

async function taskReview(
  objects: Objects,
  label: Label,
  runs: readonly TaskView[],
  files: readonly FileDiff[],
): Promise<ReviewTask> {
  const published = runs.filter(({ result }) => result !== undefined);
  const from = published[0]?.former;
  const to = published.at(-1)?.result;
  const last = runs.at(-1);
  const [old, now] = [await provenanceAt(objects, from), await provenanceAt(objects, to)];
  const changes = old && now ? compareManifests(old.manifest, now.manifest) : [];
  const spec = changes.flatMap((change) => {
    const { name, diff } = changeView(change);
    return diff && diff.length > 0 ? [`@@ ${name} @@`, ...diff] : [];
  });
  const model = now?.model ?? last?.calls.at(-1)?.model;
  return {
    label,
    change:
      to === undefined
        ? 'failed'
        : from === undefined
          ? 'added'
          : changes.length === 0
            ? 'rebuilt'
            : 'changed',
    why: whyOf(
      last,
      now?.verified ? [verifiedWhy(now.verified)] : changes.map(({ name }) => `${name} changed`),
    ),
    spec,
    files,
    insertions: files.reduce((sum, file) => sum + file.insertions, 0),
    deletions: files.reduce((sum, file) => sum + file.deletions, 0),
    ...(last?.recipe === undefined ? {} : { recipe: last.recipe }),
    ...(model === undefined ? {} : { model }),
    ...(last === undefined ? {} : { attempts: last.attempt }),
    usage: runs.reduce((sum, run) => added(sum, run.usage), {}),
    gates: now?.gates ?? [],
    equal: false,
    different: [],
  };
}

function whyOf(last: TaskView | undefined, changes: readonly string[]): readonly string[] {
  if (last?.failure) return [last.failure.headline];
  if (changes.length > 0) return changes;
  return last?.why === undefined ? [] : [last.why];
}

/** Undefined where the result is in no store, or cannot be read. */
async function provenanceAt(objects: Objects, commit: string | undefined): Promise<Provenance | undefined> {
  if (commit === undefined) return undefined;
  const text = await objects.read(`${commit}:${RESULT_FILE}`);
  try {
    return text && (JSON.parse(text.toString('utf8')) as Provenance);
  } catch {
    return undefined;
  }
}
