/** Looks at every object of a store: which files of it do not hold what their names say. Changes nothing. */

import { readdir, readFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { inflate } from 'node:zlib';
import { mapBounded } from '../../../base/bounded.js';
import { git } from '../git-process.js';
import { hashObject } from '../writing/object-bytes.js';

const inflated = promisify(inflate);

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

export async function inspectObjects(store: string): Promise<StoreObjects> {
  const objects = join(store, 'objects');
  const paths: string[] = [];
  for (const folder of await readdir(objects).catch(() => [])) {
    if (!/^[0-9a-f]{2}$/.test(folder)) continue;
    const names = await readdir(join(objects, folder)).catch(() => []);
    for (const name of names) if (/^[0-9a-f]{38,62}$/.test(name)) paths.push(join(objects, folder, name));
  }
  const sound = await mapBounded(paths, isSound);
  const names = await packNames(store);
  const unindexed = await unindexedPacks(store);
  const packs: string[] = [];
  for (const name of names) {
    if (unindexed.includes(name)) continue;
    const index = join(objects, 'pack', `${name}.idx`);
    if ((await git(['verify-pack', index], { gitDir: store, dir: store })).code !== 0) packs.push(name);
  }
  return {
    checked: paths.length + names.length,
    loose: paths.filter((_, at) => !sound[at]),
    packs,
    unindexed,
  };
}

export async function unindexedPacks(store: string): Promise<string[]> {
  const files = new Set(await readdir(join(store, 'objects', 'pack')).catch(() => []));
  return [...files]
    .filter((name) => name.endsWith('.pack'))
    .flatMap((name) => {
      const plain = name.slice(0, -'.pack'.length);
      return files.has(`${plain}.idx`) ? [] : [plain];
    });
}

async function packNames(store: string): Promise<string[]> {
  const files = await readdir(join(store, 'objects', 'pack')).catch(() => []);
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
  } catch {
    return false;
  }
}
