/** A regeneration as a table for a terminal. */

import type { Usage } from '../model/action.js';
import type {
  ComparedFile,
  CrossTests,
  ExportChange,
  Making,
  RegeneratedTask,
  Regeneration,
} from '../model/regeneration.js';
import { changeText } from './difference.js';
import { describeFailure } from './failures/failure.js';
import { bytes, duration, money, plural, type Style, visible } from './style.js';
import { padTo, textWidth } from './width.js';

const HEAD = ['task', 'from', 'files', 'lines', 'exports', 'size', 'time', 'cost'] as const;

/** The table, what differs below it, the tests, and in the last line what happened. */
export function regenerationText(report: Regeneration, style: Style): string {
  const rows = report.tasks.map(taskCells);
  const widths = HEAD.map((name, i) =>
    Math.max(textWidth(name), ...rows.map((row) => textWidth(row[i] ?? ''))),
  );
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, i) => padTo(cell, widths[i] ?? 0))
      .join('  ')
      .trimEnd();
  const lines = [style('dim', line(HEAD))];
  for (const [index, row] of rows.entries()) {
    const task = report.tasks[index] as RegeneratedTask;
    lines.push(style(colourOf(task), line(row)));
  }
  for (const task of report.tasks) lines.push(...taskLines(task, report, style));
  lines.push('', ...testLines('old tests on new code', report.oldTestsOnNewCode, style));
  lines.push(...testLines('new tests on old code', report.newTestsOnOldCode, style));
  return `${lines.join('\n')}\n${summaryText(report, style)}\n`;
}

function colourOf(task: RegeneratedTask) {
  if (task.failure) return 'red';
  return task.identical ? 'dim' : 'yellow';
}

/** The cells of a task's row, without colours. */
export function taskCells(task: RegeneratedTask): string[] {
  const name = visible(task.label);
  if (task.source === 'failed' || task.source === 'skipped') return [name, task.source];
  const total = task.unchanged + task.files.length;
  if (task.identical) {
    return [name, task.source, `identical (${total})`, '', '', bytes(task.bytes.after), ...timeAndCost(task)];
  }
  const count = (change: ComparedFile['change'], sign: string) => {
    const n = task.files.filter((file) => file.change === change).length;
    return n > 0 ? `${sign}${n} ` : '';
  };
  const files = `${count('added', '+')}${count('removed', '-')}${count('changed', '~')}=${task.unchanged}`;
  const sum = (key: 'insertions' | 'deletions') => task.files.reduce((n, file) => n + file[key], 0);
  const lines = `+${sum('insertions')} -${sum('deletions')}`;
  const changes = task.files.flatMap((file) => file.exports ?? []);
  const size = task.isRecorded
    ? arrow(bytes(task.bytes.before), bytes(task.bytes.after))
    : bytes(task.bytes.after);
  return [name, task.source, files, lines, exportCounts(changes), size, ...timeAndCost(task)];
}

function timeAndCost({ before, after, source }: RegeneratedTask): [string, string] {
  const time = (making: Making | undefined) => (making ? duration(making.ms) : '');
  const cost = (making: Making | undefined) => costText(making?.usage);
  // What comes from the store was made once: its time and its price are the recorded ones.
  if (source !== 'made') return ['', ''];
  return [arrow(time(before), time(after)), arrow(cost(before), cost(after))];
}

function costText(usage: Usage | undefined): string {
  return usage?.costUsd === undefined ? '' : money(usage.costUsd);
}

function arrow(before: string, after: string): string {
  return before === '' || before === after ? after : `${before} → ${after}`;
}

function exportCounts(changes: readonly ExportChange[]): string {
  const added = changes.filter(({ before }) => before === undefined).length;
  const removed = changes.filter(({ after }) => after === undefined).length;
  const changed = changes.length - added - removed;
  const parts = [[added, '+'] as const, [removed, '-'] as const, [changed, '~'] as const];
  return parts.flatMap(([n, sign]) => (n > 0 ? [`${sign}${n}`] : [])).join(' ');
}

function taskLines(task: RegeneratedTask, report: Regeneration, style: Style): string[] {
  const lines: string[] = [];
  if (task.failure) lines.push(`  ${describeFailure(task.failure, task.label).headline}`);
  for (const file of task.files) {
    lines.push(`  ${visible(file.path)}  ${changeText(file, style)}`);
    lines.push(...(file.exports ?? []).flatMap((change) => exportLines(change, style)));
  }
  const open = task.open ?? [];
  for (const { path, versions, lines: count, exportsDiffer } of open) {
    const differing = new Set(versions).size;
    const exports = exportsDiffer === undefined ? '' : exportsDiffer ? ', exports differ' : ', same exports';
    lines.push(
      `  ${visible(path)}  ${style('yellow', `${differing} versions in ${report.runs} runs`)}, up to ${plural(count, 'line')}${exports}`,
    );
  }
  if (report.runs > 1 && open.length === 0 && !task.failure)
    lines.push(style('dim', `  all ${report.runs} runs gave the same files`));
  return lines.length === 0 ? [] : ['', style('bold', visible(task.label)), ...lines];
}

function exportLines({ name, before, after }: ExportChange, style: Style): string[] {
  const lines: string[] = [];
  if (before !== undefined) lines.push(`    ${style('red', `- ${visible(before)}`)}`);
  if (after !== undefined) lines.push(`    ${style('green', `+ ${visible(after)}`)}`);
  const isMentioned = [before, after].some((text) => text?.includes(name));
  return isMentioned ? lines : [`    ${visible(name)}:`, ...lines];
}

const STATES: Readonly<Record<Exclude<CrossTests['state'], 'ran'>, string>> = {
  'same-tests': 'the tests are the same',
  'no-tests': 'no output is a test',
  'no-gates': 'no gate runs them',
  'not-recorded': 'not run: some recorded files are missing',
  'not-complete': 'not run: some tasks were not built',
};

/** One sentence on the tests of one generation and the code of the other. */
export function testsText({ state, gates }: CrossTests): string {
  if (state !== 'ran') return STATES[state];
  const passed = gates.filter((gate) => gate.ok).length;
  return passed === gates.length
    ? `${plural(passed, 'gate')} passed`
    : `${passed} of ${plural(gates.length, 'gate')} passed`;
}

function testLines(title: string, tests: CrossTests, style: Style): string[] {
  const failed = tests.gates.filter((gate) => !gate.ok);
  const log = (path: string | undefined) => (path === undefined ? '' : `  ${style('dim', visible(path))}`);
  return [
    `${title}: ${style(failed.length > 0 ? 'red' : 'bold', testsText(tests))}`,
    ...failed.map((gate) => `  ${style('red', 'failed')}  ${visible(gate.gate)}${log(gate.log)}`),
  ];
}

/** `conductor: regenerated 3 tasks: 2 identical, 1 differs in 4.2s ($0.12); nothing was published`. */
export function summaryText(report: Regeneration, style: Style): string {
  const identical = report.tasks.filter((task) => task.identical).length;
  const failed = report.tasks.filter((task) => task.failure || task.source === 'skipped').length;
  const different = report.tasks.length - identical - failed;
  const parts = [
    `${identical} identical`,
    ...(different > 0 ? [`${different} different`] : []),
    ...(failed > 0 ? [style('red', `${failed} not made`)] : []),
  ];
  const cost = report.usage.costUsd ? ` (${money(report.usage.costUsd)})` : '';
  const runs = report.runs > 1 ? `, ${report.runs} runs` : '';
  const published =
    report.published === undefined
      ? 'nothing was published'
      : `published ${plural(report.published.length, 'file')}`;
  return `conductor: regenerated ${plural(report.tasks.length, 'task')}${runs}: ${parts.join(', ')} in ${duration(report.ms)}${cost}; ${published}`;
}
