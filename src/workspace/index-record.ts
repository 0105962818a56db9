/**
 * What a private index depends on beside the working files: git's settings, attributes, ignore rules, and what the person's own
 * index tracks. With it the index stays a cache: its history never decides what a snapshot holds.
 */

import { copyFile, readFile, rename, rm, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { sha256 } from '../base/sha256.js';
import { fileIdentity, readTextSync, writeAtomic } from '../io/files.js';
import { type GitCall, type GitExit, git } from '../io/git/git-process.js';
import { type GitSettings, isSameSettings, readGitSettings } from '../io/git/git-settings.js';
import { gitSync } from '../io/git/reading/sync-git.js';
import type { Repository } from '../io/git/repository.js';
import { indexCall, SECRETS_RECORD } from './private-index.js';

export interface IndexRecord {
  readonly settings: GitSettings;
  /** The private index when its rules were last looked at. */
  readonly index: string | undefined;
  readonly rules: IndexRules;
  readonly person: PersonIndex;
  /** Ignored files of the project that were taken in by name, since a spec named them. */
  readonly forced: readonly string[];
}

/** The rules files in a private index, as digests of their names and blobs. */
export interface IndexRules {
  readonly attributes: string;
  readonly ignores: string;
}

/** What the person's index tracks although it is ignored. */
interface PersonIndex {
  readonly identity: string;
  readonly digest: string;
}

const INDEX_RECORD = 'index-settings.json';

export function readIndexRecord(state: string): IndexRecord | undefined {
  try {
    const record = JSON.parse(readTextSync(join(state, INDEX_RECORD)) ?? '') as IndexRecord;
    return record.settings && record.rules && record.person && record.forced ? record : undefined;
  } catch {
    return undefined;
  }
}

export async function writeIndexRecord(state: string, record: IndexRecord): Promise<void> {
  await writeAtomic(join(state, INDEX_RECORD), JSON.stringify(record));
}

/** Those of the record as long as no file of them has changed. */
export async function currentSettings(
  repository: Repository,
  record: IndexRecord | undefined,
): Promise<GitSettings> {
  const isComplete = record?.settings.rewrites !== undefined;
  if (record && isComplete && isSameSettings(record.settings)) return record.settings;
  return readGitSettings(repository, indexCall(repository));
}

/**
 * Whether everything is as recorded, with a few stats, and where the person's index was written, one git process. Keeps what it
 * learns.
 */
export async function isAsRecorded(repository: Repository): Promise<boolean> {
  const record = readIndexRecord(repository.state);
  if (!record || !isSameSettings(record.settings)) return false;
  const identity = personIdentity(repository);
  if (identity === record.person.identity) return true;
  const listed = gitSync(IGNORED, personCall(repository));
  if (listed.code !== 0 || digestOf(listed) !== record.person.digest) return false;
  await writeIndexRecord(repository.state, { ...record, person: { ...record.person, identity } });
  return true;
}

/** The same, where even the person's index is the one that was asked about. */
export function isExactlyAsRecorded(repository: Repository): boolean {
  const record = readIndexRecord(repository.state);
  return record?.person.identity === personIdentity(repository) && isSameSettings(record.settings);
}

const RULES_FILES = ['.gitattributes', '.gitignore'];

export function isRulesFile(path: string): boolean {
  return RULES_FILES.some((name) => path === name || path.endsWith(`/${name}`));
}

/** `blobs`: those of the files with attributes, where git had to be asked. */
type FoundRules = IndexRules & { readonly blobs: readonly string[] };

/** Which rules files the private index has now. */
export async function rulesOf(call: GitCall, record: IndexRecord | undefined): Promise<FoundRules> {
  const isSame = record?.index !== undefined && fileIdentity(call.indexFile as string) === record.index;
  return isSame ? { ...record.rules, blobs: [] } : rulesInIndex(call);
}

async function rulesInIndex(call: GitCall): Promise<FoundRules> {
  const specs = RULES_FILES.map((name) => `:(top,glob)**/${name}`);
  const listed = (await git(['ls-files', '-s', '-z', '--', ...specs], call)).stdout.toString('latin1');
  const [attributes, ignores] = RULES_FILES.map((name) =>
    listed.split('\0').filter((line) => line.endsWith(`\t${name}`) || line.endsWith(`/${name}`)),
  ) as [string[], string[]];
  return {
    attributes: sha256(attributes.join('\0')),
    ignores: sha256(ignores.join('\0')),
    blobs: attributes.map((line) => line.split(' ')[1] as string),
  };
}

/** Ignored files that the person's index tracks: paths from the root of the repository, each ended by a NUL. */
export async function trackedThoughIgnored(
  repository: Repository,
  specs: readonly string[],
): Promise<PersonIndex & { readonly paths: readonly string[] }> {
  const identity = personIdentity(repository);
  const all = await git(IGNORED, personCall(repository));
  const wanted =
    all.stdout.length === 0 ? all : await git([...IGNORED, '--', ...specs], personCall(repository));
  return { identity, digest: digestOf(all), paths: pathsOf(wanted) };
}

/** Ignored files that the private index has. */
export async function ignoredInIndex(call: GitCall): Promise<readonly string[]> {
  return pathsOf(await git(IGNORED, call));
}

/** Of ignored files the index has those of `tracked` afterwards, and no others. `before`: those that it had. Undefined when all went well. */
export async function takeAsTracked(
  call: GitCall,
  tracked: readonly string[],
  before: readonly string[],
): Promise<GitExit | undefined> {
  const wanted = new Set(tracked);
  const had = new Set(before);
  const listed = (paths: readonly string[]) =>
    Buffer.from(paths.map((path) => `${path}\0`).join(''), 'latin1');
  const update = async (flags: readonly string[], paths: readonly string[]) => {
    if (paths.length === 0) return undefined;
    const exit = await git(['update-index', ...flags, '-z', '--stdin'], { ...call, input: listed(paths) });
    return exit.code === 0 ? undefined : exit;
  };
  const gone = [...had].filter((path) => !wanted.has(path));
  return (
    (await update(['--force-remove'], gone)) ??
    (await update(
      ['--add', '--remove'],
      tracked.filter((path) => !had.has(path)),
    ))
  );
}

const IGNORED = ['ls-files', '--cached', '--ignored', '--exclude-standard', '-z'];

/** Latin-1, so that names of any encoding come through. */
function pathsOf({ stdout }: GitExit): string[] {
  return stdout.toString('latin1').split('\0').filter(Boolean);
}

function digestOf({ stdout }: Pick<GitExit, 'stdout'>): string {
  return sha256(stdout.toString('latin1'));
}

export function personIdentity({ gitDir }: Repository): string {
  return fileIdentity(join(gitDir, 'index')) ?? '';
}

/** Reads the person's index, split ones too, and writes nothing. */
function personCall({ gitDir, top }: Repository): GitCall {
  return { gitDir, workTree: top, dir: top };
}

/**
 * Copies the private index of one state folder to another: both are of the same working tree, and what one has read the
 * other need not read again. Rejects where there is none, and when a build writes it meanwhile: nothing is copied then.
 */
export async function copyIndex(from: string, to: string): Promise<void> {
  const texts = () => Promise.all(INDEX_RECORDS.map((name) => readFile(join(from, name), 'utf8')));
  const before = await texts();
  const source = join(from, 'index');
  const { mtimeMs } = await stat(source);
  const copy = join(to, 'index.copy');
  await copyFile(source, copy);
  const after = await texts();
  // A build may run beside this: an index with the records of another one would be believed.
  if (before.some((text, i) => text !== after[i])) {
    await rm(copy, { force: true });
    throw new Error('the index changed while it was copied');
  }
  // git reads again what was changed at the time of an index or later: the copy must not look younger.
  const time = (Math.floor(mtimeMs) - 1) / 1000;
  await utimes(copy, time, time);
  const [secrets, settings] = before as [string, string];
  await writeAtomic(join(to, SECRETS_RECORD), secrets);
  await rename(copy, join(to, 'index'));
  // Last: with an older one the index is only looked at again.
  await writeAtomic(join(to, INDEX_RECORD), settings);
}

const INDEX_RECORDS = [SECRETS_RECORD, INDEX_RECORD];
