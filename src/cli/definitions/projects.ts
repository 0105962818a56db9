/** Defines `conductor projects`: list, status, build, watch, metrics and page of several projects together. */

import type { Command } from 'commander';
import { addPage } from './page.js';
import {
  ANNOTATE,
  addBuildModes,
  addEstimate,
  BUDGET_USD,
  beside,
  DETACH,
  DRY_RUN,
  EVENTS,
  examples,
  JUNIT,
  POLL,
  PROFILE,
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
  addProjectsUi(projects, setExitCode);
}

/** The command whose page stands beside builds. */
const PAGE = ['projects', 'ui'];

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
  const command = projects
    .command('build')
    .description('bring all projects, or the given ones, up to date')
    .argument('[projects...]', NAMES)
    .option(...SINCE)
    .option(...DRY_RUN);
  addBuildModes(addEstimate(command), {
    force: 'rebuild all tasks, even if the stores have results',
    frozen: ', copies of other projects included',
    each: 'in each project, ',
    failFast: 'start nothing new after its first failure',
  })
    .option(...BUDGET_USD)
    .option('--workers <n>', 'tasks at the same time over all projects', positiveInteger)
    .option(...DETACH)
    .option('--no-wait', 'fail for a project in which another build runs, instead of waiting for it')
    .option('--ui', 'open the page of `conductor projects ui` beside the builds')
    .option(...EVENTS)
    .option(...ANNOTATE)
    .option(...JUNIT)
    .option(...PROFILE)
    .addHelpText(
      'after',
      examples(
        'conductor projects build',
        'conductor projects build web --workers 8',
        'conductor projects build --dry-run',
        'conductor projects build --estimate',
      ),
    )
    .action(async (names: string[], options) => {
      const { runProjectsBuild } = await import('../commands/projects/build.js');
      const run = () => runProjectsBuild(names, options);
      setExitCode(options.ui ? await beside(run, { page: [...PAGE, ...names], stays: true }) : await run());
    });
}

function addProjectsWatch(projects: Command, setExitCode: SetExitCode): void {
  projects
    .command('watch')
    .description('build all projects, and each of them again whenever a file of it changes')
    .argument('[projects...]', NAMES)
    .option(...POLL)
    .option(...BUDGET_USD)
    .option('--workers <n>', 'tasks at the same time over all projects', positiveInteger)
    .option('--ui', 'open the page of `conductor projects ui` beside the builds')
    .option(...EVENTS)
    .addHelpText(
      'after',
      `\nKeys: enter build now, a all (failed tasks too), f failed only, q quit\n${examples('conductor projects watch')}`,
    )
    .action(async (names: string[], options) => {
      const { runProjectsWatch } = await import('../commands/projects/watch.js');
      const run = () => runProjectsWatch(names, options);
      setExitCode(options.ui ? await beside(run, { page: [...PAGE, ...names], stays: false }) : await run());
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

function addProjectsUi(projects: Command, setExitCode: SetExitCode): void {
  addPage(
    projects
      .command('ui')
      .description('a local page that shows all projects and follows their builds live')
      .argument('[projects...]', NAMES),
  )
    .addHelpText('after', examples('conductor projects ui', 'conductor projects ui --actions'))
    .action(async (names: string[], options) => {
      const { runProjectsUi } = await import('../commands/projects/ui.js');
      setExitCode(await runProjectsUi(names, options));
    });
}
