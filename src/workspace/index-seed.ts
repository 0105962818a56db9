/** Begins a private index with what the person's own index knows. Takes in no files. */

import { copyFile, readdir, rm, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { type GitCall, type GitExit, git } from '../io/git/git-process.js';
import type { Repository } from '../io/git/repository.js';
import { globEscape } from '../model/git-rules/git-escape.js';
import { indexCall, pathspecs } from './private-index.js';

/**
 * `with times`: the person's index knows the sizes and times of all tracked files, and only what changed is read. `read all`: it
 * only says which files are tracked, with which line ends. Without a usable one the index begins empty.
 */
export async function seed(
  repository: Repository,
  options: { readonly secrets: readonly string[] },
  how: 'with times' | 'read all',
): Promise<void> {
  const theirs = join(repository.gitDir, 'index');
  if (!(await isThere(theirs))) return;
  const ours = join(repository.state, 'index');
  const isSplit = (await readdir(repository.gitDir)).some((name) => name.startsWith('sharedindex.'));
  const isCopy = how === 'with times' && repository.prefix === '' && !isSplit;
  await (isCopy ? copied(theirs, ours) : listed(repository));
  if (!(await isThere(ours))) return;
  const call = indexCall(repository);
  const prefix = globEscape(repository.prefix);
  const secrets = options.secrets.map((pattern) => `:(top,glob)${prefix}${pattern}`);
  const [hidden, mayHaveSecrets] = await Promise.all([
    isCopy ? hiddenIn(call) : [],
    secrets.length > 0 && mayHave(call, secrets),
  ]);
  await show(call, hidden);
  if (!mayHaveSecrets) return;
  const args = ['rm', '--cached', '-r', '-f', '-q', '--ignore-unmatch', '--', ...secrets];
  const removed = await git(args, call);
  if (removed.code !== 0) await rm(ours, { force: true });
}

async function copied(theirs: string, ours: string): Promise<void> {
  const times = await stat(theirs);
  await copyFile(theirs, ours);
  // git reads again what was changed in the second in which an index was written: the copy must not look younger.
  const second = Math.floor(times.mtimeMs / 1000);
  await utimes(ours, second, second);
}

/** Files marked as "assume unchanged" or "skip". */
async function hiddenIn(call: GitCall): Promise<string[]> {
  return namesOf(await git(['ls-files', '-v', '-z'], call), /^[a-zS] /).map((line) => line.slice(2));
}

/** They would hide their changes from every snapshot. */
async function show(call: GitCall, hidden: readonly string[]): Promise<void> {
  if (hidden.length === 0) return;
  const input = Buffer.from(hidden.map((path) => `${path}\0`).join(''), 'latin1');
  for (const flag of ['--no-assume-unchanged', '--no-skip-worktree']) {
    await git(['update-index', flag, '-z', '--stdin'], { ...call, input });
  }
}

/** Also where git cannot say: such an index is not to be used. */
async function mayHave(call: GitCall, specs: readonly string[]): Promise<boolean> {
  const found = await git(['ls-files', '-z', '--cached', '--', ...specs], call);
  return found.code !== 0 || found.stdout.length > 0;
}

async function listed(repository: Repository): Promise<void> {
  const { gitDir, top } = repository;
  const [folder] = pathspecs(repository, []) as [string];
  const entries = await git(['ls-files', '-s', '-z', '--', folder], { gitDir, workTree: top, dir: top });
  if (entries.code !== 0 || entries.stdout.length === 0) return;
  const call = { ...indexCall(repository), input: entries.stdout };
  const exit = await git(['update-index', '-z', '--index-info'], call);
  if (exit.code !== 0) await rm(join(repository.state, 'index'), { force: true });
}

function namesOf({ stdout }: GitExit, wanted: RegExp): string[] {
  return stdout
    .toString('latin1')
    .split('\0')
    .filter((line) => wanted.test(line));
}

async function isThere(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined)) !== undefined;
}
