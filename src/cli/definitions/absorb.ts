/** What can be typed after `conductor absorb`. */

import type { Command } from 'commander';
import { examples, type SetExitCode } from './shared.js';

export function addAbsorb(program: Command, setExitCode: SetExitCode): void {
  program
    .command('absorb')
    .description(
      'find the change of the spec that explains an edit by hand, and accept the edit as its result',
    )
    .argument('<task>', 'a task with edited files')
    .option('--editor', 'write the change in $VISUAL or $EDITOR, even where there is an agent to propose it')
    .option('--yes', 'apply the proposal without asking')
    .option('--json', 'print one JSON object; nothing is applied without --yes')
    .option('--no-wait', 'fail when a build of this project runs, instead of waiting for it')
    .addHelpText('after', examples('conductor absorb feature-001-auth/T01'))
    .action(async (task: string, options) => {
      const { runAbsorb } = await import('../commands/absorb.js');
      setExitCode(await runAbsorb(task, options));
    });
}
