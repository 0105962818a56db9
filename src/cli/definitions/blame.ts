/** What can be typed after `conductor blame`. */

import type { Command } from 'commander';
import { examples, type SetExitCode } from './shared.js';

export function addBlame(program: Command, setExitCode: SetExitCode): void {
  program
    .command('blame')
    .description('which task, spec, prompt, agent and model made a file, and at what cost')
    .argument('<file>', 'a path, relative to the current folder')
    .option('--json', 'print one JSON object')
    .addHelpText('after', examples('conductor blame src/auth/session.ts'))
    .action(async (file: string, options) => {
      const { runBlame } = await import('../commands/blame.js');
      setExitCode(await runBlame(file, options));
    });
}
