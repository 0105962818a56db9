/** What can be typed after `conductor prompt`. */

import type { Command } from 'commander';
import { examples, type SetExitCode } from './shared.js';

export function addPrompt(program: Command, setExitCode: SetExitCode): void {
  program
    .command('prompt')
    .description('print what an agent would get for a task, and on stderr its size')
    .argument('<task>', 'a task label')
    .option('--json', 'print one JSON object; the task may then be any target')
    .addHelpText('after', examples('conductor prompt feature-001-auth/T01'))
    .action(async (task: string, options) => {
      const { runPrompt } = await import('../commands/prompt.js');
      setExitCode(await runPrompt(task, options));
    });
}
