/** The rules between tasks: dependencies exist, no cycle, one owner for each path. Knows no file on disk. */

import { nearest } from '../../base/nearest.js';
import { parsePattern, patternProblem } from '../../model/paths/pattern.js';
import { excludedText, isExclude, patternSet } from '../../model/paths/pattern-set.js';
import type { Label } from '../../model/task.js';
import { findCycle } from '../../model/task-graph.js';
import type { WrittenTask } from '../normalise.js';
import type { SpecProblem } from '../problem.js';
import { OwnerIndex } from './owner-index.js';

/** Cycles that are reported at once. */
const MAX_CYCLES = 10;
/** Unknown dependencies for which the nearest task is looked for: each costs a walk over all of them. */
const MAX_HINTS = 50;

/** `unknown`: features whose tasks are not known because their file cannot be read. */
export function checkDependencies(
  written: readonly WrittenTask[],
  labels: ReadonlySet<Label>,
  unknown: ReadonlySet<string>,
): SpecProblem[] {
  const problems: SpecProblem[] = [];
  for (const { task, needs } of written) {
    for (const [i, label] of needs.entries()) {
      if (labels.has(label) || unknown.has(label.slice(0, label.indexOf('/')))) continue;
      const meant = problems.length < MAX_HINTS ? nearestTask(label, task.feature, labels) : undefined;
      problems.push({
        file: task.source.file,
        path: [...task.source.path, 'depends_on', i],
        message: `there is no task \`${label}\``,
        ...(meant === undefined ? {} : { hint: `did you mean \`${meant}\`?` }),
      });
    }
  }
  return [...problems, ...checkCycles(written)];
}

/** The task of the same feature that is meant, else one of another feature with this id. */
function nearestTask(label: Label, feature: string, labels: ReadonlySet<Label>): string | undefined {
  const id = label.slice(feature.length + 1);
  if (!label.startsWith(`${feature}/`) || id.includes('/')) return nearest(label, labels);
  const own = [...labels]
    .filter((one) => one.startsWith(`${feature}/`))
    .map((one) => one.slice(feature.length + 1));
  return nearest(id, own) ?? [...labels].find((one) => one.endsWith(`/${id}`));
}

function checkCycles(written: readonly WrittenTask[]): SpecProblem[] {
  const problems: SpecProblem[] = [];
  const left = new Map(written.map((one) => [one.task.label, one]));
  while (problems.length < MAX_CYCLES) {
    const cycle = findCycle([...left.values()].map(({ task }) => task));
    if (!cycle) break;
    const { task, needs } = left.get(cycle[0] as Label) as WrittenTask;
    const next = cycle[1] as Label;
    const at = needs.findIndex((need) => need === next || next.startsWith(`${need}/`));
    problems.push({
      file: task.source.file,
      path: [...task.source.path, 'depends_on', Math.max(0, at)],
      message: `dependencies form a cycle: ${cycle.join(' → ')}`,
      hint: 'remove one of these dependencies',
    });
    for (const label of cycle) left.delete(label);
  }
  return problems;
}

/** Two owners of a path, and edits of what a task owns. */
export function checkOwners(written: readonly WrittenTask[]): SpecProblem[] {
  const problems: SpecProblem[] = [];
  const index = new OwnerIndex();
  const order = new Map<Label, number>();
  for (const { task } of written) {
    order.set(task.label, order.size);
    index.add(
      task.outputs.filter((one) => patternProblem(excludedText(one)) === undefined),
      task.label,
    );
  }
  const told = new Set<string>();
  const spellings = new Spellings();
  for (const { task, edits, placeOf } of written) {
    const { file } = task.source;
    const outputs = patternSet(task.outputs);
    for (const [i, output] of task.outputs.entries()) {
      const { isGlob, prefix } = parsePattern(output);
      const rival = isGlob || isExclude(output) ? undefined : spellings.rivalOf(prefix, task.label);
      if (rival) problems.push({ file, path: placeOf('outputs', i), ...rival });
      if (isExclude(output) || (!isGlob && !outputs.keeps(prefix))) continue;
      const other = isGlob
        ? index.otherGlob(parsePattern(output), outputs, task.label)
        : index.otherOwner(prefix, task.label);
      if (!other) continue;
      // Two equal patterns find each other: the later task gets the problem.
      const mirror =
        !isGlob === !parsePattern(other.text).isGlob && told.has(`${other.label}\0${other.text}`);
      const isFirst = other.text === output && (order.get(other.label) ?? 0) > (order.get(task.label) ?? 0);
      if (mirror || isFirst) continue;
      told.add(`${task.label}\0${output}`);
      const by = other.text === output ? '' : ` (as \`${other.text}\`)`;
      problems.push({
        file,
        path: placeOf('outputs', i),
        message: `\`${output}\` has two owners: ${task.label} and ${other.label}${by}`,
        hint: 'each file has one owner; other tasks can change it with `edits`, or depend on its owner',
      });
    }
    for (const [i, edit] of task.edits.entries()) {
      const [owner] = index.ownersOf(edit);
      if (!owner) continue;
      const isOwn = index.ownersOf(edit).some(({ label }) => label === task.label);
      problems.push({
        file,
        path: placeOf('edits', edits.from[i] ?? i),
        message: isOwn
          ? `\`${edit}\` is also an output of ${task.label}`
          : `\`${edit}\` is owned by ${owner.label}`,
        hint: isOwn
          ? 'a task writes its outputs as whole files: remove it from `edits` or from `outputs`'
          : 'a task can edit only files without an owner: depend on the owner, or let the owner make the change',
      });
    }
  }
  return problems;
}

/** Paths that some systems do not tell apart: by the case of letters, or by the Unicode form of accents. */
class Spellings {
  private readonly first = new Map<string, { readonly path: string; readonly label: Label }>();

  rivalOf(path: string, label: Label): Pick<SpecProblem, 'message' | 'hint'> | undefined {
    const plain = path.normalize('NFC').toLowerCase();
    const other = this.first.get(plain);
    if (!other) this.first.set(plain, { path, label });
    if (!other || other.path === path) return undefined;
    const isCase = other.path.normalize('NFC') !== path.normalize('NFC');
    const what = isCase ? 'the case of letters' : 'the Unicode form of a letter';
    return {
      message: `\`${path}\` and \`${other.path}\` of ${other.label} differ only in ${what}: some systems take them for one file`,
      hint: 'give one of them another name',
    };
  }
}
