/** Whose files are: read again from what changed, they are shared as if all had been looked at. */

import { expect, test } from 'vitest';
import { Ownership } from '../model/paths/ownership.js';
import { type Entry, Listing } from '../model/tree.js';
import { Dice } from '../test/rig/random-project.js';
import { type SharedFiles, shareFiles } from './file-ownership.js';

const SEED = Number(process.env.TEST_SEED ?? 20261124);
const PATHS = ['specs/f/BACKLOG.yaml', 'a.ts', 'src/b.ts', 'out/1.js', 'out/2.js', 'old.js', 'new.ts'];

const ownership = new Ownership([
  { label: 'f/T1', outputs: ['out/1.js'] },
  { label: 'f/T2', outputs: ['out/2*'] },
]);
const recorded = new Map([['old.js', new Set(['1'])]]);

function plain(of: SharedFiles, before?: ReturnType<typeof shareFiles>) {
  const { hand, owned } = shareFiles(of, before);
  return { hand: hand.files, paths: hand.paths, owned };
}

test(`changed, new and removed files are shared as in a first look (TEST_SEED=${SEED})`, () => {
  const dice = new Dice(SEED);
  const entry = (): Entry => ({ mode: '100644', id: String(dice.below(3)) });
  const rules = { ownership, recorded, built: recorded, specsFolder: 'specs/' };
  let listing = new Listing(new Map(PATHS.slice(0, -1).map((path) => [path, entry()])));
  let before = shareFiles({ ...rules, listing });
  for (let step = 0; step < 300; step++) {
    const changes = new Map<string, Entry | undefined>();
    for (let n = dice.below(3); n >= 0; n--) {
      const path = PATHS[dice.below(PATHS.length)] as string;
      // Mostly contents change, and not which files there are.
      const isThere = listing.get(path) !== undefined;
      const stays = isThere ? dice.below(8) > 0 : dice.below(4) === 0;
      changes.set(path, stays ? entry() : undefined);
    }
    listing = listing.with(changes);
    const of = { ...rules, listing };
    expect(plain(of, before), `step ${step}`).toEqual(plain(of));
    before = shareFiles(of, before);
  }
  const others = { ...rules, listing, ownership: new Ownership([]) };
  expect(plain(others, before)).toEqual(plain(others));
});
