/** Where tasks and files of a project are in its repository, for the reports of a CI. Only reads. */

import { existsSync, readFileSync, statSync } from 'node:fs';
import { isAbsolute, join, posix } from 'node:path';
import { ok, type Result } from '../base/result.js';
import { inSession, openReadingSession, type Session } from '../build/project-session.js';
import { openRepository } from '../io/git/open-repository.js';
import type { Failure } from '../model/failure.js';
import { isInPackage } from '../model/output/problem-places.js';
import type { Label } from '../model/task.js';
import type { Host } from '../project/host.js';
import { loadProject, textIn } from '../project/project.js';
import { diskSource } from '../project/project-source.js';
import type { Places } from '../report/ci/annotations.js';
import { placeProblems } from '../specs/problem.js';

const MAX_LOG = 512 * 1024;

/** Places in the repository whose work tree has this root; undefined: the project is in none. */
export interface OpenedPlaces extends Places {
  readonly top: string | undefined;
}

/** What no task and no file of the project is: what cannot be read has no place, because a report never fails a build. */
export async function openPlaces(host: Host, labels: readonly Label[]): Promise<OpenedPlaces> {
  const repository = await openRepository(host.directory);
  const [folder, prefix] = repository.ok
    ? [repository.value.project, repository.value.prefix]
    : [host.directory, ''];
  const tasks = new Map<Label, { readonly file: string; readonly line: number }>();
  const outputs = new Set<string>();
  if (labels.length > 0) {
    const read = await inSession(openReadingSession(host), (session) => readTasks(host, session, labels));
    for (const [label, { file, line }] of read.ok ? read.value.entries : [])
      tasks.set(label, { file: prefix + file, line });
    for (const path of read.ok ? read.value.outputs : []) outputs.add(path);
  }
  const isThere = (path: string) => outputs.has(path) || isFile(join(folder, path));
  return {
    top: repository.ok ? repository.value.top : undefined,
    task: (label) => tasks.get(label),
    file(path) {
      const found = ofProject(path, isThere);
      return found === undefined ? undefined : prefix + found;
    },
    log: ({ log, tail }) => (log === undefined ? undefined : readEnd(join(folder, log))) ?? tail,
  };
}

interface ReadTasks {
  readonly entries: ReadonlyMap<Label, { readonly file: string; readonly line: number }>;
  /** Of these tasks: what failed may not be on disk. */
  readonly outputs: readonly string[];
}

async function readTasks(
  host: Host,
  session: Session,
  labels: readonly Label[],
): Promise<Result<ReadTasks, Failure>> {
  const config = await host.loadConfig(session.repository.project);
  if (!config.ok) return config;
  const project = await loadProject(diskSource(session, config.value.config));
  if (!project.ok) return project;
  const tasks = labels.flatMap((label) => project.value.graph.tasks.get(label) ?? []);
  const entries = new Map<Label, { readonly file: string; readonly line: number }>();
  for (const { label, source } of tasks) {
    const problem = { file: source.file, path: source.path, message: '' };
    const [place] = await placeProblems([problem], (file) => textIn(project.value, file));
    entries.set(label, { file: source.file, line: place?.line ?? 1 });
  }
  return ok({ entries, outputs: tasks.flatMap((task) => [...task.outputs, ...task.edits]) });
}

/** A file of the project by the name that a program gave it: gates run in a workspace, whose folder is in their paths. */
function ofProject(path: string, isThere: (path: string) => boolean): string | undefined {
  const plain = posix.normalize(path);
  if (isInPackage(plain)) return undefined;
  if (!isAbsolute(plain)) return !plain.startsWith('..') && isThere(plain) ? plain : undefined;
  const parts = plain.split('/').slice(1);
  for (let at = 0; at < parts.length; at++) {
    const end = parts.slice(at).join('/');
    if (isThere(end)) return end;
  }
  return undefined;
}

function isFile(path: string): boolean {
  // A path that no system takes (too long, a zero byte) is no file.
  try {
    return existsSync(path) && statSync(path).isFile();
  } catch {
    return false;
  }
}

function readEnd(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8').slice(-MAX_LOG);
  } catch {
    return undefined;
  }
}
