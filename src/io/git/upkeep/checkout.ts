/** Clones a repository for a person, and moves a clone forward. Never loses a commit or a change of a file. */

import { withoutCredentials } from '../../../model/address.js';
import { type GitExit, git } from '../git-process.js';

export interface CloneOptions {
  readonly url: string;
  /** Absent: the branch that the other side names first. */
  readonly branch?: string | undefined;
  readonly folder: string;
  readonly signal: AbortSignal;
}

/** Servers that send nothing for so long are taken for stuck. */
const SILENCE_MS = 120_000;

/** Undefined: it is cloned. Otherwise what git said. */
export async function cloneRepository({
  url,
  branch,
  folder,
  signal,
}: CloneOptions): Promise<string | undefined> {
  const exit = await git(
    ['clone', '--progress', ...(branch === undefined ? [] : ['--branch', branch]), '--', url, folder],
    { away: { signal, silenceMs: SILENCE_MS } },
  );
  return exit.code === 0 ? undefined : saidBy(exit);
}

export type MovedForward = 'moved' | 'current' | { readonly stays: string } | { readonly failed: string };

/**
 * Fetches the branch and moves the checkout to it, if this only adds commits and overwrites no change; otherwise it stays as
 * it is.
 */
export async function moveForward({ url, branch, folder, signal }: CloneOptions): Promise<MovedForward> {
  const away = { signal, silenceMs: SILENCE_MS };
  const fetched = await git(['fetch', '--progress', '--', url, branch ?? 'HEAD'], { dir: folder, away });
  if (fetched.code !== 0) return { failed: saidBy(fetched) };
  // `--short` would print `heads/<name>` where a tag has the same name.
  const head = await git(['symbolic-ref', '--quiet', 'HEAD'], { dir: folder });
  const name = head.stdout
    .toString()
    .trim()
    .replace(/^refs\/heads\//, '');
  // Without a branch, the checkout is of a tag or a commit.
  if (branch !== undefined && head.code === 0 && name !== branch)
    return { stays: `it is on the branch ${name}, and the list names ${branch}` };
  const before = await git(['rev-parse', 'HEAD'], { dir: folder });
  // A file that git ignores is a person's too, such as an `.env`.
  const merge = ['merge', '--ff-only', '--no-overwrite-ignore', '--quiet', 'FETCH_HEAD'];
  const merged = await git(merge, { dir: folder, asPerson: true });
  if (merged.code !== 0) return { stays: saidBy(merged) };
  const after = await git(['rev-parse', 'HEAD'], { dir: folder });
  return before.stdout.equals(after.stdout) ? 'current' : 'moved';
}

function saidBy(exit: GitExit): string {
  if (exit.stopped === 'aborted') return 'it was stopped';
  if (exit.stopped === 'silent') return 'the server sent no data';
  const lines = exit.stderr
    .split(/[\r\n]+/)
    .map((line) => line.trim())
    .filter((line) => line !== '');
  const at = lines.findIndex((line) => /^(fatal|error)[: ]/.test(line));
  const [before = '', said = exit.stderr.trim()] = at < 0 ? [] : [lines[at - 1], lines[at]];
  // The program that connects says why; git only says that it ended.
  const isOfProgram = /could not read from remote/i.test(said) && /^[\w.@-]+: |denied/.test(before);
  return withoutCredentials((isOfProgram ? before : said).slice(0, 500)).trim();
}
