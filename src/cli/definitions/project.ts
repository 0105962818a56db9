/** Defines `conductor init` and `conductor new`. */

import { type Command, Option } from 'commander';
import { examples, type SetExitCode, withChoices } from './shared.js';

export function addInit(program: Command, setExitCode: SetExitCode): void {
  program
    .command('init')
    .description(
      'make this folder a conductor project: write a config, an example that builds, and ignore rules',
    )
    .option('-y, --yes', 'do not ask: use the gates that are found, and write the example')
    .option(
      '--gate <command...>',
      'use these gates instead of those that are found, in a config that is written now',
    )
    .addOption(new Option('--no-gates', 'write a config without gates').conflicts('gate'))
    .option('--agents', 'copy agent definitions and prompts into the project, so that you can change them')
    .option('--no-example', 'do not write the example')
    .option('--instructions', 'add a section to AGENTS.md that tells agents how specs are written here')
    .addOption(
      withChoices(new Option('--ci <service>', 'write the file with which a CI runs conductor'), [
        'github',
        'gitlab',
      ]),
    )
    .option('--no-merge-driver', "do not set git's merge driver for lock files")
    .addHelpText(
      'after',
      examples(
        'conductor init',
        'conductor init --yes',
        'conductor init --yes --ci github',
        "conductor init --gate 'npm run lint' --gate 'npm test'",
      ),
    )
    .action(async (options) => {
      const { runInit } = await import('../commands/project/init.js');
      setExitCode(await runInit(options));
    });
}

export function addMergeLock(program: Command, setExitCode: SetExitCode): void {
  program
    .command('merge-lock')
    .description('merge a lock file task by task; git calls it as the merge driver that `init` sets')
    .argument('<base>', 'file with the common version (`%O`)')
    .argument('<ours>', 'file with our version; the result is written here (`%A`)')
    .argument('<theirs>', 'file with their version (`%B`)')
    .argument('<path>', 'path of the lock file in the repository (`%P`)')
    .addHelpText(
      'after',
      examples("git config merge.conductor-lock.driver 'npx conductor merge-lock %O %A %B %P'"),
    )
    .action(async (...files: string[]) => {
      const { runMergeLock } = await import('../commands/project/merge-lock.js');
      setExitCode(await runMergeLock(files.slice(0, 4)));
    });
}

export function addNew(program: Command, setExitCode: SetExitCode): void {
  program
    .command('new')
    .description('write a new feature from a template; asks for missing values on a terminal')
    .argument('[template]', 'same as --template')
    .option('-t, --template <template>', 'a name from --list, a path (`./my-template`) or an npm package')
    .option('-n, --name <name>', 'name of the feature, without its number')
    .option('--set <variable=value...>', 'values for variables of the template')
    .addOption(
      new Option('--list', 'list the templates with their variables').conflicts([
        'template',
        'name',
        'set',
        'dryRun',
      ]),
    )
    .option('--dry-run', 'print what would be written; write nothing')
    .option('--json', 'print one JSON object; do not ask')
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
