/** `conductor clean`: orphaned files removed, each of them named. */

import { clean } from '../../../commands/clean.js';
import { plural, visible } from '../../../report/style.js';
import { print, printJson, printWarning, refuse } from '../../output.js';
import { cancelOnSignals } from '../../signals.js';
import { createHost } from '../../wire.js';

interface CleanFlags {
  readonly dryRun?: boolean;
  readonly wait: boolean;
  readonly json?: boolean;
}

export async function runClean(flags: CleanFlags): Promise<number> {
  const signals = cancelOnSignals();
  const dryRun = flags.dryRun === true;
  try {
    const done = await clean(createHost(process.cwd()), {
      dryRun,
      wait: flags.wait,
      signal: signals.signal,
      on: (event) => {
        if (event.type === 'warning') printWarning(event.message);
      },
    });
    if (!done.ok) return refuse(done.error);
    if (flags.json) printJson({ schema: 1, dryRun, removed: done.value });
    else {
      for (const path of done.value) print(`${dryRun ? 'would remove' : 'removed'}  ${visible(path)}\n`);
      const files = plural(done.value.length, 'file');
      const said = `${dryRun ? 'would remove' : 'removed'} ${files}`;
      print(`conductor: ${done.value.length === 0 ? 'nothing to remove' : said}\n`);
    }
    return 0;
  } finally {
    signals.stop();
  }
}
