/** `build --commit`: one commit with trailers for each published task, and a merge into the user's branch. */

import type { Prepared } from '../../analysis/prepare.js';
import { err, ok, type Result } from '../../base/result.js';
import { shellWord } from '../../base/shell-word.js';
import type { Failure } from '../../model/failure.js';
import { resultKeyOf } from '../../model/feature-lock.js';
import type { Label, Task } from '../../model/task.js';
import { type Entry, type Files, type ObjectId, sameEntry } from '../../model/tree.js';
import type { Emit } from '../../project/host.js';
import { lockedTask, lockFiles, type Project } from '../../project/project.js';
import { recordedProvenance } from '../../store/provenance-record.js';
import { commitTasks, headFiles } from '../../workspace/commit/commit.js';
import { specChanges, uncommittedSources } from './commit-sources.js';
import type { FinishedTask } from './publish-plan.js';

/** What a build has put into the checkout. */
export interface PublishedBuild {
  readonly finished: ReadonlyMap<Label, FinishedTask>;
  /** Those, and the tasks that were fresh. */
  readonly done: ReadonlySet<Label>;
  readonly tree: ObjectId;
  /** Whether the person's hooks run. */
  readonly hooks: boolean;
}

type Changes = Map<string, Entry | undefined>;

/** How often somebody else may commit meanwhile. */
const TRIES = 5;

/**
 * Commits what is done and not in HEAD yet, also what an earlier build published: a committed lock file never names
 * outputs that its commit lacks, nor a spec that is not committed. What no task made is left to the person.
 */
export async function commitBuild(
  prepared: Prepared,
  build: PublishedBuild,
  emit: Emit,
): Promise<Result<undefined, Failure>> {
  for (let tries = 0; tries < TRIES; tries++) {
    const committed = await commitOnHead(prepared.project, build);
    if (!committed.ok) return committed;
    if (committed.value === 'moved') continue;
    const { commit, tasks } = committed.value;
    if (commit !== undefined) emit({ type: 'build.committed', commit, tasks });
    return ok(undefined);
  }
  return err({ kind: 'commit-refused', reason: 'the branch moves all the time', paths: [] });
}

async function commitOnHead(
  project: Project,
  { finished, done, tree, hooks }: PublishedBuild,
): Promise<Result<{ commit: ObjectId | undefined; tasks: number } | 'moved', Failure>> {
  const head = await headFiles(project.repository, project.objects);
  const after = (await project.objects.list(tree)).files;
  const sides = { head, after };
  const steps: { message: string; changes: Changes }[] = [];
  const committedTasks = new Set<Label>();
  for (const label of project.graph.inOrder(done)) {
    const changes = taskChanges(project, label, finished.get(label), sides);
    if (changes.size === 0) continue;
    committedTasks.add(label);
    const message = await taskMessage(project, project.graph.task(label), finished.get(label));
    steps.push({ message, changes });
  }
  const tasks = steps.length;
  const record = recordChanges(project, head, after);
  if (record.size > 0) steps.push({ message: 'conductor: record what was built\n', changes: record });
  const specs = specChanges(project, sides, { committed: committedTasks, done });
  for (const { changes } of steps) for (const path of changes.keys()) specs.delete(path);
  if (specs.size > 0) steps.unshift({ message: 'conductor: specs of what was built\n', changes: specs });
  if (tasks > 0) {
    const sources = uncommittedSources(project, sides, committedTasks);
    if (sources.length > 0) return err(notCommitted(sources));
  }
  const guarded: Changes = new Map();
  for (const { result } of finished.values()) {
    for (const { path } of result.edits) guarded.set(path, project.listing.get(path));
  }
  const features = [...new Set([...finished.values()].map(({ task }) => task.feature))];
  const mergeMessage = `conductor build: ${features.join(', ') || 'what was built before'}\n`;
  const options = { steps, mergeMessage, guarded, hooks };
  const committed = await commitTasks(project.repository, project.objects, options);
  if (!committed.ok) return committed;
  return ok('moved' in committed.value ? 'moved' : { commit: committed.value.commit, tasks });
}

function notCommitted(paths: readonly string[]): Failure {
  const named = paths.map(shellWord).join(' ');
  return {
    kind: 'commit-refused',
    reason: 'what was built depends on these files, and they are not committed',
    paths,
    fix: `\`git add ${named} && git commit\`, then run \`conductor build --commit\` again`,
  };
}

/** The task's files, and files that it patched where HEAD has them as people wrote them. */
function taskChanges(
  project: Project,
  label: Label,
  finished: FinishedTask | undefined,
  { head, after }: { readonly head: Files; readonly after: Files },
): Changes {
  const changes: Changes = new Map();
  const compare = (path: string) => {
    if (!sameEntry(head.get(path), after.get(path))) changes.set(path, after.get(path));
  };
  const paths = new Set([
    ...(project.owned.get(label)?.keys() ?? []),
    ...(finished?.result.outputs.keys() ?? []),
  ]);
  for (const path of paths) compare(path);
  for (const path of head.keys()) if (project.ownership.ownerOf(path) === label) compare(path);
  for (const { path } of finished?.result.edits ?? []) compare(path);
  // A revised task is committed with its work; a person's own change of the spec goes before, with all specs.
  const spec = finished?.revision?.task.source.file;
  if (spec !== undefined && sameEntry(head.get(spec), project.listing.get(spec))) compare(spec);
  const locked = lockedTask(project, project.graph.task(label));
  for (const [path, edit] of Object.entries(locked?.edits ?? {})) {
    const isOurs = (head.get(path)?.id ?? '') === edit.base && (after.get(path)?.id ?? '') === edit.merged;
    if (isOurs) compare(path);
  }
  return changes;
}

/** Lock files, and outputs that no task owns any more. */
function recordChanges(project: Project, head: Files, after: Files): Changes {
  const changes: Changes = new Map();
  const orphans = [...project.recorded.keys()].filter(
    (path) => project.ownership.ownerOf(path) === undefined,
  );
  for (const path of [...lockFiles(project), ...orphans.filter((one) => !after.has(one))]) {
    if (!sameEntry(head.get(path), after.get(path))) changes.set(path, after.get(path));
  }
  return changes;
}

async function taskMessage(
  project: Project,
  task: Task,
  finished: FinishedTask | undefined,
): Promise<string> {
  const locked = lockedTask(project, task);
  const made =
    finished?.result.provenance ?? (locked && (await recordedProvenance(project.objects, locked.result)));
  const key = finished?.result.key ?? (locked && resultKeyOf(locked));
  const agent = made ? made.agent : locked?.agent;
  const model = made ? made.model : locked?.model;
  const cost = made?.usage.costUsd;
  const trailers = [
    `Conductor-Task: ${task.label}`,
    ...(key === undefined ? [] : [`Conductor-Key: ${key}`]),
    ...(agent === undefined ? [] : [`Conductor-Agent: ${agent}`]),
    ...(model === undefined ? [] : [`Conductor-Model: ${model}`]),
    ...(cost === undefined ? [] : [`Conductor-Cost-USD: ${cost.toFixed(4)}`]),
  ];
  const title = task.title.replace(/\s+/g, ' ').trim();
  return `${task.label}: ${title}\n\n${trailers.join('\n')}\n`;
}
