/** `conductor map`: the map of the repository that planners get, with the owner and the patchers of each file. */

import { viewRepository } from '../../../commands/map.js';
import { repositoryText } from '../../../report/project-tables.js';
import { print, printJson, refuse, styleFor } from '../../output.js';
import { createHost } from '../../wire.js';

export async function runMap(
  feature: string | undefined,
  flags: { readonly json?: boolean },
): Promise<number> {
  const done = await viewRepository(createHost(process.cwd()), feature);
  if (!done.ok) return refuse(done.error);
  if (flags.json) printJson({ schema: 1, ...done.value });
  else print(repositoryText(done.value, styleFor(process.stdout)));
  return 0;
}
