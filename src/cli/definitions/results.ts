/** Defines `conductor cache`, `conductor clean` and `conductor gc`. */

import type { Command } from 'commander';
import { examples, positiveInteger, type SetExitCode } from './shared.js';

export function addCache(program: Command, setExitCode: SetExitCode): void {
  const cache = program
    .command('cache')
    .description('send, fetch, check and count stored results')
    .addHelpText('after', examples('conductor cache push', 'conductor cache stats'));
  const commands = () => import('../commands/results/cache.js');
  cache
    .command('push')
    .description('send the results that lock files record to the remotes')
    .option('--all', 'send everything in the store')
    .option('--json', 'print one JSON object')
    .addHelpText('after', examples('conductor cache push', 'conductor cache push --all'))
    .action(async (options) => setExitCode(await (await commands()).runCachePush(options)));
  cache
    .command('pull')
    .description('fetch the results that lock files record from the remotes')
    .option('--json', 'print one JSON object')
    .addHelpText('after', examples('conductor cache pull'))
    .action(async (options) => setExitCode(await (await commands()).runCachePull(options)));
  cache
    .command('verify')
    .description('hash every byte of every stored result again')
    .option('--remove', 'remove damaged results, so that they are fetched or rebuilt')
    .option('--json', 'print one JSON object')
    .addHelpText('after', examples('conductor cache verify', 'conductor cache verify --remove'))
    .action(async (options) => setExitCode(await (await commands()).runCacheVerify(options)));
  cache
    .command('stats')
    .description('show stored results: recipes, size and cost')
    .option('--json', 'print one JSON object')
    .addHelpText('after', examples('conductor cache stats'))
    .action(async (options) => setExitCode(await (await commands()).runCacheStats(options)));
  cache
    .command('gc')
    .description('remove old results from a git remote that no lock file of any branch names')
    .requiredOption('--remote <address>', 'the remote, as `cache.remotes` of the config names it')
    .option('--dry-run', 'print what would be removed; do nothing')
    .option('--keep-days <n>', 'keep results that are younger than this', positiveInteger, 90)
    .option('--json', 'print one JSON object')
    .addHelpText('after', examples('conductor cache gc --remote git:origin --dry-run'))
    .action(async (options) => setExitCode(await (await commands()).runCacheGc(options)));
}

export function addClean(program: Command, setExitCode: SetExitCode): void {
  program
    .command('clean')
    .description('remove files that conductor built and that no task owns any more')
    .option('--dry-run', 'print what would be removed; do nothing')
    .option('--no-wait', 'fail if a build runs, instead of waiting for it')
    .option('--json', 'print one JSON object')
    .addHelpText('after', examples('conductor clean --dry-run', 'conductor clean'))
    .action(async (options) => {
      const { runClean } = await import('../commands/results/clean.js');
      setExitCode(await runClean(options));
    });
}

export function addGc(program: Command, setExitCode: SetExitCode): void {
  program
    .command('gc')
    .description('remove old results that no lock file of any branch or worktree names')
    .option('--dry-run', 'print what would be removed; do nothing')
    .option('--keep-days <n>', 'keep results that are younger than this', positiveInteger, 90)
    .option(
      '--max-size <mb>',
      'limit the store to this size: remove the oldest results that no lock file names',
      positiveInteger,
    )
    .option('--no-wait', 'fail if a build runs, instead of waiting for it')
    .option('--json', 'print one JSON object')
    .addHelpText('after', examples('conductor gc --dry-run', 'conductor gc --keep-days 30'))
    .action(async (options) => {
      const { runGc } = await import('../commands/results/gc.js');
      setExitCode(await runGc(options));
    });
}
