/** `conductor workers`: shows the machines of the queue. */

import { listWorkers } from '../../../commands/worker/fleet.js';
import { workersText } from '../../../report/fleet/workers.js';
import { print, printJson, refuse } from '../../output.js';
import { createHost } from '../../wire.js';

export async function runWorkers(flags: { readonly json?: boolean }): Promise<number> {
  const host = createHost(process.cwd());
  const found = await listWorkers(host);
  if (!found.ok) return refuse(found.error);
  if (flags.json) printJson({ schema: 1, ...found.value });
  else print(workersText(found.value, host.now()));
  return 0;
}
