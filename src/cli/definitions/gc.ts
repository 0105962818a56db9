/** What can be typed after `conductor gc`. */

import type { Command } from 'commander';
import { examples, positiveInteger, type SetExitCode } from './shared.js';

export function addGc(program: Command, setExitCode: SetExitCode): void {
  program
    .command('gc')
    .description('forget old results that no lock file of any branch or worktree names, and free their space')
    .option('--dry-run', 'say what would be forgotten and freed; do nothing')
    .option('--keep-days <n>', 'keep everything that is younger', positiveInteger, 90)
    .option(
      '--max-size <mb>',
      'of what no lock names, keep the newest up to this size of everything',
      positiveInteger,
    )
    .option('--no-wait', 'fail when a build runs, instead of waiting for it')
    .option('--json', 'print one JSON object')
    .addHelpText('after', examples('conductor gc --dry-run', 'conductor gc --keep-days 30'))
    .action(async (options) => {
      const { runGc } = await import('../commands/gc.js');
      setExitCode(await runGc(options));
    });
}
