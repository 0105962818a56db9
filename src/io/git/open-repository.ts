/** Finds the repository around a directory. Starts git only if conductor's own repository is missing. */

import { err, ok, type Result } from '../../base/result.js';
import type { Failure } from '../../model/failure.js';
import { GitMissing } from './git-process.js';
import { locateRepository } from './locate.js';
import type { Repository } from './repository.js';
import { prepareStore } from './store.js';

/** Finds the repository that `directory` is in and makes conductor's own one when it is missing. */
export async function openRepository(directory: string): Promise<Result<Repository, Failure>> {
  const located = locateRepository(directory);
  if (!located.ok) return located;
  try {
    const prepared = await prepareStore(located.value);
    return prepared.ok ? ok(located.value) : prepared;
  } catch (error) {
    if (error instanceof GitMissing) return err({ kind: 'git-missing', detail: error.message });
    throw error;
  }
}
