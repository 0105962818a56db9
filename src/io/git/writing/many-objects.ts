/** Writes objects that come together: few as files of their own, many as one pack, whose two files cost less. */

import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { ObjectId } from '../../../model/tree.js';
import { gitOk } from '../git-process.js';
import type { LooseWriter } from './loose.js';
import type { GitObject, HashName } from './object-bytes.js';
import { writePack } from './pack.js';

/** Objects from which on a pack with its index, synced and read back, is cheaper than a file for each. */
const MANY = 24;

export class ManyObjects {
  private readonly store: string;
  private readonly hash: HashName;
  private readonly loose: LooseWriter;
  /** Names of the packs that were written and not joined. */
  private packs = new Set<string>();

  constructor(store: string, hash: HashName, loose: LooseWriter) {
    this.store = store;
    this.hash = hash;
    this.loose = loose;
  }

  /** Ids have to be those of the contents. */
  async write(objects: ReadonlyMap<ObjectId, GitObject>): Promise<void> {
    if (objects.size < MANY) {
      for (const { type, content } of objects.values()) this.loose.write(type, content);
      return;
    }
    this.packs.add(await writePack(this.store, objects, this.hash));
    for (const [id, { type, content }] of objects) if (type === 'tree') this.loose.recent.add(id, content);
  }

  /** Makes the packs one: git looks for an object in each of them. */
  async join(): Promise<void> {
    const names = [...this.packs];
    this.packs = new Set();
    if (names.length < 2) return;
    const folder = join(this.store, 'objects', 'pack');
    const made = await gitOk(['pack-objects', '-q', '--window=0', '--stdin-packs', join(folder, 'pack')], {
      ...{ gitDir: this.store, dir: this.store },
      input: names.map((name) => `${name}.pack\n`).join(''),
    });
    const kept = new Set(
      made
        .toString('latin1')
        .split('\n')
        .filter(Boolean)
        .map((digest) => `pack-${digest}`),
    );
    for (const name of names) {
      if (kept.has(name)) continue;
      // First what git looks for.
      for (const end of ['idx', 'pack']) await rm(join(folder, `${name}.${end}`), { force: true });
    }
  }
}
