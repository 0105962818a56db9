/**
 * Copies published outputs of one project into another one, as files that it has like any other. A record beside them tells
 * which of them are copies, so that a file that a person changed is never overwritten. Builds nothing.
 */

import { chmod } from 'node:fs/promises';
import { join } from 'node:path';
import { err, ok, type Result } from '../../base/result.js';
import { inspectProject } from '../../build/dry-run.js';
import { inSession, openWritingSession } from '../../build/project-session.js';
import { readBytes, removeTree, writeAtomic } from '../../io/files.js';
import { unsafePath } from '../../io/unsafe-path.js';
import { digestBytes } from '../../model/digest.js';
import type { Failure } from '../../model/failure.js';
import { patternSet } from '../../model/paths/pattern-set.js';
import type { ImportedFiles } from '../../model/projects/project-event.js';
import type { ResolvedNeed } from '../../model/projects/project-list.js';
import type { Emit, Host } from '../../project/host.js';

/** Committed with the copies: a clone knows by it which files a person changed. */
export const IMPORT_RECORD = '.conductor-import.json';
const RECORD_SCHEMA = 1;

/** A published output. */
interface PublishedFile {
  readonly content: Buffer;
  readonly isExecutable: boolean;
}

interface ImportRecord {
  readonly schema: number;
  readonly project: string;
  /** Paths below the record to digests of contents. */
  readonly files: Readonly<Record<string, string>>;
}

export interface Importing {
  /** Of the project that gets the copies. */
  readonly host: Host;
  readonly command: string;
  readonly signal: AbortSignal;
  readonly emit: Emit;
}

/** The outputs of a project as they are on disk: of what its lock files name, what the patterns match. */
export async function publishedFiles(
  host: Host,
  patterns: readonly string[],
): Promise<Result<ReadonlyMap<string, PublishedFile>, Failure>> {
  const set = patternSet(patterns);
  return inspectProject(host, [], async ({ project }) => {
    const entries = [...project.recorded.keys()]
      .filter((path) => set.matches(path))
      .flatMap((path) => {
        const entry = project.listing.get(path);
        // Links and submodules lead to files that are no outputs.
        return entry?.mode === '100644' || entry?.mode === '100755' ? [[path, entry] as const] : [];
      });
    const contents = await project.objects.readMany(entries.map(([, { id }]) => id));
    return new Map(
      entries.map(([path, { id, mode }]) => {
        const file = { content: contents.get(id) as Buffer, isExecutable: mode === '100755' };
        return [path, file] as const;
      }),
    );
  });
}

/**
 * Brings the copies of one dependency up to date under the lock of the project that gets them. Fails with `files-in-the-way`,
 * and writes nothing, where a person changed a file that would be written.
 */
export async function importOutputs(
  { host, command, signal, emit }: Importing,
  need: ResolvedNeed,
  files: ReadonlyMap<string, PublishedFile>,
): Promise<Result<ImportedFiles, Failure>> {
  const session = openWritingSession(host, { command, wait: true, signal }, emit);
  return inSession(session, async ({ repository }) => writeCopies(repository.project, need, files));
}

/** Its parts, without a lock. */
export async function writeCopies(
  project: string,
  { project: from, into }: ResolvedNeed,
  files: ReadonlyMap<string, PublishedFile>,
): Promise<Result<ImportedFiles, Failure>> {
  const recordPath = `${into}/${IMPORT_RECORD}`;
  const before = parseRecord(await readBytes(join(project, recordPath)));
  const now = new Map([...files].map(([path, { content }]) => [path, digestBytes(content)]));
  const inTheWay: string[] = [];
  const changed: string[] = [];
  for (const [path, digest] of now) {
    const place = `${into}/${path}`;
    const unsafe = await unsafePath(project, place);
    if (unsafe !== undefined) return err({ kind: 'unsafe-path', path: place, reason: unsafe });
    const found = await readBytes(join(project, place));
    const isSame = found !== undefined && digestBytes(found) === digest;
    if (isSame) continue;
    const isOwn = found === undefined || digestBytes(found) === before.files[path];
    if (isOwn) changed.push(path);
    else inTheWay.push(place);
  }
  if (inTheWay.length > 0) return err({ kind: 'files-in-the-way', paths: inTheWay, copiesOf: from });
  const gone = Object.keys(before.files).filter((path) => !now.has(path));
  const { removed, left } = await removeCopies(project, into, { gone, before });
  for (const path of changed) {
    const { content, isExecutable } = files.get(path) as PublishedFile;
    await writeAtomic(join(project, into, path), content);
    if (isExecutable) await chmod(join(project, into, path), 0o755);
  }
  const record: ImportRecord = {
    schema: RECORD_SCHEMA,
    project: from,
    files: Object.fromEntries([...now].sort(([a], [b]) => (a < b ? -1 : 1))),
  };
  const isRecorded = JSON.stringify(before.files) === JSON.stringify(record.files);
  const unsafe = await unsafePath(project, recordPath);
  if (unsafe !== undefined) return err({ kind: 'unsafe-path', path: recordPath, reason: unsafe });
  if (!isRecorded) await writeAtomic(join(project, recordPath), `${JSON.stringify(record, null, 2)}\n`);
  const named = (paths: readonly string[]) => paths.map((path) => `${into}/${path}`);
  return ok({ from, into, written: named(changed), removed: named(removed), left: named(left) });
}

async function removeCopies(
  project: string,
  into: string,
  { gone, before }: { readonly gone: readonly string[]; readonly before: ImportRecord },
): Promise<{ removed: string[]; left: string[] }> {
  const removed: string[] = [];
  const left: string[] = [];
  for (const path of gone) {
    const place = `${into}/${path}`;
    if ((await unsafePath(project, place)) !== undefined) continue;
    const found = await readBytes(join(project, place));
    if (found === undefined) continue;
    if (digestBytes(found) !== before.files[path]) left.push(path);
    else {
      await removeTree(join(project, place));
      removed.push(path);
    }
  }
  return { removed, left };
}

/** One that is missing or damaged names no file: then nothing that stands there is overwritten. */
function parseRecord(bytes: Buffer | undefined): ImportRecord {
  const none: ImportRecord = { schema: RECORD_SCHEMA, project: '', files: {} };
  if (bytes === undefined) return none;
  try {
    const record = JSON.parse(bytes.toString('utf8')) as ImportRecord;
    const isSound =
      record.schema === RECORD_SCHEMA && typeof record.files === 'object' && record.files !== null;
    return isSound ? record : none;
  } catch {
    return none;
  }
}
