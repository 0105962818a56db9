/** What can be typed after `conductor backlog`. */

import type { Command } from 'commander';
import { examples, type SetExitCode } from './shared.js';

export function addBacklog(program: Command, setExitCode: SetExitCode): void {
  const backlog = program
    .command('backlog')
    .description('what can start, how each task stands, and your own words about it')
    .addHelpText('after', examples('conductor backlog ready', 'conductor backlog show feature-001-auth'));
  backlog
    .command('ready')
    .description('tasks that can start now, the most urgent first')
    .argument('[targets...]', 'features, task labels, or globs of either')
    .option('--json', 'print one JSON object')
    .addHelpText('after', examples('conductor backlog ready'))
    .action(async (targets: string[], options) => {
      const { runReady } = await import('../commands/backlog.js');
      setExitCode(await runReady(targets, options));
    });
  backlog
    .command('show')
    .description('all tasks with their status, priority, owner and verdict')
    .argument('[targets...]', 'features, task labels, or globs of either')
    .option('--json', 'print one JSON object')
    .addHelpText('after', examples('conductor backlog show feature-001-auth'))
    .action(async (targets: string[], options) => {
      const { runShow } = await import('../commands/backlog.js');
      setExitCode(await runShow(targets, options));
    });
  backlog
    .command('set')
    .description(
      'set `status`, `priority` or `owner` of a task in its spec; comments stay, nothing is built for it',
    )
    .argument('<task>', 'label of a task')
    .argument('<field=value...>', 'such as `status=blocked`; an empty value takes the field away')
    .addHelpText('after', examples('conductor backlog set feature-001-auth/T01 status=done owner=ada'))
    .action(async (task: string, words: string[]) => {
      const { runSet } = await import('../commands/backlog.js');
      setExitCode(await runSet(task, words));
    });
}
