/** What a power cut takes: files that were written and never brought to disk. Knows only the trace of the library. */

import { lstatSync, rmSync, truncateSync } from 'node:fs';

/** Paths whose content no sync covered, with the bytes that were on disk before; -1: there was no such file. */
export function unsynced(trace: string): Map<string, number> {
  const dirty = new Map<string, number>();
  const move = (from: string, to: string) => {
    const size = dirty.get(from);
    dirty.delete(to);
    if (size === undefined) return;
    dirty.delete(from);
    dirty.set(to, size);
  };
  for (const line of trace.split('\n')) {
    const [operation, path = '', other = ''] = line.split('\t');
    switch (operation) {
      case 'w':
        if (!dirty.has(path)) dirty.set(path, Number(other));
        break;
      case 's':
      case 'u':
        dirty.delete(path);
        break;
      case 'a':
        dirty.clear();
        break;
      case 'l':
        if (dirty.has(path)) dirty.set(other, -1);
        break;
      case 'r': {
        const inside = [...dirty.keys()].filter((one) => one.startsWith(`${path}/`));
        move(path, other);
        for (const one of inside) move(one, other + one.slice(path.length));
        break;
      }
    }
  }
  return dirty;
}

/** Empties or drops what is new, and cuts off what was appended. The paths that were there to lose. */
export function cutPower(trace: string, how: 'emptied' | 'dropped'): string[] {
  const lost: string[] = [];
  for (const [path, size] of unsynced(trace)) {
    const found = lstatSync(path, { throwIfNoEntry: false });
    if (!found?.isFile()) continue;
    lost.push(path);
    if (size < 0 && how === 'dropped') rmSync(path, { force: true });
    else truncateSync(path, Math.min(found.size, Math.max(0, size)));
  }
  return lost;
}
