/** What can be typed after `conductor watch`. */

import type { Command } from 'commander';
import { examples, positiveInteger, type SetExitCode } from './shared.js';

export function addWatch(program: Command, setExitCode: SetExitCode): void {
  program
    .command('watch')
    .description('build, and build again whenever something changes')
    .argument('[targets...]', 'features, task labels, or globs of either')
    .option('--poll', 'look every second, for file systems that tell of no changes')
    .option('--workers <n>', 'tasks at the same time', positiveInteger)
    .option('--json', 'print events, one JSON object a line')
    .addHelpText(
      'after',
      `
Keys: enter build now, a all (what failed too), f failed only, e explain, q quit
${examples('conductor watch', 'conductor watch feature-001-auth', 'conductor watch --poll')}`,
    )
    .action(async (targets: string[], options) => {
      const { runWatch } = await import('../commands/watch.js');
      setExitCode(await runWatch(targets, options));
    });
}
