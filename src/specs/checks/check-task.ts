/** The rules within one task: its recipe and its paths. Knows no other task. */

import { nearest } from '../../base/nearest.js';
import { parsePattern, patternProblem } from '../../model/paths/pattern.js';
import { excludedText, isExclude, type PatternSet, patternSet } from '../../model/paths/pattern-set.js';
import type { Listing } from '../../model/tree.js';
import type { WrittenTask } from '../normalise.js';
import type { SpecProblem } from '../problem.js';

/** What was found, by the paths that there were: which files exist decides here, not what is in them. */
const checked = new WeakMap<
  WrittenTask,
  { readonly paths: readonly string[]; readonly specs: string; readonly problems: SpecProblem[] }
>();
const TEMPLATES = 'templates/';
/** Keys that say what a task writes. */
const WRITERS = ['outputs', 'edits', 'render'];

/** `specs` is the folder of the specs, without `/` at its end. */
export function checkTask(written: WrittenTask, specs: string, listing: Listing): SpecProblem[] {
  const known = checked.get(written);
  if (known?.paths === listing.paths && known.specs === specs) return known.problems;
  const problems = findProblems(written, specs, listing);
  checked.set(written, { paths: listing.paths, specs, problems });
  return problems;
}

function findProblems(written: WrittenTask, specs: string, listing: Listing): SpecProblem[] {
  return [...checkRecipe(written, listing), ...checkPaths(written, specs, listing)];
}

/** Keys that say something about agents and stand in a task without one: allowed, but without effect. */
export function idleKeys({ task, raw }: WrittenTask): SpecProblem[] {
  if (task.recipe.kind === 'agent') return [];
  const recipe = task.recipe.kind;
  return (['strategy', 'agent', 'model', 'reverify'] as const)
    .filter((key) => raw[key] !== undefined)
    .map((key) => ({
      file: task.source.file,
      path: [...task.source.path, key],
      key: true,
      message: `\`${key}\` has no effect: the task has \`${recipe}\` and no agent`,
    }));
}

function checkRecipe({ task, raw, unread, edits }: WrittenTask, listing: Listing): SpecProblem[] {
  const problems: SpecProblem[] = [];
  const { file, path } = task.source;
  if (raw.render && raw.run !== undefined) {
    problems.push({
      file,
      path: [...path, 'run'],
      key: true,
      message: `\`${task.id}\` has both \`render\` and \`run\``,
      hint: 'a task has one recipe; split it into two tasks',
    });
  }
  const mayWrite = WRITERS.some((key) => unread.has(key));
  if (task.outputs.length === 0 && edits.patterns.length === 0 && !mayWrite) {
    problems.push({
      file,
      path: [...path, 'id'],
      message: `\`${task.id}\` has neither outputs nor edits`,
      hint: 'list the files that it writes in `outputs`, and those that it changes in `edits`',
    });
  }
  for (const [i, step] of (raw.render ?? []).entries()) {
    const wrong = patternProblem(step.template);
    const there = wrong === undefined && listing.get(TEMPLATES + step.template) !== undefined;
    if (there) continue;
    problems.push({
      file,
      path: [...path, 'render', i, 'template'],
      message: `there is no template \`templates/${step.template}\`${wrong === undefined ? '' : `: the path ${wrong}`}`,
      ...didYouMean(step.template, listing),
    });
  }
  if (raw.outputs && raw.render) {
    for (const [i, step] of raw.render.entries()) {
      if (patternSet(raw.outputs).matches(step.to)) continue;
      problems.push({
        file,
        path: [...path, 'render', i, 'to'],
        message: `\`${step.to}\` is not in the outputs`,
        hint: 'add it to `outputs`, or remove `outputs`: then the rendered files are the outputs',
      });
    }
  }
  return problems;
}

/** Of the files below `templates/` the one that was most likely meant. */
function didYouMean(template: string, listing: Listing): { hint?: string } {
  const names = listing.under(TEMPLATES).map((path) => path.slice(TEMPLATES.length));
  const meant = nearest(template, names) ?? names.find((name) => name.endsWith(`/${template}`));
  return meant === undefined ? {} : { hint: `did you mean \`${meant}\`?` };
}

function checkPaths(
  { task, unread, edits, placeOf }: WrittenTask,
  specs: string,
  listing: Listing,
): SpecProblem[] {
  const problems: SpecProblem[] = [];
  const { file } = task.source;
  for (const key of ['inputs', 'outputs', 'edits', 'interface'] as const) {
    const texts = key === 'edits' ? edits.patterns : (task[key] ?? []);
    const set = patternSet(texts);
    for (const [i, text] of texts.entries()) {
      const path = placeOf(key, i);
      const report = (message: string, hint?: string) =>
        problems.push({ file, path, message, ...(hint === undefined ? {} : { hint }) });
      const wrong = patternProblem(excludedText(text));
      if (wrong !== undefined) {
        report(`\`${text}\` ${wrong}`, 'write it relative to the root of the project');
        continue;
      }
      if (isExclude(text)) {
        if (i === 0) {
          report(
            `\`${text}\` excludes files from an empty list`,
            'an exclude acts on the patterns before it; put them first, for instance `**`',
          );
        }
        continue;
      }
      // A glob of `edits` means no file of a spec.
      const mayMeetSpecs = key === 'outputs' || (key === 'edits' && !parsePattern(text).isGlob);
      if (mayMeetSpecs && meetsSpecs(text, set, specs, listing)) {
        report(`\`${text}\` is inside the specs folder`, 'a build must not change its own specs');
      }
      const isWhole = !WRITERS.some((one) => unread.has(one));
      if (key === 'interface' && isWhole && !patternSet(task.outputs).mayMeet(parsePattern(text))) {
        report(`\`${text}\` is not in the outputs`, 'the interface is a part of the outputs');
      }
    }
  }
  return problems;
}

/** Whether the pattern begins in the folder of the specs, or is a wide glob that matches a file in it. */
function meetsSpecs(text: string, set: PatternSet, specs: string, listing: Listing): boolean {
  const folder = `${specs}/`;
  const pattern = parsePattern(text);
  if (pattern.prefix === specs || pattern.prefix.startsWith(folder)) return true;
  if (!pattern.isGlob || !folder.startsWith(pattern.prefix)) return false;
  const meets = (path: string) => pattern.matches(path) && set.keeps(path);
  return meets(`${folder}x/.metadata.json`) || listing.under(folder).some(meets);
}
