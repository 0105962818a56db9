/** What can be typed after `conductor init` and `conductor new`. */

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
      const { runInit } = await import('../commands/project/init.js');
      setExitCode(await runInit(options));
    });
}

export function addNew(program: Command, setExitCode: SetExitCode): void {
  program
    .command('new')
    .description('write a new feature from a template; on a terminal it asks for what is not given')
    .argument('[template]', 'the same as --template')
    .option('-t, --template <template>', 'a name from --list, a path (`./my-template`) or an npm package')
    .option('-n, --name <name>', 'what the feature is called; its number is found')
    .option('--set <variable=value...>', 'values of the variables of the template')
    .option('--list', 'describe the templates there are')
    .option('--dry-run', 'print what would be written, and write nothing')
    .option('--json', 'print one JSON object; nothing is asked then')
    .addHelpText(
      'after',
      examples(
        'conductor new',
        'conductor new --list',
        'conductor new crud-feature',
        "conductor new --template crud-feature --name invoices --set entity=Invoice --set fields='number:string!,total:number'",
      ),
    )
    .action(async (template, options) => {
      const { runNew } = await import('../commands/project/new.js');
      setExitCode(await runNew(template, options));
    });
}
