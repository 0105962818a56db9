/** What a sandbox mounts where, as arguments of bubblewrap in an order that works. */

import { readlinkSync, realpathSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { isBelow } from '../tool-places.js';

interface Entry {
  readonly path: string;
  readonly rank: number;
  readonly args: readonly string[];
  readonly isShown: boolean;
}

/** What is mounted where, in an order in which nothing hides what comes after it. */
export class Mounts {
  private readonly entries: Map<string, Entry>;

  constructor(entries: Iterable<readonly [string, Entry]> = []) {
    this.entries = new Map(entries);
  }

  copy(): Mounts {
    return new Mounts(this.entries);
  }

  /** A place at its own path. Links on the way to it are made as well. */
  show(path: string, option: '--ro-bind' | '--bind', rank: number): void {
    const found = realPath(path);
    if (found === undefined) return;
    this.links(path);
    this.set({ path: found.path, rank, args: [option, found.path, found.path], isShown: true });
  }

  mount(from: string, to: string): void {
    const [source, target] = [realPath(from), realPath(to)];
    if (source === undefined || target === undefined) return;
    this.set({ path: target.path, rank: 4, args: ['--ro-bind', source.path, target.path], isShown: true });
  }

  empty(path: string): void {
    const real = realPath(path)?.path ?? path;
    this.links(path);
    this.set({ path: real, rank: 0, args: ['--tmpfs', real], isShown: false });
  }

  /** Covers what something above it shows; what nothing shows need not be covered. */
  cover(path: string): void {
    const found = realPath(path);
    if (found === undefined) return;
    const above = [...this.entries.values()].some(
      (entry) => entry.isShown && entry.path !== found.path && isBelow(found.path, entry.path),
    );
    if (!above) return;
    const args = found.isFolder ? ['--tmpfs', found.path] : ['--dev-bind', '/dev/null', found.path];
    this.set({ path: found.path, rank: 0, args, isShown: false });
  }

  /**
   * A mount hides what was mounted below it before, so folders above come first. For each bound place bubblewrap reads the list of
   * all mounts, and for an empty one it does not: where the order is free, bound places come first, while the list is short.
   */
  args(): string[] {
    const entries = [...this.entries.values()].filter((entry) =>
      entry.args[0] === '--symlink' ? !this.isBelowShown(entry.path) : !this.isThere(entry),
    );
    const empties = entries.filter(({ args }) => args[0] === '--tmpfs');
    const within = (path: string) => empties.filter((empty) => isBelow(path, empty.path)).length;
    return entries
      .map((entry) => ({ ...entry, within: within(entry.path) }))
      .sort((a, b) => a.within - b.within || depth(a.path) - depth(b.path) || a.rank - b.rank)
      .flatMap((entry) => (this.isWithinEmpty(entry) ? ['--dir', entry.path] : entry.args));
  }

  /** An empty folder in an empty one needs no mount of its own. */
  private isWithinEmpty({ path, args }: Entry): boolean {
    return args[0] === '--tmpfs' && this.above(path)?.args[0] === '--tmpfs';
  }

  /** Whether the mount that it lies in shows the same with the same rights: each mount costs about 0.1 ms. The root becomes read-only. */
  private isThere({ path, args, isShown }: Entry): boolean {
    const above = isShown && args[1] === path ? this.above(path) : undefined;
    return above?.isShown === true && above.args[0] === args[0] && above.args[1] === above.path;
  }

  /** The mount that a path lies in, when it is not the root. */
  private above(path: string): Entry | undefined {
    for (let above = dirname(path); above !== '/'; above = dirname(above)) {
      const entry = this.entries.get(above);
      if (entry) return entry;
    }
    return undefined;
  }

  /** The symbolic links on the way of a path: where nothing else is shown they have to be made. */
  private links(path: string): void {
    let place = '';
    for (const part of path.split('/').slice(1)) {
      place = `${place}/${part}`;
      const target = linkTarget(place);
      if (target === undefined || this.isBelowShown(place)) continue;
      this.set({ path: place, rank: 1, args: ['--symlink', target, place], isShown: false });
      this.links(resolve(dirname(place), target));
    }
  }

  private isBelowShown(path: string): boolean {
    return [...this.entries.values()].some((entry) => entry.isShown && isBelow(path, entry.path));
  }

  /** Of two for one place the one with more rights counts. */
  private set(entry: Entry): void {
    const there = this.entries.get(entry.path);
    if (there === undefined || there.rank <= entry.rank) this.entries.set(entry.path, entry);
  }
}

function linkTarget(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    return undefined;
  }
}

/** Links are followed: a mount goes to the place itself. */
export function realPath(path: string): { path: string; isFolder: boolean } | undefined {
  try {
    const real = realpathSync.native(path);
    return { path: real, isFolder: statSync(real).isDirectory() };
  } catch {
    return undefined;
  }
}

function depth(path: string): number {
  return path === '/' ? 0 : path.split('/').length - 1;
}
