/** What the argument of `plan` and `run` means: a feature, or a file with a request. Reads neither. */

import { resolve } from 'node:path';
import type { PlanTarget } from '../commands/plan/planned-feature.js';

/** A Markdown file by its ending, as it is from where the command was given; anything else is a feature. */
export function planTarget(target: string, feature: string | undefined): PlanTarget {
  if (!/\.(md|markdown)$/i.test(target)) return { kind: 'feature', name: target };
  const file = resolve(process.cwd(), target);
  return { kind: 'request', file, ...(feature === undefined ? {} : { feature }) };
}
