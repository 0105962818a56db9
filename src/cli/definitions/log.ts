/** What can be typed after `conductor log`. */

import type { Command } from 'commander';
import { examples, type SetExitCode } from './shared.js';

export function addLog(program: Command, setExitCode: SetExitCode): void {
  program
    .command('log')
    .description('what happened in the last build, or to one task in it, with the output of its programs')
    .argument('[what]', 'a build from `conductor log --list`, or a task label')
    .option('--list', 'list the builds that are kept')
    .option('--json', 'print the events, one JSON object a line')
    .addHelpText(
      'after',
      examples('conductor log', 'conductor log feature-001-auth/T01', 'conductor log --list'),
    )
    .action(async (what: string | undefined, options) => {
      const { runLog } = await import('../commands/log.js');
      setExitCode(await runLog(what, options));
    });
}
