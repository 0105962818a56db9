/**
 * Creates conductor's own bare repository and keeps its settings in step with the user's. Does not know its content.
 */

import { randomUUID } from 'node:crypto';
import { constants } from 'node:fs';
import { access, mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { err, ok, type Result } from '../../base/result.js';
import type { Failure } from '../../model/failure.js';
import { syncFolder } from '../durable.js';
import { makeTemporaryFolder } from '../files.js';
import { gitVersion } from './git-version.js';
import type { Repository } from './repository.js';
import { ALTERNATES, COPIED_FILES, HEAD, isStoreCurrent, storeConfig } from './store-config.js';

/** Makes the store when it is missing, and brings what it copies from the person's repository up to date. */
export async function prepareStore(repository: Repository): Promise<Result<void, Failure>> {
  const { store, commonDir, state } = repository;
  const found = await stat(store).catch(() => undefined);
  if (!found?.isDirectory()) {
    const made = await makeStore(repository);
    if (!made.ok) return made;
  }
  await mkdir(state, { recursive: true });
  if (isStoreCurrent(repository)) return ok(undefined);
  await completeStore(store);
  for (const name of COPIED_FILES) await copyIfChanged(join(commonDir, name), join(store, name));
  const config = storeConfig(repository.objectFormat);
  if ((await readFile(join(store, 'config'), 'utf8').catch(() => '')) !== config) {
    await replaceFile(join(store, 'config'), config);
  }
  return ok(undefined);
}

async function makeStore(repository: Repository): Promise<Result<void, Failure>> {
  const { home, store, objectFormat } = repository;
  const version = await gitVersion();
  if (!version.ok) return version;
  try {
    await access(repository.commonDir, constants.W_OK);
  } catch (error) {
    return err({
      kind: 'unsupported-repository',
      reason: `its git folder is not writable (${(error as Error).message})`,
      hint: 'Build in a clone that you can write to.',
    });
  }
  await mkdir(home, { recursive: true });
  // Made aside and moved into place: a kill leaves either no store or a whole one.
  const aside = await makeTemporaryFolder(home);
  await completeStore(aside);
  await writeFile(join(aside, 'config'), storeConfig(objectFormat), { flush: true });
  await writeFile(join(aside, 'conductor-git-version'), `git version ${version.value}\n`);
  if (await movedInto(store, aside)) return ok(undefined);
  // Another command was quicker, and may be at work in its store already.
  const found = await stat(store).catch(() => undefined);
  if (!found?.isDirectory()) {
    // A file in its place is no store; whose it is nobody knows, so that it stays under another name.
    await rename(store, `${store}.set-aside-${randomUUID()}`);
    if (await movedInto(store, aside)) return ok(undefined);
  }
  await rm(aside, { recursive: true, force: true });
  return ok(undefined);
}

/** Writes what git cannot do without and what can be written again. Objects and refs that are there stay, whatever is missing. */
async function completeStore(store: string): Promise<void> {
  for (const folder of ['objects/info', 'objects/pack', 'refs', 'info']) {
    await mkdir(join(store, folder), { recursive: true });
  }
  await writeIfOther(join(store, 'objects/info/alternates'), ALTERNATES, (text) => text === ALTERNATES);
  await writeIfOther(join(store, 'HEAD'), HEAD, (text) => /^(ref: refs\/|[0-9a-f]{40})/.test(text));
}

async function writeIfOther(path: string, text: string, isSound: (text: string) => boolean): Promise<void> {
  if (!isSound(await readFile(path, 'latin1').catch(() => ''))) await replaceFile(path, text);
}

/** False when something exists there already. */
async function movedInto(store: string, aside: string): Promise<boolean> {
  try {
    await rename(aside, store);
    await syncFolder(dirname(store));
    return true;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOTEMPTY' || code === 'EEXIST' || code === 'ENOTDIR') return false;
    throw error;
  }
}

async function copyIfChanged(from: string, to: string): Promise<void> {
  const [theirs, ours] = await Promise.all([from, to].map((path) => readFile(path).catch(() => undefined)));
  if (theirs === undefined) {
    if (ours !== undefined) await rm(to, { force: true });
  } else if (!ours?.equals(theirs)) {
    await replaceFile(to, theirs);
  }
}

/** Writes a file so that readers see the old or the new one, never a part. */
export async function replaceFile(path: string, content: string | Buffer): Promise<void> {
  const aside = `${path}.${randomUUID()}`;
  try {
    await writeFile(aside, content, { flush: true });
    await rename(aside, path);
  } catch (error) {
    await rm(aside, { force: true });
    throw error;
  }
}
