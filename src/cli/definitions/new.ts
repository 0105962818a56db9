/** What can be typed after `conductor new`. */

import type { Command } from 'commander';
import { examples, type SetExitCode } from './shared.js';

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
      const { runNew } = await import('../commands/new.js');
      setExitCode(await runNew(template, options));
    });
}
