/** git's merge driver for lock files: merges the texts that git gives, task by task. Opens no project and runs nothing. */

import { err, ok, type Result } from '../base/result.js';
import { readText, writeAtomic } from '../io/files.js';
import { mergeFile } from '../io/git/merge-file.js';
import type { Diagnostic } from '../model/failure.js';
import { formatLock, parseLock } from '../specs/lock-file.js';
import { mergeLocks } from '../specs/merge-locks.js';

export interface MergedFiles {
  /** The common version; empty when there is none. */
  readonly base: string;
  /** Ours: the result is written here. */
  readonly ours: string;
  readonly theirs: string;
  /** Where the file is in the repository. */
  readonly path: string;
}

/** The ids of tasks that both sides built, which the next build decides. A text that is no lock is merged as any text is. */
export async function mergeLockFiles(files: MergedFiles): Promise<Result<readonly string[], Diagnostic>> {
  const read = async (file: string) => (await readText(file)) ?? '';
  const texts = {
    base: await read(files.base),
    ours: await read(files.ours),
    theirs: await read(files.theirs),
  };
  const [ours, theirs] = [parseLock(texts.ours, files.path), parseLock(texts.theirs, files.path)];
  if (!ours.ok || !theirs.ok) {
    const [a, b, c] = [texts.ours, texts.base, texts.theirs].map((text) => Buffer.from(text));
    const marks = { labels: ['ours', 'base', 'theirs'], size: 7 } as const;
    const merged = await mergeFile(a as Buffer, b as Buffer, c as Buffer, marks);
    await writeAtomic(files.ours, merged.text);
    return ours.ok ? (theirs as Result<never, Diagnostic>) : err(ours.error);
  }
  const base = texts.base.trim() === '' ? undefined : parseLock(texts.base, files.path);
  const sides = { ours: ours.value, theirs: theirs.value, base: base?.ok ? base.value : undefined };
  const lock = mergeLocks(sides);
  await writeAtomic(files.ours, formatLock(lock, files.path, schemaOf(texts.ours)));
  return ok(Object.entries(lock.tasks).flatMap(([id, task]) => (task.unmerged ? [id] : [])));
}

/** The reference to the schema as it was: it is relative to the project, and the path here to the repository. */
function schemaOf(text: string): string | undefined {
  return /^ {2}"\$schema": "([^"\\]*)"/m.exec(text)?.[1];
}
