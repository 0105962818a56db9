/** Defines `conductor projects`: list, status, build, watch and metrics of several projects together. */

import { type Command, Option } from 'commander';
import {
  BUDGET_USD,
  examples,
  JUNIT,
  positiveInteger,
  type SetExitCode,
  SINCE,
  timestamp,
} from './shared.js';

const NAMES = 'names of projects; those that they need come with them (default: all)';

export function addProjects(program: Command, setExitCode: SetExitCode): void {
  const projects = program
    .command('projects')
    .description('build several projects together, with one limit of workers, agents and money')
    .addHelpText('after', examples('conductor projects list', 'conductor projects build'));
  addProjectsList(projects, setExitCode);
  addProjectsStatus(projects, setExitCode);
  addProjectsBuild(projects, setExitCode);
  addProjectsWatch(projects, setExitCode);
  addProjectsMetrics(projects, setExitCode);
}

function addProjectsList(projects: Command, setExitCode: SetExitCode): void {
  projects
    .command('list')
    .description('list the projects of `conductor.projects.yaml` with their priorities and shares')
    .option('--json', 'print one JSON object')
    .addHelpText('after', examples('conductor projects list'))
    .action(async (options) => {
      const { runProjectsList } = await import('../commands/projects/list.js');
      setExitCode(await runProjectsList(options));
    });
}

function addProjectsStatus(projects: Command, setExitCode: SetExitCode): void {
  projects
    .command('status')
    .description('show what a build of each project would do, and what it has cost')
    .argument('[projects...]', NAMES)
    .option('--exit-code', 'exit with 1 if a project is not up to date')
    .option('--json', 'print one JSON object')
    .addHelpText('after', examples('conductor projects status', 'conductor projects status web'))
    .action(async (names: string[], options) => {
      const { runProjectsStatus } = await import('../commands/projects/status.js');
      setExitCode(await runProjectsStatus(names, options));
    });
}

function addProjectsBuild(projects: Command, setExitCode: SetExitCode): void {
  projects
    .command('build')
    .description('bring all projects, or the given ones, up to date')
    .argument('[projects...]', NAMES)
    .option(...SINCE)
    .option('--dry-run', 'print what would be done, and why; do nothing')
    .option('--force', 'rebuild all tasks, even if the stores have results')
    .addOption(
      new Option(
        '--frozen',
        'change no file: fail if a build would run a recipe or change a file, copies of other projects included',
      ).conflicts([
        'dryRun',
        'force',
        'keepEdits',
        'rebuildMissing',
        'commit',
        'discardEdits',
        'restoreOnly',
      ]),
    )
    .addOption(
      new Option(
        '--restore-only',
        'run no recipe: restore stored results, and fail if anything is stale',
      ).conflicts(['dryRun', 'force', 'keepEdits', 'rebuildMissing']),
    )
    .option('--rebuild-missing', 'rebuild recorded results that are in no store, even if it costs money')
    .option('--discard-edits', 'overwrite outputs that were edited by hand')
    .addOption(
      new Option('--keep-edits', 'merge hand edits into the newly built files').conflicts('discardEdits'),
    )
    .option('--commit', 'in each project, make one commit per task and merge them into the current branch')
    .option('--no-verify', 'with --commit: do not run the pre-commit and commit-msg hooks')
    .addOption(
      new Option(
        '--keep-going',
        'in each project, continue with tasks that do not depend on a failed one',
      ).default(true),
    )
    .addOption(
      new Option('--fail-fast', 'in each project, start nothing new after its first failure').conflicts(
        'keepGoing',
      ),
    )
    .option(...BUDGET_USD)
    .option('--workers <n>', 'tasks at the same time over all projects', positiveInteger)
    .option(
      '--detach',
      'when interrupted, leave what runs on other machines to finish; the next build takes it',
    )
    .option('--no-wait', 'fail for a project in which another build runs, instead of waiting for it')
    .option('--json', 'print events, one JSON object a line')
    .option(...JUNIT)
    .addHelpText(
      'after',
      examples(
        'conductor projects build',
        'conductor projects build web --workers 8',
        'conductor projects build --dry-run',
      ),
    )
    .action(async (names: string[], options) => {
      const { runProjectsBuild } = await import('../commands/projects/build.js');
      setExitCode(await runProjectsBuild(names, options));
    });
}

function addProjectsWatch(projects: Command, setExitCode: SetExitCode): void {
  projects
    .command('watch')
    .description('build all projects, and each of them again whenever a file of it changes')
    .argument('[projects...]', NAMES)
    .option('--poll', 'scan every second, for file systems that report no changes')
    .option(...BUDGET_USD)
    .option('--workers <n>', 'tasks at the same time over all projects', positiveInteger)
    .option('--json', 'print events, one JSON object a line')
    .addHelpText(
      'after',
      `\nKeys: enter build now, a all (failed tasks too), f failed only, q quit\n${examples('conductor projects watch')}`,
    )
    .action(async (names: string[], options) => {
      const { runProjectsWatch } = await import('../commands/projects/watch.js');
      setExitCode(await runProjectsWatch(names, options));
    });
}

function addProjectsMetrics(projects: Command, setExitCode: SetExitCode): void {
  projects
    .command('metrics')
    .description('show what agents did, cost and saved, by project and over all')
    .argument('[projects...]', NAMES)
    .option('--since <when>', 'a time span (`7d`, `12h`, `2w`) or a day (`2026-01-31`, UTC)', timestamp)
    .option('--model <names...>', 'only these models (names or globs)')
    .option('--json', 'print one JSON object')
    .addHelpText('after', examples('conductor projects metrics', 'conductor projects metrics --since 7d'))
    .action(async (names: string[], options) => {
      const { runProjectsMetrics } = await import('../commands/projects/metrics.js');
      setExitCode(await runProjectsMetrics(names, options));
    });
}
