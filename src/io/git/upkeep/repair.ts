/** Removes broken files from conductor's own repository, so that their content can be written or fetched again. */

import { readdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { codeOf, isMissing, throwIfNotSeen } from '../../errors.js';
import { exists, makeTemporaryFolder, removeTree, writeAtomic } from '../../files.js';
import { FATAL, type GitCall, GitError, type GitExit, git, gitOk } from '../git-process.js';
import { listRefs } from '../reading/refs.js';
import type { Repository } from '../repository.js';
import { requestLine } from '../request-lines.js';
import { inspectObjects, unindexedPacks } from './broken-objects.js';
import { objectKinds } from './compact.js';
import { notInFiles } from './object-files.js';

/** Git takes an object for present as soon as a file claims to hold it, and would never write it again. */
export async function removeBrokenObjects(store: string): Promise<void> {
  await indexPacks(store);
  const { loose, packs } = await inspectObjects(store);
  // A folder can stand there as well: it is no object.
  for (const path of loose) await rm(path, { force: true, recursive: true });
  for (const name of packs) await salvagePack(store, name);
  await dropUnreadableRefs(store);
}

/** Nothing is found in a pack without its index. It may be whole, or broken: then a process was killed while it saved what is whole in it. */
export async function indexPacks(store: string): Promise<void> {
  for (const name of await unindexedPacks(store)) {
    const pack = join(store, 'objects', 'pack', `${name}.pack`);
    const indexed = await git(['index-pack', pack], { gitDir: store, dir: store });
    if (indexed.code !== 0) await salvagePack(store, name);
  }
}

/** One line that git cannot read makes every ref unreadable: the others are kept. A ref that names nothing is none. */
async function dropUnreadableRefs(store: string): Promise<void> {
  const packed = join(store, 'packed-refs');
  const text = await readFile(packed, 'latin1').catch(() => undefined);
  if (text !== undefined) {
    const lines = text
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('#') && !line.startsWith('^'));
    const sound = lines.filter((line) => PACKED_REF.test(line)).sort();
    const isWhole = text.endsWith('\n') && sound.length === lines.length;
    if (!isWhole)
      await writeAtomic(packed, `# pack-refs with: peeled \n${sound.map((line) => `${line}\n`).join('')}`);
  }
  const folder = join(store, 'refs');
  for (const entry of (await readdir(folder, { recursive: true, withFileTypes: true }).catch(
    throwIfNotSeen,
  )) ?? []) {
    if (!entry.isFile() || entry.name.endsWith('.lock')) continue;
    const path = join(entry.parentPath, entry.name);
    const named = await readFile(path, 'latin1').catch(throwIfNotSeen);
    if (named === undefined) continue;
    if (!/^([0-9a-f]{40}|[0-9a-f]{64})\n$/.test(named)) await rm(path, { force: true });
  }
}

const PACKED_REF = /^([0-9a-f]{40}|[0-9a-f]{64}) refs\/[^\s~^:?*[\\]+$/;

/** A ref whose object is not there ends every look at all refs. A power cut can leave one, and so does the removal of a broken object. */
async function dropRefsToNothing(store: string): Promise<void> {
  const call: GitCall = { gitDir: store, dir: store };
  for (let round = 1; ; round++) {
    const refs = await listRefs(call);
    const found = await objectKinds(
      store,
      refs.map(([, id]) => id),
    );
    const missing = refs.flatMap(([, id]) => (found.has(id) ? [] : [id]));
    if (missing.length === 0) return;
    const gone = await notInFiles(store, new Set(missing));
    const drops = refs.flatMap(([name, id]) => (gone.has(id) ? [requestLine('delete', name, id)] : []));
    if (drops.length === 0) return;
    try {
      await gitOk(['update-ref', '--stdin'], { ...call, input: drops.join('') });
      return;
    } catch (error) {
      // Another process may have given one of them an object since, or dropped it: that is none to be dropped.
      if (round === MAX_ROUNDS) throw error;
    }
  }
}

const MAX_ROUNDS = 3;

/** Drops what is broken, and what names it: what a build needs of it is written again from the files. */
export async function repairStore(repository: Pick<Repository, 'store' | 'state'>): Promise<void> {
  await removeBrokenObjects(repository.store);
  await forgetMissingObjects(repository);
}

/** Drops refs whose object is not there, and the index that may name one. */
export async function forgetMissingObjects({
  store,
  state,
}: Pick<Repository, 'store' | 'state'>): Promise<void> {
  await dropRefsToNothing(store);
  await rm(join(state, 'index'), { force: true });
}

/**
 * What can still be read of a broken pack is written as single objects; the pack goes. Until then it only has no index, so that git does not
 * find its objects and writes them: if this process is killed, the next repair finds it. Another process may have found it sound meanwhile.
 */
async function salvagePack(store: string, name: string): Promise<void> {
  const packs = join(store, 'objects', 'pack');
  const pack = join(packs, `${name}.pack`);
  const aside = await makeTemporaryFolder(store);
  const move = async (from: string, to: string) => {
    for (const file of await readdir(from))
      if (file.startsWith(`${name}.`) && file !== `${name}.pack`)
        await rename(join(from, file), join(to, file));
  };
  try {
    await move(packs, aside);
    const call = { gitDir: store, dir: store, inputFile: pack };
    const unpacked = await git(['unpack-objects', '-r', '-q'], call).catch(noPack);
    if (unpacked && unpacked.code !== 0) throwIfNotOfPack(unpacked);
  } catch (error) {
    // git did not write all objects of the pack, so the pack is still needed.
    await move(aside, packs);
    await removeTree(aside);
    throw error;
  }
  // With an index, git has passed over objects of the pack, because it found them there.
  if (!(await exists(join(packs, `${name}.idx`)))) await removeTree(pack);
  await removeTree(aside);
}

/** Of an index whose pack is gone, or is a folder, nothing can be saved. */
function noPack(error: unknown): undefined {
  if (!isMissing(error) && codeOf(error) !== 'EISDIR') throw error;
}

/** The exit code of a program that could not be loaded. */
const NOT_LOADED = 127;

/** Only what git says of the pack itself lets the pack go: not a full disk, and not that git was ended. */
function throwIfNotOfPack(unpacked: GitExit): void {
  const error = new GitError(['unpack-objects'], unpacked);
  const isOfPack = error.code === 'EGIT' || error.code === 'EDAMAGED';
  if (!isOfPack || unpacked.code === NOT_LOADED || unpacked.code > FATAL) throw error;
}
