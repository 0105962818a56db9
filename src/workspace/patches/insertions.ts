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

/**
 * Both insertions, `ours` first where both orders are possible. What both say is there once. Undefined where no order leaves
 * every line below its own parent, or a part of both cannot be told from the rest.
 */
export function joined(
  ours: readonly string[],
  theirs: readonly string[],
  depthOf: DepthOf,
): readonly string[] | undefined {
  if (contains(ours, theirs)) return ours;
  if (contains(theirs, ours)) return theirs;
  const areEntries = [...ours, ...theirs].every(isEntry);
  if (!areEntries && (shareBlock(ours, theirs, depthOf) || shareLastBlock(ours, theirs, depthOf)))
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

function contains(lines: readonly string[], part: readonly string[]): boolean {
  const plain = (all: readonly string[]) => all.map((line) => line.replace(/\r?\n$/, ''));
  const [whole, wanted] = [plain(lines), plain(part)];
  return whole.some((_, at) => wanted.every((line, i) => whole[at + i] === line));
}

/** Whether both start with one block, which ends with an empty line: as two insertions it would be there twice. */
function shareBlock(ours: readonly string[], theirs: readonly string[], depthOf: DepthOf): boolean {
  const differing = ours.findIndex((line, i) => line !== theirs[i]);
  const same = differing < 0 ? ours : ours.slice(0, differing);
  const end = same.findLastIndex(isEmpty) + 1;
  const block = same.slice(0, end);
  const rest = [
    ...depthsOf(ours.slice(end), depthOf).slice(0, 1),
    ...depthsOf(theirs.slice(end), depthOf).slice(0, 1),
  ];
  return isBlock(block, rest, depthOf);
}

/** Likewise at the end, behind an empty line. */
function shareLastBlock(ours: readonly string[], theirs: readonly string[], depthOf: DepthOf): boolean {
  let count = 0;
  while (count < Math.min(ours.length, theirs.length) && ours.at(-1 - count) === theirs.at(-1 - count))
    count++;
  const same = count === 0 ? [] : ours.slice(-count);
  const start = same.findIndex((line, i) => isEmpty(line) && same.slice(i).some((one) => !isEmpty(one)));
  if (start < 0) return false;
  const block = same.slice(start);
  const first = depthsOf(block, depthOf)[0] ?? 0;
  return (
    isBlock(block, [], depthOf) && depthsOf([...ours, ...theirs], depthOf).every((depth) => depth >= first)
  );
}

/** Whether the lines say something without others: `next` is how deep the lines behind them start. */
function isBlock(lines: readonly string[], next: readonly number[], depthOf: DepthOf): boolean {
  const depths = depthsOf(lines, depthOf);
  const least = Math.min(...depths);
  return depths.length > 0 && isBalanced(lines.join('')) && next.every((depth) => depth <= least);
}

function isEmpty(line: string): boolean {
  return line.trim() === '';
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
