/** What can be typed after the commands for hand edits, regeneration and versions. */

import type { Command } from 'commander';
import { examples, positiveInteger, type SetExitCode } from './shared.js';

export function addAccept(program: Command, setExitCode: SetExitCode): void {
  program
    .command('accept')
    .description('record the files of tasks as they are, once their gates pass on them')
    .argument('<tasks...>', 'as the targets of build')
    .option('--no-wait', 'fail when another build of this project runs, instead of waiting for it')
    .option('--json', 'print events, one JSON object a line')
    .addHelpText('after', examples('conductor accept feature-001-auth/T01'))
    .action(async (tasks: string[], options) => {
      const { runAccept } = await import('../commands/edits/accept.js');
      setExitCode(await runAccept(tasks, options));
    });
}

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
      const { runAbsorb } = await import('../commands/edits/absorb.js');
      setExitCode(await runAbsorb(task, options));
    });
}

export function addDiff(program: Command, setExitCode: SetExitCode): void {
  program
    .command('diff')
    .description('what was edited by hand: the files on disk against what is recorded')
    .argument('[targets...]', 'as for build')
    .option('--stat', 'one line a file instead of the changes')
    .option('--json', 'print one JSON object')
    .addHelpText('after', examples('conductor diff feature-001-auth/T01', 'conductor diff --stat'))
    .action(async (targets: string[], options) => {
      const { runDiff } = await import('../commands/edits/diff.js');
      setExitCode(await runDiff(targets, options));
    });
}

export function addRegenerate(program: Command, setExitCode: SetExitCode): void {
  program
    .command('regenerate')
    .description('make outputs anew from the specs, without the old ones in view, and compare')
    .argument('[targets...]', 'as for build')
    .option('--all', 'every task')
    .option('--fresh', 'run the recipes even where the store has the result')
    .option(
      '--runs <n>',
      'make everything n times and tell where the runs differ (implies --fresh)',
      positiveInteger,
    )
    .option('--apply', 'publish what was made, after the comparison')
    .option('--html [file]', 'write the comparison as one page, with the differences side by side')
    .option('--json', 'print one JSON object')
    .option('--workers <n>', 'tasks at the same time', positiveInteger)
    .option('--no-wait', 'fail when a build of this project runs, instead of waiting for it')
    .addHelpText(
      'after',
      examples(
        'conductor regenerate --all                            # what the store has: the same bytes, no model',
        'conductor regenerate feature-001-auth --fresh --html  # ask the model again and look at it',
        'conductor regenerate feature-001-auth/T02 --runs 3    # how much does the spec leave open?',
      ),
    )
    .action(async (targets: string[], options) => {
      const { runRegenerate } = await import('../commands/edits/regenerate.js');
      setExitCode(await runRegenerate(targets, options));
    });
}

export function addVersions(program: Command, setExitCode: SetExitCode): void {
  program
    .command('versions')
    .description("a feature's history: version, date, what changed, cost, results")
    .argument('<feature>', 'the name of a feature')
    .option('--json', 'print one JSON object')
    .addHelpText('after', examples('conductor versions feature-001-auth'))
    .action(async (feature: string, options) => {
      const { runVersions } = await import('../commands/edits/versions.js');
      setExitCode(await runVersions(feature, options));
    });
}

export function addCheckout(program: Command, setExitCode: SetExitCode): void {
  program
    .command('checkout')
    .description('go back to a version of a feature: its spec from git, its outputs from the store')
    .argument('<feature@version>', 'as `conductor versions` lists them')
    .option('--json', 'print one JSON object')
    .option('--no-wait', 'fail when a build of this project runs, instead of waiting for it')
    .addHelpText('after', examples('conductor checkout feature-001-auth@1.2.0'))
    .action(async (what: string, options) => {
      const { runCheckout } = await import('../commands/edits/checkout.js');
      setExitCode(await runCheckout(what, options));
    });
}

export function addBlame(program: Command, setExitCode: SetExitCode): void {
  program
    .command('blame')
    .description('which task, spec, prompt, agent and model made a file, and at what cost')
    .argument('<file>', 'a path, relative to the current folder')
    .option('--json', 'print one JSON object')
    .addHelpText('after', examples('conductor blame src/auth/session.ts'))
    .action(async (file: string, options) => {
      const { runBlame } = await import('../commands/edits/blame.js');
      setExitCode(await runBlame(file, options));
    });
}
