/** `conductor build --estimate`: what agents would use and cost, task by task, and the basis of the estimate. */

import type { InspectOptions } from '../../../build/dry-run.js';
import { estimateBuild } from '../../../commands/backlog.js';
import { estimateTable, estimateText } from '../../../report/estimate.js';
import { print, printJson, refuse, styleFor } from '../../output.js';
import { createHost } from '../../wire.js';

export async function runEstimate(options: InspectOptions, json: boolean): Promise<number> {
  const done = await estimateBuild(createHost(process.cwd()), options);
  if (!done.ok) return refuse(done.error);
  if (json) printJson({ schema: 1, ...done.value });
  else print(`${estimateTable(done.value, styleFor(process.stdout))}conductor: ${estimateText(done.value)}`);
  return 0;
}
