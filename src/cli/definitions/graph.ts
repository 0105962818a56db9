/** What can be typed after `conductor graph`. */

import { type Command, Option } from 'commander';
import type { SetExitCode } from './shared.js';

export function addGraph(program: Command, setExitCode: SetExitCode): void {
  program
    .command('graph')
    .description('the graph of tasks')
    .argument('[targets...]', 'as for build')
    .addOption(
      new Option('--format <format>', 'how to print it')
        .choices(['text', 'mermaid', 'dot', 'json'])
        .default('text'),
    )
    .option('--json', 'the same as --format json')
    .action(async (targets: string[], options) => {
      const { runGraph } = await import('../commands/graph.js');
      setExitCode(await runGraph(targets, options));
    });
}
