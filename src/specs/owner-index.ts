/**
 * Which tasks own what a path or a glob can meet, without comparing all with all: globs are found by the plain text
 * that they begin and end with. Knows nothing of where they were written.
 */

import { mayOverlap, parsePattern } from '../model/pattern.js';
import type { Label } from '../model/task.js';

interface Owned {
  readonly text: string;
  readonly label: Label;
}

interface Bucket {
  /** By the plain text that the glob ends with. */
  readonly byEnd: Map<string, Owned[]>;
  /** By every text that the glob's plain end ends with; two owners are enough to name another one. */
  readonly byPartOfEnd: Map<string, Owned[]>;
}

const GLOB = /[*?[\]{}()!\\]/;

export class OwnerIndex {
  private readonly exact = new Map<string, Owned[]>();
  private readonly byStart = new Map<string, Bucket>();
  private readonly starts = new Set<number>();

  add(text: string, label: Label): void {
    const pattern = parsePattern(text);
    if (!pattern.isGlob) {
      push(this.exact, pattern.prefix, { text, label });
      return;
    }
    const start = plainStart(text);
    const end = plainEnd(text);
    let bucket = this.byStart.get(start);
    if (!bucket) {
      bucket = { byEnd: new Map(), byPartOfEnd: new Map() };
      this.byStart.set(start, bucket);
      this.starts.add(start.length);
    }
    push(bucket.byEnd, end, { text, label });
    for (let i = 0; i <= end.length; i++) {
      const part = end.slice(i);
      const owners = bucket.byPartOfEnd.get(part);
      if (!owners || (owners.length < 2 && owners[0]?.label !== label)) {
        push(bucket.byPartOfEnd, part, { text, label });
      }
    }
  }

  /** Another task that owns the exact path, by name or by a glob. */
  otherOwner(path: string, label: Label): Owned | undefined {
    const named = this.exact.get(path)?.find((one) => one.label !== label);
    if (named) return named;
    for (const bucket of this.bucketsAt(path)) {
      for (const [end, owners] of ends(bucket, path)) {
        if (!path.endsWith(end)) continue;
        const found = owners.find((one) => one.label !== label && parsePattern(one.text).matches(path));
        if (found) return found;
      }
    }
    return undefined;
  }

  /** Another task with a glob that begins no deeper than this one and may meet it. */
  otherGlob(text: string, label: Label): Owned | undefined {
    const end = plainEnd(text);
    for (const bucket of this.bucketsAt(plainStart(text))) {
      const longer = bucket.byPartOfEnd
        .get(end)
        ?.find((one) => one.label !== label && mayOverlap(one.text, text));
      if (longer) return longer;
      for (const [shorter, owners] of ends(bucket, end)) {
        if (!end.endsWith(shorter)) continue;
        const found = owners.find((one) => one.label !== label && mayOverlap(one.text, text));
        if (found) return found;
      }
    }
    return undefined;
  }

  /** Every owner of the exact path, this task included. */
  ownersOf(path: string): readonly Owned[] {
    const found = [...(this.exact.get(path) ?? [])];
    for (const bucket of this.bucketsAt(path)) {
      for (const [end, owners] of ends(bucket, path)) {
        if (path.endsWith(end)) found.push(...owners.filter((one) => parsePattern(one.text).matches(path)));
      }
    }
    return found;
  }

  private *bucketsAt(text: string): Iterable<Bucket> {
    for (const length of this.starts) {
      if (length > text.length) continue;
      const bucket = this.byStart.get(text.slice(0, length));
      if (bucket) yield bucket;
    }
  }
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

/** What every path that the glob matches begins with. */
function plainStart(text: string): string {
  const at = text.search(GLOB);
  const start = at < 0 ? text : text.slice(0, at);
  // `+(…)` and `@(…)`: the sign belongs to the bracket.
  return text[at] === '(' ? start.replace(/[+@]$/, '') : start;
}

/** What every path that the glob matches ends with. */
function plainEnd(text: string): string {
  if (text.endsWith('/')) return '';
  const tail = text.slice(text.lastIndexOf('/') + 1);
  for (let i = tail.length - 1; i >= 0; i--) if (GLOB.test(tail[i] as string)) return tail.slice(i + 1);
  return tail;
}
