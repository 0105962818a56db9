/** A review of changes for people: text for a terminal, Markdown for a comment on a pull request. */

import type { ReviewDocument, ReviewTask } from '../model/page.js';
import { patchLine } from './difference.js';
import { countText } from './metrics/text.js';
import { code, fence, markdown } from './pages/markdown-text.js';
import { money, plural, type Style, visible, visibleBlock } from './style.js';

/** Lines of one spec diff, and of one file, that Markdown shows: a comment has 65,536 characters. */
const MAX_LINES = 60;
const MAX_MARKDOWN = 60_000;

export function reviewText(review: ReviewDocument, style: Style): string {
  const lines = [headline(review)];
  for (const task of review.tasks) {
    lines.push('', `${style('bold', visible(task.label))}  ${style('cyan', task.change)}  ${statText(task)}`);
    for (const why of task.why) lines.push(`  ${style('dim', 'why')}    ${visible(why)}`);
    lines.push(`  ${style('dim', 'made')}   ${visible(madeText(task))}`);
    lines.push(`  ${style('dim', 'gates')}  ${visible(gatesText(task))}`);
    lines.push(
      `  ${style('dim', 'files')}  ${task.equal ? equalText(task) : style('yellow', visible(equalText(task)))}`,
    );
    for (const file of task.files)
      lines.push(`    ${visible(file.path)}  +${file.insertions} -${file.deletions}`);
    if (task.spec.length > 0) lines.push(`  ${style('dim', 'spec')}`);
    for (const line of task.spec) lines.push(`    ${patchLine(visibleBlock(line), style)}`);
  }
  for (const { path, insertions, deletions } of review.others)
    lines.push(
      `${review.others[0]?.path === path ? '\n' : ''}no task: ${visible(path)}  +${insertions} -${deletions}`,
    );
  for (const [, problem] of review.problem?.facts ?? [])
    lines.push('', `${style('yellow', 'warning')}: ${visible(problem)}`);
  return `${lines.join('\n')}\n`;
}

/** Why a task has a new record although nothing was built: its former files passed again. */
export function verifiedWhy({ against }: { readonly against: readonly string[] }): string {
  return `verified: the former files pass all gates against ${against.join(', ')}`;
}

/** A summary as a table, and below it each task in a fold of its own. */
export function reviewMarkdown(review: ReviewDocument): string {
  const lines = [`### conductor: ${markdown(headline(review))}`, ''];
  if (review.tasks.length > 0) {
    lines.push(
      '| task | change | code | model | attempts | cost | gates | files |',
      '|---|---|---|---|---|---|---|---|',
    );
    for (const task of review.tasks) lines.push(tableRow(task));
  }
  const foot = [
    ...(review.others.length === 0
      ? []
      : [
          '',
          `No task owns ${plural(review.others.length, 'changed file')}: ${someCode(review.others.map(({ path }) => path))}`,
        ]),
    ...(review.problem?.facts ?? []).map(([, problem]) => `\n> **Warning:** ${markdown(problem)}`),
  ];
  let size = [...lines, ...foot].join('\n').length;
  let left = 0;
  for (const task of review.tasks) {
    const part = details(task);
    size += part.length + 1;
    if (size > MAX_MARKDOWN) left++;
    else lines.push(part);
  }
  if (left > 0)
    lines.push('', `Details of ${plural(left, 'more task')} are left out: see \`conductor review\`.`);
  return `${[...lines, ...foot].join('\n')}\n`;
}

function headline({ from, to, tasks, usage }: ReviewDocument): string {
  const insertions = tasks.reduce((sum, task) => sum + task.insertions, 0);
  const deletions = tasks.reduce((sum, task) => sum + task.deletions, 0);
  if (tasks.length === 0) return `${visible(from)} to ${visible(to)}: no task changed`;
  const cost = usage.costUsd === undefined ? '' : `, ${money(usage.costUsd)}`;
  const unequal = tasks.filter((task) => task.different.length > 0).length;
  const warning = unequal === 0 ? '' : `, ${unequal} with files that are not the recorded ones`;
  return `${visible(from)} to ${visible(to)}: ${plural(tasks.length, 'task')} changed, +${insertions} -${deletions}${cost}${warning}`;
}

function tableRow(task: ReviewTask): string {
  const cells = [
    code(task.label),
    task.change,
    statText(task),
    markdown(task.model ?? task.recipe ?? ''),
    task.attempts === undefined ? '' : String(task.attempts),
    task.usage.costUsd === undefined ? '' : money(task.usage.costUsd),
    markdown(gatesText(task)),
    task.equal ? 'as recorded' : markdown(equalText(task)),
  ];
  return `| ${cells.join(' | ')} |`;
}

function details(task: ReviewTask): string {
  const lines = [
    '',
    `<details><summary>${markdown(task.label)}: ${markdown(task.why.join('; ') || task.change)}</summary>`,
    '',
  ];
  lines.push(...task.files.map((file) => `- ${code(file.path)} +${file.insertions} -${file.deletions}`));
  if (task.spec.length > 0)
    lines.push('', 'Spec:', '', fence(task.spec, { language: 'diff', maxLines: MAX_LINES }));
  lines.push('', '</details>');
  return lines.join('\n');
}

function statText({ files, insertions, deletions }: ReviewTask): string {
  return files.length === 0 ? 'no file' : `${plural(files.length, 'file')}, +${insertions} -${deletions}`;
}

function madeText({ recipe, model, attempts, usage }: ReviewTask): string {
  const tokens = (usage.tokensIn ?? 0) + (usage.tokensOut ?? 0);
  const parts = [
    model ?? recipe ?? 'not built',
    ...(attempts === undefined || attempts < 1 ? [] : [plural(attempts, 'attempt')]),
    ...(usage.costUsd === undefined ? [] : [money(usage.costUsd)]),
    ...(tokens === 0 ? [] : [`${countText(tokens)} tokens`]),
  ];
  return parts.join(', ');
}

function gatesText({ gates }: ReviewTask): string {
  if (gates.length === 0) return 'none recorded';
  const failed = gates.filter((gate) => gate.exitCode !== 0).map((gate) => gate.name);
  return failed.length === 0 ? `${gates.length} passed` : `failed once: ${failed.join(', ')}`;
}

function equalText({ equal, different, change }: ReviewTask): string {
  if (equal) return 'files equal the recorded result';
  if (different.length > 0)
    return `not the recorded files: ${different.slice(0, 3).join(', ')}${different.length > 3 ? ` and ${different.length - 3} more` : ''}`;
  return change === 'removed' ? 'removed' : 'nothing is recorded';
}

function someCode(paths: readonly string[]): string {
  const shown = paths.slice(0, 10).map(code).join(', ');
  return paths.length > 10 ? `${shown} and ${paths.length - 10} more` : shown;
}
