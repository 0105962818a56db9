/** Runs a build with its reporters and signals, for every command that builds. Knows no flag. */

import { build } from '../build/build.js';
import type { BuildOptions } from '../build/options.js';
import { openReporters } from './reporters.js';
import { cancelOnSignals } from './signals.js';
import { createHost } from './wire.js';

/** The exit code. */
export async function runReported(options: BuildOptions, { json }: { json: boolean }): Promise<number> {
  const host = createHost(process.cwd());
  const reporters = openReporters(host, { json, dryRun: options.dryRun });
  const signals = cancelOnSignals();
  try {
    const summary = await build(host, options, (event) => reporters.on(event), signals.signal);
    return summary.exitCode;
  } finally {
    signals.stop();
    await reporters.close();
  }
}
