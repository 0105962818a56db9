/** What can be typed after `conductor doctor`. */

import type { Command } from 'commander';
import { examples, type SetExitCode } from './shared.js';

export function addDoctor(program: Command, setExitCode: SetExitCode): void {
  program
    .command('doctor')
    .description(
      'check git, Node, sandbox, agent, keys, gates and leftovers, and say what to do; 1 for a problem',
    )
    .option('--json', 'print one JSON object')
    .addHelpText('after', examples('conductor doctor'))
    .action(async (options) => {
      const { runDoctor } = await import('../commands/doctor.js');
      setExitCode(await runDoctor(options));
    });
}
