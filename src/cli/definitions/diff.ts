/** What can be typed after `conductor diff`. */

import type { Command } from 'commander';
import { examples, type SetExitCode } from './shared.js';

export function addDiff(program: Command, setExitCode: SetExitCode): void {
  program
    .command('diff')
    .description('what was edited by hand: the files on disk against what is recorded')
    .argument('[targets...]', 'as for build')
    .option('--stat', 'one line a file instead of the changes')
    .option('--json', 'print one JSON object')
    .addHelpText('after', examples('conductor diff feature-001-auth/T01', 'conductor diff --stat'))
    .action(async (targets: string[], options) => {
      const { runDiff } = await import('../commands/diff.js');
      setExitCode(await runDiff(targets, options));
    });
}
