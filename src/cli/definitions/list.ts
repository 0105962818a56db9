/** What can be typed after `conductor list`. */

import type { Command } from 'commander';
import { examples, type SetExitCode } from './shared.js';

export function addList(program: Command, setExitCode: SetExitCode): void {
  program
    .command('list')
    .description('every feature with version, status, tasks, last generation, attempts and cost')
    .option('--json', 'print one JSON object')
    .addHelpText('after', examples('conductor list', 'conductor list --json'))
    .action(async (options) => {
      const { runList } = await import('../commands/list.js');
      setExitCode(await runList(options));
    });
}
