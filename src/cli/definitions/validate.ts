/** What can be typed after `conductor validate`. */

import type { Command } from 'commander';
import { examples, type SetExitCode } from './shared.js';

export function addValidate(program: Command, setExitCode: SetExitCode): void {
  program
    .command('validate')
    .description('check all specs: every problem at once, with its place')
    .option('--json', 'print one JSON object')
    .addHelpText('after', examples('conductor validate', 'conductor validate --json'))
    .action(async (options) => {
      const { runValidate } = await import('../commands/validate.js');
      setExitCode(await runValidate(options));
    });
}
