/** Looks at every object of a store: which files of it do not hold what their names say. Changes nothing. */

import { open, readFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { inflate } from 'node:zlib';
import { mapBounded } from '../../../base/bounded.js';
import { codeOf, throwIfNotNow, throwIfNotSeen } from '../../errors.js';
import { namesIn } from '../../files.js';
import { GitError, git } from '../git-process.js';
import { hashObject } from '../writing/object-bytes.js';

const inflated = promisify(inflate);

/** What Node cannot hold at once: more than 2 GiB of a file, or what it holds without compression. */
const TOO_LARGE: ReadonlySet<string> = new Set(['ERR_FS_FILE_TOO_LARGE', 'ERR_BUFFER_TOO_LARGE']);

export interface StoreObjects {
  /** Objects of their own, and packs. */
  readonly checked: number;
  /** Paths of objects that are empty, cut off, or not what their id says. */
  readonly loose: readonly string[];
  /** Names of packs whose bytes or index are wrong. */
  readonly packs: readonly string[];
  /** Names of packs that have no index: nothing in them is found until they get one. */
  readonly unindexed: readonly string[];
}

/** Rejects if the system does not let a file be read: then conductor cannot know whether it is broken. */
export async function inspectObjects(store: string): Promise<StoreObjects> {
  const objects = join(store, 'objects');
  const paths: string[] = [];
  for (const folder of await namesIn(objects)) {
    if (!/^[0-9a-f]{2}$/.test(folder)) continue;
    const names = await namesIn(join(objects, folder));
    for (const name of names) if (/^[0-9a-f]{38,62}$/.test(name)) paths.push(join(objects, folder, name));
  }
  const sound = await mapBounded(paths, isSound);
  const names = await packNames(store);
  const unindexed = await unindexedPacks(store);
  const packs: string[] = [];
  for (const name of names) {
    if (unindexed.includes(name)) continue;
    if (await isBroken(store, join(objects, 'pack', name))) packs.push(name);
  }
  return {
    checked: paths.length + names.length,
    loose: paths.filter((_, at) => !sound[at]),
    packs,
    unindexed,
  };
}

async function isBroken(store: string, pack: string): Promise<boolean> {
  const verified = await git(['verify-pack', `${pack}.idx`], { gitDir: store, dir: store });
  if (verified.code === 0) return false;
  throwIfNotNow(new GitError(['verify-pack'], verified));
  // git does not always say why it could not open a file.
  for (const end of ['idx', 'pack']) {
    const file = await open(`${pack}.${end}`).catch(throwIfNotSeen);
    await file?.close();
  }
  return true;
}

export async function unindexedPacks(store: string): Promise<string[]> {
  const files = new Set(await namesIn(join(store, 'objects', 'pack')));
  return [...files]
    .filter((name) => name.endsWith('.pack'))
    .flatMap((name) => {
      const plain = name.slice(0, -'.pack'.length);
      return files.has(`${plain}.idx`) ? [] : [plain];
    });
}

async function packNames(store: string): Promise<string[]> {
  const files = await namesIn(join(store, 'objects', 'pack'));
  const names = files.flatMap((name) => /^(pack-.+)\.(?:pack|idx)$/.exec(name)?.[1] ?? []);
  return [...new Set(names)];
}

async function isSound(path: string): Promise<boolean> {
  const id = basename(dirname(path)) + basename(path);
  try {
    const raw = await inflated(await readFile(path));
    const end = raw.indexOf(0);
    const [type = '', size] = raw.toString('latin1', 0, end).split(' ');
    const content = raw.subarray(end + 1);
    return (
      Number(size) === content.length &&
      hashObject(type, content, id.length === 40 ? 'sha1' : 'sha256') === id
    );
  } catch (error) {
    throwIfNotSeen(error);
    // Node cannot read it whole, so it counts as sound.
    return TOO_LARGE.has(codeOf(error) ?? '');
  }
}
