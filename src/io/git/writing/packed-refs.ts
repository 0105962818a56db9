/**
 * The file in which git keeps packed refs: creates many at once, under the lock that git itself takes for it, and looks for
 * many at once. Knows nothing of what they name.
 */

import { existsSync } from 'node:fs';
import { type FileHandle, open, readFile, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { ObjectId } from '../../../model/tree.js';
import { syncFolder } from '../../durable.js';
import { codeOf } from '../../errors.js';
import { readText, readTextSync } from '../../files.js';

const HEAD = '# pack-refs with: peeled fully-peeled sorted ';
/** As long as git waits for it. */
const PATIENCE_MS = 1000;
const PAUSE_MS = 5;

/**
 * Names to ids, created where there is none of that name; those that exist stay as they are. On disk when it resolves.
 * Undefined, with nothing done, where the file is locked for too long or is not as git writes it today.
 */
export async function createPackedRefs(
  store: string,
  refs: ReadonlyMap<string, ObjectId>,
): Promise<Map<string, 'created' | 'exists'> | undefined> {
  const file = join(store, 'packed-refs');
  const lock = `${file}.lock`;
  const handle = await openLock(lock);
  if (!handle) return undefined;
  let isDone = false;
  try {
    const text = await readFile(file, 'latin1').catch((error: unknown) => {
      if (codeOf(error) === 'ENOENT') return `${HEAD}\n`;
      throw error;
    });
    const lines = parse(text);
    if (!lines) return undefined;
    const outcomes = new Map<string, 'created' | 'exists'>();
    for (const [name, id] of refs) {
      const isThere = lines.has(name) || existsSync(join(store, name));
      outcomes.set(name, isThere ? 'exists' : 'created');
      if (!isThere) lines.set(name, id);
    }
    // Names have no character outside of ASCII: this is the order of bytes.
    const sorted = [...lines].sort(([a], [b]) => (a < b ? -1 : 1));
    await handle.writeFile(`${HEAD}\n${sorted.map(lineOf).join('')}`, 'latin1');
    await handle.sync();
    // Open until it has its name: a lock that no process has open counts as that of a dead one, and is removed.
    await rename(lock, file);
    isDone = true;
    await handle.close();
    await syncFolder(store);
    // Git may have created one as a file of its own meanwhile: that one is found first.
    for (const [name, outcome] of outcomes)
      if (outcome === 'created' && existsSync(join(store, name))) outcomes.set(name, 'exists');
    return outcomes;
  } finally {
    if (!isDone) {
      await handle.close().catch(() => undefined);
      await rm(lock, { force: true });
    }
  }
}

/** Whether each name is that of a ref to this id. */
export async function hasRefs(store: string, refs: Iterable<readonly [string, ObjectId]>): Promise<boolean> {
  const packed = parse((await readText(join(store, 'packed-refs'))) ?? '') ?? new Map<string, string>();
  const folders = new Map<string, boolean>();
  for (const [name, id] of refs) {
    const folder = dirname(join(store, name));
    const isThere = folders.get(folder) ?? existsSync(folder);
    folders.set(folder, isThere);
    // A file of its own counts, whatever the packed ones say.
    const own = isThere ? readTextSync(join(store, name))?.trim() : undefined;
    if ((own ?? packed.get(name)) !== id) return false;
  }
  return true;
}

function lineOf([name, rest]: readonly [name: string, rest: string]): string {
  const end = rest.indexOf('\n');
  return end < 0 ? `${rest} ${name}\n` : `${rest.slice(0, end)} ${name}\n${rest.slice(end + 1)}`;
}

/** Name to id, with the line below it for a tag: `<id>\n^<id>\n`. */
function parse(text: string): Map<string, string> | undefined {
  const lines = text.split('\n');
  if (lines.pop() !== '' || !lines[0]?.startsWith('# pack-refs with:') || !lines[0].includes(' sorted'))
    return undefined;
  const refs = new Map<string, string>();
  let last: string | undefined;
  for (const line of lines.slice(1)) {
    if (line.startsWith('^') && last !== undefined) refs.set(last, `${refs.get(last)}\n${line}\n`);
    else {
      const space = line.indexOf(' ');
      if (space < 40) return undefined;
      last = line.slice(space + 1);
      refs.set(last, line.slice(0, space));
    }
  }
  return refs;
}

async function openLock(lock: string): Promise<FileHandle | undefined> {
  for (const end = performance.now() + PATIENCE_MS; ; ) {
    try {
      return await open(lock, 'wx', 0o644);
    } catch (error) {
      if (codeOf(error) !== 'EEXIST') throw error;
      if (performance.now() > end) return undefined;
      await delay(PAUSE_MS);
    }
  }
}
