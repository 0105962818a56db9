/** `conductor list`: the features, from their specs and lock files. */

import { listFeatures } from '../../../commands/feature-list.js';
import { printDiagnostics } from '../../../report/failures/failure-print.js';
import { featureSummary, featureTable } from '../../../report/project-tables.js';
import { print, printJson, refuse, styleFor } from '../../output.js';
import { createHost } from '../../wire.js';

export async function runList(flags: { readonly json?: boolean }): Promise<number> {
  const done = await listFeatures(createHost(process.cwd()));
  if (!done.ok) return refuse(done.error);
  const { features, problems } = done.value;
  if (flags.json) {
    printJson({ schema: 1, features, problems });
    return 0;
  }
  print(featureTable(features, styleFor(process.stdout)));
  if (problems.length > 0)
    process.stderr.write(`${printDiagnostics(problems, styleFor(process.stderr)).join('\n')}\n`);
  print(featureSummary(features));
  return 0;
}
