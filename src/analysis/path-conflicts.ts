/** Finds files of a person where a folder is needed, or in a folder where a file is needed. Decides nothing. */

import type { Failure } from '../model/failure.js';
import { encodeEntry, type Files, sameEntry } from '../model/tree.js';
import type { Verdict } from '../model/verdict.js';
import type { Project } from '../project/project.js';

/** Those of the files on disk at the given outputs that conductor never wrote and that have another content. */
export function filesInTheWay(project: Project, outputs: Files): string[] {
  return [...outputs].flatMap(([path, entry]) => {
    const onDisk = project.listing.get(path);
    return onDisk && !project.recorded.has(path) && !sameEntry(onDisk, entry) ? [path] : [];
  });
}

/** What a person has to decide before a stale task may take the place of files that they wrote or edited. */
export function overwriteFailure({ paths, inTheWay: foreign = [], accept }: Contested): Failure {
  if (foreign.length > 0) return { kind: 'foreign-files', paths: foreign };
  return { kind: 'drifted-outputs', paths, ...(accept ? { accept } : {}) };
}

type Contested = Pick<Extract<Verdict, { kind: 'drifted' }>, 'paths' | 'inTheWay' | 'accept'>;

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
