/** Defines the commands that build and plan: build, watch, plan, run. */

import type { Command } from 'commander';
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
} from './shared.js';

export function addBuild(program: Command, setExitCode: SetExitCode): void {
  const command = program
    .command('build')
    .description('bring everything, or the given targets, up to date')
    .argument(
      '[targets...]',
      'features, task labels, or globs of either (`feature-001-auth`, `feature-001-auth/T0*`)',
    )
    .option(...SINCE)
    .option(...DRY_RUN);
  addBuildModes(addEstimate(command), {
    force: 'rebuild the targets, even if the store has results',
    frozen: '; same as `conductor verify`',
    each: '',
    failFast: 'start nothing new after the first failure',
  })
    .option(...BUDGET_USD)
    .option('--inbox', 'answer prompts by hand or by any program, instead of the configured agent')
    .option('--workers <n>', 'tasks at the same time', positiveInteger)
    .option(...DETACH)
    .option('--no-wait', 'fail if another build of this project runs, instead of waiting for it')
    .option('--ui', 'open the page of `conductor ui` beside the build')
    .option(...EVENTS)
    .option(...ANNOTATE)
    .option(...JUNIT)
    .option(...PROFILE)
    .addHelpText(
      'after',
      examples(
        'conductor build',
        'conductor build feature-001-auth',
        'conductor build --dry-run',
        'conductor build --since main',
      ),
    )
    .action(async (targets: string[], options) => {
      const { runBuild } = await import('../commands/build/build.js');
      const run = () => runBuild(targets, options);
      setExitCode(options.ui ? await beside(run, { stays: true }) : await run());
    });
}

export function addVerify(program: Command, setExitCode: SetExitCode): void {
  program
    .command('verify')
    .description('fail if a build would run a recipe or change a file; for CI and pre-commit hooks')
    .argument('[targets...]', 'as for build')
    .option(...SINCE)
    .option('--staged', 'check what is staged for the next commit instead of the working tree')
    .option(...EVENTS)
    .option(...ANNOTATE)
    .option(...JUNIT)
    .addHelpText('after', examples('conductor verify', 'conductor verify --staged'))
    .action(async (targets: string[], options) => {
      const { runBuild } = await import('../commands/build/build.js');
      const flags = { ...options, command: 'verify', frozen: true, verify: true, wait: true };
      setExitCode(await runBuild(targets, flags));
    });
}

export function addWatch(program: Command, setExitCode: SetExitCode): void {
  program
    .command('watch')
    .description('build, and build again whenever a file changes')
    .argument('[targets...]', 'features, task labels, or globs of either')
    .option(...POLL)
    .option('--workers <n>', 'tasks at the same time', positiveInteger)
    .option('--ui', 'open the page of `conductor ui` beside the builds')
    .option(...EVENTS)
    .addHelpText(
      'after',
      `
Keys: enter build now, a all (failed tasks too), f failed only, e explain, q quit
${examples('conductor watch', 'conductor watch feature-001-auth', 'conductor watch --poll')}`,
    )
    .action(async (targets: string[], options) => {
      const { runWatch } = await import('../commands/build/watch.js');
      const run = () => runWatch(targets, options);
      setExitCode(options.ui ? await beside(run, { stays: false }) : await run());
    });
}

const FRESH_PLAN = 'write a rejected document again from the start, instead of correcting the kept one';

export function addRun(program: Command, setExitCode: SetExitCode): void {
  program
    .command('run')
    .description('plan a request, show what would be built, ask, build it and run the build gates')
    .argument('<feature|request.md>', 'a feature with a REQUEST.md, or a Markdown file with the request')
    .option('--feature <name>', 'name of the feature of a request file; default: the name of the file')
    .option('--yes', 'build without asking')
    .option('--fresh', FRESH_PLAN)
    .option('--discard-edits', 'let the plan and the build replace hand edits')
    .option(...BUDGET_USD)
    .option('--workers <n>', 'tasks at the same time', positiveInteger)
    .option('--no-wait', 'fail if another conductor works on this project, instead of waiting for it')
    .option(...EVENTS)
    .addHelpText(
      'after',
      examples('conductor run feature-request.md', 'conductor run feature-001-auth --yes'),
    )
    .action(async (target: string, options) => {
      const { runRun } = await import('../commands/build/run.js');
      setExitCode(await runRun(target, options));
    });
}

export function addPlan(program: Command, setExitCode: SetExitCode): void {
  program
    .command('plan')
    .description('turn a request into a plan and a backlog of tasks')
    .argument('<feature|request.md>', 'a feature with a REQUEST.md, or a Markdown file with the request')
    .option('--feature <name>', 'name of the feature of a request file; default: the name of the file')
    .option('--dry-run', 'print what would be written again, and why; ask no agent')
    .option('--fresh', FRESH_PLAN)
    .option('--discard-edits', 'let the plan replace your changes in PLAN.md and BACKLOG.yaml')
    .option(...BUDGET_USD)
    .option('--no-wait', 'fail if another conductor works on this project, instead of waiting for it')
    .option(...EVENTS)
    .addHelpText('after', examples('conductor plan feature-001-auth', 'conductor plan rate-limits.md'))
    .action(async (target: string, options) => {
      const { runPlan } = await import('../commands/build/plan.js');
      setExitCode(await runPlan(target, options));
    });
}
