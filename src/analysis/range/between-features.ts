/**
 * Whether what holds between features still holds after tasks and files came or went, although only a part of the features was read:
 * each path has one owner, and every pattern of inputs has a file. In doubt it does not; then the build reads everything, and says
 * what is wrong.
 */

import { mayOverlap, type PathPattern, plainPattern } from '../../model/paths/pattern.js';
import { type PatternSet, patternSet } from '../../model/paths/pattern-set.js';
import type { Feature } from '../../model/task.js';
import type { Project } from '../../project/project.js';
import { isSpelling, ownedLines, spelling, unspelled } from './path-lines.js';
import { EVERYTHING, type PathRow, PathTable, rowsOf, tableText } from './path-table.js';

/** A part of a project, as it was read. */
export interface PartOfProject {
  readonly project: Pick<Project, 'config' | 'features' | 'handWritten' | 'ownership'>;
  /** Features that may have changed. */
  readonly changed: ReadonlySet<string>;
  /** Those of them whose tasks hang together with others in another way than before, and features that are gone. */
  readonly reshaped: ReadonlySet<string>;
  /** Files of people that are gone. */
  readonly gone: readonly string[];
  readonly owners: PathTable;
  readonly readers: PathTable;
}

/** With what the tasks that were read write today. */
interface Compared extends PartOfProject {
  readonly own: PathTable;
}

export function holdsBetween(of: PartOfProject): boolean {
  const { project, changed, reshaped, readers } = of;
  const features = [...project.features.values()];
  const part = { ...of, own: new PathTable(tableText(features.flatMap(ownedLines))) };
  if (features.some((feature) => reshaped.has(feature.name) && !hasOwnPaths(part, feature))) return false;
  const tasks = features.flatMap((feature) => (changed.has(feature.name) ? feature.tasks : []));
  const lists = [...tasks, ...project.config.gates.build].map(({ inputs = [] }) => patternSet(inputs));
  if (!lists.every((set) => set.includes.every((one) => isMatched(part, one, set)))) return false;
  return vanished(part).every((pattern) =>
    readers.meeting(pattern).every((row) => changed.has(row.feature) || isStillMatched(part, row, pattern)),
  );
}

/** Whether no other feature owns a path that the tasks may write, also under names that some systems take for the same. */
function hasOwnPaths(part: PartOfProject, { tasks }: Feature): boolean {
  return tasks.every(({ outputs }) =>
    patternSet(outputs).includes.every((pattern) => {
      if (pattern.isGlob) return owningOthers(part, pattern).length === 0;
      const spelled = spelling(pattern.prefix);
      const paths = [pattern.prefix, spelled, unspelled(spelled)];
      return !paths.flatMap((path) => part.owners.at(path)).some((row) => isOfOthers(part, row));
    }),
  );
}

/** Of features that were not read: of the others, the tasks say what they write today. */
function isOfOthers({ project, reshaped }: PartOfProject, { feature }: PathRow): boolean {
  return !project.features.has(feature) && !reshaped.has(feature);
}

function owningOthers(part: PartOfProject, pattern: PathPattern): PathRow[] {
  return part.owners.meeting(pattern).filter((row) => isOfOthers(part, row) && !isSpelling(row));
}

/** Whether there is a file that the pattern matches, or a task that may write one. */
function isMatched(part: Compared, pattern: PathPattern, set: PatternSet): boolean {
  const { handWritten } = part.project;
  const isSeen = (path: string) => pattern.matches(path) && (!pattern.isGlob || set.keeps(path));
  const isThere = pattern.isGlob
    ? handWritten.under(pattern.prefix).some(isSeen)
    : handWritten.get(pattern.prefix) !== undefined;
  const isWritten = ({ start, list }: Pick<PathRow, 'start' | 'list'>) =>
    Array.isArray(list) ? mayShare(patternSet(list), pattern, set) : isSeen(start);
  const owning = () => [...part.own.meeting(pattern), ...owningOthers(part, pattern)];
  return isThere || owning().some((row) => !isSpelling(row) && isWritten(row));
}

function mayShare(outputs: PatternSet, pattern: PathPattern, set: PatternSet): boolean {
  if (!pattern.isGlob) return outputs.matches(pattern.prefix);
  return outputs.includes.some(
    (one) =>
      mayOverlap(one, pattern) &&
      (outputs.excludes.length === 0 || outputs.mayMeet(pattern)) &&
      (set.excludes.length === 0 || set.mayMeet(one)),
  );
}

/** What no task writes any more, and no person. */
function vanished({ owners, reshaped, gone, project }: PartOfProject): PathPattern[] {
  const key = ({ start, list }: PathRow) => JSON.stringify([start, list ?? '']);
  const today = new Set<string>();
  for (const { name, tasks } of project.features.values()) {
    if (!reshaped.has(name)) continue;
    for (const { outputs } of tasks) for (const row of rowsOf(outputs, name)) today.add(key(row));
  }
  const rows = reshaped.size === 0 ? [] : owners.of(reshaped);
  const left = rows.filter((row) => !isSpelling(row) && !today.has(key(row)));
  const patterns = left.flatMap(({ start, list }) =>
    Array.isArray(list)
      ? patternSet(list).includes.filter((one) => one.isGlob && one.start === start)
      : [plainPattern(start, start)],
  );
  return [...gone.map((path) => plainPattern(path, path)), ...patterns];
}

/** Whether each pattern of the reader that had a path of this one has a path today. */
function isStillMatched(part: Compared, { start, list }: PathRow, pattern: PathPattern): boolean {
  if (list === EVERYTHING) return true;
  const set = patternSet(list ?? NONE);
  const concerned = list === undefined ? [plainPattern(start, start)] : set.includes;
  return concerned.every((one) => !mayOverlap(one, pattern) || isMatched(part, one, set));
}

const NONE: readonly string[] = [];
