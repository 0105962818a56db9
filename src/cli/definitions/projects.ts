/** Defines `conductor projects`: list, status, build and watch of several projects together. */

import type { Command } from 'commander';
import { BUDGET_USD, examples, positiveInteger, type SetExitCode } from './shared.js';

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
    .option('--force', 'rebuild all tasks, even if the stores have results')
    .option('--discard-edits', 'overwrite outputs that were edited by hand')
    .option('--fail-fast', 'in each project, start nothing new after its first failure')
    .option('--commit', 'in each project, make one commit per task and merge them into the current branch')
    .option(...BUDGET_USD)
    .option('--workers <n>', 'tasks at the same time over all projects', positiveInteger)
    .option('--no-wait', 'fail for a project in which another build runs, instead of waiting for it')
    .option('--json', 'print events, one JSON object a line')
    .addHelpText('after', examples('conductor projects build', 'conductor projects build web --workers 8'))
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
