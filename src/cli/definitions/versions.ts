/** What can be typed after `conductor versions` and `conductor checkout`. */

import type { Command } from 'commander';
import { examples, type SetExitCode } from './shared.js';

export function addVersions(program: Command, setExitCode: SetExitCode): void {
  program
    .command('versions')
    .description("a feature's history: version, date, what changed, cost, results")
    .argument('<feature>', 'the name of a feature')
    .option('--json', 'print one JSON object')
    .addHelpText('after', examples('conductor versions feature-001-auth'))
    .action(async (feature: string, options) => {
      const { runVersions } = await import('../commands/versions.js');
      setExitCode(await runVersions(feature, options));
    });
}

export function addCheckout(program: Command, setExitCode: SetExitCode): void {
  program
    .command('checkout')
    .description('go back to a version of a feature: its spec from git, its outputs from the store')
    .argument('<feature@version>', 'as `conductor versions` lists them')
    .option('--json', 'print one JSON object')
    .option('--no-wait', 'fail when a build of this project runs, instead of waiting for it')
    .addHelpText('after', examples('conductor checkout feature-001-auth@1.2.0'))
    .action(async (what: string, options) => {
      const { runCheckout } = await import('../commands/checkout.js');
      setExitCode(await runCheckout(what, options));
    });
}
