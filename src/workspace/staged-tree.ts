/** What a commit would hold: the person's index as a git tree. The index itself is only read, through a copy. */

import { copyFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { err, ok, type Result } from '../base/result.js';
import { exists } from '../io/files.js';
import { git } from '../io/git/git-process.js';
import { indexOfCommit } from '../io/git/locate.js';
import type { GitObjects } from '../io/git/objects.js';
import type { Repository } from '../io/git/repository.js';
import type { Failure } from '../model/failure.js';
import { patternSet } from '../model/paths/pattern-set.js';
import type { ObjectId } from '../model/tree.js';
import { indexCall } from './private-index.js';
import type { SnapshotOptions } from './snapshot.js';

/** Relative to the project, without what looks secret. Fails with `snapshot-failed`, as in the middle of a merge. */
export async function takeStaged(
  repository: Repository,
  objects: GitObjects,
  options: SnapshotOptions,
): Promise<Result<{ tree: ObjectId }, Failure>> {
  const theirs = indexOfCommit(repository);
  if (!(await exists(theirs))) return ok({ tree: await objects.empty() });
  const indexFile = join(repository.state, 'index-staged');
  try {
    await copyFile(theirs, indexFile);
    const prefix = repository.prefix === '' ? [] : [`--prefix=${repository.prefix}`];
    const written = await git(['write-tree', ...prefix], { ...indexCall(repository), indexFile });
    if (written.code !== 0) return err({ kind: 'snapshot-failed', detail: written.stderr.trim() });
    const tree = written.stdout.toString('latin1').trim();
    return ok({ tree: await withoutSecrets(objects, tree, options) });
  } finally {
    await rm(indexFile, { force: true });
  }
}

/** As a snapshot of the working tree leaves them out: what looks secret and no spec names. */
async function withoutSecrets(
  objects: GitObjects,
  tree: ObjectId,
  { secrets, named }: SnapshotOptions,
): Promise<ObjectId> {
  const [hidden, shown] = [patternSet(secrets), patternSet(named)];
  const { paths } = await objects.list(tree);
  const left = paths.filter((path) => hidden.matches(path) && !shown.matches(path));
  return objects.editTree(tree, new Map(left.map((path) => [path, undefined])));
}
