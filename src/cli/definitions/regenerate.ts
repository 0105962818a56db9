/** What can be typed after `conductor regenerate`. */

import type { Command } from 'commander';
import { examples, positiveInteger, type SetExitCode } from './shared.js';

export function addRegenerate(program: Command, setExitCode: SetExitCode): void {
  program
    .command('regenerate')
    .description('make outputs anew from the specs, without the old ones in view, and compare')
    .argument('[targets...]', 'as for build')
    .option('--all', 'every task')
    .option('--fresh', 'run the recipes even where the store has the result')
    .option(
      '--runs <n>',
      'make everything n times and tell where the runs differ (implies --fresh)',
      positiveInteger,
    )
    .option('--apply', 'publish what was made, after the comparison')
    .option('--html [file]', 'write the comparison as one page, with the differences side by side')
    .option('--json', 'print one JSON object')
    .option('--workers <n>', 'tasks at the same time', positiveInteger)
    .option('--no-wait', 'fail when a build of this project runs, instead of waiting for it')
    .addHelpText(
      'after',
      examples(
        'conductor regenerate --all                            # what the store has: the same bytes, no model',
        'conductor regenerate feature-001-auth --fresh --html  # ask the model again and look at it',
        'conductor regenerate feature-001-auth/T02 --runs 3    # how much does the spec leave open?',
      ),
    )
    .action(async (targets: string[], options) => {
      const { runRegenerate } = await import('../commands/regenerate.js');
      setExitCode(await runRegenerate(targets, options));
    });
}
