/** Joins what two sides insert at one place of a file, line by line. Knows no formats and no merge. */

/**
 * How deep a line stands; undefined for one that says nothing of it. A line belongs to the last one above it that is less
 * deep.
 */
export type DepthOf = (line: string) => number | undefined;

/** For most languages: the indentation. */
export function indentOf(line: string): number | undefined {
  const indent = /^[ \t]*(?=\S)/.exec(line)?.[0];
  return indent?.length;
}

/** For files with headers of sections: keys belong to the header above them, whatever the indentation is. */
export function sectionDepthOf(line: string): number | undefined {
  if (/^\s*([#;]|$)/.test(line)) return undefined;
  return /^\[.*\]\s*([#;].*)?$/.test(line.trim()) ? 0 : 1 + (indentOf(line) ?? 0);
}

/** For Markdown: what stands below a heading is deeper than all headings. */
export function headingDepthOf(line: string): number | undefined {
  const heading = /^(#{1,6})\s/.exec(line)?.[1];
  const indent = indentOf(line);
  return heading?.length ?? (indent === undefined ? undefined : 7 + indent);
}

/**
 * Both insertions, `ours` first where both orders are possible. What both say is there once. Undefined where no order leaves
 * every line below its own parent, or a part of both cannot be told from the rest.
 */
export function joined(
  ours: readonly string[],
  theirs: readonly string[],
  depthOf: DepthOf,
): readonly string[] | undefined {
  if (contains(ours, theirs, depthOf)) return ours;
  if (contains(theirs, ours, depthOf)) return theirs;
  const all = [...ours, ...theirs];
  // Below an entry stand others that have it as their parent: equal ones of two parents are two.
  const areEntries = all.every(isEntry) && new Set(depthsOf(all, depthOf)).size === 1;
  if (!areEntries && (shareFirst(ours, theirs, depthOf) || shareLast(ours, theirs, depthOf)))
    return undefined;
  const known = new Set(ours.map((line) => line.trim()));
  const more = areEntries ? theirs.filter((line) => !known.has(line.trim())) : theirs;
  if (canFollow(ours, more, depthOf)) return [...ours, ...more];
  return canFollow(more, ours, depthOf) ? [...more, ...ours] : undefined;
}

/** Whether the second one keeps its parent behind the first one. */
function canFollow(first: readonly string[], second: readonly string[], depthOf: DepthOf): boolean {
  const start = depthsOf(second, depthOf)[0];
  return start === undefined || depthsOf(first, depthOf).every((depth) => depth >= start);
}

function depthsOf(lines: readonly string[], depthOf: DepthOf): number[] {
  return lines.flatMap((line) => depthOf(line) ?? []);
}

/** Whether the part is there with the parent that it has alone. */
function contains(lines: readonly string[], part: readonly string[], depthOf: DepthOf): boolean {
  const plain = (all: readonly string[]) => all.map((line) => line.replace(/\r?\n$/, ''));
  const [whole, wanted] = [plain(lines), plain(part)];
  return whole.some(
    (_, at) =>
      wanted.every((line, i) => whole[at + i] === line) && canFollow(whole.slice(0, at), wanted, depthOf),
  );
}

/** Whether both start with one block: as two insertions it would be there twice. */
function shareFirst(ours: readonly string[], theirs: readonly string[], depthOf: DepthOf): boolean {
  const differing = ours.findIndex((line, i) => line !== theirs[i]);
  return ours.slice(0, differing).some((line, i) => {
    const rests = [ours, theirs].map((side) => depthsOf(side.slice(i + 1), depthOf));
    const next = rests.flatMap((depths) => depths.slice(0, 1));
    return isEnd(line) && isBlock(ours.slice(0, i + 1), next, depthOf);
  });
}

/** Likewise at the end. */
function shareLast(ours: readonly string[], theirs: readonly string[], depthOf: DepthOf): boolean {
  const least = Math.min(...depthsOf([...ours, ...theirs], depthOf));
  let count = 0;
  while (count < Math.min(ours.length, theirs.length) && ours.at(-1 - count) === theirs.at(-1 - count))
    count++;
  const same = ours.slice(ours.length - count);
  return same.some((line, i) => {
    const block = same.slice(i + 1);
    return isEnd(line) && depthsOf(block, depthOf)[0] === least && isBlock(block, [], depthOf);
  });
}

/** Whether a block can end with the line. */
function isEnd(line: string): boolean {
  return /^\s*([)\]}]+[;,]?)?\s*$/.test(line);
}

/** Whether the lines say something without others: `next` is how deep the lines behind them start. */
function isBlock(lines: readonly string[], next: readonly number[], depthOf: DepthOf): boolean {
  const depths = depthsOf(lines, depthOf);
  const least = Math.min(...depths);
  return depths.length > 0 && isBalanced(lines.join('')) && next.every((depth) => depth <= least);
}

/** Whether a line says something without the lines around it: an entry of a list, an import. No call or other statement. */
function isEntry(line: string): boolean {
  const text = line.trim();
  return (
    isBalanced(text) &&
    !/^[)\]}]/.test(text) &&
    (/,$/.test(text) || /^([-*+] \S|#?(import|from|export|include|require|use|mod)\b)/.test(text))
  );
}

function isBalanced(text: string): boolean {
  const count = (pattern: RegExp) => text.match(pattern)?.length ?? 0;
  return count(/[([{]/g) === count(/[)\]}]/g);
}
