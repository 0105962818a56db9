/** What can be typed after `conductor schema`. */

import type { Command } from 'commander';
import { examples, type SetExitCode } from './shared.js';

export function addSchema(program: Command, setExitCode: SetExitCode): void {
  program
    .command('schema')
    .description('print a JSON Schema, or list those that there are')
    .argument('[schema]', 'its name; without it all are listed')
    .option('--json', 'list them as one JSON object')
    .addHelpText('after', examples('conductor schema', 'conductor schema backlog > backlog.schema.json'))
    .action(async (schema: string | undefined, options) => {
      const { runSchema } = await import('../commands/schema.js');
      setExitCode(await runSchema(schema, options));
    });
}
