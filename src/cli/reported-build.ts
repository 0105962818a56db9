/** Runs a build with its reporters and its signals, for every command that is one. Knows no flag. */

import { build } from '../engine/build.js';
import type { BuildOptions } from '../engine/options.js';
import { openReporters } from './reporters.js';
import { cancelOnSignals } from './signals.js';
import { createSurroundings } from './wire.js';

/** The exit code. */
export async function runReported(options: BuildOptions, { json }: { json: boolean }): Promise<number> {
  const surroundings = createSurroundings(process.cwd());
  const reporters = openReporters(surroundings, { json, dryRun: options.dryRun });
  const signals = cancelOnSignals();
  try {
    const summary = await build(surroundings, options, (event) => reporters.on(event), signals.signal);
    return summary.exitCode;
  } finally {
    signals.stop();
    await reporters.close();
  }
}
