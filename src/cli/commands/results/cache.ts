/** `conductor cache push|pull|verify|stats|gc`: stored results, without a build. */

import type { Result } from '../../../base/result.js';
import { cacheStats, pullResults, pushResults, verifyResults } from '../../../commands/cache.js';
import { collectRemote } from '../../../commands/remote-gc.js';
import type { Failure } from '../../../model/failure.js';
import { pullText, pushText, remoteCollectText, statsText, verifyText } from '../../../report/cache.js';
import { print, printJson, printWarning, refuse } from '../../output.js';
import { cancelOnSignals } from '../../signals.js';
import { createHost } from '../../wire.js';

interface Flags {
  readonly json?: boolean;
  readonly all?: boolean;
  readonly remove?: boolean;
}

export async function runCachePush(flags: Flags): Promise<number> {
  return asking((signal) =>
    pushResults(createHost(process.cwd()), { all: flags.all === true, signal, warn: printWarning }),
  ).then((done) =>
    tell(done, flags, pushText, ({ absent, taken, unsent }) => absent.length + taken.length + unsent === 0),
  );
}

export async function runCachePull(flags: Flags): Promise<number> {
  return asking((signal) =>
    pullResults(createHost(process.cwd()), { all: false, signal, warn: printWarning }),
  ).then((done) =>
    tell(done, flags, pullText, ({ missing, unreached }) => missing.length + unreached.length === 0),
  );
}

export async function runCacheVerify(flags: Flags): Promise<number> {
  const done = await verifyResults(createHost(process.cwd()), { remove: flags.remove === true });
  return tell(
    done,
    flags,
    verifyText,
    ({ damaged, broken, removed }) => damaged.length === 0 && (removed || broken.length === 0),
  );
}

export async function runCacheStats(flags: Flags): Promise<number> {
  return tell(await cacheStats(createHost(process.cwd())), flags, statsText, () => true);
}

export async function runCacheGc(
  flags: Flags & { readonly remote: string; readonly dryRun?: boolean; readonly keepDays: number },
): Promise<number> {
  const { remote, keepDays, dryRun = false } = flags;
  const done = await asking((signal) =>
    collectRemote(createHost(process.cwd()), { remote, keepDays, dryRun, signal }),
  );
  return tell(done, flags, remoteCollectText, () => true);
}

async function asking<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const signals = cancelOnSignals();
  try {
    return await work(signals.signal);
  } finally {
    signals.stop();
  }
}

function tell<T>(
  done: Result<T, Failure>,
  flags: Flags,
  text: (report: T) => string,
  isGood: (report: T) => boolean,
): number {
  if (!done.ok) return refuse(done.error);
  if (flags.json) printJson({ schema: 1, ...done.value });
  else print(text(done.value));
  return isGood(done.value) ? 0 : 1;
}
