/** What can be typed after `conductor metrics`. */

import { type Command, InvalidArgumentError, Option } from 'commander';
import { parseMoment } from '../../base/moment.js';
import { examples, type SetExitCode, withChoices } from './shared.js';

export function addMetrics(program: Command, setExitCode: SetExitCode): void {
  program
    .command('metrics')
    .description('what agents have done, cost and saved: sums, rates and trends')
    .option('--since <when>', 'a time span (`7d`, `12h`, `2w`) or a day (`2026-01-31`, UTC)', moment)
    .option('--feature <names...>', 'of these features (names or globs)')
    .option('--model <names...>', 'by these models (names or globs)')
    .option('--json', 'print one JSON object')
    .option('--html <file>', 'write one page with plots, which needs nothing else')
    .addOption(
      withChoices(
        new Option('--export <format>', 'print it for other programs').conflicts(['json', 'html']),
        ['csv', 'otlp-json'],
      ),
    )
    .addHelpText(
      'after',
      examples(
        'conductor metrics',
        'conductor metrics --since 7d --feature feature-001-auth',
        'conductor metrics --html metrics.html',
        'conductor metrics --export csv > calls.csv',
      ),
    )
    .action(async (options) => {
      const { runMetrics } = await import('../commands/metrics.js');
      setExitCode(await runMetrics(options));
    });
}

function moment(text: string): number {
  const at = parseMoment(text, Date.now());
  if (at === undefined) throw new InvalidArgumentError('must be a time span (`7d`) or a day (`2026-01-31`).');
  return at;
}
