/** What can be typed after `conductor cache`. */

import type { Command } from 'commander';
import { examples, type SetExitCode } from './shared.js';

export function addCache(program: Command, setExitCode: SetExitCode): void {
  const cache = program
    .command('cache')
    .description('kept results: share, bring, check and count them')
    .addHelpText('after', examples('conductor cache push', 'conductor cache stats'));
  const commands = () => import('../commands/cache.js');
  cache
    .command('push')
    .description('send the results that lock files record to the remotes')
    .option('--all', 'send everything that is kept')
    .option('--json', 'print one JSON object')
    .addHelpText('after', examples('conductor cache push', 'conductor cache push --all'))
    .action(async (options) => setExitCode(await (await commands()).runCachePush(options)));
  cache
    .command('pull')
    .description('bring the results that lock files record from the remotes')
    .option('--json', 'print one JSON object')
    .addHelpText('after', examples('conductor cache pull'))
    .action(async (options) => setExitCode(await (await commands()).runCachePull(options)));
  cache
    .command('verify')
    .description('hash every byte of every kept result again')
    .option('--remove', 'forget what is damaged, so that it is brought or made anew')
    .option('--json', 'print one JSON object')
    .addHelpText('after', examples('conductor cache verify', 'conductor cache verify --remove'))
    .action(async (options) => setExitCode(await (await commands()).runCacheVerify(options)));
  cache
    .command('stats')
    .description('what is kept: results, their recipes, size and cost')
    .option('--json', 'print one JSON object')
    .addHelpText('after', examples('conductor cache stats'))
    .action(async (options) => setExitCode(await (await commands()).runCacheStats(options)));
}
