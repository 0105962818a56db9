/**
 * What changed between two commits, task by task: why, spec, code, cost, gates, and whether the files are the
 * recorded ones. Writes nothing.
 */

import type { Prepared } from '../../analysis/prepare.js';
import { openSide, type ProjectSide, projectTree } from '../../analysis/range/side.js';
import { err, ok, type Result } from '../../base/result.js';
import { inspectProject } from '../../build/dry-run.js';
import { mergeBase, resolveCommit } from '../../io/git/commit-history.js';
import { diffTrees } from '../../io/git/tree-diff.js';
import { unifiedDiff } from '../../io/text-diff.js';
import { compareManifests, type Provenance } from '../../model/action.js';
import type { Failure } from '../../model/failure.js';
import { type LockedTask, resultKeyOf } from '../../model/feature-lock.js';
import type { FileDiff, ReviewDocument, ReviewTask } from '../../model/page.js';
import type { Label } from '../../model/task.js';
import { encodeEntry } from '../../model/tree.js';
import type { Host } from '../../project/host.js';
import { added } from '../../report/build-view/fold-parts.js';
import { verifiedWhy } from '../../report/review.js';
import { shownDiff } from '../page/project-views.js';
import { specText } from '../page/spec-text.js';

const EDITED = 'edited by hand, and not accepted';

export interface ReviewRange {
  readonly from: string;
  /** Empty: the files as they are on disk. */
  readonly to: string;
  /** From the commit at which the two have gone apart, as a pull request shows it. */
  readonly fromMergeBase: boolean;
}

/** `main..HEAD`, `main...HEAD` (from their merge base), `HEAD~3..` (to the files on disk). Undefined: not a range. */
export function parseRange(text: string): ReviewRange | undefined {
  const parts = /^(.+?)(\.{2,3})(?!\.)(.*)$/.exec(text);
  const [, from, dots, to] = parts ?? [];
  if (from === undefined || dots === undefined || to === undefined || from.startsWith('-')) return undefined;
  return { from, to, fromMergeBase: dots === '...' };
}

/** Fails with `usage` for a name that is no commit, and as loading a project fails. */
export async function reviewRange(host: Host, range: ReviewRange): Promise<Result<ReviewDocument, Failure>> {
  const done = await inspectProject(host, [], (prepared) => reviewIn(prepared, range));
  return done.ok ? done.value : done;
}

export async function reviewIn(
  prepared: Prepared,
  { from, to, fromMergeBase }: ReviewRange,
): Promise<Result<ReviewDocument, Failure>> {
  const { project } = prepared;
  const { repository, snapshot } = project;
  const named = await resolveCommit(repository, from);
  if (named === undefined) return noCommit(from);
  const end = to === '' ? undefined : await resolveCommit(repository, to);
  if (to !== '' && end === undefined) return noCommit(to);
  const base = fromMergeBase
    ? await mergeBase(repository, named, end ?? (await resolveCommit(repository, 'HEAD')) ?? named)
    : named;
  if (base === undefined) return noCommit(`${from}...${to}`);
  const before = await openSide(project, await projectTree(project, base), from);
  const after = await openSide(
    project,
    end === undefined ? snapshot : await projectTree(project, end),
    to === '' ? 'the files on disk' : to,
  );
  return ok(await compareSides(prepared, before, after, { from, to: to === '' ? '(files on disk)' : to }));
}

function noCommit(name: string): Result<never, Failure> {
  return err({
    kind: 'usage',
    message: `${name} is not a commit of this repository`,
    hint: 'name a branch, a tag or a commit: `conductor review main..HEAD`',
  });
}

async function compareSides(
  prepared: Prepared,
  before: ProjectSide,
  after: ProjectSide,
  names: { readonly from: string; readonly to: string },
): Promise<ReviewDocument> {
  const { objects } = prepared.project;
  const changed = await diffTrees(objects.store, before.tree, after.tree);
  const byPath = new Map(changed.map((file) => [file.path, file]));
  const labels = new Set([
    ...before.tasks.keys(),
    ...after.tasks.keys(),
    ...before.locked.keys(),
    ...after.locked.keys(),
  ]);
  const owned = new Set<string>();
  const tasks: ReviewTask[] = [];
  for (const label of [...labels].sort()) {
    for (const path of pathsOf(before, after, label)) owned.add(path);
    const task = await reviewTask(prepared, { before, after, byPath }, label);
    if (task) tasks.push(task);
  }
  const specs = `${prepared.project.config.specs}/`;
  const others = changed.filter(({ path }) => !owned.has(path) && !path.startsWith(specs));
  const problems = [...before.problems, ...after.problems];
  return {
    ...names,
    tasks,
    others: others.map(({ path, insertions, deletions }) => ({ path, insertions, deletions })),
    usage: tasks.reduce((sum, { usage }) => added(sum, usage), {}),
    ...(problems.length === 0
      ? {}
      : {
          problem: {
            kind: 'invalid-specs',
            headline: 'some parts could not be read',
            facts: problems.map((text): [string, string] => ['problem', text]),
          },
        }),
  };
}

function pathsOf(before: ProjectSide, after: ProjectSide, label: Label): Set<string> {
  const locks = [before.locked.get(label), after.locked.get(label)];
  return new Set(
    locks.flatMap((lock) => [...Object.keys(lock?.outputs ?? {}), ...Object.keys(lock?.edits ?? {})]),
  );
}

interface ComparedSides {
  readonly before: ProjectSide;
  readonly after: ProjectSide;
  /** What differs between their files. */
  readonly byPath: ReadonlyMap<string, FileDiff>;
}

/** Undefined for a task that is as it was. */
async function reviewTask(
  prepared: Prepared,
  { before, after, byPath }: ComparedSides,
  label: Label,
): Promise<ReviewTask | undefined> {
  const [was, is] = [before.locked.get(label), after.locked.get(label)];
  const spec = await specDiff(before, after, label);
  const files = [...pathsOf(before, after, label)].flatMap((path) => byPath.get(path) ?? []);
  const isRebuilt = was?.result !== is?.result || was?.key !== is?.key;
  const different = is ? differentFiles(after, is) : [];
  if (spec.length === 0 && files.length === 0 && !isRebuilt) return undefined;
  const made = is && (await provenanceOf(prepared, is));
  const isNewWork = is !== undefined && was?.result !== is.result;
  return {
    label,
    change: changeOf(before, after, label, { isRebuilt, hasSpec: spec.length > 0 }),
    why: isRebuilt || !is ? await reasons(prepared, was, is) : different.length > 0 ? [EDITED] : [],
    spec,
    files: files.map(shownDiff),
    insertions: sum(files.map((file) => file.insertions)),
    deletions: sum(files.map((file) => file.deletions)),
    ...(is === undefined ? {} : { recipe: is.recipe }),
    ...(is?.model === undefined ? {} : { model: is.model }),
    ...(made === undefined ? {} : { attempts: made.attempts }),
    // A result that stood before was paid for before.
    usage: isNewWork && made ? made.usage : {},
    gates: made?.gates ?? [],
    equal: is !== undefined && different.length === 0,
    different,
  };
}

function changeOf(
  before: ProjectSide,
  after: ProjectSide,
  label: Label,
  { isRebuilt, hasSpec }: { readonly isRebuilt: boolean; readonly hasSpec: boolean },
): ReviewTask['change'] {
  const [had, has] = [before, after].map((side) => side.tasks.has(label) || side.locked.has(label));
  if (!had) return 'added';
  if (!has) return 'removed';
  if (!isRebuilt) return hasSpec ? 'spec-only' : 'edited';
  return before.locked.get(label)?.key === after.locked.get(label)?.key ? 'rebuilt' : 'changed';
}

async function specDiff(before: ProjectSide, after: ProjectSide, label: Label): Promise<string[]> {
  const textIn = async (side: ProjectSide) => {
    const task = side.tasks.get(label);
    return task && (await specText(task, await side.text(task.source.file)))?.text;
  };
  const [was, is] = await Promise.all([textIn(before), textIn(after)]);
  return was === is ? [] : unifiedDiff(was ?? '', is ?? '');
}

/** Recorded outputs that the side's files do not equal. */
function differentFiles({ listing }: ProjectSide, locked: LockedTask): string[] {
  const outputs = Object.entries(locked.outputs).filter(([path, word]) => {
    const entry = listing.get(path);
    return !entry || encodeEntry(entry) !== word;
  });
  const edits = Object.entries(locked.edits ?? {}).filter(
    ([path, { merged }]) => (listing.get(path)?.id ?? '') !== merged,
  );
  return [...outputs, ...edits].map(([path]) => path).sort();
}

async function provenanceOf({ store }: Prepared, locked: LockedTask): Promise<Provenance | undefined> {
  const found = await store.find(resultKeyOf(locked));
  return found.ok ? found.value?.provenance : undefined;
}

async function reasons(
  prepared: Prepared,
  was: LockedTask | undefined,
  is: LockedTask | undefined,
): Promise<string[]> {
  if (!was && !is) return ['not built yet'];
  if (!is) return ['its record was removed'];
  if (!was) return ['built for the first time'];
  if (was.key === is.key && was.result === is.result) return [];
  if (is.recipe === 'accepted') return ['edited by hand, and accepted'];
  if (was.key === is.key) return ['another result of the same spec and inputs'];
  const [old, now] = await Promise.all([provenanceOf(prepared, was), provenanceOf(prepared, is)]);
  if (!old || !now) {
    const lost = old ? is : was;
    const unreached = prepared.store.unreached?.(resultKeyOf(lost)) ?? [];
    const which = old ? 'the new result' : 'the former result';
    return unreached.length === 0
      ? [`its key changed; ${which} is not in any store`]
      : [`its key changed; ${which} is not in this store, and ${unreached.join(', ')} could not be reached`];
  }
  if (now.verified && now.verified.former === old.key) return [verifiedWhy(now.verified)];
  const changes = compareManifests(old.manifest, now.manifest).map(({ name }) => `${name} changed`);
  return changes.length === 0 ? ['its key changed'] : changes;
}

function sum(values: readonly number[]): number {
  return values.reduce((a, b) => a + b, 0);
}
