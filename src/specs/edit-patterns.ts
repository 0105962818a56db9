/** Which present files the patterns of `edits` match. Does not know what a task does to them. */

import { Ownership } from '../model/paths/ownership.js';
import { parsePattern } from '../model/paths/pattern.js';
import { isExclude, patternSet } from '../model/paths/pattern-set.js';
import type { Listing } from '../model/tree.js';
import type { WrittenTask } from './normalise.js';

/**
 * The tasks with the files in place of the patterns. A glob means the files of the project that no task owns, without
 * those in the folder of the specs; a path means itself, also where there is no such file yet.
 */
export function expandEdits(
  written: readonly WrittenTask[],
  specs: string,
  listing: Listing,
): readonly WrittenTask[] {
  if (written.every(isPlain)) return written;
  const ownership = new Ownership(written.map(({ task }) => task));
  const isFree = (path: string) => !path.startsWith(`${specs}/`) && ownership.ownerOf(path) === undefined;
  return written.map((one) => {
    if (isPlain(one)) return one;
    const { patterns } = one.edits;
    const set = patternSet(patterns);
    const found = new Map<string, number>();
    for (const [i, text] of patterns.entries()) {
      if (isExclude(text)) continue;
      const pattern = parsePattern(text);
      const paths = pattern.isGlob
        ? set.selectBy(pattern, listing).filter(isFree)
        : [pattern.prefix].filter((path) => set.keeps(path));
      for (const path of paths) if (!found.has(path)) found.set(path, i);
    }
    const task = { ...one.task, edits: [...found.keys()], editPatterns: patterns };
    return { ...one, task, edits: { patterns, from: [...found.values()] } };
  });
}

function isPlain({ edits }: WrittenTask): boolean {
  return edits.patterns.every((text) => {
    const { isGlob, prefix } = parsePattern(text);
    return !isGlob && prefix === text && !isExclude(text);
  });
}
