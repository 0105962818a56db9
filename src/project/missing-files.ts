/** Which files a snapshot would contain if they existed or git did not ignore them. Reads no disk. */

import type { Listing } from '../model/tree.js';
import type { RecordedOutputs } from './outputs/recorded-outputs.js';

/** Paths that conductor has made or tasks name, and that are not in a snapshot. */
export interface MissingFiles {
  readonly of: readonly [paths: readonly string[], recorded: RecordedOutputs, plain: readonly string[]];
  readonly missing: readonly string[];
}

/** Taken from `before` where it follows from the same. */
export function missingFiles(of: MissingFiles['of'], listing: Listing, before?: MissingFiles): MissingFiles {
  if (before && of.every((part, i) => part === before.of[i])) return before;
  const [, recorded, plain] = of;
  const missing = new Set<string>();
  for (const path of recorded.keys()) if (!listing.get(path)) missing.add(path);
  for (const path of plain) if (!listing.get(path)) missing.add(path);
  return { of, missing: [...missing] };
}
