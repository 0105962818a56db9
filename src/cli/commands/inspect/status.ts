/** `conductor status`: every task with its verdict. */

import { driftOf } from '../../../analysis/drift.js';
import { inspect } from '../../../build/dry-run.js';
import type { FileDifference } from '../../../io/git/tree-diff.js';
import { exitCodeOf } from '../../../model/failure.js';
import type { Verdict } from '../../../model/verdict.js';
import { plural } from '../../../report/style.js';
import { statusTable, upToDate } from '../../../report/verdict.js';
import { print, printFailure, printJson, printWarning, styleFor } from '../../output.js';
import { createHost } from '../../wire.js';

export async function runStatus(
  targets: readonly string[],
  flags: { readonly json?: boolean; readonly all?: boolean },
): Promise<number> {
  const done = await inspect(
    createHost(process.cwd()),
    { targets, force: false, discardEdits: false, warn: printWarning },
    async ({ prepared, tasks }) => {
      const rows: { label: string; title: string; verdict: Verdict; drift?: readonly FileDifference[] }[] =
        [];
      for (const { task, verdict } of tasks) {
        const row = { label: task.label, title: task.title, verdict };
        const isEdited = verdict.kind === 'drifted';
        rows.push(isEdited ? { ...row, drift: (await driftOf(prepared.project, task)).files } : row);
      }
      return rows;
    },
  );
  if (!done.ok) {
    printFailure(done.error);
    return exitCodeOf(done.error);
  }
  if (flags.json) {
    const tasks = done.value.map(({ drift, ...row }) =>
      drift === undefined ? row : { ...row, drift: drift.map(({ patch: _, ...file }) => file) },
    );
    printJson({ schema: 1, tasks });
    return 0;
  }
  const fresh = done.value.filter(({ verdict }) => verdict.kind === 'fresh').length;
  const shown = flags.all ? done.value : done.value.filter(({ verdict }) => !upToDate(verdict));
  if (shown.length > 0) print(statusTable(shown, styleFor(process.stdout)));
  const others = done.value.length - fresh;
  print(
    `conductor: ${plural(done.value.length, 'task')}, ${fresh} fresh${others > 0 ? `, ${others} not up to date` : ''}`,
  );
  return 0;
}
