/**
 * Files that git does not track and that are too large to be taken into a snapshot: a download, a dump, a disk image. One that
 * git tracks is part of the project, whatever its size.
 */

import { type GitCall, git, gitOk } from '../io/git/git-process.js';
import type { Repository } from '../io/git/repository.js';
import type { Diagnostic } from '../model/failure.js';
import { SeenFolders } from './in-the-way.js';
import { indexCall } from './private-index.js';

/** The arguments that list what the private index does not have and git does not ignore. */
export function othersArguments(specs: readonly string[]): string[] {
  return ['ls-files', '--others', '--exclude-standard', '-z', '--', ...specs];
}

/** Of a list of paths below the repository's root, those of larger files. */
export function largerThan(limit: number, repository: Repository, paths: readonly string[]): string[] {
  const seen = new SeenFolders(repository.top);
  return paths.filter((path) => {
    const found = seen.look(path);
    return found?.isFile() === true && found.size > limit;
  });
}

/** Whether the files that the index does not have are just those that the last build left out for their size. */
export function areKnownLarge(
  repository: Repository,
  others: readonly string[],
  { large, maxUntracked }: { readonly large: readonly string[]; readonly maxUntracked: number },
): boolean {
  // Those that are known to be too large have been named. Any other new file makes another tree.
  if ([...others].sort().join('\0') !== large.join('\0')) return false;
  return largerThan(maxUntracked, repository, others).length === others.length;
}

export interface LargeFiles {
  /** Paths below the repository's root, sorted, that a snapshot leaves out for their size. */
  readonly paths: readonly string[];
  /** Whether the index lacks other files. If not, git need not walk through the folders a second time. */
  readonly isOtherNew: boolean;
}

/** Also files that the index has from the time when they were smaller: it loses them. */
export async function leaveOutLarge(
  repository: Repository,
  specs: readonly string[],
  limit: number | undefined,
): Promise<LargeFiles> {
  if (limit === undefined) return { paths: [], isOtherNew: true };
  const call = indexCall(repository);
  const changes = ['ls-files', '-t', '--others', '--modified', '--exclude-standard', '-z', '--', ...specs];
  const listed = await git(changes, call);
  if (listed.code !== 0) return { paths: [], isOtherNew: true };
  const lines = pathsOf(listed.stdout);
  const others = lines.filter((line) => line.startsWith('? ')).map((line) => line.slice(2));
  const modified = lines.filter((line) => line.startsWith('C ')).map((line) => line.slice(2));
  const [news, grown] = await untracked(
    repository,
    largerThan(limit, repository, others),
    largerThan(limit, repository, modified),
  );
  if (grown.length > 0) {
    const input = grown.map((path) => `${path}\0`).join('');
    await gitOk(['update-index', '--force-remove', '-z', '--stdin'], { ...call, input });
  }
  return { paths: [...news, ...grown].sort(), isOtherNew: others.length > news.length };
}

/** Of each list what the person's index does not have. */
async function untracked(
  repository: Repository,
  ...lists: readonly [readonly string[], readonly string[]]
): Promise<[string[], string[]]> {
  const all = lists.flat();
  if (all.length === 0) return [[], []];
  const person: GitCall = { gitDir: repository.gitDir, workTree: repository.top, dir: repository.top };
  const names = all.map((path) => `:(top,literal)${path}`);
  const tracked = await git(['ls-files', '-z', '--cached', '--', ...names], person);
  const theirs = new Set(pathsOf(tracked.stdout));
  const [first, second] = lists.map((list) => list.filter((path) => !theirs.has(path)));
  return [first as string[], second as string[]];
}

/** The paths, or lines, of git's output with `-z`. */
export function pathsOf(listed: Buffer): string[] {
  return listed
    .toString('utf8')
    .split('\0')
    .filter((path) => path !== '');
}

/** What `git add` is told so that it leaves a file alone. */
export function leftOut(path: string): string {
  return `:(top,exclude,literal)${path}`;
}

export function leftOutWarning(path: string, { prefix }: Repository, limit: number): Diagnostic {
  const megabytes = Math.round(limit / 1_000_000);
  return {
    file: path.slice(prefix.length),
    message: `it is larger than ${megabytes} MB and git does not track it, so no task sees it; name it in .gitignore, track it (\`git add\`), or raise \`maxUntrackedBytes\` in the config`,
  };
}
