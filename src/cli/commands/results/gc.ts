/** `conductor gc`: removes old results. */

import { collect } from '../../../commands/gc.js';
import { collectText } from '../../../report/cache.js';
import { print, printJson, printWarning, refuse } from '../../output.js';
import { cancelOnSignals } from '../../signals.js';
import { createHost } from '../../wire.js';

interface GcFlags {
  readonly dryRun?: boolean;
  readonly keepDays: number;
  readonly maxSize?: number;
  readonly wait: boolean;
  readonly json?: boolean;
}

export async function runGc(flags: GcFlags): Promise<number> {
  const signals = cancelOnSignals();
  try {
    const done = await collect(createHost(process.cwd()), {
      dryRun: flags.dryRun === true,
      keepDays: flags.keepDays,
      maxBytes: flags.maxSize === undefined ? undefined : flags.maxSize * 1024 * 1024,
      wait: flags.wait,
      signal: signals.signal,
      onWaiting: (command, pid) => printWarning(`waiting for \`${command}\` (process ${pid})`),
    });
    if (!done.ok) return refuse(done.error);
    if (flags.json) printJson({ schema: 1, ...done.value });
    else print(collectText(done.value));
    return 0;
  } finally {
    signals.stop();
  }
}
