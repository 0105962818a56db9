/** Files that look like secrets and that a task names only since it was changed. Reads no file. */

import type { Task } from '../task.js';
import { patternSet } from './pattern-set.js';

const KEYS = ['inputs', 'outputs', 'edits'] as const;
type NamedFiles = Partial<Pick<Task, (typeof KEYS)[number]>>;

export interface AddedSecret {
  readonly key: (typeof KEYS)[number];
  readonly path: string;
}

/** `secrets`: the patterns of the config. `before`: the task as a person knows it; undefined for a new one. */
export function addedSecrets(
  secrets: readonly string[],
  task: NamedFiles,
  before: NamedFiles | undefined,
): AddedSecret[] {
  const looksSecret = patternSet(secrets);
  return KEYS.flatMap((key) => {
    const known = new Set(patternSet(before?.[key] ?? []).plainPaths());
    return patternSet(task[key] ?? [])
      .plainPaths()
      .filter((path) => looksSecret.matches(path) && !known.has(path))
      .map((path) => ({ key, path }));
  });
}
