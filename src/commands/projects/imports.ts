/**
 * Copies published outputs of one project into another one, as files that it has like any other. A record beside them tells
 * which of them are copies, so that a file that a person changed is never overwritten. Builds nothing.
 */

import { chmod, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { ownValue } from '../../base/records/own-value.js';
import { err, ok, type Result } from '../../base/result.js';
import { inspectProject } from '../../build/dry-run.js';
import { inSession, openWritingSession } from '../../build/project-session.js';
import { isObject } from '../../io/document/json-object.js';
import { readBytes, removeTree, sweepTemporary, writeAtomic } from '../../io/files.js';
import { unsafePath } from '../../io/unsafe-path.js';
import { digestBytes } from '../../model/digest.js';
import type { Failure } from '../../model/failure.js';
import { patternSet } from '../../model/paths/pattern-set.js';
import type { ComparedCopies, ImportedFiles } from '../../model/projects/project-event.js';
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
  /** While copies are made: what they will hold. A copy that a kill left behind is known by it. */
  readonly copying?: Readonly<Record<string, string>>;
}

/** What is to be done for the copies of one dependency. */
interface CopyPlan {
  readonly before: ImportRecord;
  /** Digests of the published files. */
  readonly digests: ReadonlyMap<string, string>;
  /** Paths of copies that are missing or out of date, with the digest of what is there. */
  readonly stale: ReadonlyMap<string, string | undefined>;
  /** Copies of files that are no longer published, with the digest of what is there. */
  readonly gone: ReadonlyMap<string, string>;
  /** Copies that a person changed, and that would be written. */
  readonly inTheWay: readonly string[];
  /** The same, of files that are no longer published. */
  readonly left: readonly string[];
}

export interface Importing {
  /** Of the project that gets the copies. */
  readonly host: Host;
  readonly command: string;
  /** Wait for another build of the project to end; otherwise fail with `locked`. */
  readonly wait: boolean;
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
      .filter((path) => path !== IMPORT_RECORD && set.matches(path))
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
  { host, command, wait, signal, emit }: Importing,
  need: ResolvedNeed,
  files: ReadonlyMap<string, PublishedFile>,
): Promise<Result<ImportedFiles, Failure>> {
  const session = openWritingSession(host, { command, wait, signal }, emit);
  return inSession(session, async ({ repository }) => writeCopies(repository.project, need, files));
}

/** Copies that a build would write or remove, and those that a person changed: paths in the project. Writes nothing. */
export async function compareCopies(
  project: string,
  need: ResolvedNeed,
  files: ReadonlyMap<string, PublishedFile>,
): Promise<Result<ComparedCopies, Failure>> {
  const plan = await planCopies(project, need, files);
  if (!plan.ok) return plan;
  const { stale, gone, inTheWay, left } = plan.value;
  const named = (paths: readonly string[]) => [...paths].sort().map((path) => `${need.into}/${path}`);
  return ok({
    from: need.project,
    into: need.into,
    stale: named([...stale.keys(), ...gone.keys()]),
    edited: named([...inTheWay, ...left]),
  });
}

/** Its parts, without a lock. */
export async function writeCopies(
  project: string,
  need: ResolvedNeed,
  files: ReadonlyMap<string, PublishedFile>,
): Promise<Result<ImportedFiles, Failure>> {
  const { project: from, into } = need;
  const recordPath = `${into}/${IMPORT_RECORD}`;
  const unsafe = await unsafePath(project, recordPath);
  if (unsafe !== undefined) return err({ kind: 'unsafe-path', path: recordPath, reason: unsafe });
  const planned = await planCopies(project, need, files);
  if (!planned.ok) return planned;
  const { before, digests, stale, gone, inTheWay } = planned.value;
  const named = (paths: readonly string[]) => paths.map((path) => `${into}/${path}`);
  const refused = (paths: readonly string[]) =>
    err<Failure>({ kind: 'files-in-the-way', paths: named(paths), copiesOf: from });
  if (inTheWay.length > 0) return refused(inTheWay);
  const record: ImportRecord = { schema: RECORD_SCHEMA, project: from, files: inOrder(digests) };
  const write = (one: ImportRecord) =>
    writeAtomic(join(project, recordPath), `${JSON.stringify(one, null, 2)}\n`);
  // Half-written files of a killed run.
  for (const folder of new Set([...stale.keys()].map((path) => dirname(join(project, into, path)))))
    await sweepTemporary(folder);
  // First what is about to be copied: after a kill, a new copy is not taken for a person's change.
  const copying = Object.fromEntries([...stale.keys()].map((path) => [path, digests.get(path) as string]));
  if (stale.size > 0) await write({ ...before, project: from, copying: { ...before.copying, ...copying } });
  for (const [path, found] of stale) {
    const { content, isExecutable } = files.get(path) as PublishedFile;
    const place = join(project, into, path);
    // A person may have saved the file meanwhile.
    if ((await digestAt(place)) !== found) return refused([path]);
    await writeAtomic(place, content);
    if (isExecutable) await chmod(place, 0o755);
  }
  const removed: string[] = [];
  const left = [...planned.value.left];
  for (const [path, found] of gone) {
    const place = join(project, into, path);
    const now = await digestAt(place);
    // A person may have saved the file meanwhile, or removed it.
    if (now === undefined) continue;
    if (now === found) await removeTree(place);
    (now === found ? removed : left).push(path);
  }
  const isRecorded =
    before.copying === undefined && JSON.stringify(before.files) === JSON.stringify(record.files);
  if (!isRecorded || stale.size > 0) await write(record);
  return ok({ from, into, written: named([...stale.keys()]), removed: named(removed), left: named(left) });
}

async function planCopies(
  project: string,
  { into }: ResolvedNeed,
  files: ReadonlyMap<string, PublishedFile>,
): Promise<Result<CopyPlan, Failure>> {
  const before = parseRecord(await readBytes(join(project, into, IMPORT_RECORD)));
  const digests = new Map([...files].map(([path, { content }]) => [path, digestBytes(content)]));
  const isOwn = (path: string, found: string) =>
    [before.files, before.copying].some((one) => found === ownValue(one, path));
  const stale = new Map<string, string | undefined>();
  const inTheWay: string[] = [];
  for (const [path, digest] of digests) {
    const unsafe = await unsafePath(project, `${into}/${path}`);
    if (unsafe !== undefined) return err({ kind: 'unsafe-path', path: `${into}/${path}`, reason: unsafe });
    const place = join(project, into, path);
    const found = await digestAt(place);
    if (found === digest) {
      if ((await isExecutable(place)) !== files.get(path)?.isExecutable) stale.set(path, found);
    } else if (found === undefined || isOwn(path, found)) stale.set(path, found);
    else inTheWay.push(path);
  }
  const gone = new Map<string, string>();
  const left: string[] = [];
  for (const path of Object.keys({ ...before.files, ...before.copying })) {
    if (digests.has(path) || (await unsafePath(project, `${into}/${path}`)) !== undefined) continue;
    const found = await digestAt(join(project, into, path));
    if (found === undefined) continue;
    if (isOwn(path, found)) gone.set(path, found);
    else left.push(path);
  }
  return ok({ before, digests, stale, gone, inTheWay, left });
}

async function digestAt(place: string): Promise<string | undefined> {
  const found = await readBytes(place);
  return found && digestBytes(found);
}

async function isExecutable(place: string): Promise<boolean> {
  return ((await stat(place)).mode & 0o100) !== 0;
}

function inOrder(digests: ReadonlyMap<string, string>): Record<string, string> {
  return Object.fromEntries([...digests].sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** One that is missing or damaged names no file: then nothing that stands there is overwritten. */
function parseRecord(bytes: Buffer | undefined): ImportRecord {
  const none: ImportRecord = { schema: RECORD_SCHEMA, project: '', files: {} };
  if (bytes === undefined) return none;
  try {
    const record = JSON.parse(bytes.toString('utf8')) as ImportRecord;
    const { schema, files, copying } = record;
    const isSound =
      schema === RECORD_SCHEMA && isObject(files) && (copying === undefined || isObject(copying));
    return isSound ? record : none;
  } catch {
    return none;
  }
}
