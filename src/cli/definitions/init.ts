/** What can be typed after `conductor init`. */

import { type Command, Option } from 'commander';
import { examples, type SetExitCode } from './shared.js';

export function addInit(program: Command, setExitCode: SetExitCode): void {
  program
    .command('init')
    .description('make a project of this folder: a config, an example that builds at once, ignore rules')
    .option('-y, --yes', 'ask nothing: take the gates that are found, and the example')
    .option('--gate <command...>', 'gates of the project, instead of those that are found')
    .addOption(new Option('--no-gates', 'a config without gates').conflicts('gate'))
    .option('--agents', 'copy agent definitions and prompts into the project, to change them')
    .option('--no-example', 'without the example')
    .addHelpText(
      'after',
      examples(
        'conductor init',
        'conductor init --yes',
        "conductor init --gate 'npm run lint' --gate 'npm test'",
      ),
    )
    .action(async (options) => {
      const { runInit } = await import('../commands/init.js');
      setExitCode(await runInit(options));
    });
}
