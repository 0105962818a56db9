/** A unified diff as rows of two columns, with the words that differ in lines that changed. Knows no markup. */

export interface SidePart {
  readonly text: string;
  readonly differs: boolean;
}

export interface SideCell {
  readonly number: number;
  readonly changed: boolean;
  readonly parts: readonly SidePart[];
}

export interface SideRow {
  readonly left?: SideCell;
  readonly right?: SideCell;
  /** In place of both: lines that are left out. */
  readonly gap?: string;
}

/** Longer lines are not compared word by word. */
const MAX_WORDS_LINE = 2000;

export async function sideBySide(patch: string): Promise<SideRow[]> {
  const rows: SideRow[] = [];
  let old = 0;
  let now = 0;
  let removed: string[] = [];
  let added: string[] = [];
  const flush = async () => {
    for (let i = 0; i < Math.max(removed.length, added.length); i++) {
      const [left, right] = await pairParts(removed[i], added[i]);
      rows.push({
        ...(left ? { left: { number: old++, changed: true, parts: left } } : {}),
        ...(right ? { right: { number: now++, changed: true, parts: right } } : {}),
      });
    }
    removed = [];
    added = [];
  };
  const lines = patch.split('\n');
  const start = lines.findIndex((line) => line.startsWith('@@'));
  for (const line of start < 0 ? [] : lines.slice(start)) {
    const hunk = /^@@ -(\d+)(?:,\d+)? \+(\d+)(?:,\d+)? @@(.*)$/.exec(line);
    if (hunk) {
      await flush();
      [old, now] = [Number(hunk[1]), Number(hunk[2])];
      rows.push({ gap: `line ${old === now ? old : `${old} → ${now}`}${hunk[3] ?? ''}` });
    } else if (line.startsWith('-')) removed.push(line.slice(1));
    else if (line.startsWith('+')) added.push(line.slice(1));
    else if (line.startsWith(' ')) {
      await flush();
      const parts = [{ text: line.slice(1), differs: false }];
      rows.push({
        left: { number: old++, changed: false, parts },
        right: { number: now++, changed: false, parts },
      });
    }
  }
  await flush();
  return rows;
}

async function pairParts(
  left: string | undefined,
  right: string | undefined,
): Promise<[readonly SidePart[] | undefined, readonly SidePart[] | undefined]> {
  const whole = (text: string | undefined) => (text === undefined ? undefined : [{ text, differs: false }]);
  const isLong = (left?.length ?? 0) + (right?.length ?? 0) > MAX_WORDS_LINE;
  if (left === undefined || right === undefined || isLong) return [whole(left), whole(right)];
  const { wordDiff } = await import('../../io/text-diff.js');
  const parts = wordDiff(left, right);
  const common = parts
    .filter((part) => part.side === 'both')
    .reduce((sum, part) => sum + part.text.trim().length, 0);
  // Two lines that share next to nothing are two lines, not one that changed.
  if (common * 3 < Math.min(left.trim().length, right.trim().length)) return [whole(left), whole(right)];
  const of = (side: 'old' | 'new') =>
    parts.flatMap((part) =>
      part.side === 'both' || part.side === side ? [{ text: part.text, differs: part.side === side }] : [],
    );
  return [of('old'), of('new')];
}
