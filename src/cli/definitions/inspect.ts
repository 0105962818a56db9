/** Defines the commands that only show something: status, list, explain, graph, log and others. */

import { type Command, Option } from 'commander';
import { examples, type SetExitCode, SINCE, timestamp, withChoices } from './shared.js';

export function addStatus(program: Command, setExitCode: SetExitCode): void {
  program
    .command('status')
    .description('show every task with its verdict and the reasons')
    .argument('[targets...]', 'as for build')
    .option(...SINCE)
    .option('--json', 'print one JSON object')
    .option('--all', 'also list tasks that are up to date')
    .option('--exit-code', 'exit with 1 if a task is not up to date or a file is left over')
    .addHelpText('after', examples('conductor status', 'conductor status feature-001-auth --all'))
    .action(async (targets: string[], options) => {
      const { runStatus } = await import('../commands/inspect/status.js');
      setExitCode(await runStatus(targets, options));
    });
}

export function addList(program: Command, setExitCode: SetExitCode): void {
  program
    .command('list')
    .description('list every feature with version, status, tasks, last generation, attempts and cost')
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
    .description('explain why a task would be built: what differs, item by item')
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
    .description('print the graph of tasks')
    .argument('[targets...]', 'as for build')
    .addOption(withChoices(new Option('--format <format>', 'how to print it'), FORMATS).default('text'))
    .option('--json', 'same as --format json')
    .addHelpText('after', examples('conductor graph', 'conductor graph feature-001-auth --format mermaid'))
    .action(async (targets: string[], options) => {
      const { runGraph } = await import('../commands/inspect/graph.js');
      setExitCode(await runGraph(targets, options));
    });
}

export function addLog(program: Command, setExitCode: SetExitCode): void {
  program
    .command('log')
    .description('show what happened in the last build, or to one task in it, with the output of programs')
    .argument('[what]', 'a build from `conductor log --list`, or a task label')
    .option('--list', 'list the recorded builds')
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
    .description('show what agents did, cost and saved: sums, rates and trends')
    .option('--since <when>', 'a time span (`7d`, `12h`, `2w`) or a day (`2026-01-31`, UTC)', timestamp)
    .option('--feature <names...>', 'only these features (names or globs)')
    .option('--model <names...>', 'only these models (names or globs)')
    .option('--json', 'print one JSON object')
    .option('--html <file>', 'write one self-contained page with plots')
    .addOption(
      withChoices(
        new Option('--export <format>', 'print the data for other programs').conflicts(['json', 'html']),
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

export function addPrompt(program: Command, setExitCode: SetExitCode): void {
  program
    .command('prompt')
    .description('print the prompt of a task, and its size on stderr')
    .argument('<task>', 'a task label')
    .option('--json', 'print one JSON object; any targets are allowed then')
    .addHelpText('after', examples('conductor prompt feature-001-auth/T01'))
    .action(async (task: string, options) => {
      const { runPrompt } = await import('../commands/inspect/prompt.js');
      setExitCode(await runPrompt(task, options));
    });
}

export function addMap(program: Command, setExitCode: SetExitCode): void {
  program
    .command('map')
    .description(
      'print the map of the repository that planners get, with the owner and the patchers of each file',
    )
    .argument('[feature]', 'whose planners. Default: those of a new feature')
    .option('--json', 'print one JSON object')
    .addHelpText('after', examples('conductor map', 'conductor map feature-001-auth --json'))
    .action(async (feature: string | undefined, options) => {
      const { runMap } = await import('../commands/inspect/map.js');
      setExitCode(await runMap(feature, options));
    });
}

export function addValidate(program: Command, setExitCode: SetExitCode): void {
  program
    .command('validate')
    .description('check all specs and print every problem with its place')
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
    .description('show which tasks can start and their status; set status, priority and owner')
    .addHelpText('after', examples('conductor backlog ready', 'conductor backlog show feature-001-auth'));
  backlog
    .command('ready')
    .description('list tasks that can start now, the most urgent first')
    .argument('[targets...]', 'features, task labels, or globs of either')
    .option('--json', 'print one JSON object')
    .addHelpText('after', examples('conductor backlog ready'))
    .action(async (targets: string[], options) => {
      const { runReady } = await import('../commands/inspect/backlog.js');
      setExitCode(await runReady(targets, options));
    });
  backlog
    .command('show')
    .description('list all tasks with status, priority, owner and verdict')
    .argument('[targets...]', 'features, task labels, or globs of either')
    .option('--json', 'print one JSON object')
    .addHelpText('after', examples('conductor backlog show feature-001-auth'))
    .action(async (targets: string[], options) => {
      const { runShow } = await import('../commands/inspect/backlog.js');
      setExitCode(await runShow(targets, options));
    });
  backlog
    .command('set')
    .description('set `status`, `priority` or `owner` of a task in its spec; this makes nothing stale')
    .argument('<task>', 'label of a task')
    .argument('<field=value...>', 'for example `status=blocked`; an empty value removes the field')
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
      'check git, Node, sandbox, agent, keys, gates and leftovers, and print what to do; exit code 1 for a problem',
    )
    .addOption(
      new Option(
        '--agent [which]',
        'let an agent do one tiny task: OpenCode with a scripted model (no key, no cost), or the configured agent',
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
