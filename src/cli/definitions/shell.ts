/** Defines `conductor schema` and `conductor completion`. */

import { Argument, type Command } from 'commander';
import { examples, type SetExitCode, withChoices } from './shared.js';
import { expectedNext } from './typed.js';

export function addSchema(program: Command, setExitCode: SetExitCode): void {
  program
    .command('schema')
    .description('print a JSON Schema, or list all of them')
    .argument('[schema]', 'name of a schema; without it, all are listed')
    .option('--json', 'print the list as one JSON object')
    .addHelpText('after', examples('conductor schema', 'conductor schema backlog > backlog.schema.json'))
    .action(async (schema: string | undefined, options) => {
      const { runSchema } = await import('../commands/shell/schema.js');
      setExitCode(await runSchema(schema, options));
    });
}

const SHELLS = ['bash', 'zsh', 'fish'] as const;

export function addCompletion(program: Command, setExitCode: SetExitCode): void {
  program
    .command('completion')
    .description('print the completion script for a shell')
    .addArgument(withChoices(new Argument('<shell>', 'the shell'), SHELLS))
    .addHelpText(
      'after',
      examples(
        'eval "$(conductor completion bash)"           # in ~/.bashrc',
        'eval "$(conductor completion zsh)"            # in ~/.zshrc, after compinit',
        'conductor completion fish > ~/.config/fish/completions/conductor.fish',
      ),
    )
    .action(async (shell: (typeof SHELLS)[number]) => {
      const { runCompletion } = await import('../commands/shell/completion.js');
      setExitCode(runCompletion(shell));
    });
  program
    .command('complete', { hidden: true })
    .description('print what can be typed next; used by the completion scripts')
    .argument('<shell>', 'the shell that asks')
    .argument('[words...]', 'the words after `conductor`; the last one is incomplete')
    .action(async (shell: string, words: string[]) => {
      const { runComplete, wordsOf } = await import('../commands/shell/complete.js');
      setExitCode(await runComplete(expectedNext(program, wordsOf(shell, words)), shell));
    });
}
