/** What `--frozen` and `verify` ask of a project: that it is exactly as a build would leave it. Writes nothing. */

import { provenOrphans } from '../analysis/orphans.js';
import type { Prepared } from '../analysis/prepare.js';
import { mapBounded } from '../base/bounded.js';
import { isIgnored } from '../io/git/ignored.js';
import { changedFiles, listTree } from '../io/git/walk.js';
import type { NotUpToDate } from '../model/failure.js';
import { type LockedTask, resultKeyOf } from '../model/feature-lock.js';
import type { Label } from '../model/task.js';
import { type Entry, encodeEntry, type ObjectId } from '../model/tree.js';
import { lockedTask } from '../project/project.js';
import type { TaskStep } from './task-step.js';

/** Tasks that a build would have to work on, and files that no task owns any more. */
export async function staleTasks(
  prepared: Prepared,
  step: TaskStep,
  warn: (message: string) => void,
): Promise<NotUpToDate | undefined> {
  const { graph } = prepared.project;
  const found = step.notUpToDate();
  const known = new Set(found.map(({ label }) => label));
  const tasks = found.map(({ label, verdict }) => {
    const on = graph.task(label).dependsOn.filter((need) => known.has(need));
    return { label, verdict: describeOutcome(verdict, on) };
  });
  const recorded = graph.order.flatMap((label) => {
    const isOpen = prepared.selected.has(label) && !known.has(label);
    const locked = isOpen ? lockedTask(prepared.project, graph.task(label)) : undefined;
    return locked ? [{ label, locked }] : [];
  });
  const problems = await mapBounded(recorded, async ({ label, locked }) => ({
    label,
    key: resultKeyOf(locked),
    verdict: await forgery(prepared, locked),
  }));
  const unknown = problems.filter(({ verdict }) => verdict === 'unknown');
  const unchecked = unknown.length;
  const unreached = new Set(unknown.flatMap(({ key }) => prepared.store.unreached?.(key) ?? []));
  for (const { label, verdict } of problems) {
    if (verdict !== undefined && verdict !== 'unknown') tasks.push({ label, verdict });
  }
  if (unchecked > 0)
    warn(
      `${unchecked === 1 ? '1 recorded result' : `${unchecked} recorded results`} ${whereabouts(unreached)}: conductor compared the files with the lock file alone`,
    );
  const orphans = prepared.whole ? await provenOrphans(prepared.project) : [];
  if (tasks.length + orphans.length === 0) return undefined;
  const silent = [...step.unreached];
  return {
    kind: 'not-up-to-date',
    tasks,
    ...(orphans.length === 0 ? {} : { orphans }),
    ...(silent.length === 0 ? {} : { unreached: silent }),
  };
}

/** As `status` says it. */
function describeOutcome(verdict: string, on: readonly Label[]): string {
  if (verdict === 'drifted') return 'edited by hand';
  return verdict === 'skipped' && on.length > 0 ? `pending: waits for ${on.join(', ')}` : verdict;
}

function whereabouts(unreached: ReadonlySet<string>): string {
  if (unreached.size === 0) return 'cannot be found in any store';
  return `cannot be found here, and ${[...unreached].join(', ')} could not be reached`;
}

/** Whether the files of a record are those of the result that it names: a lock file is a text that anybody can change. */
async function forgery({ project, store }: Prepared, locked: LockedTask): Promise<string | undefined> {
  const { objects } = project;
  let tree = await objects.resolve(`${locked.result}^{tree}`);
  if (tree === undefined) {
    // Elsewhere, perhaps: what a remote has for the key comes into this store.
    await store.find(resultKeyOf(locked));
    tree = await objects.resolve(`${locked.result}^{tree}`);
  }
  if (tree === undefined) return 'unknown';
  const listing = await listTree(objects, tree);
  const stored = new Map<string, Entry>();
  for (const path of listing.under('outputs/'))
    stored.set(path.slice('outputs/'.length), listing.get(path) as Entry);
  const recorded = Object.entries(locked.outputs);
  const isSame =
    recorded.length === stored.size &&
    recorded.every(([path, word]) => {
      const entry = stored.get(path);
      return entry !== undefined && encodeEntry(entry) === word;
    });
  return isSame ? undefined : 'its lock file names files that are not those of its result';
}

/**
 * What publishing this tree would change. Outputs that git ignores are in no clone: that they are not there yet is
 * nothing to commit.
 */
export async function changedByBuild(
  { project }: Prepared,
  tree: ObjectId,
): Promise<NotUpToDate | undefined> {
  if (tree === project.snapshot) return undefined;
  const changes = await changedFiles(project.objects, project.snapshot, tree);
  const paths = await mapBounded(changes.keys(), async (path) => {
    const isAbsent = project.listing.get(path) === undefined;
    return isAbsent && (await isIgnored(project.repository.project, path)) ? [] : [path];
  });
  const files = paths.flat().sort();
  return files.length === 0 ? undefined : { kind: 'not-up-to-date', tasks: [], files };
}
