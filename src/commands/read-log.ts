/** Reads the logs of builds in `.conductor/logs`. Writes nothing, and ignores damaged lines. */

import { open, readdir, stat } from 'node:fs/promises';
import { mapBounded } from '../base/bounded.js';
import { suggestions } from '../base/nearest.js';
import { err, ok, type Result } from '../base/result.js';
import { isMissing } from '../io/errors.js';
import { codeOf, exists, readText } from '../io/files.js';
import type { BuildEvent } from '../model/event.js';
import { singleEvents } from '../model/events/events-together.js';
import type { Failure } from '../model/failure.js';
import { CONDUCTOR_FOLDER, folderName } from '../project/log-files.js';

export interface BuildLog {
  readonly build: string;
  /** Of one task only, when a task was asked for. */
  readonly events: readonly BuildEvent[];
  /** Logs of the task's programs, in the order of their names. */
  readonly files: readonly { readonly name: string; readonly text: string }[];
}

/** Names of the kept builds, the newest first. A folder without events holds only what a program printed. */
export async function listBuilds(project: string): Promise<string[]> {
  const names = await readdir(logsFolder(project)).catch((error: unknown) => {
    if (isMissing(error)) return [];
    throw error;
  });
  const logged = await mapBounded(names, (name) => exists(`${logsFolder(project)}/${name}/events.ndjson`));
  return names
    .filter((_, index) => logged[index])
    .sort()
    .reverse();
}

const PASSIVE: ReadonlySet<BuildEvent['type']> = new Set(['task.checked', 'task.waiting', 'warning']);

/** That a task was looked at, and that it is fresh, is no work on it. */
function isWork(event: BuildEvent): boolean {
  return !PASSIVE.has(event.type) && !(event.type === 'task.finished' && event.outcome === 'fresh');
}

/**
 * The log of a build by its name, of the last build when nothing is asked for, or of the last build that did
 * something with a task. Fails with `unknown-target`.
 */
export async function readBuildLog(
  project: string,
  what: string | undefined,
): Promise<Result<BuildLog, Failure>> {
  const builds = await listBuilds(project);
  if (what === undefined || builds.includes(what)) {
    const build = what ?? builds[0];
    if (build === undefined)
      return err({ kind: 'usage', message: 'no build has written a log yet', hint: 'run `conductor build`' });
    return ok({ build, events: await readEvents(project, build), files: [] });
  }
  const known = new Set(builds);
  for (const build of builds) {
    const all = await readEvents(project, build);
    const events: BuildEvent[] = [];
    for (const told of all) {
      for (const event of singleEvents(told)) {
        if (!('task' in event) || event.task === undefined) continue;
        known.add(event.task);
        if (event.task === what) events.push(event);
      }
    }
    // Requests to agents (`f/T1@review`) do not start and finish as tasks do.
    if (events.some(isWork)) return ok({ build, events, files: await readFiles(project, build, what) });
  }
  if (known.has(what)) {
    const hint = '`conductor log --list` lists the builds';
    return err({ kind: 'usage', message: `no build that has a log worked on ${what}`, hint });
  }
  return err({ kind: 'unknown-target', target: what, nearest: suggestions(what, [...known]) });
}

async function readEvents(project: string, build: string): Promise<BuildEvent[]> {
  const text = (await readText(`${logsFolder(project)}/${build}/events.ndjson`)) ?? '';
  return eventsIn(text);
}

async function readFiles(project: string, build: string, label: string): Promise<BuildLog['files']> {
  const folder = `${logsFolder(project)}/${build}/${folderName(label)}`;
  const names = (await readdir(folder).catch(() => [])).sort();
  return mapBounded(names, async (name) => ({
    name: `${CONDUCTOR_FOLDER}/logs/${build}/${folderName(label)}/${name}`,
    text: (await readText(`${folder}/${name}`)) ?? '',
  }));
}

function logsFolder(project: string): string {
  return `${project}/${CONDUCTOR_FOLDER}/logs`;
}

/**
 * The events of a log that are complete from a place on, in bytes, and the place behind them: a line that is still being
 * written is read the next time.
 */
export async function readEventsFrom(
  path: string,
  offset: number,
): Promise<{ readonly events: BuildEvent[]; readonly offset: number }> {
  const size = (await stat(path).catch(() => undefined))?.size ?? 0;
  if (size <= offset) return { events: [], offset };
  const bytes = await readPart(path, offset, size - offset);
  const end = bytes.lastIndexOf('\n') + 1;
  return { events: eventsIn(bytes.toString('utf8', 0, end)), offset: offset + end };
}

/** Nothing where there is no file: old logs are removed while they are read. */
export async function readPart(path: string, from: number, length: number): Promise<Buffer> {
  const file = await open(path, 'r').catch((error: unknown) => {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw error;
  });
  if (!file) return Buffer.alloc(0);
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, from);
    return buffer.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}

/** Lines that are damaged, or cut off, are passed over. */
export function eventsIn(text: string): BuildEvent[] {
  return text.split('\n').flatMap((line) => {
    if (!line.startsWith('{')) return [];
    try {
      return [JSON.parse(line) as BuildEvent];
    } catch {
      return [];
    }
  });
}
