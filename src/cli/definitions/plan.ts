/** What can be typed after `conductor plan`. */

import type { Command } from 'commander';
import { BUDGET_USD, examples, type SetExitCode } from './shared.js';

export function addPlan(program: Command, setExitCode: SetExitCode): void {
  program
    .command('plan')
    .description('turn a request into a plan and a backlog of tasks')
    .argument(
      '<feature|request.md>',
      'a feature with a REQUEST.md, or a Markdown file that says what is wanted',
    )
    .option('--feature <name>', 'name of the feature of a request file; default: the name of the file')
    .option('--dry-run', 'say what would be written anew, and why; ask no agent')
    .option('--discard-edits', 'let the plan replace what you have changed in PLAN.md and BACKLOG.yaml')
    .option(...BUDGET_USD)
    .option('--no-wait', 'fail when another conductor works on this project, instead of waiting for it')
    .option('--json', 'print events, one JSON object a line')
    .addHelpText('after', examples('conductor plan feature-001-auth', 'conductor plan rate-limits.md'))
    .action(async (target: string, options) => {
      const { runPlan } = await import('../commands/plan.js');
      setExitCode(await runPlan(target, options));
    });
}
