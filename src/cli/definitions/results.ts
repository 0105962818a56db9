/** What can be typed after `conductor cache` and `conductor gc`. */

import type { Command } from 'commander';
import { examples, positiveInteger, type SetExitCode } from './shared.js';

export function addCache(program: Command, setExitCode: SetExitCode): void {
  const cache = program
    .command('cache')
    .description('kept results: share, bring, check and count them')
    .addHelpText('after', examples('conductor cache push', 'conductor cache stats'));
  const commands = () => import('../commands/results/cache.js');
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

export function addGc(program: Command, setExitCode: SetExitCode): void {
  program
    .command('gc')
    .description('forget old results that no lock file of any branch or worktree names, and free their space')
    .option('--dry-run', 'say what would be forgotten and freed; do nothing')
    .option('--keep-days <n>', 'keep everything that is younger', positiveInteger, 90)
    .option(
      '--max-size <mb>',
      'of what no lock names, keep the newest up to this size of everything',
      positiveInteger,
    )
    .option('--no-wait', 'fail when a build runs, instead of waiting for it')
    .option('--json', 'print one JSON object')
    .addHelpText('after', examples('conductor gc --dry-run', 'conductor gc --keep-days 30'))
    .action(async (options) => {
      const { runGc } = await import('../commands/results/gc.js');
      setExitCode(await runGc(options));
    });
}
