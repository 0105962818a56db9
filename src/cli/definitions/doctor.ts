/** What can be typed after `conductor doctor`. */

import { type Command, Option } from 'commander';
import { examples, type SetExitCode } from './shared.js';

export function addDoctor(program: Command, setExitCode: SetExitCode): void {
  program
    .command('doctor')
    .description(
      'check git, Node, sandbox, agent, keys, gates and leftovers, and say what to do; 1 for a problem',
    )
    .addOption(
      new Option(
        '--agent [which]',
        'let an agent do a tiny piece of work: OpenCode with a scripted model (no key, no cost), or the configured one',
      )
        .choices(['scripted', 'configured'])
        .preset('scripted'),
    )
    .option('--json', 'print one JSON object')
    .addHelpText(
      'after',
      examples('conductor doctor', 'conductor doctor --agent', 'conductor doctor --agent configured'),
    )
    .action(async (options) => {
      const { runDoctor } = await import('../commands/doctor.js');
      setExitCode(await runDoctor(options));
    });
}
