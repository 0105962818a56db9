/** Trees that this process has written: what is built on them need not read them again. Knows no repository. */

import type { ObjectId } from '../../../model/tree.js';

const MAX_BYTES = 4 * 1024 * 1024;
/** Long ones are read again: they are few. */
const LONGEST = 64 * 1024;

export class RecentTrees {
  private readonly contents = new Map<ObjectId, Buffer>();
  private bytes = 0;

  get(id: ObjectId): Buffer | undefined {
    return this.contents.get(id);
  }

  add(id: ObjectId, content: Buffer): void {
    if (content.length > LONGEST || this.contents.has(id)) return;
    this.contents.set(id, content);
    this.bytes += content.length;
    for (const [oldest, { length }] of this.contents) {
      if (this.bytes <= MAX_BYTES) break;
      this.contents.delete(oldest);
      this.bytes -= length;
    }
  }
}
