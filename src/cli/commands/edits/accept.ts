/** `conductor accept`: a build that records the files on disk and runs no recipe. */

import { PLAIN_BUILD } from '../../../build/options.js';
import { runReported } from '../../reported-build.js';

export function runAccept(
  targets: readonly string[],
  flags: { readonly wait: boolean; readonly json?: boolean },
): Promise<number> {
  return runReported(
    {
      ...PLAIN_BUILD,
      targets,
      accept: true,
      wait: flags.wait,
      command: ['conductor accept', ...targets].join(' '),
    },
    { json: flags.json === true },
  );
}
