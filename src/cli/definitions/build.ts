/** What can be typed after `conductor build`. */

import { type Command, Option } from 'commander';
import { BUDGET_USD, examples, positiveInteger, type SetExitCode } from './shared.js';

export function addBuild(program: Command, setExitCode: SetExitCode): void {
  program
    .command('build')
    .description('bring everything, or the given targets, up to date')
    .argument(
      '[targets...]',
      'features, task labels, or globs of either (`feature-001-auth`, `feature-001-auth/T0*`)',
    )
    .option('--dry-run', 'say what would be done, and why; do nothing')
    .addOption(new Option('--estimate', 'say what agents would use and cost; do nothing').conflicts('dryRun'))
    .option('--force', 'make the targets anew, whatever the store has')
    .option('--frozen', 'run no recipe: restore what is known, fail on anything else')
    .option(
      '--rebuild-missing',
      'make recorded results anew that are in no store any more, also where it costs money',
    )
    .option('--discard-edits', 'overwrite outputs that were edited by hand')
    .addOption(
      new Option('--keep-edits', 'merge what was edited by hand onto what is newly made').conflicts(
        'discardEdits',
      ),
    )
    .option('--commit', 'make one commit per task and merge them into the current branch')
    .addOption(new Option('--keep-going', 'go on with what does not depend on a failed task').default(true))
    .option('--fail-fast', 'start nothing new after the first failure')
    .option(...BUDGET_USD)
    .option('--workers <n>', 'tasks at the same time', positiveInteger)
    .option('--no-wait', 'fail when another build of this project runs, instead of waiting for it')
    .option('--json', 'print events, one JSON object a line')
    .addHelpText(
      'after',
      examples('conductor build', 'conductor build feature-001-auth', 'conductor build --dry-run'),
    )
    .action(async (targets: string[], options) => {
      const { runBuild } = await import('../commands/build.js');
      setExitCode(await runBuild(targets, options));
    });
}
