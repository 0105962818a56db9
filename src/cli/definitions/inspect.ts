/** What can be typed after the commands that only show something: status, list, explain, graph, log and the like. */

import { type Command, InvalidArgumentError, Option } from 'commander';
import { parseTimestamp } from '../../base/timestamp.js';
import { examples, type SetExitCode, withChoices } from './shared.js';

export function addStatus(program: Command, setExitCode: SetExitCode): void {
  program
    .command('status')
    .description('every task with its verdict and the reasons')
    .argument('[targets...]', 'as for build')
    .option('--json', 'print one JSON object')
    .option('--all', 'list up-to-date tasks too')
    .addHelpText('after', examples('conductor status', 'conductor status feature-001-auth --all'))
    .action(async (targets: string[], options) => {
      const { runStatus } = await import('../commands/inspect/status.js');
      setExitCode(await runStatus(targets, options));
    });
}

export function addList(program: Command, setExitCode: SetExitCode): void {
  program
    .command('list')
    .description('every feature with version, status, tasks, last generation, attempts and cost')
    .option('--json', 'print one JSON object')
    .addHelpText('after', examples('conductor list', 'conductor list --json'))
    .action(async (options) => {
      const { runList } = await import('../commands/inspect/list.js');
      setExitCode(await runList(options));
    });
}

export function addExplain(program: Command, setExitCode: SetExitCode): void {
  program
    .command('explain')
    .description('why a task would be built: what differs, item by item')
    .argument('<task>', 'a task label')
    .option('--json', 'print one JSON object')
    .addHelpText('after', examples('conductor explain feature-001-auth/T01'))
    .action(async (task: string, options) => {
      const { runExplain } = await import('../commands/inspect/explain.js');
      setExitCode(await runExplain(task, options));
    });
}

const FORMATS = ['text', 'mermaid', 'dot', 'json'] as const;

export function addGraph(program: Command, setExitCode: SetExitCode): void {
  program
    .command('graph')
    .description('the graph of tasks')
    .argument('[targets...]', 'as for build')
    .addOption(withChoices(new Option('--format <format>', 'how to print it'), FORMATS).default('text'))
    .option('--json', 'the same as --format json')
    .addHelpText('after', examples('conductor graph', 'conductor graph feature-001-auth --format mermaid'))
    .action(async (targets: string[], options) => {
      const { runGraph } = await import('../commands/inspect/graph.js');
      setExitCode(await runGraph(targets, options));
    });
}

export function addLog(program: Command, setExitCode: SetExitCode): void {
  program
    .command('log')
    .description('what happened in the last build, or to one task in it, with the output of its programs')
    .argument('[what]', 'a build from `conductor log --list`, or a task label')
    .option('--list', 'list the builds that are kept')
    .option('--json', 'print the events, one JSON object a line')
    .addHelpText(
      'after',
      examples('conductor log', 'conductor log feature-001-auth/T01', 'conductor log --list'),
    )
    .action(async (what: string | undefined, options) => {
      const { runLog } = await import('../commands/inspect/log.js');
      setExitCode(await runLog(what, options));
    });
}

export function addMetrics(program: Command, setExitCode: SetExitCode): void {
  program
    .command('metrics')
    .description('what agents have done, cost and saved: sums, rates and trends')
    .option('--since <when>', 'a time span (`7d`, `12h`, `2w`) or a day (`2026-01-31`, UTC)', timestamp)
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
      const { runMetrics } = await import('../commands/inspect/metrics.js');
      setExitCode(await runMetrics(options));
    });
}

function timestamp(text: string): number {
  const at = parseTimestamp(text, Date.now());
  if (at === undefined) throw new InvalidArgumentError('must be a time span (`7d`) or a day (`2026-01-31`).');
  return at;
}

export function addPrompt(program: Command, setExitCode: SetExitCode): void {
  program
    .command('prompt')
    .description('print what an agent would get for a task, and on stderr its size')
    .argument('<task>', 'a task label')
    .option('--json', 'print one JSON object; the task may then be any target')
    .addHelpText('after', examples('conductor prompt feature-001-auth/T01'))
    .action(async (task: string, options) => {
      const { runPrompt } = await import('../commands/inspect/prompt.js');
      setExitCode(await runPrompt(task, options));
    });
}

export function addValidate(program: Command, setExitCode: SetExitCode): void {
  program
    .command('validate')
    .description('check all specs: every problem at once, with its place')
    .option('--json', 'print one JSON object')
    .addHelpText('after', examples('conductor validate', 'conductor validate --json'))
    .action(async (options) => {
      const { runValidate } = await import('../commands/inspect/validate.js');
      setExitCode(await runValidate(options));
    });
}

export function addBacklog(program: Command, setExitCode: SetExitCode): void {
  const backlog = program
    .command('backlog')
    .description('what can start, how each task stands, and your own words about it')
    .addHelpText('after', examples('conductor backlog ready', 'conductor backlog show feature-001-auth'));
  backlog
    .command('ready')
    .description('tasks that can start now, the most urgent first')
    .argument('[targets...]', 'features, task labels, or globs of either')
    .option('--json', 'print one JSON object')
    .addHelpText('after', examples('conductor backlog ready'))
    .action(async (targets: string[], options) => {
      const { runReady } = await import('../commands/inspect/backlog.js');
      setExitCode(await runReady(targets, options));
    });
  backlog
    .command('show')
    .description('all tasks with their status, priority, owner and verdict')
    .argument('[targets...]', 'features, task labels, or globs of either')
    .option('--json', 'print one JSON object')
    .addHelpText('after', examples('conductor backlog show feature-001-auth'))
    .action(async (targets: string[], options) => {
      const { runShow } = await import('../commands/inspect/backlog.js');
      setExitCode(await runShow(targets, options));
    });
  backlog
    .command('set')
    .description(
      'set `status`, `priority` or `owner` of a task in its spec; comments stay, nothing is built for it',
    )
    .argument('<task>', 'label of a task')
    .argument('<field=value...>', 'such as `status=blocked`; an empty value takes the field away')
    .addHelpText('after', examples('conductor backlog set feature-001-auth/T01 status=done owner=ada'))
    .action(async (task: string, words: string[]) => {
      const { runSet } = await import('../commands/inspect/backlog.js');
      setExitCode(await runSet(task, words));
    });
}

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
      const { runDoctor } = await import('../commands/inspect/doctor.js');
      setExitCode(await runDoctor(options));
    });
}
