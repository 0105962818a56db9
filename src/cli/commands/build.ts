/** `conductor build`: options to a build, its events to reporters, signals to a stop. */

import { build } from '../../engine/build.js';
import { openReporters } from '../reporters.js';
import { cancelOnSignals } from '../signals.js';
import { createSurroundings } from '../wire.js';

interface BuildFlags {
  readonly dryRun?: boolean;
  readonly force?: boolean;
  readonly frozen?: boolean;
  readonly rebuildMissing?: boolean;
  readonly discardEdits?: boolean;
  readonly commit?: boolean;
  readonly failFast?: boolean;
  readonly workers?: number;
  readonly wait: boolean;
  readonly json?: boolean;
}

export async function runBuild(targets: readonly string[], flags: BuildFlags): Promise<number> {
  const surroundings = createSurroundings(process.cwd());
  const reporters = openReporters(surroundings, { json: flags.json === true, dryRun: flags.dryRun === true });
  const signals = cancelOnSignals();
  try {
    const summary = await build(
      surroundings,
      {
        targets,
        force: flags.force === true,
        discardEdits: flags.discardEdits === true,
        failFast: flags.failFast === true,
        frozen: flags.frozen === true,
        dryRun: flags.dryRun === true,
        rebuildMissing: flags.rebuildMissing === true,
        commit: flags.commit === true,
        workers: flags.workers,
        wait: flags.wait,
        command: ['conductor build', ...targets].join(' '),
      },
      (event) => reporters.on(event),
      signals.signal,
    );
    return summary.exitCode;
  } finally {
    signals.stop();
    await reporters.close();
  }
}
