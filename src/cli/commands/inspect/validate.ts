/** `conductor validate`: all problems of the specs at once. Needs no model and runs nothing. */

import { validateProject } from '../../../commands/validate.js';
import { printDiagnostics } from '../../../report/failures/failure-print.js';
import { plural } from '../../../report/style.js';
import { print, printJson, refuse, styleFor } from '../../output.js';
import { createHost } from '../../wire.js';

export async function runValidate(flags: { readonly json?: boolean }): Promise<number> {
  const done = await validateProject(createHost(process.cwd()));
  if (!done.ok) {
    const { error } = done;
    return refuse(error, error.kind === 'invalid-specs' ? { problems: error.diagnostics } : {});
  }
  const { features, tasks, missingPrograms } = done.value;
  const warnings = [...done.value.warnings, ...missingPrograms];
  if (flags.json) {
    printJson({ schema: 1, problems: [], warnings });
    return 0;
  }
  if (warnings.length > 0) print(printDiagnostics(warnings, styleFor(process.stdout), 'warning').join('\n'));
  print(`conductor: ${plural(features.length, 'feature')} with ${plural(tasks, 'task')}: no problems`);
  return 0;
}
