/** What can be typed after `conductor accept`. */

import type { Command } from 'commander';
import { examples, type SetExitCode } from './shared.js';

export function addAccept(program: Command, setExitCode: SetExitCode): void {
  program
    .command('accept')
    .description('record the files of tasks as they are, once their gates pass on them')
    .argument('<tasks...>', 'as the targets of build')
    .option('--no-wait', 'fail when another build of this project runs, instead of waiting for it')
    .option('--json', 'print events, one JSON object a line')
    .addHelpText('after', examples('conductor accept feature-001-auth/T01'))
    .action(async (tasks: string[], options) => {
      const { runAccept } = await import('../commands/accept.js');
      setExitCode(await runAccept(tasks, options));
    });
}
