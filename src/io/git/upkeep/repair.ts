/** Removes broken files from conductor's own repository, so that their content can be written or fetched again. */

import { readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { makeTemporaryFolder, removeTree } from '../../files.js';
import { type GitCall, git } from '../git-process.js';
import type { Repository } from '../repository.js';

/** Git takes an object for present as soon as a file claims to hold it, and would never write it anew beside that. */
export async function removeBrokenObjects(store: string): Promise<void> {
  const call: GitCall = { gitDir: store, dir: store };
  const packs = join(store, 'objects', 'pack');
  for (const name of await readdir(packs).catch(() => [])) {
    if (!name.endsWith('.idx')) continue;
    if ((await git(['verify-pack', join(packs, name)], call)).code === 0) continue;
    await salvagePack(store, packs, name.slice(0, -'.idx'.length));
  }
  await removeEmptyObjects(join(store, 'objects'));
  const checked = await git(['fsck', '--full', '--no-reflogs', '--no-dangling', '--no-progress'], call);
  for (const [, path] of checked.stderr.matchAll(/\.?\/?objects\/([0-9a-f]{2}\/[0-9a-f]{38,62})\b/g)) {
    await rm(join(store, 'objects', path as string), { force: true });
  }
}

/** What a power cut leaves of an object; fsck does not get far where there are such. */
async function removeEmptyObjects(objects: string): Promise<void> {
  for (const folder of await readdir(objects).catch(() => [])) {
    if (!/^[0-9a-f]{2}$/.test(folder)) continue;
    for (const name of await readdir(join(objects, folder)).catch(() => [])) {
      const path = join(objects, folder, name);
      if ((await stat(path).catch(() => undefined))?.size === 0) await rm(path, { force: true });
    }
  }
}

/** Drops what is broken, and the index that may name it: what a build needs of it is written again from the files. */
export async function repairStore({ store, state }: Repository): Promise<void> {
  await removeBrokenObjects(store);
  await rm(join(state, 'index'), { force: true });
}

/** What can still be read of a broken pack is written as single objects; the pack goes. */
async function salvagePack(store: string, packs: string, name: string): Promise<void> {
  const aside = await makeTemporaryFolder(store);
  for (const file of await readdir(packs)) {
    if (file.startsWith(`${name}.`)) await rename(join(packs, file), join(aside, file));
  }
  const input = await readFile(join(aside, `${name}.pack`)).catch(() => Buffer.alloc(0));
  await git(['unpack-objects', '-r', '-q'], { gitDir: store, dir: store, input });
  await removeTree(aside);
}
