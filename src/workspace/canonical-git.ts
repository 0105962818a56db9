/**
 * The git folder with which workspaces are written and read: the repository's own rules, and none of this machine's settings for
 * line ends, attributes, file modes and ignored files. It holds no objects; the same rules have the same folder.
 */

import { createHash } from 'node:crypto';
import { readdir, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { mapBounded } from '../base/bounded.js';
import { exists, makeDir, readText, removeTree, writeAtomic } from '../io/files.js';
import { type GitCall, git, gitOk } from '../io/git/git-process.js';
import type { GitObjects } from '../io/git/objects.js';
import type { Repository } from '../io/git/repository.js';
import { canonicalConfig, HEAD } from '../io/git/store-config.js';
import { conversions, NO_RULES, type RulesText } from '../model/git-rules/git-rules.js';
import type { ObjectId } from '../model/tree.js';

const PREFIX = 'rules-';
const FOLDERS = ['refs', 'objects', 'info'];
/** Unused for as long, the folder of other rules is removed. */
const OLD_MS = 7 * 24 * 60 * 60 * 1000;

export interface CanonicalGit {
  readonly dir: string;
  /** Where the rules find objects: those of conductor's repository. */
  readonly objects: string;
  /** Another one means that the same blob is another file on disk. */
  readonly key: string;
  /** Whether there are any rules about what files are on disk. */
  readonly hasAttributes: boolean;
  /** As what else a file is written than as its blob. Absent: none is. */
  readonly conversionOf: ReturnType<typeof conversions>;
}

/** Makes the folder below `folder` if it is missing. */
export async function openCanonicalGit(
  repository: Repository,
  folder: string,
  rules: RulesText = NO_RULES,
): Promise<CanonicalGit> {
  const config = canonicalConfig(repository);
  const key = digestOf([rules.attributes, await filters(repository, rules)]);
  const dir = join(folder, `${PREFIX}${digestOf([key, rules.attributes, rules.ignores, config])}`);
  const opened: CanonicalGit = {
    ...{ dir, objects: join(repository.store, 'objects'), key },
    hasAttributes: rules.attributes !== '',
    conversionOf: conversions(rules),
  };
  const files: Readonly<Record<string, string>> = {
    'info/attributes': rules.attributes,
    'info/exclude': rules.ignores,
    config,
    // Last: without it git takes the folder for no repository.
    HEAD,
  };
  if (await isWhole(dir, files)) {
    const now = (performance.timeOrigin + performance.now()) / 1000;
    await utimes(dir, now, now);
    return opened;
  }
  for (const name of FOLDERS) await makeDir(join(dir, name));
  for (const [name, text] of Object.entries(files)) await writeAtomic(join(dir, name), text);
  return opened;
}

/** The folder is not synced when it is made: after a power cut its files may be empty, or not there. */
async function isWhole(dir: string, files: Readonly<Record<string, string>>): Promise<boolean> {
  for (const name of FOLDERS) if (!(await exists(join(dir, name)))) return false;
  for (const [name, text] of Object.entries(files))
    if ((await readText(join(dir, name))) !== text) return false;
  return true;
}

/** How git is called for a work tree under these rules. */
export function canonicalCall(
  canonical: CanonicalGit,
  tree: { readonly dir: string; readonly index: string },
): GitCall {
  return {
    gitDir: canonical.dir,
    workTree: tree.dir,
    dir: tree.dir,
    indexFile: tree.index,
    env: { GIT_OBJECT_DIRECTORY: canonical.objects, GIT_ATTR_NOSYSTEM: '1' },
  };
}

export interface MadeFile {
  readonly path: string;
  readonly blob: ObjectId;
}

/** The files with the blobs that git keeps of them under these rules. Most need no look. */
export async function cleanFiles<T extends MadeFile>(
  objects: GitObjects,
  files: readonly T[],
  { rules = NO_RULES, open }: { readonly rules: RulesText | undefined; open(): Promise<CanonicalGit> },
): Promise<readonly T[]> {
  if (rules.attributes === '') return files;
  const conversionOf = conversions(rules);
  return mapBounded(files, async (file) => {
    const bytes = (await objects.read(file.blob)) as Buffer;
    if (!bytes.includes('\r\n') && !conversionOf?.(file.path)) return file;
    return { ...file, blob: await cleanBlob(await open(), file.path, bytes) };
  });
}

/** The blob that git keeps of a file with these bytes: without what its attributes put in on disk. */
async function cleanBlob(canonical: CanonicalGit, path: string, bytes: Buffer): Promise<ObjectId> {
  const { gitDir, env } = canonicalCall(canonical, {
    dir: canonical.dir,
    index: join(canonical.dir, 'none'),
  });
  const call: GitCall = { gitDir: gitDir as string, env: env as Record<string, string>, input: bytes };
  return (await gitOk(['hash-object', '-w', '--stdin', `--path=${path}`], call)).toString('latin1').trim();
}

/** Removes folders of rules that were not used for long. */
export async function sweepCanonicalGit(folder: string): Promise<void> {
  const now = performance.timeOrigin + performance.now();
  for (const name of await readdir(folder).catch(() => [])) {
    if (!name.startsWith(PREFIX)) continue;
    const used = await stat(join(folder, name)).catch(() => undefined);
    if (used && now - used.mtimeMs > OLD_MS) await removeTree(join(folder, name));
  }
}

/** The programs of filters, where the rules name any: with others, files come out as others. */
async function filters({ store }: Repository, { attributes }: RulesText): Promise<string> {
  if (!attributes.includes('filter=')) return '';
  const listed = await git(['config', '-z', '--get-regexp', '^filter\\.'], { gitDir: store });
  return listed.stdout.toString('utf8');
}

function digestOf(parts: readonly string[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 16);
}
