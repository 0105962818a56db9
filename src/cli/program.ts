/** What can be typed: commands, options, help. Each command's work is loaded when it is asked for. */

import { Command, InvalidArgumentError, Option } from 'commander';
import { VERSION } from './wire.js';

type SetExitCode = (code: number) => void;

export function createProgram(setExitCode: SetExitCode): Command {
  const program = new Command('conductor')
    .description('Specs are the source, code is the build output.')
    .version(VERSION, '-V, --version')
    .exitOverride()
    .showSuggestionAfterError()
    .configureHelp({ showGlobalOptions: false });
  addBuild(program, setExitCode);
  addStatus(program, setExitCode);
  addExplain(program, setExitCode);
  addPrompt(program, setExitCode);
  addGraph(program, setExitCode);
  addValidate(program, setExitCode);
  addLog(program, setExitCode);
  return program;
}

function addBuild(program: Command, setExitCode: SetExitCode): void {
  program
    .command('build')
    .description('bring everything, or the given targets, up to date')
    .argument(
      '[targets...]',
      'features, task labels, or globs of labels (`feature-001-auth`, `feature-001-auth/T0*`)',
    )
    .option('--dry-run', 'say what would be done, and why; do nothing')
    .option('--force', 'make the targets anew, whatever the store has')
    .option('--frozen', 'run no recipe: restore what is known, fail on anything else')
    .option('--discard-edits', 'overwrite outputs that were edited by hand')
    .option('--commit', 'make one commit per task and merge them into the current branch')
    .addOption(new Option('--keep-going', 'go on with what does not depend on a failed task').default(true))
    .option('--fail-fast', 'start nothing new after the first failure')
    .option('--workers <n>', 'tasks at the same time', positiveInteger)
    .option('--no-wait', 'fail when another build of this project runs, instead of waiting for it')
    .option('--json', 'print events, one JSON object a line')
    .addHelpText(
      'after',
      examples('conductor build', 'conductor build feature-001-auth', 'conductor build --dry-run'),
    )
    .action(async (targets: string[], options) => {
      const { runBuild } = await import('./commands/build.js');
      setExitCode(await runBuild(targets, options));
    });
}

function addStatus(program: Command, setExitCode: SetExitCode): void {
  program
    .command('status')
    .description('every task with its verdict and the reasons')
    .argument('[targets...]', 'as for build')
    .option('--json', 'print one JSON object')
    .option('--all', 'list up-to-date tasks too')
    .action(async (targets: string[], options) => {
      const { runStatus } = await import('./commands/status.js');
      setExitCode(await runStatus(targets, options));
    });
}

function addExplain(program: Command, setExitCode: SetExitCode): void {
  program
    .command('explain')
    .description('why a task would be built: what differs, item by item')
    .argument('<task>', 'a task label')
    .option('--json', 'print one JSON object')
    .addHelpText('after', examples('conductor explain feature-001-auth/T01'))
    .action(async (task: string, options) => {
      const { runExplain } = await import('./commands/explain.js');
      setExitCode(await runExplain(task, options));
    });
}

function addPrompt(program: Command, setExitCode: SetExitCode): void {
  program
    .command('prompt')
    .description('print what an agent would get for a task, and on stderr its size')
    .argument('<task>', 'a task label')
    .option('--json', 'print one JSON object; the task may then be any target')
    .addHelpText('after', examples('conductor prompt feature-001-auth/T01'))
    .action(async (task: string, options) => {
      const { runPrompt } = await import('./commands/prompt.js');
      setExitCode(await runPrompt(task, options));
    });
}

function addGraph(program: Command, setExitCode: SetExitCode): void {
  program
    .command('graph')
    .description('the graph of tasks')
    .argument('[targets...]', 'as for build')
    .addOption(
      new Option('--format <format>', 'how to print it')
        .choices(['text', 'mermaid', 'dot', 'json'])
        .default('text'),
    )
    .option('--json', 'the same as --format json')
    .action(async (targets: string[], options) => {
      const { runGraph } = await import('./commands/graph.js');
      setExitCode(await runGraph(targets, options));
    });
}

function addValidate(program: Command, setExitCode: SetExitCode): void {
  program
    .command('validate')
    .description('check all specs: every problem at once, with its place')
    .option('--json', 'print one JSON object')
    .action(async (options) => {
      const { runValidate } = await import('./commands/validate.js');
      setExitCode(await runValidate(options));
    });
}

function addLog(program: Command, setExitCode: SetExitCode): void {
  program
    .command('log')
    .description('what happened in the last build, or to one task in it, with the output of its programs')
    .argument('[what]', 'a build from `conductor log --list`, or a task label')
    .option('--list', 'list the builds that are kept')
    .option('--json', 'print the events, one JSON object a line')
    .action(async (what: string | undefined, options) => {
      const { runLog } = await import('./commands/log.js');
      setExitCode(await runLog(what, options));
    });
}

function examples(...lines: string[]): string {
  return `\nExamples:\n${lines.map((line) => `  ${line}`).join('\n')}`;
}

function positiveInteger(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new InvalidArgumentError('must be a whole number from 1.');
  return value;
}
