/** What can be typed after `conductor graph`. */

import { type Command, Option } from 'commander';
import { examples, type SetExitCode, withChoices } from './shared.js';

const FORMATS = ['text', 'mermaid', 'dot', 'json'] as const;

export function addGraph(program: Command, setExitCode: SetExitCode): void {
  program
    .command('graph')
    .description('the graph of tasks')
    .argument('[targets...]', 'as for build')
    .addOption(withChoices(new Option('--format <format>', 'how to print it'), FORMATS).default('text'))
    .option('--json', 'the same as --format json')
    .addHelpText('after', examples('conductor graph', 'conductor graph feature-001-auth --format mermaid'))
    .action(async (targets: string[], options) => {
      const { runGraph } = await import('../commands/graph.js');
      setExitCode(await runGraph(targets, options));
    });
}
