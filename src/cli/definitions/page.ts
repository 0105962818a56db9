/** What can be typed after the commands that show a project as a page or as a review. */

import { type Command, Option } from 'commander';
import { examples, type SetExitCode } from './shared.js';

export function addReview(program: Command, setExitCode: SetExitCode): void {
  program
    .command('review')
    .description('what changed between two commits, task by task: why, spec, code, cost, gates')
    .argument(
      '<range>',
      '`main..HEAD`; `main...HEAD` starts where the two went apart; `HEAD~3..` ends at the files on disk',
    )
    .option('--json', 'print one JSON object')
    .addOption(new Option('--markdown', 'print Markdown, for a comment on a pull request').conflicts('json'))
    .addHelpText('after', examples('conductor review main..HEAD', 'conductor review main...HEAD --markdown'))
    .action(async (range: string, options) => {
      const { runReview } = await import('../commands/page/review.js');
      setExitCode(await runReview(range, options));
    });
}
