/** `conductor blame <file>`: what built a file, and how. */

import { relative, resolve, sep } from 'node:path';
import { blame } from '../../../commands/blame.js';
import { blameText } from '../../../report/blame.js';
import { print, printJson, refuse, styleFor } from '../../output.js';
import { createHost } from '../../wire.js';

export async function runBlame(file: string, flags: { readonly json?: boolean }): Promise<number> {
  const host = createHost(process.cwd());
  const path = relative(host.directory, resolve(file)).split(sep).join('/');
  const done = await blame(host, path);
  if (!done.ok) return refuse(done.error);
  if (flags.json) printJson({ schema: 1, ...done.value });
  else print(blameText(done.value, styleFor(process.stdout)));
  return 0;
}
