/**
 * Commits on top of the user's HEAD and merges into their branch: the only code that writes to their repository, and
 * only on request. Knows no tasks.
 */

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { err, ok, type Result } from '../../base/result.js';
import { type GitCall, GitError, git, gitAsked, gitOk } from '../../io/git/git-process.js';
import type { GitObjects } from '../../io/git/objects.js';
import { stagedFiles } from '../../io/git/porcelain.js';
import type { Repository } from '../../io/git/repository.js';
import type { Failure } from '../../model/failure.js';
import { type Entry, type Files, type ObjectId, sameEntry } from '../../model/tree.js';
import { CommitHooks } from './commit-hooks.js';
import { updateIndex } from './commit-index.js';
import { recoverCommit, removeCommitJournal, theirGit, writeCommitJournal } from './commit-journal.js';

export interface CommitStep {
  readonly message: string;
  /** Relative to the project. */
  readonly changes: ReadonlyMap<string, Entry | undefined>;
}

export interface CommitOptions {
  /** One commit each, in this order. */
  readonly steps: readonly CommitStep[];
  readonly mergeMessage: string;
  /** Files of the person's own that a step changes, as the snapshot had them: refused when they are not committed. */
  readonly guarded: ReadonlyMap<string, Entry | undefined>;
  /** Whether the person's pre-commit and commit-msg hooks run. */
  readonly hooks: boolean;
}

/** `moved`: somebody else committed meanwhile, so that the steps have to be made again. */
export type Committed =
  | { readonly commit: ObjectId | undefined; readonly commits: number }
  | { readonly moved: true };

/** The project's files as HEAD has them; none on a branch without a commit. */
export async function headFiles(repository: Repository, objects: GitObjects): Promise<Files> {
  const theirs: GitCall = { gitDir: repository.gitDir, dir: repository.top };
  const commit = await revision(theirs, 'HEAD^{commit}');
  const head = commit === undefined ? undefined : await treeOf(theirs, commit);
  const tree = head === undefined ? undefined : await objects.subtree(head, repository.prefix);
  return tree === undefined ? new Map() : (await objects.list(tree)).files;
}

/** Paths that git ignores are left out. `commit` is the new head; undefined when nothing was left to commit. */
export async function commitTasks(
  repository: Repository,
  objects: GitObjects,
  options: CommitOptions,
): Promise<Result<Committed, Failure>> {
  const theirs = theirGit(repository);
  const identity = await git(['var', 'GIT_COMMITTER_IDENT'], theirs);
  if (identity.code !== 0) {
    return refused(
      'git does not know your name',
      [],
      'say it with `git config user.name "Your Name"` and `git config user.email you@example.org`, then build again',
    );
  }
  const underWay = ['MERGE_HEAD', 'CHERRY_PICK_HEAD', 'REVERT_HEAD', 'rebase-merge', 'rebase-apply'].find(
    (name) => existsSync(join(repository.gitDir, name)),
  );
  if (underWay !== undefined) {
    return refused('a merge, rebase or cherry-pick is in progress: finish it first');
  }
  const head = await revision(theirs, 'HEAD^{commit}');
  const steps = await withoutIgnored(repository, theirs, options.steps);
  if (steps.length === 0) return ok({ commit: undefined, commits: 0 });
  const paths = [...new Set(steps.flatMap((step) => [...step.changes.keys()]))];

  const staged = await stagedFiles(repository.top);
  const inTheWay = paths.filter((path) => staged.has(path));
  if (inTheWay.length > 0) return refused('these files have staged changes', inTheWay, OWN_CHANGES);
  const dirty: string[] = [];
  for (const [path, entry] of options.guarded) {
    const committed =
      head === undefined ? undefined : await entryAt(theirs, head, `${repository.prefix}${path}`);
    if (!sameEntry(committed, entry)) dirty.push(path);
  }
  if (dirty.length > 0) return refused('these files have uncommitted changes of yours', dirty, OWN_CHANGES);

  const base = head === undefined ? undefined : await treeOf(theirs, head);
  const trees: ObjectId[] = [];
  for (const step of steps) trees.push(await objects.editTree(trees.at(-1) ?? base, step.changes));
  await copyObjects(objects, theirs, trees, base);
  const last = trees.at(-1) as ObjectId;
  const hooks = options.hooks ? new CommitHooks(repository, theirs) : undefined;
  const checked = await hooks?.check(last);
  if (checked && !checked.ok) return checked;

  const commitTree = async (tree: ObjectId, parents: readonly ObjectId[], text: string) => {
    const message = hooks ? await hooks.message(text) : ok(text);
    return message.ok ? makeCommit(theirs, tree, parents, message.value) : message;
  };
  let tip = head;
  for (const [index, step] of steps.entries()) {
    const parents = tip === undefined ? [] : [tip];
    const made = await commitTree(trees[index] as ObjectId, parents, step.message);
    if (!made.ok) return made;
    tip = made.value;
  }
  const merged =
    head === undefined
      ? ok(tip as ObjectId)
      : await commitTree(last, [head, tip as ObjectId], options.mergeMessage);
  if (!merged.ok) return merged;
  const commit = merged.value;
  const entries = new Map(steps.flatMap((step) => [...step.changes]));
  await writeCommitJournal(repository, { commit, entries });
  const moved = await moveHead(repository, theirs, { from: head, to: commit });
  if (moved.ok && moved.value === 'killed') {
    // Its locks would stand in the way of every later commit. It may have been killed after the branch had moved.
    await recoverCommit(repository);
    if ((await revision(theirs, 'HEAD^{commit}')) === commit) return ok({ commit, commits: steps.length });
    return refused('git was killed while it moved the branch', [], 'run `conductor build --commit` again');
  }
  if (!moved.ok || moved.value === 'moved') {
    await removeCommitJournal(repository);
    return moved.ok ? ok({ moved: true }) : moved;
  }
  // An index that stays locked is brought in line by the next command, from the journal.
  if (await updateIndex(repository, theirs, entries)) await removeCommitJournal(repository);
  return ok({ commit, commits: steps.length });
}

/** What a person does about files with changes of their own that a commit would take along. */
const OWN_CHANGES = 'commit these changes yourself, or take them back, then build again';

/** `fix`: what to do, where that is known. */
function refused(reason: string, paths: readonly string[] = [], fix?: string): Result<never, Failure> {
  return err({ kind: 'commit-refused', reason, paths, ...(fix === undefined ? {} : { fix }) });
}

/** Moves the branch in one step. A lock that another git holds, or left, is named. */
async function moveHead(
  { objectFormat }: Repository,
  theirs: GitCall,
  { from, to }: { readonly from: ObjectId | undefined; readonly to: ObjectId },
): Promise<Result<'done' | 'moved' | 'killed', Failure>> {
  const none = '0'.repeat(objectFormat === 'sha1' ? 40 : 64);
  const exit = await git(['update-ref', '-m', 'conductor build', 'HEAD', to, from ?? none], theirs);
  if (exit.code === 0) return ok('done');
  if (exit.signal !== undefined) return ok('killed');
  if ((await revision(theirs, 'HEAD^{commit}')) !== from) return ok('moved');
  const lock = /Unable to create '(.+\.lock)': File exists/.exec(exit.stderr)?.[1];
  if (lock === undefined) return refused(`git could not move the branch: ${exit.stderr.trim()}`);
  return err({
    kind: 'commit-refused',
    reason: 'another git command holds the branch, or was killed and left its lock',
    paths: [lock],
    fix: `if no git command runs, remove it (\`rm '${lock}'\`); then run \`conductor build --commit\` again`,
  });
}

async function withoutIgnored(
  repository: Repository,
  theirs: GitCall,
  steps: readonly CommitStep[],
): Promise<CommitStep[]> {
  const paths = steps.flatMap((step) => [...step.changes.keys()].map((path) => repository.prefix + path));
  if (paths.length === 0) return [];
  const input = paths.map((path) => `${path}\0`).join('');
  const exit = await gitAsked(['check-ignore', '-z', '--stdin'], { ...theirs, input });
  const ignored = new Set(exit.stdout.toString('utf8').split('\0'));
  return steps
    .map((step) => ({
      message: step.message,
      changes: new Map(
        [...step.changes]
          .map(([path, entry]) => [repository.prefix + path, entry] as const)
          .filter(([path]) => !ignored.has(path)),
      ),
    }))
    .filter((step) => step.changes.size > 0);
}

async function entryAt(theirs: GitCall, commit: ObjectId, path: string): Promise<Entry | undefined> {
  const output = (await gitOk(['ls-tree', '-z', '--full-tree', commit, '--', path], theirs)).toString('utf8');
  const [mode, , id] = output.slice(0, Math.max(0, output.indexOf('\t'))).split(' ');
  return mode && id ? { mode: mode as Entry['mode'], id } : undefined;
}

async function revision(theirs: GitCall, name: string): Promise<ObjectId | undefined> {
  const exit = await gitAsked(['rev-parse', '--quiet', '--verify', name], theirs);
  return exit.code === 0 ? exit.stdout.toString('latin1').trim() : undefined;
}

/** Every commit has one: without it, a commit on top would remove all files that no task owns. */
async function treeOf(theirs: GitCall, commit: ObjectId): Promise<ObjectId> {
  const args = ['rev-parse', '--quiet', '--verify', `${commit}^{tree}`];
  const exit = await git(args, theirs);
  if (exit.code === 0) return exit.stdout.toString('latin1').trim();
  // The quiet git says nothing. The repository is the person's: repairing the store would not help.
  const stderr = exit.code === 1 ? `fatal: the tree of ${commit} cannot be read` : exit.stderr;
  throw new GitError(args, { ...exit, stderr });
}

async function makeCommit(
  theirs: GitCall,
  tree: ObjectId,
  parents: readonly ObjectId[],
  message: string,
): Promise<Result<ObjectId, Failure>> {
  const request = await gitAsked(['config', '--type=bool', 'commit.gpgSign'], theirs);
  // `commit-tree` does not look at the setting by itself.
  const sign = request.stdout.toString('latin1').trim() === 'true' ? ['-S'] : [];
  const args = ['commit-tree', tree, ...sign, ...parents.flatMap((parent) => ['-p', parent]), '-F', '-'];
  const exit = await git(args, { ...theirs, input: message });
  if (exit.code === 0) return ok(exit.stdout.toString('latin1').trim());
  if (sign.length === 0) throw new GitError(args, exit);
  const reason = `git could not sign the commit: ${exit.stderr.trim().split('\n').at(-1) ?? ''}`;
  return err({ kind: 'commit-refused', reason, paths: [] });
}

/** What the new commits need and the person's repository has not. */
async function copyObjects(
  objects: GitObjects,
  theirs: GitCall,
  trees: readonly ObjectId[],
  base: ObjectId | undefined,
): Promise<void> {
  const own: GitCall = { gitDir: objects.store, dir: objects.store };
  const wanted = [...trees, ...(base === undefined ? [] : [`^${base}`])].map((line) => `${line}\n`).join('');
  const listed = await gitOk(['rev-list', '--objects', '--no-object-names', '--stdin'], {
    ...own,
    input: wanted,
  });
  const pack = await gitOk(['pack-objects', '--stdout', '-q'], { ...own, input: listed });
  await gitOk(['unpack-objects', '-q'], { ...theirs, input: pack });
}
