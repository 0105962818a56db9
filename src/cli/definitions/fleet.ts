/** Defines `conductor worker` and `conductor workers`. */

import type { Command } from 'commander';
import { examples, positiveInteger, type SetExitCode } from './shared.js';

export function addWorker(program: Command, setExitCode: SetExitCode): void {
  program
    .command('worker')
    .description('run tasks of the queue in the config, for builds on other machines')
    .option('--concurrency <n>', 'tasks at the same time (default: `workers` of the config)', positiveInteger)
    .option('--store <address>', 'serve a store for input trees and results at `<host>:<port>`')
    .option('--drain', 'end when the queue has no task for this machine any more')
    .option('--json', 'print one JSON object a line for what happens')
    .addHelpText(
      'after',
      examples('conductor worker', 'conductor worker --concurrency 8', 'conductor worker --drain'),
    )
    .action(async (options) => {
      const { runWorkerCommand } = await import('../commands/fleet/worker.js');
      setExitCode(await runWorkerCommand(options));
    });
}

export function addWorkers(program: Command, setExitCode: SetExitCode): void {
  program
    .command('workers')
    .description('show the workers of the queue: versions, load, what they run, and what waits')
    .option('--json', 'print one JSON object')
    .addHelpText('after', examples('conductor workers', 'conductor workers --json'))
    .action(async (options) => {
      const { runWorkers } = await import('../commands/fleet/workers.js');
      setExitCode(await runWorkers(options));
    });
}
