/** What the history of the user's repository says: commits by name, and the commits and contents of files. Only reads. */

import { globEscape } from '../../model/git-rules/git-escape.js';
import type { ObjectId } from '../../model/tree.js';
import { git } from './git-process.js';
import type { Repository } from './repository.js';

export interface HistoryEntry {
  readonly commit: string;
  /** ISO 8601, as the committer's clock had it. */
  readonly at: string;
  readonly subject: string;
}

/**
 * The blobs that files with this ending had in any commit that HEAD reaches: of `.metadata.json` below `folder`, say. Empty
 * on a branch without a commit. `folder` is relative to the project.
 */
export async function historicalBlobs(
  repository: Repository,
  folder: string,
  ending: string,
): Promise<ReadonlySet<ObjectId>> {
  const call = { gitDir: repository.gitDir, dir: repository.top };
  const files = `:(top,glob)${globEscape(repository.prefix + folder)}/**/*${ending}`;
  const format = ['--format=', '--raw', '--no-abbrev', '--no-renames', '-m'];
  const exit = await git(['log', ...format, '--', files], call);
  if (exit.code !== 0) return new Set();
  const ids = new Set<ObjectId>();
  for (const line of exit.stdout.toString('utf8').split('\n')) {
    const [, , before, after] = line.split(' ');
    for (const id of [before, after]) if (id && /[1-9a-f]/.test(id)) ids.add(id);
  }
  return ids;
}

/** A commit that changed files of interest, and their blobs after it; an empty id: it removed the file. */
export interface FileChange extends HistoryEntry {
  /** By path in the project. Of a merge: what differs from all its parents. */
  readonly files: ReadonlyMap<string, ObjectId>;
}

/** Every commit that HEAD reaches with its parents, each after them. */
export async function commitGraph(repository: Repository): Promise<Map<string, readonly string[]>> {
  const call = { gitDir: repository.gitDir, dir: repository.top };
  const exit = await git(['rev-list', '--topo-order', '--reverse', '--parents', 'HEAD'], call);
  const lines = exit.code === 0 ? exit.stdout.toString('latin1').split('\n').filter(Boolean) : [];
  return new Map(
    lines.map((line) => {
      const [commit = '', ...parents] = line.split(' ');
      return [commit, parents];
    }),
  );
}

/** The commits that changed files which match the globs, newest first. Globs are relative to the project. */
export async function fileChanges(repository: Repository, globs: readonly string[]): Promise<FileChange[]> {
  const call = { gitDir: repository.gitDir, dir: repository.top };
  const format = ['--format=%x01%H%x09%cI%x09%s', '--raw', '-z', '-c', '--no-abbrev', '--no-renames'];
  const files = globs.map((glob) => `:(top,glob)${globEscape(repository.prefix)}${glob}`);
  const args = ['log', '--full-history', '--topo-order', '--root', ...format, '--', ...files];
  const exit = await git(args, call);
  const changes: (HistoryEntry & { readonly files: Map<string, ObjectId> })[] = [];
  let next: ObjectId | undefined;
  for (const word of exit.code === 0 ? exit.stdout.toString('utf8').split('\0') : []) {
    const text = word.replace(/^\n/, '');
    if (text.startsWith('\x01')) {
      const [commit = '', at = '', ...subject] = text.slice(1).split('\t');
      changes.push({ commit, at, subject: subject.join('\t'), files: new Map() });
    } else if (text.startsWith(':')) {
      // Modes and ids of all parents, then of the commit, then a letter for each parent.
      const colons = /^:+/.exec(text)?.[0].length ?? 1;
      const id = text.slice(colons).split(' ')[2 * colons + 1] ?? '';
      next = /[1-9a-f]/.test(id) ? id : '';
    } else if (next !== undefined) {
      changes.at(-1)?.files.set(text.slice(repository.prefix.length), next);
      next = undefined;
    }
  }
  return changes;
}

/** In a merge under way that left the file in conflict: its blobs in the common version, in ours, in theirs. */
export async function unmergedBlobs(
  repository: Repository,
  path: string,
): Promise<[base: ObjectId | undefined, ours: ObjectId | undefined, theirs: ObjectId | undefined]> {
  const call = { gitDir: repository.gitDir, dir: repository.top };
  const file = `:(top,literal)${repository.prefix}${path}`;
  const exit = await git(['ls-files', '--unmerged', '-z', '--', file], call);
  const stages = new Map<string, ObjectId>();
  for (const line of exit.code === 0 ? exit.stdout.toString('utf8').split('\0') : []) {
    const [, blob, stage] = line.split(/[ \t]/);
    if (blob !== undefined && stage !== undefined) stages.set(stage, blob);
  }
  return [stages.get('1'), stages.get('2'), stages.get('3')];
}

/** The commit of a name (`main`, `HEAD~2`, an id); undefined when there is none. Never read as an option. */
export async function resolveCommit(repository: Repository, name: string): Promise<ObjectId | undefined> {
  if (name === '' || name.includes('\0')) return undefined;
  const args = ['rev-parse', '--verify', '--quiet', '--end-of-options', `${name}^{commit}`];
  return firstLine(repository, args);
}

/** The commit from which two others have gone apart; undefined when they have nothing in common. */
export async function mergeBase(
  repository: Repository,
  one: ObjectId,
  other: ObjectId,
): Promise<ObjectId | undefined> {
  return firstLine(repository, ['merge-base', one, other]);
}

async function firstLine(repository: Repository, args: readonly string[]): Promise<string | undefined> {
  const exit = await git(args, { gitDir: repository.gitDir, dir: repository.top });
  const line = exit.stdout.toString('utf8').trim().split('\n')[0];
  return exit.code === 0 && line ? line : undefined;
}
