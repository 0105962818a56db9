/** Runs the person's own hooks for `build --commit`, as `git commit` would: what is to be committed, and its messages. */

import { join } from 'node:path';
import { err, ok, type Result } from '../../base/result.js';
import { makeTemporaryFolder, readText, removeTree, writeAtomic } from '../../io/files.js';
import { type GitCall, type GitExit, git, gitOk } from '../../io/git/git-process.js';
import type { Repository } from '../../io/git/repository.js';
import type { Failure } from '../../model/failure.js';
import type { ObjectId } from '../../model/tree.js';

/** Bytes of a hook's output that a failure shows. */
const MAX_OUTPUT = 4096;

export class CommitHooks {
  private readonly repository: Repository;
  private readonly theirs: GitCall;

  constructor(repository: Repository, theirs: GitCall) {
    this.repository = repository;
    // In the folder of the work tree git finds the repository itself: a hook then sees what it sees under `git commit`.
    const { gitDir: _, workTree: __, ...call } = theirs;
    this.theirs = { ...call, hooks: true };
  }

  /** The pre-commit hook on an index of this tree. Fails when it fails, or when it changes what is to be committed. */
  async check(tree: ObjectId): Promise<Result<undefined, Failure>> {
    // A folder that a later command sweeps if this one is killed.
    const folder = await makeTemporaryFolder(this.repository.state);
    const indexFile = join(folder, 'index');
    const call = { ...this.theirs, indexFile };
    try {
      await gitOk(['read-tree', tree], call);
      await git(['update-index', '-q', '--refresh'], call);
      const exit = await git(['hook', 'run', '--ignore-missing', 'pre-commit'], call);
      if (exit.code !== 0) return err(refused('the pre-commit hook failed', exit));
      const after = (await gitOk(['write-tree'], call)).toString('latin1').trim();
      if (after === tree) return ok(undefined);
      return err(refused('the pre-commit hook changed the files that were to be committed', exit));
    } finally {
      await removeTree(folder);
    }
  }

  /** The message as the commit-msg hook leaves it. Fails when the hook fails. */
  async message(text: string): Promise<Result<string, Failure>> {
    const folder = await makeTemporaryFolder(this.repository.state);
    const file = join(folder, 'COMMIT_EDITMSG');
    try {
      await writeAtomic(file, text);
      const exit = await git(['hook', 'run', '--ignore-missing', 'commit-msg', '--', file], this.theirs);
      const after = await readText(file);
      return exit.code === 0 ? ok(after ?? text) : err(refused('the commit-msg hook failed', exit));
    } finally {
      await removeTree(folder);
    }
  }
}

function refused(reason: string, { stdout, stderr }: GitExit): Failure {
  const said = `${stdout.toString('utf8')}${stderr}`.trim();
  return {
    kind: 'commit-refused',
    reason,
    paths: [],
    ...(said === '' ? {} : { output: { tail: `${said.slice(-MAX_OUTPUT)}\n` } }),
    fix: 'correct what the hook reports, or pass --no-verify; then run `conductor build --commit` again',
  };
}
