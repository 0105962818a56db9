/**
 * Finds the tasks that own what a path or a glob can match, without comparing all with all: globs are found by the
 * plain text at their start and end.
 */

import { mayOverlap, type PathPattern } from '../../model/paths/pattern.js';
import { type PatternSet, patternSet } from '../../model/paths/pattern-set.js';
import type { Label } from '../../model/task.js';

interface Owned {
  readonly text: string;
  readonly label: Label;
  readonly pattern: PathPattern;
  /** The outputs of the task, excludes included. */
  readonly set: PatternSet;
}

interface Bucket {
  /** By the plain text that the glob ends with. */
  readonly byEnd: Map<string, Owned[]>;
  /** By every text that the plain end of the glob ends with. Two owners without excludes are enough to name another. */
  readonly byPartOfEnd: Map<string, Owned[]>;
}

export class OwnerIndex {
  private readonly exact = new Map<string, Owned[]>();
  private readonly byStart = new Map<string, Bucket>();
  private readonly starts = new Set<number>();

  add(outputs: readonly string[], label: Label): void {
    const set = patternSet(outputs);
    for (const pattern of set.includes) {
      const owned = { text: pattern.text, label, pattern, set };
      if (pattern.isGlob) this.addGlob(owned);
      else if (set.keeps(pattern.prefix)) push(this.exact, pattern.prefix, owned);
    }
  }

  private addGlob(owned: Owned): void {
    const { start, end } = owned.pattern;
    let bucket = this.byStart.get(start);
    if (!bucket) {
      bucket = { byEnd: new Map(), byPartOfEnd: new Map() };
      this.byStart.set(start, bucket);
      this.starts.add(start.length);
    }
    push(bucket.byEnd, end, owned);
    for (let i = 0; i <= end.length; i++) {
      const part = end.slice(i);
      const simple = (bucket.byPartOfEnd.get(part) ?? []).filter(({ set }) => set.excludes.length === 0);
      const isKnown = simple.length >= 2 || simple[0]?.label === owned.label;
      if (!isKnown || owned.set.excludes.length > 0) push(bucket.byPartOfEnd, part, owned);
    }
  }

  /** Another task that owns the exact path, by name or by a glob. */
  otherOwner(path: string, label: Label): Owned | undefined {
    const named = this.exact.get(path)?.find((one) => one.label !== label);
    if (named) return named;
    for (const one of this.globsAt(path)) if (one.label !== label) return one;
    return undefined;
  }

  /** Another task with a glob that begins no deeper than this one of the set and may meet it. */
  otherGlob(glob: PathPattern, set: PatternSet, label: Label): Owned | undefined {
    for (const one of this.candidates(glob, set))
      if (one.label !== label && meets(one, glob, set)) return one;
    return undefined;
  }

  /** Whether a glob of any task may meet this one of the set. */
  hasGlobMeeting(glob: PathPattern, set: PatternSet): boolean {
    for (const bucket of this.byStart.values()) {
      for (const owners of bucket.byEnd.values())
        if (owners.some((one) => meets(one, glob, set))) return true;
    }
    return false;
  }

  /** Every owner of the exact path, this task included. */
  ownersOf(path: string): readonly Owned[] {
    return [...(this.exact.get(path) ?? []), ...this.globsAt(path)];
  }

  private *globsAt(path: string): Iterable<Owned> {
    for (const bucket of this.bucketsAt(path)) {
      for (const [end, owners] of ends(bucket, path)) {
        if (!path.endsWith(end)) continue;
        for (const one of owners) if (one.pattern.matches(path) && one.set.keeps(path)) yield one;
      }
    }
  }

  /** Globs that begin no deeper than this one and end in a text that goes with its own. */
  private *candidates({ start, end }: PathPattern, set: PatternSet): Iterable<Owned> {
    for (const bucket of this.bucketsAt(start)) {
      if (set.excludes.length > 0) {
        // Two known owners may be the very ones that are excluded: all are looked at.
        for (const owners of bucket.byEnd.values()) yield* owners;
        continue;
      }
      yield* bucket.byPartOfEnd.get(end) ?? [];
      for (const [shorter, owners] of ends(bucket, end)) if (end.endsWith(shorter)) yield* owners;
    }
  }

  private *bucketsAt(text: string): Iterable<Bucket> {
    for (const length of this.starts) {
      if (length > text.length) continue;
      const bucket = this.byStart.get(text.slice(0, length));
      if (bucket) yield bucket;
    }
  }
}

function meets(one: Owned, glob: PathPattern, set: PatternSet): boolean {
  return (
    mayOverlap(one.pattern, glob) &&
    (one.set.excludes.length === 0 || one.set.mayMeet(glob)) &&
    (set.excludes.length === 0 || set.mayMeet(one.pattern))
  );
}

/** The bucket's lists that the text can end with: looked up by its endings when there are many lists. */
function* ends(bucket: Bucket, text: string): Iterable<readonly [string, readonly Owned[]]> {
  if (bucket.byEnd.size <= text.length) {
    yield* bucket.byEnd;
    return;
  }
  for (let i = 0; i <= text.length; i++) {
    const end = text.slice(i);
    const owners = bucket.byEnd.get(end);
    if (owners) yield [end, owners];
  }
}

function push(map: Map<string, Owned[]>, key: string, one: Owned): void {
  const list = map.get(key);
  if (list) list.push(one);
  else map.set(key, [one]);
}
