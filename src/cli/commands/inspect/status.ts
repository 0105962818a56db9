/** `conductor status`: every task with its verdict. */

import { driftOf } from '../../../analysis/drift.js';
import { formatSteps } from '../../../analysis/format-settings.js';
import { findOrphans } from '../../../analysis/orphans.js';
import { rangeOf } from '../../../analysis/range/touched-tasks.js';
import { inspect } from '../../../build/dry-run.js';
import type { FileDifference } from '../../../io/git/tree-diff.js';
import type { Need } from '../../../model/agents/agent-report.js';
import { driftCauseText } from '../../../report/difference.js';
import { at } from '../../../report/failures/failure-text.js';
import { rangeText } from '../../../report/live/summary-line.js';
import { plural } from '../../../report/style.js';
import { orphansText, type StatusRow, statusTable, upToDate } from '../../../report/verdict.js';
import { WorkStore } from '../../../store/kept-work.js';
import { print, printJson, printWarning, refuse, say, styleFor } from '../../output.js';
import { createHost } from '../../wire.js';

interface StatusLine extends StatusRow {
  readonly title: string;
  readonly drift?: readonly FileDifference[];
}

function asksOf(needs: readonly Need[] | undefined): { asks?: readonly Need[] } {
  return needs === undefined ? {} : { asks: needs };
}

export async function runStatus(
  targets: readonly string[],
  flags: {
    readonly json?: boolean;
    readonly all?: boolean;
    readonly exitCode?: boolean;
    readonly since?: string;
  },
): Promise<number> {
  const done = await inspect(
    createHost(process.cwd()),
    { targets, since: flags.since, force: false, discardEdits: false, warn: printWarning },
    async ({ prepared, tasks }) => {
      const rows: StatusLine[] = [];
      let hasFormat = true;
      const { objects, repository } = prepared.project;
      const works = await new WorkStore(objects, repository.project).all();
      const asking = new Map(works.flatMap((work) => (work.approved ? [] : [[work.label, work.needs]])));
      for (const { task, verdict, waiting } of tasks) {
        const waits = waiting && { because: waiting.because, on: waiting.on };
        const row = {
          label: task.label,
          title: task.title,
          verdict,
          ...(waits && { waiting: waits }),
          ...asksOf(asking.get(task.label)),
        };
        const isEdited = verdict.kind === 'drifted' || (verdict.kind === 'pending' && verdict.paths);
        if (isEdited) hasFormat &&= formatSteps(prepared.project.config, task).length > 0;
        rows.push(isEdited ? { ...row, drift: (await driftOf(prepared.project, task)).files } : row);
      }
      for (const { file, line, message } of prepared.project.warnings)
        printWarning(`${at(file, line)}: ${message}`);
      const orphans = prepared.whole ? findOrphans(prepared.project) : { removed: [], kept: [] };
      return { rows, hasFormat, orphans, ...rangeOf(prepared, flags.since) };
    },
  );
  if (!done.ok) return refuse(done.error);
  const { rows, hasFormat, orphans, range } = done.value;
  const isDone = rows.every(({ verdict }) => verdict.kind === 'fresh') && orphans.removed.length === 0;
  const code = flags.exitCode && !isDone ? 1 : 0;
  if (flags.json) {
    const tasks = rows.map(({ drift, ...row }) =>
      drift === undefined ? row : { ...row, drift: drift.map(({ patch: _, ...file }) => file) },
    );
    printJson({ schema: 1, tasks, orphans, ...(range && { range }) });
    return code;
  }
  if (range) say(rangeText(range));
  const fresh = rows.filter(({ verdict }) => verdict.kind === 'fresh').length;
  const shown = flags.all ? rows : rows.filter(({ verdict }) => !upToDate(verdict));
  if (shown.length > 0) print(statusTable(shown, styleFor(process.stdout)));
  if (orphans.removed.length + orphans.kept.length > 0) print(orphansText(orphans, styleFor(process.stdout)));
  const cause = driftCauseText(
    rows.flatMap(({ drift = [] }) => drift),
    hasFormat,
  );
  if (cause !== undefined) print(cause);
  const others = rows.length - fresh;
  print(
    `conductor: ${plural(rows.length, 'task')}, ${fresh} fresh${others > 0 ? `, ${others} not up to date` : ''}`,
  );
  return code;
}
