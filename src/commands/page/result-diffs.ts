/** How results differ, many pairs with one call of git: their trees are put side by side into two large ones. Writes trees only. */

import type { Prepared } from '../../analysis/prepare.js';
import { mapBounded } from '../../base/bounded.js';
import { diffTrees } from '../../io/git/tree-diff.js';
import type { FileDiff } from '../../model/page.js';
import { shownDiff } from './project-views.js';

type Objects = Prepared['project']['objects'];

/** Commits of results; no `from`: there was nothing before. */
export interface ResultPair {
  readonly from: string | undefined;
  readonly to: string;
}

/** Outputs and patched files, for each pair; undefined where one of its results is in no store. */
export async function resultDiffs(
  objects: Objects,
  pairs: readonly ResultPair[],
): Promise<(readonly FileDiff[] | undefined)[]> {
  const isKnown = await mapBounded(pairs, async ({ from, to }) => {
    const commits = from === undefined ? [to] : [from, to];
    const found = await mapBounded(commits, (commit) => objects.resolve(`${commit}^{tree}`));
    return found.every((tree) => tree !== undefined);
  });
  const sides = [new Map<string, string>(), new Map<string, string>()] as const;
  for (const [index, { from, to }] of pairs.entries()) {
    if (!isKnown[index]) continue;
    // A patch of a task that had none before starts at the file as it found it.
    const before =
      from === undefined
        ? { edits: [to, 'edits/before'] as const }
        : { outputs: [from, 'outputs'] as const, edits: [from, 'edits/after'] as const };
    const after = { outputs: [to, 'outputs'] as const, edits: [to, 'edits/after'] as const };
    for (const [side, places] of [before, after].entries())
      for (const [name, [commit, folder]] of Object.entries(places)) {
        const tree = await objects.resolve(`${commit}:${folder}`);
        if (tree !== undefined) sides[side]?.set(`${index}-${name}`, tree);
      }
  }
  const [one, other] = await mapBounded(sides, (side) =>
    objects.writeTree([...side].map(([name, id]) => [name, { mode: '40000', id }] as const)),
  );
  const diffs = pairs.map((_, index): FileDiff[] | undefined => (isKnown[index] ? [] : undefined));
  if (one === undefined || other === undefined) return diffs;
  for (const file of await diffTrees(objects.store, one, other)) {
    const slash = file.path.indexOf('/');
    const hunks = file.patch.search(/^@@ /m);
    const patch = hunks < 0 ? '' : file.patch.slice(hunks);
    diffs[Number.parseInt(file.path, 10)]?.push(
      shownDiff({ ...file, path: file.path.slice(slash + 1), patch }),
    );
  }
  return diffs;
}
