/** What can be typed after `conductor run`. */

import type { Command } from 'commander';
import { BUDGET_USD, examples, positiveInteger, type SetExitCode } from './shared.js';

export function addRun(program: Command, setExitCode: SetExitCode): void {
  program
    .command('run')
    .description('plan a request, show what would be built, ask, build it and run the build gates')
    .argument(
      '<feature|request.md>',
      'a feature with a REQUEST.md, or a Markdown file that says what is wanted',
    )
    .option('--feature <name>', 'name of the feature of a request file; default: the name of the file')
    .option('--yes', 'build without asking')
    .option('--discard-edits', 'let the plan and the build replace what was edited by hand')
    .option(...BUDGET_USD)
    .option('--workers <n>', 'tasks at the same time', positiveInteger)
    .option('--no-wait', 'fail when another conductor works on this project, instead of waiting for it')
    .option('--json', 'print events, one JSON object a line')
    .addHelpText(
      'after',
      examples('conductor run feature-request.md', 'conductor run feature-001-auth --yes'),
    )
    .action(async (target: string, options) => {
      const { runRun } = await import('../commands/run.js');
      setExitCode(await runRun(target, options));
    });
}
