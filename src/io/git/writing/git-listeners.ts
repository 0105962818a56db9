/** Who hears of git processes before they start: what git is asked about may have to be written first. */

import { join } from 'node:path';

/** `words`: arguments of git. `input`: what it reads. The process starts when the promise is fulfilled. */
export type GitListener = (words: readonly string[], input: Buffer | string | undefined) => Promise<void>;

/** By folder of objects. */
const listeners = new Map<string, GitListener>();

/** Hears of each git that reads the objects of a repository, until the function that is returned is called. */
export function listenToGit(store: string, listener: GitListener): () => void {
  const folder = join(store, 'objects');
  listeners.set(folder, listener);
  return () => listeners.delete(folder);
}

/** What a call says of where its git finds objects, and of what it reads. */
interface StartingGit {
  readonly gitDir?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly input?: Buffer | string;
}

export async function announceGit(
  words: readonly string[],
  { gitDir, env, input }: StartingGit,
): Promise<void> {
  const folder = env?.GIT_OBJECT_DIRECTORY ?? (gitDir === undefined ? undefined : join(gitDir, 'objects'));
  if (folder !== undefined) await listeners.get(folder)?.(words, input);
}
