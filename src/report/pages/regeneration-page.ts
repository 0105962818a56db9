/** A regeneration as one self-contained page of HTML: no script, no font, no request. */

import type { ComparedFile, CrossTests, RegeneratedTask, Regeneration } from '../../model/regeneration.js';
import { describeFailure } from '../failures/failure.js';
import { summaryText, taskCells, testsText } from '../regeneration.js';
import { plainStyle, visibleBlock } from '../style.js';
import { html, htmlPage } from './html.js';
import { type SideRow, sideBySide } from './side-by-side.js';

const STYLE = `
:root { color-scheme: light dark; --line: light-dark(#d8dee4, #373e47); --dim: light-dark(#59636e, #9198a1);
  --back: light-dark(#ffffff, #15191f); --head: light-dark(#f6f8fa, #1d232b);
  --add: light-dark(#dafbe1, #12361f); --del: light-dark(#ffebe9, #4a1c1f);
  --add-strong: light-dark(#aceebb, #1f6f38); --del-strong: light-dark(#ffcecb, #8e2f35); }
body { margin: 2rem auto; max-width: 110rem; padding: 0 1.5rem; background: var(--back);
  font: 15px/1.5 system-ui, sans-serif; }
h1 { font-size: 1.4rem; margin: 0 0 .25rem; } h2 { font-size: 1.1rem; margin: 2.5rem 0 .5rem; }
p { margin: .25rem 0; } .dim { color: var(--dim); }
table.sum { border-collapse: collapse; margin: 1.25rem 0; }
.sum th, .sum td { padding: .35rem 1.25rem .35rem 0; text-align: left; border-bottom: 1px solid var(--line);
  white-space: nowrap; font-variant-numeric: tabular-nums; }
.sum th { font-weight: 600; color: var(--dim); } .scroll { overflow-x: auto; }
a { color: inherit; } .bad { color: light-dark(#cf222e, #ff7b72); } .open { color: light-dark(#9a6700, #e3b341); }
details { border: 1px solid var(--line); border-radius: 6px; margin: .75rem 0; overflow: hidden; }
summary { padding: .5rem .75rem; background: var(--head); cursor: pointer; font-family: ui-monospace, monospace; font-size: 13px; }
summary .plus { color: light-dark(#1a7f37, #3fb950); } summary .minus { color: light-dark(#cf222e, #ff7b72); }
table.diff { border-collapse: collapse; width: 100%; table-layout: fixed; font: 12px/1.45 ui-monospace, monospace; }
.diff td { padding: 0 .5rem; vertical-align: top; white-space: pre-wrap; overflow-wrap: anywhere; }
.diff td.n { width: 2.75rem; text-align: right; color: var(--dim); user-select: none; }
.diff td.del { background: var(--del); } .diff td.add { background: var(--add); }
.diff td.gap { background: var(--head); color: var(--dim); } .diff td.none { background: var(--head); }
.diff del { background: var(--del-strong); text-decoration: none; border-radius: 2px; }
.diff ins { background: var(--add-strong); text-decoration: none; border-radius: 2px; }
ul.exports { margin: 0; padding: .5rem .75rem .5rem 2rem; border-bottom: 1px solid var(--line);
  font: 12px/1.6 ui-monospace, monospace; } .exports li::marker { content: attr(data-sign) "  "; }
pre { overflow-x: auto; font: 12px/1.45 ui-monospace, monospace; padding: .5rem .75rem; background: var(--head); }
`;

export async function regenerationPage(report: Regeneration, title: string): Promise<string> {
  const sections: string[] = [];
  for (const task of report.tasks) if (hasMore(task)) sections.push(await taskSection(task, report));
  const body = `<h1>${html(title)}</h1>
<p class="dim">${html(summaryText(report, plainStyle).replace(/^conductor: /, ''))}</p>
${overview(report)}
${testsSection('Old tests on new code', report.oldTestsOnNewCode)}
${testsSection('New tests on old code', report.newTestsOnOldCode)}
${report.typescript === undefined ? '<p class="dim">Exports were not compared: the project has no <code>typescript</code>.</p>' : ''}
${sections.join('\n')}`;
  return htmlPage(title, STYLE, body);
}

function hasMore(task: RegeneratedTask): boolean {
  return task.files.length > 0 || task.failure !== undefined || (task.open ?? []).length > 0;
}

function overview(report: Regeneration): string {
  const head = ['task', 'from', 'files', 'lines', 'exports', 'size', 'time', 'cost'];
  const row = (task: RegeneratedTask) => {
    const [name = '', ...cells] = taskCells(task).map(html);
    const link = hasMore(task) ? `<a href="#${anchor(task.label)}">${name}</a>` : name;
    const tone = task.failure ? 'bad' : task.identical ? 'dim' : '';
    const filled = [...cells, ...head.slice(cells.length + 1).map(() => '')];
    return `<tr class="${tone}"><td>${link}</td>${filled.map((cell) => `<td>${cell}</td>`).join('')}</tr>`;
  };
  const names = head.map((name) => `<th>${name}</th>`).join('');
  return `<div class="scroll"><table class="sum"><tr>${names}</tr>${report.tasks.map(row).join('\n')}</table></div>`;
}

function testsSection(title: string, tests: CrossTests): string {
  const failed = tests.gates.filter((gate) => !gate.ok);
  const tone = failed.length > 0 ? ' class="bad"' : '';
  const logs = failed.map(
    ({ gate, tail = '' }) =>
      `<details><summary>${html(gate)}</summary><pre>${html(visibleBlock(tail))}</pre></details>`,
  );
  return `<p>${title}: <strong${tone}>${html(testsText(tests))}</strong></p>${logs.join('')}`;
}

async function taskSection(task: RegeneratedTask, report: Regeneration): Promise<string> {
  const parts = [
    `<h2 id="${anchor(task.label)}">${html(task.label)}</h2><p class="dim">${html(task.title)}</p>`,
  ];
  if (task.failure)
    parts.push(`<p class="bad">${html(describeFailure(task.failure, task.label).headline)}</p>`);
  for (const { path, versions, lines, exportsDiffer } of task.open ?? []) {
    const exports = exportsDiffer === undefined ? '' : exportsDiffer ? ', exports differ' : ', same exports';
    parts.push(
      `<p class="open">${html(path)}: ${new Set(versions).size} versions in ${report.runs} runs, up to ${lines} lines${exports}</p>`,
    );
  }
  for (const file of task.files) parts.push(await fileSection(file));
  return parts.join('\n');
}

async function fileSection(file: ComparedFile): Promise<string> {
  const numbers = `<span class="plus">+${file.insertions}</span> <span class="minus">-${file.deletions}</span>`;
  const word = file.change === 'changed' ? '' : ` ${file.change}`;
  const body = file.binary ? '<p class="dim">no text</p>' : diffTable(await sideBySide(file.patch));
  return `<details open><summary>${html(file.path)} ${numbers}${word}</summary>${exportList(file)}${body}</details>`;
}

function exportList({ exports = [] }: ComparedFile): string {
  if (exports.length === 0) return '';
  const items = exports.flatMap(({ before, after }) => [
    ...(before === undefined ? [] : [`<li data-sign="−">${html(before)}</li>`]),
    ...(after === undefined ? [] : [`<li data-sign="+">${html(after)}</li>`]),
  ]);
  return `<ul class="exports">${items.join('')}</ul>`;
}

function diffTable(rows: readonly SideRow[]): string {
  const side = (cell: SideRow['left'], tone: 'del' | 'add', tag: 'del' | 'ins') => {
    if (!cell) return '<td class="n none"></td><td class="none"></td>';
    const text = cell.parts
      .map((part) => (part.differs ? `<${tag}>${html(part.text)}</${tag}>` : html(part.text)))
      .join('');
    const shade = cell.changed ? ` class="${tone}"` : '';
    return `<td class="n">${cell.number}</td><td${shade}>${text}</td>`;
  };
  const body = rows.map((row) =>
    row.gap === undefined
      ? `<tr>${side(row.left, 'del', 'del')}${side(row.right, 'add', 'ins')}</tr>`
      : `<tr><td class="gap" colspan="4">${html(row.gap)}</td></tr>`,
  );
  const columns = '<colgroup><col style="width:2.75rem"><col><col style="width:2.75rem"><col></colgroup>';
  return `<table class="diff">${columns}${body.join('\n')}</table>`;
}

function anchor(label: string): string {
  return encodeURIComponent(label);
}
