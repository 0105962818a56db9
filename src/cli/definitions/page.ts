/** Defines the commands that show a project as a page or as a review. */

import { type Command, InvalidArgumentError, Option } from 'commander';
import { examples, type SetExitCode } from './shared.js';

export function addReview(program: Command, setExitCode: SetExitCode): void {
  program
    .command('review')
    .description('what changed between two commits, task by task: why, spec, code, cost, gates')
    .argument(
      '<range>',
      '`main..HEAD`; `main...HEAD` starts where the two went apart; `HEAD~3..` ends at the files on disk',
    )
    .option('--json', 'print one JSON object')
    .addOption(new Option('--markdown', 'print Markdown, for a comment on a pull request').conflicts('json'))
    .addHelpText('after', examples('conductor review main..HEAD', 'conductor review main...HEAD --markdown'))
    .action(async (range: string, options) => {
      const { runReview } = await import('../commands/page/review.js');
      setExitCode(await runReview(range, options));
    });
}

export function addUi(program: Command, setExitCode: SetExitCode): void {
  addPage(program.command('ui').description('a local page that shows the project and follows builds live'))
    .addHelpText(
      'after',
      examples('conductor ui', 'conductor ui --actions', 'conductor ui --port 4000 --no-open'),
    )
    .action(async (options) => {
      const { runUi } = await import('../commands/page/ui.js');
      setExitCode(await runUi(options));
    });
}

/** The options of commands that serve a page. */
export function addPage(command: Command): Command {
  return command
    .option('--port <number>', 'the port on 127.0.0.1; a free one without it', port)
    .option('--no-open', 'print the address and open no browser')
    .option(
      '--actions',
      'let the page build, retry, accept and discard edits; without it, the page is read-only',
    );
}

export function addReport(program: Command, setExitCode: SetExitCode): void {
  program
    .command('report')
    .description('one finished build as a page of its own, for example as an artifact of CI')
    .argument('[build]', 'name of a build, as `conductor log --list` prints it; the last one without it')
    .requiredOption('--html <file>', 'where to write the page, which needs nothing else')
    .addHelpText('after', examples('conductor report --html report.html'))
    .action(async (build: string | undefined, options) => {
      const { runReport } = await import('../commands/page/report.js');
      setExitCode(await runReport(build, options));
    });
}

function port(text: string): number {
  const number = Number(text);
  if (!Number.isInteger(number) || number < 1 || number > 65_535)
    throw new InvalidArgumentError('must be a number from 1 to 65535.');
  return number;
}

export function addMcp(program: Command, setExitCode: SetExitCode): void {
  program
    .command('mcp')
    .description('an MCP server: agents see the project, edit specs, build, and work on tasks themselves')
    .option('--http', 'serve on 127.0.0.1 instead of standard input and output; needs a token')
    .option('--port <number>', 'with --http: the port; a free one without it', port)
    .addHelpText(
      'after',
      `
CONDUCTOR_MCP_TOKEN holds the token for --http. Without it conductor makes one and prints it.
${examples('conductor mcp', 'conductor mcp --http --port 7411')}`,
    )
    .action(async (options) => {
      const { runMcp } = await import('../commands/page/mcp.js');
      setExitCode(await runMcp(options));
    });
}
