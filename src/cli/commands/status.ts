/** `conductor status`: every task with its verdict. */

import { inspect } from '../../engine/inspect.js';
import { exitCodeOf } from '../../model/failure.js';
import { plural } from '../../report/style.js';
import { statusTable } from '../../report/verdict.js';
import { print, printFailure, printJson, printWarning, styleFor } from '../output.js';
import { createSurroundings } from '../wire.js';

export async function runStatus(
  targets: readonly string[],
  flags: { readonly json?: boolean; readonly all?: boolean },
): Promise<number> {
  const done = await inspect(
    createSurroundings(process.cwd()),
    { targets, force: false, discardEdits: false },
    async ({ tasks, warnings }) => {
      warnings.forEach(printWarning);
      return tasks.map(({ task, verdict }) => ({ label: task.label, title: task.title, verdict }));
    },
  );
  if (!done.ok) {
    printFailure(done.error);
    return exitCodeOf(done.error);
  }
  if (flags.json) {
    printJson({ schema: 1, tasks: done.value });
    return 0;
  }
  const fresh = done.value.filter(({ verdict }) => verdict.kind === 'fresh').length;
  const shown = flags.all ? done.value : done.value.filter(({ verdict }) => verdict.kind !== 'fresh');
  if (shown.length > 0) print(statusTable(shown, styleFor(process.stdout)));
  const others = done.value.length - fresh;
  print(
    `conductor: ${plural(done.value.length, 'task')}, ${fresh} fresh${others > 0 ? `, ${others} not up to date` : ''}`,
  );
  return 0;
}
