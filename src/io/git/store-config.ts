/** The settings of conductor's own repository, and whether they match the user's. Changes nothing. */

import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Repository } from './repository.js';

/** Files that the store has as copies of the person's, relative to both. */
export const COPIED_FILES = ['info/exclude', 'info/attributes'] as const;

/**
 * The person's configuration comes first, so that filters and line endings are theirs. What follows undoes all that
 * would make the store anything but a plain bare repository that runs nothing by itself. Paths are relative, so that
 * a clone can be moved.
 */
export function storeConfig(format: Repository['objectFormat']): string {
  const sha256 = format === 'sha256';
  return `[include]
	path = ../../config
[core]
	repositoryformatversion = ${sha256 ? 1 : 0}
	bare = true
	hooksPath = /dev/null
	fsmonitor = false
	untrackedCache = false
	splitIndex = false
	sparseCheckout = false
	sparseCheckoutCone = false
	logAllRefUpdates = false
	trustctime = true
	checkStat = default
	ignoreStat = false
	protectHFS = true
	protectNTFS = true
	filesRefLockTimeout = 1000
	packedRefsTimeout = 1000
[index]
	sparse = false
	version = 2
[gc]
	auto = 0
[maintenance]
	auto = false
[submodule]
	recurse = false
[commit]
	gpgSign = false
[lfs]
	storage = ../../lfs
	skipdownloaderrors = true
[extensions]
${sha256 ? '\tobjectFormat = sha256\n' : ''}`;
}

/**
 * The settings of a git folder for workspaces: filters are the person's, everything else that decides what a file on disk is
 * is the same on every machine. Settings of the user and of the system come before it.
 */
export function canonicalConfig({ store, objectFormat }: Repository): string {
  const sha256 = objectFormat === 'sha256';
  return `[include]
	path = ${JSON.stringify(join(store, 'config'))}
[core]
	repositoryformatversion = ${sha256 ? 1 : 0}
	bare = true
	autocrlf = false
	eol = lf
	attributesFile = /dev/null
	excludesFile = /dev/null
	fileMode = true
	symlinks = true
	ignoreCase = false
	precomposeUnicode = false
[lfs]
	storage = ${JSON.stringify(join(dirname(dirname(store)), 'lfs'))}
	fetchexclude = *
[extensions]
${sha256 ? '\tobjectFormat = sha256\n' : ''}`;
}

/** Where the person's objects are, relative to the store's. */
export const ALTERNATES = '../../../objects\n';
/** No branch is ever made: git wants the name of one. */
export const HEAD = 'ref: refs/heads/main\n';

/** Whether nothing of it is to be made or copied. */
export function isStoreCurrent({ store, commonDir, objectFormat }: Repository): boolean {
  if (!/^(ref: refs\/|[0-9a-f]{40})/.test(bytesOf(join(store, 'HEAD'))?.toString('latin1') ?? ''))
    return false;
  if (bytesOf(join(store, 'objects/info/alternates'))?.toString('latin1') !== ALTERNATES) return false;
  if (!existsSync(join(store, 'refs'))) return false;
  if (bytesOf(join(store, 'config'))?.toString('utf8') !== storeConfig(objectFormat)) return false;
  return COPIED_FILES.every((name) => {
    const [theirs, ours] = [bytesOf(join(commonDir, name)), bytesOf(join(store, name))];
    return theirs === undefined ? ours === undefined : ours?.equals(theirs) === true;
  });
}

function bytesOf(path: string): Buffer | undefined {
  // An error that is thrown takes longer than the question.
  if (!existsSync(path)) return undefined;
  try {
    return readFileSync(path);
  } catch {
    return undefined;
  }
}
