/**
 * The files of a project's history in conductor's state folder, and how they stay bounded. Lines that cost nothing are in files of
 * their own: builds of very many tasks leave so many of them that they would push out the records of paid sessions.
 */

import { mapBounded } from '../../base/bounded.js';
import { type LineQueue, lineQueue } from '../../base/lines/line-queue.js';
import { ok, type Result } from '../../base/result.js';
import { append, lookSync, moveWhenLarger, readText, writeAtomic } from '../../io/files.js';
import { openRepository } from '../../io/git/open-repository.js';
import type { Repository } from '../../io/git/repository.js';
import type { Failure } from '../../model/failure.js';
import { type HistoryLine, historyOf, parseRecordedLine, sortedOut } from '../../model/history.js';

/** Of each kind two files of this size at most: tens of thousands of agent calls, and of other tasks. */
const MAX_BYTES = 8_000_000;

/** Sessions with the tasks on which they worked, and all others. */
type Kind = 'paid' | 'free';

const NAMES = { paid: 'history', free: 'history.free' } as const;

/** The one before, and the one to which lines are added. */
function filesOf(folder: string, kind: Kind): readonly [string, string] {
  return [`${folder}/${NAMES[kind]}.1.ndjson`, `${folder}/${NAMES[kind]}.ndjson`];
}

/** Its folder: the one that all sessions share, where a session for looking only has records of its own. */
export function historyFolder({ home, hash }: Pick<Repository, 'home' | 'hash'>): string {
  return `${home}/projects/${hash}`;
}

/** Everything that is remembered, the oldest first; lines that are damaged are passed over. */
export function readHistory(folder: string): Promise<HistoryLine[]> {
  return readFiles([...filesOf(folder, 'free'), ...filesOf(folder, 'paid')]);
}

/** Sessions and the ends of the tasks on which they worked, the oldest first; of other tasks, only what earlier versions left. */
export function readPaidHistory(folder: string): Promise<HistoryLine[]> {
  return readFiles(filesOf(folder, 'paid'));
}

async function readFiles(paths: readonly string[]): Promise<HistoryLine[]> {
  const texts = await mapBounded(paths, readText);
  return historyOf(texts.flatMap(linesOf).flatMap((line) => parseRecordedLine(line) ?? []));
}

/** The history of the project in a folder, or what `read` reads of it. Fails where there is no repository. */
export async function projectHistory(
  directory: string,
  read = readHistory,
): Promise<Result<HistoryLine[], Failure>> {
  const opened = await openRepository(directory);
  return opened.ok ? ok(await read(historyFolder(opened.value))) : opened;
}

/**
 * A queue of lines for the file of a kind, which is put into its bounds before the first of them. The caller holds the project's lock
 * until the queue is written.
 */
export function linesFor(folder: string, kind: Kind, maxBytes = MAX_BYTES): LineQueue {
  const [, now] = filesOf(folder, kind);
  let isOpen = false;
  return lineQueue(async (text) => {
    if (!isOpen) await makeRoom(folder, kind, maxBytes);
    // A build that was killed may have left half a line: it stays one of its own.
    await append(now, isOpen ? text : `\n${text}`);
    isOpen = true;
  });
}

/** A file that is too large takes the place of the one before it, which is let go. */
async function makeRoom(folder: string, kind: Kind, maxBytes: number): Promise<void> {
  const [before, now] = filesOf(folder, kind);
  if (kind === 'free') return moveWhenLarger(now, before, maxBytes);
  if ((lookSync(now)?.size ?? 0) <= maxBytes) return;
  // Most of it may be steps of sessions whose end is known, or, of an earlier version, tasks that cost nothing.
  const { paid, free } = sortedOut(linesOf(await readText(now)));
  await writeAtomic(now, textOf(paid));
  // If conductor is killed here, these are lost: they cost nothing, and must not be counted twice.
  if (free.length > 0) await append(filesOf(folder, 'free')[1], `\n${textOf(free)}`);
  // What is left would soon be too large again, and is not read for that each time.
  await moveWhenLarger(now, before, maxBytes / 2);
}

function linesOf(text: string | undefined): string[] {
  return (text ?? '').split('\n').filter((line) => line !== '');
}

function textOf(lines: readonly string[]): string {
  return lines.map((line) => `${line}\n`).join('');
}
