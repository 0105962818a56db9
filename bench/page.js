// docs/benchmarks.md: the table between two markers is the bench's; everything else on the page is written by people.
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { cpus, release, totalmem, type } from 'node:os';
import { fileURLToPath } from 'node:url';
import { COLUMNS } from './rows.js';

const PAGE = fileURLToPath(new URL('../docs/benchmarks.md', import.meta.url));
const START = '<!-- bench: start -->';
const END = '<!-- bench: end -->';

/** Rows of cases that were not measured this time stay as they are; each row says when it was measured. */
export function updatePage(rows, tools, load) {
  const text = readFileSync(PAGE, 'utf8');
  const [from, to] = [text.indexOf(START) + START.length, text.indexOf(END)];
  const kept = parseRows(text.slice(from, to));
  for (const { cells } of rows) kept.set(cells[0], { cells });
  const inner = `\n\n${machine(tools, load)}\n\n${tableOf([...kept.values()])}\n\n`;
  writeFileSync(PAGE, text.slice(0, from) + inner + text.slice(to));
}

export function tableOf(rows) {
  const lines = [{ cells: COLUMNS }, ...rows].map(({ cells }) => `| ${cells.join(' | ')} |`);
  return [lines[0], `|${COLUMNS.map(() => '---|').join('')}`, ...lines.slice(1)].join('\n');
}

function parseRows(text) {
  const rows = new Map();
  for (const line of text.split('\n')) {
    if (!line.startsWith('| ') || line.startsWith(`| ${COLUMNS[0]} |`)) continue;
    const cells = line.slice(2, -2).split(' | ');
    if (cells.length === COLUMNS.length) rows.set(cells[0], { cells });
  }
  return rows;
}

/** The machine and the versions of what was measured. */
export function machine(tools, load) {
  const git = execFileSync('git', ['--version'], { encoding: 'utf8' }).trim();
  const versions = Object.entries(tools).map(([name, tool]) =>
    tool.path ? `${name} ${tool.version}` : `${name} missing (${tool.missing})`,
  );
  const { length } = cpus();
  return [
    `Last run: ${new Date().toISOString().slice(0, 10)}, ${type()} ${release()}, ${length} cores (${cpus()[0]?.model.trim()}),`,
    `${Math.round(totalmem() / 2 ** 30)} GB of memory, Node ${process.versions.node}, ${git}, ${versions.join(', ')}.`,
    `Load average before and after the run: ${load.map((one) => one.toFixed(1)).join(' and ')}.`,
  ].join('\n');
}
