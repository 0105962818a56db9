/** What can be typed after `conductor status`. */

import type { Command } from 'commander';
import { examples, type SetExitCode } from './shared.js';

export function addStatus(program: Command, setExitCode: SetExitCode): void {
  program
    .command('status')
    .description('every task with its verdict and the reasons')
    .argument('[targets...]', 'as for build')
    .option('--json', 'print one JSON object')
    .option('--all', 'list up-to-date tasks too')
    .addHelpText('after', examples('conductor status', 'conductor status feature-001-auth --all'))
    .action(async (targets: string[], options) => {
      const { runStatus } = await import('../commands/status.js');
      setExitCode(await runStatus(targets, options));
    });
}
