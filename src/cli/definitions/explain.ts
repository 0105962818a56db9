/** What can be typed after `conductor explain`. */

import type { Command } from 'commander';
import { examples, type SetExitCode } from './shared.js';

export function addExplain(program: Command, setExitCode: SetExitCode): void {
  program
    .command('explain')
    .description('why a task would be built: what differs, item by item')
    .argument('<task>', 'a task label')
    .option('--json', 'print one JSON object')
    .addHelpText('after', examples('conductor explain feature-001-auth/T01'))
    .action(async (task: string, options) => {
      const { runExplain } = await import('../commands/explain.js');
      setExitCode(await runExplain(task, options));
    });
}
