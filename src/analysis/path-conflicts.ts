/** Files of a person at which a folder is needed, or in a folder at which a file is needed. Decides nothing. */

import { encodeEntry } from '../model/tree.js';
import type { Project } from '../project/project.js';

/** Paths on disk, not as conductor made them, that files at the given paths would replace although they differ. */
export function inTheWay(project: Project, paths: Iterable<string>): string[] {
  const found = new Set<string>();
  const theirs = (path: string) => {
    const entry = project.listing.get(path);
    return entry !== undefined && project.recorded.get(path)?.has(encodeEntry(entry)) !== true;
  };
  for (const path of paths) {
    for (let end = path.lastIndexOf('/'); end > 0; end = path.lastIndexOf('/', end - 1)) {
      if (theirs(path.slice(0, end))) found.add(path.slice(0, end));
    }
    for (const below of project.listing.under(`${path}/`)) if (theirs(below)) found.add(below);
  }
  return [...found];
}
